"""PlatformIO projects, built by the ``pio`` that is installed on this machine.

PlatformIO says itself what it built: its integration data (``pio run -t idedata``) names the
program and the files that are flashed beside it, as ``platform-espressif32`` gives them. Its
packages come from its own registry the first time, which takes a while and needs the network.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine import process
from engine.enums import ArtifactKind, Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats.untrusted import Fields, file_inside, json_of
from engine.images import app_image, efuses, partitions
from engine.images.image import FlashPart, Image
from engine.images.memory import memory_regions
from engine.last_line import last_line
from engine.source.files import FolderFiles, SourceFiles
from engine.toolchains.base import App, CompileRequest, CompileResult, build_folder_errors
from engine.toolchains.build_output import BuildOutput
from engine.toolchains.hints.hint import BuildSystem
from engine.toolchains.platformio_project import PROJECT, find_apps

_INSTALL = "PlatformIO is not installed: pip install platformio"
_QUERY_TIMEOUT_SECONDS = 120.0
_MAX_SHOWN_NAMES = 20
_ENV = "env:"
_PIO = BuildSystem.PLATFORMIO


@dataclass(frozen=True, slots=True)
class Environment:
    """A section ``[env:NAME]``.

    Args:
        name: of the environment.
        chip: None where nothing tells.
        by_idf: whether ESP-IDF builds it (``framework = espidf``).
    """

    name: str
    chip: str | None
    by_idf: bool = False


@dataclass(frozen=True, slots=True)
class Environments:
    """What a project can be built as.

    Args:
        every: all of them, in their order.
        default: names of those that PlatformIO builds when none is named (``default_envs``); may
            name some that are not there.
    """

    every: tuple[Environment, ...]
    default: tuple[str, ...] = ()


class PlatformIoToolchain:
    """Runs ``pio`` on PATH, or where PlatformIO's installer puts it."""

    name = "platformio"
    bare = False
    rank = 20  # a project of PlatformIO may be one of ESP-IDF too, which then is built through it

    def recognises(self, source: Path) -> int:
        """Its rank for a folder with a ``platformio.ini``."""
        return self.rank if (source / PROJECT).is_file() else 0

    def apps(self, files: SourceFiles) -> tuple[App, ...]:
        """Every project of PlatformIO, by path; its configurations are the environments."""
        return find_apps(files, _packages())

    def targets(self) -> frozenset[str]:
        """Every chip: which of them a project is for, its environments say."""
        return app_image.CHIPS

    def missing(self, target: str) -> str | None:
        """How to get PlatformIO."""
        return None if _pio() else _INSTALL

    def compile(self, request: CompileRequest) -> CompileResult:
        """Build the project's environment for the chip, read what is to be flashed where, measure.

        Nothing is written to the source tree: PlatformIO's workspace is the build folder.

        Raises:
            MissingToolError: PlatformIO is not there.
            ToolError: it hung, was killed, or wrote nonsense; the build folder cannot be written.
        """
        with build_folder_errors(request.build_dir):
            return self._compile(request)

    def _compile(self, request: CompileRequest) -> CompileResult:
        path = _pio()
        if path is None:
            raise MissingToolError(_INSTALL)
        pio = str(path)
        request.on_progress(0, "reading platformio.ini")
        # What it says is data; only where it fails it is something to read.
        asked, said = bytearray(), BuildOutput(replace(request, on_output=_discard), 0, 5, _PIO)
        done = _run(request, [pio, "project", "config", "--json-output"], _tee(asked, said))
        if done.returncode:
            request.on_output(bytes(asked))
            return CompileResult(None, said.findings("pio project config", done))
        chosen = choose_environment(
            read_environments(asked.decode("utf-8", "replace"), _chips(request.source)),
            request.target,
            request.configuration,
        )
        if isinstance(chosen, Finding):
            return CompileResult(None, (chosen,))
        request.on_progress(5, f"building {chosen.name}")
        system = BuildSystem.PLATFORMIO_IDF if chosen.by_idf else BuildSystem.PLATFORMIO
        output = BuildOutput(request, 5, 95, system)
        argv = [pio, "run", "--environment", chosen.name]
        done = _run(request, argv, output.feed)
        findings = output.findings("pio", done)
        if done.returncode:
            return CompileResult(None, findings)
        # Only now: it would build everything a second time if nothing were built yet.
        done = _run(request, [*argv, "--target", "idedata"], lambda _data: None)
        if done.returncode:
            why = last_line(done.tail) or f"exit code {done.returncode}"
            raise ToolError(f"pio run --target idedata: {why}")
        folder = _workspace(request) / "build" / chosen.name
        image = read_image(folder, _packages(), request.target)
        if isinstance(image, Finding):
            return CompileResult(None, (image, *findings))
        request.on_progress(100, "built")
        return CompileResult(image, findings)


