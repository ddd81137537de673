"""ESP-IDF projects, built by an ESP-IDF that is installed on this machine.

What it prints and writes was taken from builds with ESP-IDF 5.5 and 6.2 for its ``linux`` target
and from the templates that the chips' builds fill in (``flasher_args.json.in``,
``project_description.json`` in ESP-IDF, ``tools/cmake``); a chip's build has not been seen on the
machine that this was written on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import manifest, process
from engine.enums import LINUX, TARGETS, ArtifactKind
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.formats.untrusted import Fields, file_inside
from engine.images import app_image, efuses, partitions
from engine.images.image import FlashPart, Image, MemoryRegion, Security
from engine.images.memory_cache import measured_regions
from engine.source.files import SourceFiles
from engine.toolchains import idf_components, idf_installs
from engine.toolchains.base import App, CompileRequest, CompileResult, build_folder_errors
from engine.toolchains.build_output import NINJA_STATUS, BuildOutput
from engine.toolchains.cmake_project_kind import ProjectKind, kind_of_folder
from engine.toolchains.diagnostics import earlier_warnings
from engine.toolchains.hints.hint import BuildSystem
from engine.toolchains.idf_apps import CONFIGURATION, DEFAULTS, find_apps

_INSTALL_STAMP = "espdeck-idf.txt"
_CONFIG_STAMP = "espdeck-sdkconfig.sha256"
_MAX_CACHE_BYTES = 16 << 20
_CMAKE_HOME = re.compile(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", re.M)
_CONFIG_TARGET = re.compile(r'^CONFIG_IDF_TARGET="(\w{1,40})"', re.M)
_MAX_FLASH_PARTS = 100  # a partition table has room for some 95
_FLASH_SIZE = re.compile(r"(\d{1,3})(KB|MB)")
_FLASH_MODES = frozenset({"qio", "qout", "dio", "dout", "keep"})
_FLASH_FREQ = re.compile(r"\d{2,3}m|keep")
_KINDS = {
    "app": ArtifactKind.APP,
    "bootloader": ArtifactKind.BOOTLOADER,
    "partition-table": ArtifactKind.PARTITION_TABLE,
}


class IdfToolchain:
    """Runs ``idf.py`` of the ESP-IDF that the project asks for, or of the preferred one."""

    name = "idf"
    bare = False
    rank = 10

    def recognises(self, source: Path) -> int:
        """Its rank for a project that includes ESP-IDF's build system."""
        return self.rank if kind_of_folder(source) is ProjectKind.APP else 0

    def apps(self, files: SourceFiles) -> tuple[App, ...]:
        """Every app of ESP-IDF, by path."""
        return find_apps(files)

    def targets(self) -> frozenset[str]:
        """Every target that espdeck knows; an older ESP-IDF may know fewer and then says so."""
        return frozenset(TARGETS)

    def missing(self, target: str) -> str | None:
        """How to get ESP-IDF, or what all that are there lack."""
        try:
            preferred = idf_installs.choose()
        except MissingToolError as error:
            return str(error)
        installs = (
            preferred,
            *(each for each in idf_installs.find_installs() if each != preferred),
        )
        said = []
        for install in installs:
            lack = idf_installs.missing_for(install, target)
            if lack is None:
                return None
            said.append(f"{install.label} ({install.path}): {lack}")
        return said[0]

    def compile(self, request: CompileRequest) -> CompileResult:
        """Build with ``idf.py``, read what is to be flashed where, measure.

        Nothing is configured in the source tree: the build folder has its own ``sdkconfig``, made
        from the project's whenever that, or one of its ``sdkconfig.defaults``, changes.

        Raises:
            MissingToolError: ESP-IDF is not there, or not in the version that the project asks for.
            UsageError: the project's ``espdeck.toml`` makes no sense.
            ToolError: it hung, was killed, or wrote nonsense; the build folder cannot be written.
        """
        with build_folder_errors(request.build_dir):
            return self._compile(request)

    def _compile(self, request: CompileRequest) -> CompileResult:
        prepared = prepare_command(request)
        request.on_progress(0, "configuring")
        output = BuildOutput(request, 0, 95, BuildSystem.IDF)
        completed = prepared.run("build", request, output)
        earlier = earlier_warnings.not_repeated(request.build_dir, output.text)
        findings = output.findings("idf.py", completed, earlier=earlier)
        if completed.returncode:
            built = _components(request.build_dir)
            idf_path = prepared.install.path
            return CompileResult(None, idf_components.hint_components(findings, idf_path, built))
        image = read_image(request.build_dir, request.target)
        request.on_progress(100, "built")
        return CompileResult(image, findings)


