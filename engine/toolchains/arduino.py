"""Arduino sketches, built by the ``arduino-cli`` that is installed on this machine.

A sketch is a folder with a ``.ino`` file of its name (Arduino CLI, "Sketch specification"); a
worktree has another name, so the sketch is copied. Which board it is for, ``sketch.yaml`` says
(``default_fqbn`` or a profile); without one it is the plain board of the ESP32 core for the chip.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine import process
from engine.enums import ArtifactKind, Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats.untrusted import is_plain
from engine.images import app_image, boot_selection, efuses, partitions
from engine.images.image import FlashPart, Image
from engine.images.memory import memory_regions
from engine.images.partitions import Partition
from engine.source.files import FolderFiles, SourceFiles
from engine.toolchains.arduino_sketches import PROJECT, UNKNOWN, default_chip, find_apps
from engine.toolchains.base import App, CompileRequest, CompileResult, build_folder_errors
from engine.toolchains.build_output import BuildOutput
from engine.toolchains.hints.hint import BuildSystem

_INSTALL = (
    "arduino-cli is not installed: https://arduino.github.io/arduino-cli/latest/installation/, "
    "then arduino-cli core install esp32:esp32"
)
_BUILD = "build"  # the core copies its sdkconfig there (platform.txt, recipe.hooks.prebuild)
BOOTLOADER_OFFSETS = {
    "esp32": 0x1000,
    "esp32s2": 0x1000,
    "esp32p4": 0x2000,
    "esp32c5": 0x2000,
    "esp32h4": 0x2000,
    "esp32s31": 0x2000,
}
"""Where the ROM looks for the bootloader, if not at the beginning (``BOOTLOADER_FLASH_OFFSET`` of
esptool's targets)."""


class ArduinoToolchain:
    """Runs ``arduino-cli`` on PATH."""

    name = "arduino"
    bare = False
    rank = 15

    def recognises(self, source: Path) -> int:
        """Its rank for a folder with one sketch in it."""
        return self.rank if _sketch(source) else 0

    def apps(self, files: SourceFiles) -> tuple[App, ...]:
        """Every sketch, by path; its configurations are the profiles of its ``sketch.yaml``."""
        return find_apps(files)

    def targets(self) -> frozenset[str]:
        """Every chip; one that the installed core does not know, arduino-cli refuses."""
        return app_image.CHIPS

    def missing(self, target: str) -> str | None:
        """How to get arduino-cli."""
        return None if shutil.which("arduino-cli") else _INSTALL

    def compile(self, request: CompileRequest) -> CompileResult:
        """Build the sketch, collect what is to be flashed where, measure.

        Raises:
            MissingToolError: arduino-cli is not there.
            ToolError: it hung, was killed, or wrote nonsense; the build folder cannot be written.
        """
        with build_folder_errors(request.build_dir):
            return self._compile(request)

    def _compile(self, request: CompileRequest) -> CompileResult:
        program, main = shutil.which("arduino-cli"), _sketch(request.source)
        if program is None:
            raise MissingToolError(_INSTALL)
        if main is None:
            raise ToolError("no sketch: none or several .ino files at the root")
        request.on_progress(0, "building")
        sketch = _copy(request, main)
        board = _board(sketch, request)
        if isinstance(board, Finding):
            return CompileResult(None, (board,))
        output = BuildOutput(replace(request, source=sketch, root=None), 0, 95, BuildSystem.ARDUINO)
        folder = request.build_dir / "out"
        shutil.rmtree(folder, ignore_errors=True)
        done = process.run(
            [
                *(program, "compile", "--no-color", *board),
                *("--build-path", str(request.build_dir / _BUILD)),
                *("--output-dir", str(folder), str(sketch)),
            ],
            timeout=request.timeout,
            cancel=request.cancel,
            on_output=output.feed,
            cwd=sketch,
            env={"LC_ALL": "C.UTF-8", "ARDUINO_UPDATER_ENABLE_NOTIFICATION": "false"},
            clean_env=True,
        )
        findings = output.findings("arduino-cli", done)
        if done.returncode:
            return CompileResult(None, findings)
        image = read_image(folder, main.name, request.target)
        if isinstance(image, Finding):
            return CompileResult(None, (image, *findings))
        request.on_progress(100, "built")
        return CompileResult(image, findings)


def read_image(folder: Path, main: str, target: str) -> Image | Finding:
    """Collect what ``arduino-cli compile --output-dir`` wrote.

    Args:
        folder: the output folder. Untrusted.
        main: name of the sketch's main file, with which every name begins.
        target: the chip that the build was for.

    Raises:
        ToolError: a file is absent.
        OSError: one cannot be read.
    """
    elf, app = folder / f"{main}.elf", folder / f"{main}.bin"
    bootloader, table = folder / f"{main}.bootloader.bin", folder / f"{main}.partitions.bin"
    for path in (elf, app, bootloader, table):
        if not is_plain(path):
            raise ToolError(f"arduino-cli wrote no {path.name}")
    header = app_image.read_header(app)
    if header is None or header.chip != target:
        chip = (header.chip if header else None) or "no chip that is known"
        message = f"{app.name} is for {chip}, the project for {target}"
        return Finding(Severity.ERROR, "arduino.board", message, file=PROJECT)
    entries = partitions.read(table)
    parts = [
        FlashPart(BOOTLOADER_OFFSETS.get(target, 0), bootloader, ArtifactKind.BOOTLOADER),
        # The ESP32 core builds with ESP-IDF's default.
        FlashPart(partitions.PARTITION_TABLE_OFFSET, table, ArtifactKind.PARTITION_TABLE),
        *_ota_data(folder, entries),
        FlashPart(app_image.app_offset(entries), app, ArtifactKind.APP),
    ]
    return Image(
        target=target,
        elf=elf,
        parts=tuple(sorted(parts, key=lambda part: part.offset)),
        flash_size=header.flash_size,
        security=efuses.security_of(folder.parent / _BUILD),
        regions=(*app_image.app_regions(app, entries), *memory_regions(elf, target)),
    )


def _board(sketch: Path, request: CompileRequest) -> list[str] | Finding:
    """The options that say which board it is for, none where ``sketch.yaml`` says it by itself."""
    if not (sketch / PROJECT).is_file():
        if request.configuration:
            return _no_profile(request.configuration, ())
        return ["--fqbn", f"esp32:esp32:{request.target}"]
    # Seen from the folder above, it has the name that a sketch must have.
    apps = find_apps(FolderFiles(sketch.parent))
    app = next((each for each in apps if each.path == sketch.name), None)
    profiles = app.configurations if app else ()
    if request.configuration:
        if all(each.name != request.configuration for each in profiles):
            return _no_profile(request.configuration, [each.name for each in profiles])
        return ["--profile", request.configuration]
    said = default_chip(FolderFiles(sketch.parent), sketch.name)
    fitting = [each.name for each in profiles if request.target in each.targets]
    if said in (request.target, UNKNOWN) or not fitting:
        return []
    if len(fitting) > 1:
        message = f"{PROJECT} has several profiles for {request.target} ({', '.join(fitting)})"
        return _profile_error(f"{message}: choose one with --env NAME, or set default_profile")
    return ["--profile", *fitting]


def _no_profile(name: str, there: Sequence[str]) -> Finding:
    listed = f"there are: {', '.join(there)}" if there else "there are none"
    return _profile_error(f"{PROJECT} has no profile {name} ({listed})")


def _profile_error(message: str) -> Finding:
    return Finding(Severity.ERROR, "arduino.profile", message, file=PROJECT)


def _ota_data(folder: Path, table: Sequence[Partition]) -> list[FlashPart]:
    """Erased OTA data, so that the first app is started, whatever was flashed before."""
    records = boot_selection.ota_data(table)
    if records is None or records.size > 1 << 16:
        return []
    path = folder / "ota_data_initial.bin"
    path.write_bytes(b"\xff" * records.size)
    return [FlashPart(records.offset, path, ArtifactKind.DATA)]


def _sketch(source: Path) -> Path | None:
    """The main file: the only ``.ino``, or the one that is named like the folder."""
    try:
        found = sorted(source.glob("*.ino"))
    except OSError:
        return None
    own = [path for path in found if path.stem == source.name]
    return (own or found)[0] if len(own or found) == 1 else None


def _copy(request: CompileRequest, main: Path) -> Path:
    """The sketch in a folder of its name; a new one each time, as sketches are small."""
    root = request.build_dir / "sketch"
    shutil.rmtree(root, ignore_errors=True)
    folder = root / main.stem
    # copy2 keeps times, by which arduino-cli tells what is to be compiled again.
    shutil.copytree(request.source, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return folder
