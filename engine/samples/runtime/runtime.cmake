# espdeck_firmware(NAME SOURCES...): a bare-metal ESP32-C3 program NAME.elf on this runtime.
# Compiler and target come from the toolchain file.

function(espdeck_firmware name)
  set(runtime "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  add_executable(${name}
    ${ARGN}
    "${runtime}/startup.S"
    "${runtime}/start.c"
    "${runtime}/console.c"
    "${runtime}/panic.c"
  )
  set_target_properties(${name} PROPERTIES
    SUFFIX ".elf"
    C_STANDARD 11
    LINK_DEPENDS "${runtime}/esp32c3.ld"
  )
  target_include_directories(${name} PRIVATE "${runtime}")
  target_compile_options(${name} PRIVATE
    -g
    -ffreestanding
    -fno-builtin
    -fno-asynchronous-unwind-tables
    $<$<COMPILE_LANGUAGE:C>:-Os -Wall -Wextra>
    # Paths as a person knows them, in messages of tests and in debug information.
    "-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/="
    "-ffile-prefix-map=${CMAKE_BINARY_DIR}=."
  )
  target_link_options(${name} PRIVATE
    -nostdlib
    -static
    "LINKER:-T,${runtime}/esp32c3.ld"
    "LINKER:-e,call_start"
    # Zig's linker writes no map.
    $<$<C_COMPILER_ID:GNU>:LINKER:-Map=${CMAKE_CURRENT_BINARY_DIR}/${name}.map>
  )
endfunction()