@dataclass(frozen=True, slots=True)
class IdfCommand:
    """How ``idf.py`` is called for a project.

    Args:
        install: the ESP-IDF whose it is.
        argv: program and arguments; the action comes behind.
        env: variables that it needs.
        sdkconfig: the build's own configuration.
    """

    install: idf_installs.Install
    argv: tuple[str, ...]
    env: dict[str, str]
    sdkconfig: Path

    def run(self, action: str, request: CompileRequest, output: BuildOutput) -> process.Completed:
        """Run an action of ``idf.py`` in the build folder.

        Raises:
            ToolError, CancelledError, Interrupted: as :func:`engine.process.run`.
        """
        return process.run(
            [*self.argv, action],
            timeout=request.timeout,
            cancel=request.cancel,
            on_output=output.feed,
            cwd=request.build_dir,
            env=self.env,
            clean_env=True,
        )

    def forget_configuration(self) -> None:
        """Let the next build configure itself from the project."""
        self.sdkconfig.unlink(missing_ok=True)
        self.sdkconfig.with_name(_CONFIG_STAMP).unlink(missing_ok=True)


def prepare_command(request: CompileRequest) -> IdfCommand:
    """Choose the ESP-IDF, make the build folder and its configuration.

    Raises:
        MissingToolError: ESP-IDF is not there, or not in the version that the project asks for.
        UsageError: the project's ``espdeck.toml`` makes no sense.
        ToolError: ESP-IDF does not say what it needs.
        OSError: the build folder cannot be written.
    """
    wanted = manifest.load(request.source).build
    install = idf_installs.choose(wanted.idf)
    lack = idf_installs.missing_for(install, request.target)
    if lack:
        raise MissingToolError(f"{install.label} ({install.path}): {lack}")
    environment = dict(idf_installs.activate(install).variables)
    request.on_output(f"{install.label} at {install.path}\n".encode())
    _prepare_folder(request.build_dir, install)
    _forget_other_source(request.build_dir, request.source)
    definitions = (*_defaults(request), *wanted.cmake)
    sdkconfig = _prepare_sdkconfig(request, definitions)
    # The project's own first: the last one is what CMake takes.
    definitions += (f"IDF_TARGET={request.target}", f"SDKCONFIG={sdkconfig}")
    return IdfCommand(
        install=install,
        argv=(
            *(f"{environment['IDF_PYTHON_ENV_PATH']}/bin/python", str(install.idf_py)),
            *("-C", str(request.source)),
            *("-B", str(request.build_dir)),
            *(word for each in definitions for word in ("-D", each)),
        ),
        env={
            **_with_ccache(environment),
            "IDF_TARGET": request.target,
            "NINJA_STATUS": NINJA_STATUS,
            "PYTHONUNBUFFERED": "1",
            "LC_ALL": "C.UTF-8",
        },
        sdkconfig=sdkconfig,
    )


