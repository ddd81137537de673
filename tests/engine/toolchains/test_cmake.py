"""Plain CMake projects with the real compiler: built, rebuilt, broken, cancelled."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from engine.cancel import CancelToken
from engine.enums import ArtifactKind, Severity
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.toolchains.base import CompileRequest, CompileResult, choose_toolchain
from engine.toolchains.cmake import BUILTIN_TOOLCHAIN, CMakeToolchain

LISTS = """\
cmake_minimum_required(VERSION 3.20)
project(blink C)
add_executable(blink.elf main.c sensor.c)
target_compile_options(blink.elf PRIVATE -O1 -g -Wall -ffreestanding)
target_link_options(blink.elf PRIVATE
  -nostdlib LINKER:-T,${CMAKE_SOURCE_DIR}/link.ld LINKER:-e,call_start)
"""
LINKER_SCRIPT = """\
ENTRY(call_start)
MEMORY { iram (rx) : ORIGIN = 0x40380000, LENGTH = 64K  dram (rw) : ORIGIN = 0x3FCA0000, LENGTH = 64K }
SECTIONS {
  .text : { KEEP(*(.entry)) *(.text*) *(.eh_frame*) } > iram
  .data : { *(.rodata* .srodata* .data* .sdata*) } > dram
  .bss (NOLOAD) : { *(.bss* .sbss*) } > dram
  _stack_top = ORIGIN(dram) + LENGTH(dram);
}
"""  # noqa: E501
MAIN = """\
#include <stdint.h>
int read_sensor(void);
char buffer[1000];
int main(void) {
    int spare;
    for (;;) buffer[0] = (char)read_sensor();
}
__attribute__((naked, section(".entry"))) void call_start(void) {
    __asm__("la sp, _stack_top\\n j main");
}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(LISTS)
    (source / "link.ld").write_text(LINKER_SCRIPT)
    (source / "main.c").write_text(MAIN)
    (source / "sensor.c").write_text("int read_sensor(void) { return 7; }\n")
    return source


@dataclass
class Build:
    """Compiles a tree and keeps what it said."""

    source: Path
    build_dir: Path
    target: str = "esp32c3"
    timeout: float = 120
    cancel: CancelToken = field(default_factory=CancelToken)
    output: bytearray = field(default_factory=bytearray)
    progress: list[tuple[float, str]] = field(default_factory=list)
    on_output: Callable[[bytes], None] = lambda _data: None

    def run(self) -> CompileResult:
        self.output.clear()
        self.progress.clear()
        return CMakeToolchain().compile(
            CompileRequest(
                source=self.source,
                build_dir=self.build_dir,
                target=self.target,
                timeout=self.timeout,
                cancel=self.cancel,
                on_output=self._hear,
                on_progress=lambda percent, doing: self.progress.append((percent, doing)),
            )
        )

    def _hear(self, data: bytes) -> None:
        self.output += data
        self.on_output(data)


@pytest.fixture
def build(source: Path, tmp_path: Path) -> Build:
    return Build(source, tmp_path / "build")


@pytest.mark.slow
def test_a_project_becomes_an_image_with_its_sizes(build: Build) -> None:
    compiled = build.run()

    image = compiled.image
    assert image is not None
    assert image.elf.name == "blink.elf"
    (part,) = image.parts
    assert (part.offset, part.kind) == (0, ArtifactKind.APP)
    # ESP32-C3 image: magic 0xE9, and chip id 5 at byte 12 (esptool, "Firmware Image Format").
    assert part.path.read_bytes()[0] == 0xE9
    assert part.path.read_bytes()[12] == 5
    sizes = {region.name: region for region in image.regions}
    assert sizes["SRAM"].total == 400 * 1024
    assert sizes["SRAM"].used == sizes["IRAM"].used + sizes["DRAM"].used
    assert 1000 <= sizes["DRAM"].used < 1100
    assert sizes["flash"].used == part.path.stat().st_size


