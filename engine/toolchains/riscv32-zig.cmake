# Zig's C compiler (clang) and linker for the RISC-V chips of the ESP32 family, bare metal.
#
#   -DESPDECK_ZIG=PATH        the zig program; or
#   -DESPDECK_PYTHON=PATH     a Python that has the `ziglang` package (default: python3 on PATH)
#   -DESPDECK_TARGET=CHIP     esp32c3 (default) or esp32c6
#
# Compiler checks that link a program are pointless without its linker script, and Zig comes
# without a separate `ar`: hence the static library and the archive rules.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ESPDECK_ZIG ESPDECK_TARGET)

if(NOT ESPDECK_TARGET)
  set(ESPDECK_TARGET esp32c3)
endif()
if(ESPDECK_TARGET STREQUAL "esp32c3")
  set(_espdeck_cpu "generic_rv32+m+c")     # RV32IMC: ESP32-C3 datasheet, "CPU and Memory"
elseif(ESPDECK_TARGET STREQUAL "esp32c6")
  set(_espdeck_cpu "generic_rv32+m+a+c")   # RV32IMAC: ESP32-C6 datasheet, "CPU and Memory"
else()
  message(FATAL_ERROR "${ESPDECK_TARGET}: the built-in compiler builds for esp32c3 and esp32c6")
endif()

if(NOT ESPDECK_ZIG)
  if(NOT ESPDECK_PYTHON)
    set(ESPDECK_PYTHON python3)
  endif()
  execute_process(
    COMMAND "${ESPDECK_PYTHON}" -c
      "import pathlib, ziglang; print((pathlib.Path(ziglang.__file__).parent / 'zig').as_posix())"
    OUTPUT_VARIABLE ESPDECK_ZIG OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE _espdeck_failed ERROR_QUIET
  )
  if(_espdeck_failed)
    message(FATAL_ERROR "no ziglang package for ${ESPDECK_PYTHON}: pip install 'espdeck[lab]'")
  endif()
  set(ESPDECK_ZIG "${ESPDECK_ZIG}" CACHE FILEPATH "The zig program")
endif()

foreach(_espdeck_language C ASM)
  set(CMAKE_${_espdeck_language}_COMPILER "${ESPDECK_ZIG}" cc)
  # Zig turns undefined behaviour into traps unless told not to; firmware has its own handler.
  set(CMAKE_${_espdeck_language}_FLAGS_INIT
    "-target riscv32-freestanding-none -mcpu=${_espdeck_cpu} -fno-sanitize=undefined")
  set(CMAKE_${_espdeck_language}_ARCHIVE_CREATE "\"${ESPDECK_ZIG}\" ar qc <TARGET> <OBJECTS>")
  set(CMAKE_${_espdeck_language}_ARCHIVE_APPEND "\"${ESPDECK_ZIG}\" ar q <TARGET> <OBJECTS>")
  set(CMAKE_${_espdeck_language}_ARCHIVE_FINISH "\"${ESPDECK_ZIG}\" ranlib <TARGET>")
endforeach()