def read_image(build_dir: Path, target: str) -> Image:
    """Read what a finished build wrote: ``project_description.json`` and ``flasher_args.json``.

    The ``linux`` target has only the first: nothing of it is flashed. Both are untrusted: types
    are checked, and every file must lie inside the build folder.

    Raises:
        ToolError: one is absent or makes no sense.
    """
    project = Fields.read(build_dir / "project_description.json")
    if project.text("target") != target:
        raise ToolError(f"{project.name}: built for {project.text('target')!r}, not for {target}")
    elf = file_inside(build_dir, project.text("app_elf"), project.name)
    if target == LINUX:
        return Image(
            target=target, elf=elf, parts=(), regions=measured_regions(elf, target, build_dir)
        )
    flasher = Fields.read(build_dir / "flasher_args.json")
    settings = flasher.object("flash_settings")
    parts = _parts(build_dir, flasher)
    mode, freq = settings.text("flash_mode"), settings.text("flash_freq")
    esptool = flasher.object("extra_esptool_args")
    return Image(
        target=target,
        elf=elf,
        parts=parts,
        flash_size=_flash_size(settings.text("flash_size")),
        flash_mode=mode if mode in _FLASH_MODES else "keep",
        flash_freq=freq if _FLASH_FREQ.fullmatch(freq) else "keep",
        regions=(*_partitions(parts), *measured_regions(elf, target, build_dir)),
        baud=_baud(project.text("monitor_baud")),
        security=_security(build_dir, parts),
        before=_reset(esptool.text("before")),
        after=_reset(esptool.text("after")),
        stub=esptool.flag("stub", default=True),
    )


def _reset(text: str) -> str:
    """How to enter or leave the bootloader, where a project has no need for lines that reset.

    ESP-IDF offers a reset by the lines, which is also esptool's own choice, or none
    (``ESPTOOLPY_BEFORE`` and ``_AFTER``), which it also takes where a start would burn eFuses.
    """
    return "no-reset" if text.replace("_", "-") == "no-reset" else ""


def _security(build_dir: Path, parts: Sequence[FlashPart]) -> Security | None:
    """What the configuration says; without one, at least what is flashed encrypted."""
    found = efuses.security_of(build_dir)
    if found is None and any(part.encrypted for part in parts):
        return Security(burns=(efuses.DEVELOPMENT,), encryption="development")
    return found


