"""Plain CMake projects: bare-metal firmware, by default with the ``lab`` extra's compiler.

A ``toolchain.cmake`` at the root of the repository is used where there is one: a project that needs
another compiler brings it. It is given the chip in ``ESPDECK_TARGET``, as the built-in toolchain
file is.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from engine import manifest, process
from engine.enums import ArtifactKind, Severity
from engine.errors import MissingToolError
from engine.files import read_file
from engine.findings import Finding
from engine.formats.untrusted import file_inside, is_plain
from engine.images.image import FlashPart, Image, MemoryRegion
from engine.images.memory_cache import measured_regions
from engine.processes import limited
from engine.source.files import SourceFiles
from engine.toolchains import cmake_file_api
from engine.toolchains.base import App, CompileRequest, CompileResult, build_folder_errors
from engine.toolchains.build_output import NINJA_STATUS, BuildOutput
from engine.toolchains.cmake_project_kind import ProjectKind, kind_of_folder
from engine.toolchains.cmake_projects import OWN_TOOLCHAIN, find_apps
from engine.toolchains.diagnostics import earlier_warnings
from engine.toolchains.hints.hint import BuildSystem

BUILTIN_TOOLCHAIN = Path(__file__).with_name("riscv32-zig.cmake")
"""The toolchain file that is used where a project brings none."""

FLASH_SIZE_BYTES = 4 << 20
"""Bytes of flash that the image header names: every C3 and C6 module has at least that."""

_ROM_BOOT_TARGETS = frozenset({"esp32c3", "esp32c6"})
_STAMP_FILE = "espdeck-configured.json"
_MAX_STAMP_BYTES = 1 << 16
_ENV = {
    "NINJA_STATUS": NINJA_STATUS,
    "CLICOLOR_FORCE": "0",
    "NO_COLOR": "1",
    # Messages in English: they are parsed.
    "LC_ALL": "C.UTF-8",
    # esptool wraps its lines at the width of a terminal.
    "COLUMNS": "200",
}


@dataclass(frozen=True, slots=True)
class _StepResult:
    """How one program of a build ended."""

    ok: bool
    findings: tuple[Finding, ...]


class CMakeToolchain:
    """Configures with CMake, builds with ninja, makes the image with esptool."""

    name = "cmake"
    bare = True
    rank = 1

    def recognises(self, source: Path) -> int:
        """Its rank for a CMake project that no other build system has a part in."""
        return self.rank if kind_of_folder(source) in (ProjectKind.PLAIN, ProjectKind.HOST) else 0

    def apps(self, files: SourceFiles) -> tuple[App, ...]:
        """Every plain CMake project that may be a firmware, by path."""
        return find_apps(files)

    def targets(self) -> frozenset[str]:
        """The RISC-V chips whose ROM starts a program from the beginning of flash."""
        return _ROM_BOOT_TARGETS

    def missing(self, target: str) -> str | None:
        """What the ``lab`` extra would bring and is not there."""
        if target not in _ROM_BOOT_TARGETS:
            chips = " and ".join(sorted(_ROM_BOOT_TARGETS))
            return f"plain CMake projects build for {chips}, not for {target}: use ESP-IDF"
        absent = [name for name in ("cmake", "ninja") if _program(name) is None]
        absent += [] if _zig() else ["zig"]
        return _advice(absent) if absent else None

    def compile(self, request: CompileRequest) -> CompileResult:
        """Configure where needed, build, make the image, measure.

        Raises:
            MissingToolError: CMake, ninja or the built-in compiler is not installed.
            UsageError: the project's ``espdeck.toml`` makes no sense.
            ToolError: a program hung, was killed, or answered nonsense; the build folder cannot be
                written.
        """
        with build_folder_errors(request.build_dir):
            return self._compile(request)

    def _compile(self, request: CompileRequest) -> CompileResult:
        cmake, ninja = _needed("cmake"), _needed("ninja")
        request.build_dir.mkdir(parents=True, exist_ok=True)
        arguments = _arguments(request, ninja)
        findings: tuple[Finding, ...] = ()
        if not _is_configured(request.build_dir, arguments):
            configured = _configure(request, cmake, arguments)
            findings = configured.findings
            if not configured.ok:
                return CompileResult(None, findings)
        built = _run(request, "ninja", [ninja, "-k", "0"], 10, 90)
        findings = _errors_first(findings + built.findings)
        if not built.ok:
            return CompileResult(None, findings)
        model = cmake_file_api.read(request.build_dir)
        program = model.program()
        if program is None:
            return CompileResult(None, (_no_program(model), *findings))
        elf = file_inside(request.build_dir, program, "CMake's file API")
        app = request.build_dir / "espdeck" / "app.bin"
        packed = _pack(request, elf, app)
        if not packed.ok:
            return CompileResult(None, _errors_first(findings + packed.findings))
        request.on_progress(100, "built")
        return CompileResult(_image(request, elf, app), findings)


def _program(name: str) -> str | None:
    """A program of the environment that espdeck runs in, else one on PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def _zig() -> Path | None:
    # Importing it is of no use: the package is the program and its libraries.
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        zig = Path(folder) / "zig"
        if zig.is_file():
            return zig
    return None


def _advice(absent: list[str]) -> str:
    names = " and ".join(filter(None, (", ".join(absent[:-1]), absent[-1])))
    verb = "is" if len(absent) == 1 else "are"
    return f"{names} {verb} not installed: pip install 'espdeck[lab]'"