def read_environments(text: str, chips: Mapping[str, str]) -> Environments:
    """The environments of a project.

    Args:
        chips: the chip of each environment, where its sources tell.
        text: what ``pio project config --json-output`` printed: sections with their options. What
            PlatformIO says of itself (such as a newer version) may stand before or behind.

    Raises:
        ToolError: that is not what it printed.
    """
    lines = [line for line in text.splitlines() if line.startswith("[[")]
    try:
        sections = {str(name): dict(options) for name, options in json_of((lines or [text])[-1])}
    except (ValueError, TypeError, RecursionError) as error:
        raise ToolError(f"pio project config: {error}") from error
    found = [
        Environment(name, chips.get(name), _by_idf(sections[section]))
        for section in sections
        if section.startswith(_ENV) and (name := section.removeprefix(_ENV))
    ]
    wanted = sections.get("platformio", {}).get("default_envs")
    names = tuple(str(name) for name in wanted) if isinstance(wanted, list) else ()
    return Environments(tuple(found), names)


def choose_environment(
    environments: Environments, target: str, name: str = ""
) -> Environment | Finding:
    """The environment to build, else what is wrong.

    Args:
        environments: of the project.
        target: the chip.
        name: of the environment that is asked for; empty for the one that PlatformIO would build
            by itself (``default_envs``, else all) for the chip.
    """
    every = environments.every
    if not every:
        return _failed(f"{PROJECT} has no environment: add [env:{target}]")
    if name:
        named = next((each for each in every if each.name == name), None)
        if named is None:
            return _failed(f"{PROJECT} has no environment {name} (there are: {_names(every)})")
        # One of a board or platform that nobody knows may be for it all the same.
        if named.chip != target and named.chip in app_image.CHIPS:
            return _failed(f"environment {name} is for {named.chip}, not for {target}")
        return named
    by_default = tuple(each for each in every if each.name in environments.default)
    found = _environments_for(by_default or every, target) or _environments_for(every, target)
    if len(found) == 1:
        return found[0]
    if not found:
        return _failed(f"{PROJECT} has no environment for {target} (there are: {_names(every)})")
    return _failed(
        f"{PROJECT} has several environments for {target} ({_names(found)}): choose one with "
        "--env NAME, or set default_envs"
    )


def _environments_for(environments: Sequence[Environment], target: str) -> list[Environment]:
    """Those for a chip; where none says so and one does not tell its chip, that one."""
    fitting = [each for each in environments if each.chip == target]
    unclear = [each for each in environments if each.chip is None]
    # What comes of an unclear one says which chip it is for.
    return fitting or (unclear if len(unclear) == 1 else [])