def _baud(text: str) -> int | None:
    """The console's speed by the project's sdkconfig; empty for a target without a UART."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{2,6}", text) else None


def _prepare_folder(build_dir: Path, install: idf_installs.Install) -> None:
    """Make the build folder; what another ESP-IDF left there is of no use to this one."""
    stamp, wanted = build_dir / _INSTALL_STAMP, f"{install.version} {install.path}"
    if stamp.is_file() and stamp.read_text("utf-8", "replace") != wanted:
        shutil.rmtree(build_dir)
    build_dir.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted, "utf-8")


def _forget_other_source(build_dir: Path, source: Path) -> None:
    """CMake refuses a cache that was made for another source folder; what was built may stay."""
    cache = build_dir / "CMakeCache.txt"
    try:
        home = _CMAKE_HOME.search(read_file(cache, _MAX_CACHE_BYTES).decode("utf-8", "replace"))
    except OSError:
        return
    if home is None or home[1] != str(source):
        cache.unlink()
        shutil.rmtree(build_dir / "CMakeFiles", ignore_errors=True)


def _components(build_dir: Path) -> tuple[str, ...]:
    """Components of a configured build, none where it was not configured."""
    try:
        return Fields.read(build_dir / "project_description.json").strings("build_components")
    except ToolError:
        return ()


def _with_ccache(environment: dict[str, str]) -> dict[str, str]:
    """Compile through ccache where it is installed, unless a person said otherwise."""
    if "IDF_CCACHE_ENABLE" in os.environ or not shutil.which("ccache", path=environment["PATH"]):
        return environment
    return {**environment, "IDF_CCACHE_ENABLE": "1"}


def _defaults(request: CompileRequest) -> tuple[str, ...]:
    """What makes a configuration of the project: its file, on top of the defaults.

    ESP-IDF itself adds what ends with the target to each (Build System, "Custom Sdkconfig
    Defaults").
    """
    if not request.configuration:
        return ()
    names = (DEFAULTS, f"{CONFIGURATION}{request.configuration}")
    there = [name for name in names if (request.source / name).is_file()]
    return (f"SDKCONFIG_DEFAULTS={';'.join(there)}",)


def _prepare_sdkconfig(request: CompileRequest, definitions: Sequence[str]) -> Path:
    """The build's own configuration, made anew when what it is made from has changed.

    A committed ``sdkconfig`` is for one target; any other starts from the defaults, as after
    ``idf.py set-target``.
    """
    sdkconfig, stamp = request.build_dir / "sdkconfig", request.build_dir / _CONFIG_STAMP
    committed = request.source / "sdkconfig"
    digest = hashlib.sha256("\0".join(definitions).encode())
    for each in (committed, *sorted(request.source.glob("sdkconfig.*"))):
        if each.is_file():
            digest.update(each.name.encode() + b"\0" + each.read_bytes())
    wanted = digest.hexdigest()
    if stamp.is_file() and stamp.read_text("ascii", "replace") == wanted:
        return sdkconfig
    sdkconfig.unlink(missing_ok=True)
    if committed.is_file():
        made_for = _CONFIG_TARGET.search(committed.read_text("utf-8", "replace"))
        if made_for is None or made_for[1] == request.target:
            shutil.copyfile(committed, sdkconfig)
        else:
            said = f"sdkconfig is for {made_for[1]}: {request.target} starts from the defaults\n"
            request.on_output(said.encode())
    stamp.write_text(wanted, "ascii")
    return sdkconfig


def _parts(build_dir: Path, flasher: Fields) -> tuple[FlashPart, ...]:
    """Every file to flash. Entries beside ``flash_files`` say which of them is what."""
    kinds, encrypted = dict[int, ArtifactKind](), set[int]()
    for key, entry in (*((key, flasher.object(key)) for key in _KINDS), *flasher.entries()):
        if not entry.text("offset"):
            continue
        at = _number(flasher.name, entry.text("offset"))
        kinds[at] = _KINDS.get(key, ArtifactKind.DATA)
        if entry.flag("encrypted", default=False):
            encrypted.add(at)
    parts = []
    files = flasher.object("flash_files").texts()
    if len(files) > _MAX_FLASH_PARTS:
        raise ToolError(
            f"{flasher.name}: {len(files)} files, at most {_MAX_FLASH_PARTS} are accepted"
        )
    for offset, name in files.items():
        at = _number(flasher.name, offset)
        path = file_inside(build_dir, name, flasher.name)
        kind = kinds.get(at, ArtifactKind.DATA)
        parts.append(FlashPart(at, path, kind, encrypted=at in encrypted))
    if not parts:
        raise ToolError(f"{flasher.name}: nothing to flash")
    return tuple(sorted(parts, key=lambda part: part.offset))


def _number(name: str, text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise ToolError(f"{name}: {text!r} is not a flash offset")
    return value


def _flash_size(text: str) -> int | None:
    match = _FLASH_SIZE.fullmatch(text)
    return int(match[1]) << (20 if match[2] == "MB" else 10) if match else None


def _partitions(parts: tuple[FlashPart, ...]) -> tuple[MemoryRegion, ...]:
    """How full each partition is that something is flashed into, the program's first."""
    path = next((part.path for part in parts if part.kind is ArtifactKind.PARTITION_TABLE), None)
    table = partitions.read(path) if path is not None else ()
    at = {each.offset: each for each in table}
    regions: list[MemoryRegion] = []
    for part in parts:
        if part.kind is ArtifactKind.APP:
            regions = [*app_image.app_regions(part.path, table), *regions]
        elif part.offset in at:
            # Data fill their partition by design: an image of a file system, erased OTA data.
            name, size = f"partition {at[part.offset].label}", at[part.offset].size
            regions.append(MemoryRegion(name, part.path.stat().st_size, size, grows=False))
    return tuple(regions)