@pytest.mark.slow
def test_warnings_are_findings_and_progress_goes_up_to_100(build: Build) -> None:
    compiled = build.run()

    (warning,) = compiled.findings
    assert (warning.severity, warning.code) == (Severity.WARNING, "-Wunused-variable")
    assert warning.where == "main.c:5:9"
    percents = [percent for percent, _doing in build.progress]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    # Of what comes in one piece, the last step is told.
    assert any("blink.elf" in doing for _percent, doing in build.progress)


@pytest.mark.slow
def test_the_second_build_does_nothing_and_does_it_quickly(build: Build) -> None:
    first = build.run()

    started = time.monotonic()
    second = build.run()

    assert time.monotonic() - started < 1
    assert b"no work to do" in build.output
    assert second.image == first.image


@pytest.mark.slow
def test_warnings_stay_until_their_file_is_compiled_again(build: Build) -> None:
    first = build.run().findings
    assert build.run().findings == first

    (build.source / "sensor.c").write_text("int read_sensor(void) { int two; return 2; }\n")
    files = {each.file for each in build.run().findings}
    assert files == {"main.c", "sensor.c"}

    (build.source / "main.c").write_text(MAIN.replace("    int spare;\n", ""))
    assert [each.file for each in build.run().findings] == ["sensor.c"]
    assert [each.file for each in build.run().findings] == ["sensor.c"]


@pytest.mark.slow
def test_warnings_of_a_file_that_is_gone_are_gone(build: Build) -> None:
    build.run()
    (build.source / "main.c").rename(build.source / "start.c")
    (build.source / "CMakeLists.txt").write_text(LISTS.replace("main.c", "start.c"))

    assert [each.file for each in build.run().findings] == ["start.c"]


@pytest.mark.slow
def test_a_changed_file_is_all_that_is_compiled_again(build: Build) -> None:
    build.run()
    (build.source / "sensor.c").write_text("int read_sensor(void) { return 8; }\n")

    assert build.run().image is not None

    assert b"sensor.c" in build.output
    assert b"main.c" not in build.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "code", "where", "message"),
    [
        ("main.c", "int spare;", "int spare", "compiler.error", "main.c:5:14", "expected ';'"),
        ("main.c", "stdint.h", "nope.h", "compiler.error", "main.c:1:10", "'nope.h' file not"),
        ("sensor.c", "read_sensor", "other", "linker.error", "main.c:6", "undefined symbol: read"),
        ("link.ld", "LENGTH = 64K  d", "LENGTH = 8 d", "linker.error", "", "section '.text' will"),
        ("CMakeLists.txt", "sensor.c", "no.c", "cmake.error", "CMakeLists.txt:3", "Cannot find"),
        ("CMakeLists.txt", "project(", "projec(", "cmake.error", "CMakeLists.txt:2", "Unknown"),
        ("CMakeLists.txt", "-O1", "--bad", "compiler.error", "", ""),
    ],
)
def test_what_is_broken_is_named(
    build: Build, file: str, old: str, new: str, code: str, where: str, message: str
) -> None:
    path = build.source / file
    path.write_text(path.read_text().replace(old, new))

    compiled = build.run()

    assert compiled.image is None
    first = compiled.findings[0]
    assert first.severity is Severity.ERROR
    assert first.code == code
    assert first.where == where
    assert first.message.startswith(message)


@pytest.mark.slow
def test_a_broken_project_that_was_repaired_builds_in_the_same_folder(build: Build) -> None:
    lists = build.source / "CMakeLists.txt"
    lists.write_text(LISTS.replace("sensor.c", "no.c"))
    assert build.run().image is None

    lists.write_text(LISTS)

    assert build.run().image is not None


@pytest.mark.slow
def test_errors_of_every_file_come_at_once(build: Build) -> None:
    for name in ("main.c", "sensor.c"):
        (build.source / name).write_text("int broken(void) { return 1 }\n")

    files = {each.file for each in build.run().findings}

    assert files == {"main.c", "sensor.c"}


@pytest.mark.slow
def test_the_source_may_move_to_another_folder(build: Build, tmp_path: Path) -> None:
    build.run()
    moved = tmp_path / "moved"
    build.source.rename(moved)
    build.source = moved

    assert build.run().image is not None