def _names(environments: Sequence[Environment]) -> str:
    shown = [each.name for each in environments[:_MAX_SHOWN_NAMES]]
    more = len(environments) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def read_image(folder: Path, packages: Path, target: str) -> Image | Finding:
    """Read what a finished build wrote: ``idedata.json`` and the files that it names.

    Args:
        folder: of the environment. Untrusted: a file must lie in it or among the packages.
        packages: PlatformIO's own folder, whose frameworks bring files that are flashed too.
        target: the chip that the build was for.

    Raises:
        ToolError: one is absent or makes no sense.
        OSError: one cannot be read.
    """
    data = Fields.read(folder / "idedata.json")
    elf = file_inside(folder, data.text("prog_path"), data.name)
    app = file_inside(folder, str(elf.with_suffix(".bin")), data.name)
    header = app_image.read_header(app)
    if header is None or header.chip != target:
        chip = (header.chip if header else None) or "no chip that is known"
        return _failed(f"{app.name} is for {chip}, the project for {target}")
    parts = []
    for each in data.object("extra").objects("flash_images"):
        path = _flashed(folder, packages, each.text("path"), data.name)
        parts.append(FlashPart(_offset(each.text("offset"), data.name), path, _kind(path)))
    table = next((part.path for part in parts if part.kind is ArtifactKind.PARTITION_TABLE), None)
    entries = partitions.read(table) if table else ()
    parts.append(FlashPart(app_image.app_offset(entries), app, ArtifactKind.APP))
    return Image(
        target=target,
        elf=elf,
        parts=tuple(sorted(parts, key=lambda part: part.offset)),
        flash_size=header.flash_size,
        security=efuses.security_of(folder),
        regions=(*app_image.app_regions(app, entries), *memory_regions(elf, target)),
    )


def _pio() -> Path | None:
    found = shutil.which("pio") or shutil.which("platformio")
    if found:
        return Path(found)
    own = _packages() / "penv" / "bin" / "pio"  # PlatformIO, "Installer Script"
    return own if own.is_file() else None


def _packages() -> Path:
    return Path(os.environ.get("PLATFORMIO_CORE_DIR") or Path.home() / ".platformio")


def _workspace(request: CompileRequest) -> Path:
    return request.build_dir / "pio"


def _run(
    request: CompileRequest,
    argv: list[str],
    on_output: Callable[[bytes], None],
) -> process.Completed:
    return process.run(
        argv,
        timeout=request.timeout
        if argv[1] == "run"
        else min(_QUERY_TIMEOUT_SECONDS, request.timeout),
        cancel=request.cancel,
        on_output=on_output,
        cwd=request.source,
        env={
            "PLATFORMIO_CORE_DIR": str(_packages()),
            "PLATFORMIO_WORKSPACE_DIR": str(_workspace(request)),
            "PLATFORMIO_NO_ANSI": "true",
            "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "false",
            "LC_ALL": "C.UTF-8",
        },
        clean_env=True,
    )


def _chips(source: Path) -> dict[str, str]:
    """The chip of each environment of the project in a folder, where its sources tell."""
    apps = find_apps(FolderFiles(source), _packages())
    own = next((app.configurations for app in apps if not app.path), ())
    return {each.name: each.targets[0] for each in own if each.targets}


def _discard(_data: bytes) -> None:
    """Take output that nobody is to see."""


def _tee(kept: bytearray, output: BuildOutput) -> Callable[[bytes], None]:
    def take(data: bytes) -> None:
        kept.extend(data)
        output.feed(data)

    return take


def _by_idf(options: dict[str, object]) -> bool:
    named = options.get("framework")
    return "espidf" in (named if isinstance(named, list) else [named])


def _flashed(folder: Path, packages: Path, name: str, said_by: str) -> Path:
    try:
        return file_inside(folder, name, said_by)
    except ToolError:
        return file_inside(packages, name, said_by, "build folder or among PlatformIO's packages")


def _offset(text: str, said_by: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise ToolError(f"{said_by}: {text!r} is not a flash offset")
    return value


def _kind(path: Path) -> ArtifactKind:
    if path.name.startswith("bootloader"):
        return ArtifactKind.BOOTLOADER
    is_table = path.name in ("partitions.bin", "partition-table.bin")
    return ArtifactKind.PARTITION_TABLE if is_table else ArtifactKind.DATA


def _failed(message: str) -> Finding:
    return Finding(Severity.ERROR, "platformio.environment", message, file=PROJECT)