def _needed(name: str) -> str:
    path = _program(name)
    if path is None:
        raise MissingToolError(_advice([name]))
    return path


def _arguments(request: CompileRequest, ninja: str) -> list[str]:
    own = request.source / OWN_TOOLCHAIN
    arguments = [
        *("-S", str(request.source)),
        *("-B", str(request.build_dir)),
        *("-G", "Ninja"),
        "--no-warn-unused-cli",
        f"-DCMAKE_MAKE_PROGRAM={ninja}",
        f"-DCMAKE_TOOLCHAIN_FILE={own if own.is_file() else BUILTIN_TOOLCHAIN}",
        f"-DESPDECK_TARGET={request.target}",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
        "-DCMAKE_COLOR_DIAGNOSTICS=OFF",
        *(f"-D{each}" for each in manifest.load(request.source).build.cmake),
    ]
    if not own.is_file():
        zig = _zig()
        if zig is None:
            raise MissingToolError(_advice(["zig"]))
        arguments.append(f"-DESPDECK_ZIG={zig}")
    return arguments


def _is_configured(build_dir: Path, arguments: list[str]) -> bool:
    """Whether CMake configured this folder with the same words; the rest ninja sees by itself."""
    if not (build_dir / "CMakeCache.txt").is_file() or not (build_dir / "build.ninja").is_file():
        return False
    try:
        return bool(json.loads(read_file(build_dir / _STAMP_FILE, _MAX_STAMP_BYTES)) == arguments)
    except (OSError, ValueError, RecursionError):
        return False


def _configure(request: CompileRequest, cmake: str, arguments: list[str]) -> _StepResult:
    request.on_progress(0, "configuring")
    stamp = request.build_dir / _STAMP_FILE
    stamp.unlink(missing_ok=True)
    cmake_file_api.write_query(request.build_dir)
    # A cache that was made with other words, or for another source folder, must not stay.
    done = _run(request, "cmake", [cmake, "--fresh", *arguments], 0, 10)
    if done.ok:
        stamp.write_text(json.dumps(arguments), "utf-8")
    return done


def _run(
    request: CompileRequest, name: str, argv: list[str], low: float, high: float
) -> _StepResult:
    output = BuildOutput(request, low, high, _system(request))
    completed = process.run(
        argv,
        timeout=request.timeout,
        cancel=request.cancel,
        on_output=output.feed,
        cwd=request.build_dir,
        env=_ENV,
        clean_env=True,
    )
    earlier = (
        earlier_warnings.not_repeated(request.build_dir, output.text) if name == "ninja" else ""
    )
    return _StepResult(completed.returncode == 0, output.findings(name, completed, earlier=earlier))


def _system(request: CompileRequest) -> BuildSystem:
    own = (request.source / OWN_TOOLCHAIN).is_file()
    return BuildSystem.CMAKE if own else BuildSystem.CMAKE_ZIG


def _errors_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: each.severity is not Severity.ERROR))


def _no_program(model: cmake_file_api.Codemodel) -> Finding:
    names = ", ".join(name for name, _path in model.executables)
    if not names:
        message, hint = "the project builds no executable", "add one with add_executable()"
    else:
        message = f"the project builds several executables ({names}), none named {model.project}"
        hint = "name the firmware like the project, so that it is known which one to flash"
    return Finding(Severity.ERROR, "cmake.executable", message, file="CMakeLists.txt", hint=hint)


def _pack(request: CompileRequest, elf: Path, app: Path) -> _StepResult:
    """Make the flashable image, unless the last one was made from this very program.

    esptool runs as a program of its own: it then can be cancelled and has a timeout like any other.
    """
    stat = elf.stat()
    stamp, made_from = app.with_suffix(".json"), [str(elf), stat.st_mtime_ns, stat.st_size]
    try:
        if is_plain(app) and json.loads(read_file(stamp, _MAX_STAMP_BYTES)) == made_from:
            return _StepResult(True, ())
    except (OSError, ValueError, RecursionError):
        pass
    if app.parent.is_symlink():  # the project's doing: the image stays in the build folder
        app.parent.unlink()
    app.parent.mkdir(exist_ok=True)
    for path in (stamp, app):  # a pipe in its place would keep esptool waiting
        path.unlink(missing_ok=True)
    request.on_progress(90, "making the image")
    # DIO at 80 MHz is what every module's flash can do and what ESP-IDF defaults to.
    flash = [
        "--flash-size",
        f"{FLASH_SIZE_BYTES >> 20}MB",
        "--flash-mode",
        "dio",
        "--flash-freq",
        "80m",
    ]
    argv = [*limited.command("esptool"), "--chip", request.target, "elf2image", *flash]
    step = _run(request, "esptool", [*argv, "-o", str(app), str(elf)], 90, 100)
    if step.ok:
        stamp.write_text(json.dumps(made_from), "utf-8")
    return step


def _image(request: CompileRequest, elf: Path, app: Path) -> Image:
    return Image(
        target=request.target,
        elf=elf,
        # The ROM of these chips loads the program at the beginning of flash (ESP32-C3 and -C6
        # datasheets, "Boot Mode"; in ESP-IDF CONFIG_BOOTLOADER_OFFSET_IN_FLASH is 0x0).
        parts=(FlashPart(0x0, app, ArtifactKind.APP),),
        flash_size=FLASH_SIZE_BYTES,
        regions=(
            *measured_regions(elf, request.target, request.build_dir),
            MemoryRegion("flash", app.stat().st_size, FLASH_SIZE_BYTES),
        ),
    )