@pytest.mark.slow
def test_another_chip_gets_its_own_code_and_image(build: Build) -> None:
    build.target = "esp32c6"
    script = build.source / "link.ld"
    script.write_text(LINKER_SCRIPT.replace("0x40380000", "0x40800000").replace("0x3FCA", "0x4082"))

    image = build.run().image

    assert image is not None
    assert image.parts[0].path.read_bytes()[12] == 13  # chip id of the ESP32-C6
    assert image.regions[0].total == 512 * 1024


@pytest.mark.slow
def test_a_project_may_bring_its_own_toolchain_file(build: Build) -> None:
    zig = next((Path(path) / "ziglang" / "zig" for path in sys.path if _has_zig(path)), None)
    assert zig is not None
    (build.source / "toolchain.cmake").write_text(
        f'message(STATUS "own toolchain for ${{ESPDECK_TARGET}}")\n'
        f'set(ESPDECK_ZIG "{zig}")\ninclude("{BUILTIN_TOOLCHAIN}")\n'
    )

    assert build.run().image is not None

    assert b"own toolchain for esp32c3" in build.output


_GCC = shutil.which("riscv64-unknown-elf-gcc")
_PICOLIBC = Path("/usr/lib/picolibc/riscv64-unknown-elf")


@pytest.mark.slow
@pytest.mark.skipif(
    _GCC is None or not _PICOLIBC.is_dir(), reason="no GCC for RISC-V with picolibc here"
)
def test_a_gcc_with_a_c_library_builds_by_a_projects_toolchain_file(build: Build) -> None:
    (build.source / "toolchain.cmake").write_text(
        "set(CMAKE_SYSTEM_NAME Generic)\n"
        "set(CMAKE_SYSTEM_PROCESSOR riscv32)\n"
        "set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\n"
        f"set(CMAKE_C_COMPILER {_GCC})\n"
        'set(CMAKE_C_FLAGS_INIT "-march=rv32imc -mabi=ilp32 --specs=picolibc.specs")\n'
    )
    (build.source / "main.c").write_text(
        '#include <stdlib.h>\nint main(void) { return atoi("7"); }\n'
        "void _start(void) { main(); for (;;) { } }\n"
    )
    (build.source / "app.ld").write_text(
        "MEMORY { ram (rwx) : ORIGIN = 0x40380000, LENGTH = 64K }\nENTRY(_start)\n"
        "SECTIONS { .text : { *(.text*) *(.rodata*) *(.data*) *(.bss*) } > ram }\n"
    )
    (build.source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(tiny C)\nadd_executable(tiny main.c)\n"
        "target_link_options(tiny PRIVATE -nostartfiles -T ${CMAKE_SOURCE_DIR}/app.ld)\n"
    )

    compiled = build.run()

    assert compiled.image is not None, compiled.findings


def _has_zig(path: str) -> bool:
    return (Path(path) / "ziglang" / "zig").is_file()


@pytest.mark.slow
def test_of_several_programs_the_one_named_like_the_project_is_the_firmware(build: Build) -> None:
    _add_program(build, "helper")
    image = build.run().image
    assert image is not None
    assert image.elf.name == "blink.elf"

    lists = build.source / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("project(blink", "project(other"))
    compiled = build.run()

    assert compiled.image is None
    assert compiled.findings[0].message == (
        "the project builds several executables (blink.elf, helper), none named other"
    )


def _add_program(build: Build, name: str) -> None:
    lists = build.source / "CMakeLists.txt"
    options = LISTS.partition("sensor.c)\n")[2].replace("blink.elf", name)
    lists.write_text(f"{LISTS}add_executable({name} main.c sensor.c)\n{options}")


@pytest.mark.slow
def test_a_project_without_a_program_says_so(build: Build) -> None:
    (build.source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(lib C)\nadd_library(lib OBJECT sensor.c)\n"
    )

    compiled = build.run()

    assert compiled.image is None
    assert compiled.findings[0].message == "the project builds no executable"


@pytest.mark.slow
def test_a_program_outside_the_build_folder_is_refused(build: Build, tmp_path: Path) -> None:
    lists = build.source / "CMakeLists.txt"
    lists.write_text(
        f"{LISTS}set_target_properties(blink.elf PROPERTIES"
        f' RUNTIME_OUTPUT_DIRECTORY "{tmp_path}/elsewhere")\n'
    )

    with pytest.raises(ToolError, match="not a file in the build folder"):
        build.run()


def _slow_source(build: Build) -> None:
    functions = "\n".join(
        f"int f{n}(int a) {{ for (int i = 0; i < a; i++) a += i * {n}; return a; }}"
        for n in range(60_000)
    )
    (build.source / "main.c").write_text(f"{MAIN}{functions}\n")


@pytest.mark.slow
def test_cancelling_ends_the_compiler_within_a_second(build: Build) -> None:
    _slow_source(build)
    cancelled_at: list[float] = []

    def cancel_when_the_small_file_is_compiled(_data: bytes) -> None:
        if b"sensor.c" in build.output and not cancelled_at:
            cancelled_at.append(time.monotonic())
            build.cancel.cancel()

    build.on_output = cancel_when_the_small_file_is_compiled

    with pytest.raises(CancelledError):
        build.run()

    assert time.monotonic() - cancelled_at[0] < 1
    _, alive = psutil.wait_procs(_processes_in(build.build_dir), timeout=5)
    assert not alive


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for each in psutil.process_iter(["cwd"]):
        if each.info["cwd"] == str(folder):
            found.append(each)
    return found


@pytest.mark.slow
def test_a_compiler_that_takes_too_long_is_ended_and_the_folder_stays_usable(build: Build) -> None:
    build.run()
    _slow_source(build)
    build.timeout = 0.5

    with pytest.raises(ToolError, match="ninja: no end after"):
        build.run()

    (build.source / "main.c").write_text(MAIN)
    build.timeout = 120
    assert build.run().image is not None


def test_a_build_folder_that_cannot_be_written_is_one_clear_line(build: Build) -> None:
    build.build_dir.write_text("a file is in the way")

    with pytest.raises(ToolError, match="build: File exists"):
        build.run()


def test_without_its_tools_it_says_what_to_install(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CMakeToolchain().missing("esp32c3") is None
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))

    assert CMakeToolchain().missing("esp32c3") == (
        "cmake, ninja and zig are not installed: pip install 'espdeck[lab]'"
    )
    with pytest.raises(MissingToolError, match=r"^cmake is not installed: pip install"):
        build.run()


@pytest.mark.slow
def test_python_files_of_the_build_folder_are_not_run_by_espdeck(build: Build) -> None:
    build.build_dir.mkdir()
    (build.build_dir / "esptool.py").write_text("raise SystemExit('foreign code')\n")

    assert build.run().image is not None


@pytest.mark.slow
def test_a_project_sees_no_secrets_of_the_environment(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    lists = build.source / "CMakeLists.txt"
    lists.write_text(f'{LISTS}message(STATUS "token <$ENV{{GITHUB_TOKEN}}>")\n')

    assert build.run().image is not None

    assert b"token <>" in build.output


def test_a_chip_that_it_cannot_build_for_is_named() -> None:
    assert "not for esp32s3" in (CMakeToolchain().missing("esp32s3") or "")


def test_a_tree_is_recognised_by_its_lists_file(source: Path, tmp_path: Path) -> None:
    assert CMakeToolchain().recognises(source) == 1
    assert CMakeToolchain().recognises(tmp_path) == 0
    assert choose_toolchain(source).name == "cmake"

    shutil.rmtree(source)
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(app)\n"
    )
    assert CMakeToolchain().recognises(source) == 0


@pytest.mark.slow
def test_a_pipe_in_place_of_the_image_keeps_nobody_waiting(build: Build) -> None:
    folder = build.build_dir / "espdeck"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "app.bin")

    image = build.run().image

    assert image is not None
    assert image.parts[0].path.is_file()
