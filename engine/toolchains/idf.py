"""ESP-IDF projects, built by an ESP-IDF that is installed on this machine.

What it prints and writes was taken from real logs of ESP-IDF 5.5 for its ``linux`` target and from
the templates that the chips' builds fill in (``flasher_args.json.in``, ``project_description.json``
in ESP-IDF, ``tools/cmake``); a chip's build has not been seen on the machine that this was
written on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from engine import process
from engine.errors import MissingToolError, ToolError
from engine.image import FlashPart, Image, MemoryRegion
from engine.toolchains import partitions, warnings
from engine.toolchains.base import Compiled, CompileRequest
from engine.toolchains.memory import memory_regions
from engine.toolchains.output import NINJA_STATUS, BuildOutput
from engine.toolchains.project import includes_esp_idf
from engine.toolchains.untrusted import Fields, file_inside
from engine.words import TARGETS, ArtifactKind

_INSTALL = "https://docs.espressif.com/projects/esp-idf/en/stable/{target}/get-started/"
_CONFIG_STAMP = "espdeck-sdkconfig.sha256"
_HOME = re.compile(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", re.M)
_FLASH_SIZE = re.compile(r"(\d{1,3})(KB|MB)")
_FLASH_MODES = frozenset({"qio", "qout", "dio", "dout", "keep"})
_FLASH_FREQ = re.compile(r"\d{2,3}m|keep")
_KINDS = {
    "app": ArtifactKind.APP,
    "bootloader": ArtifactKind.BOOTLOADER,
    "partition-table": ArtifactKind.PARTITION_TABLE,
}


class IdfToolchain:
    """Runs ``idf.py`` of ``IDF_PATH``, or the one on PATH."""

    name = "idf"

    def recognises(self, source: Path) -> int:
        """10 for a project that includes ESP-IDF's ``project.cmake``."""
        return 10 if includes_esp_idf(source / "CMakeLists.txt") else 0

    def targets(self) -> frozenset[str]:
        """Every chip that espdeck knows; an older ESP-IDF may know fewer and then says so."""
        return frozenset(TARGETS)

    def missing(self, target: str) -> str | None:
        """How to get ESP-IDF, or to point to the one that is there."""
        try:
            _idf_py(target)
        except MissingToolError as error:
            return str(error)
        return None

    def compile(self, request: CompileRequest) -> Compiled:
        """Build with ``idf.py``, read what is to be flashed where, measure.

        Nothing is configured in the source tree: the build folder has its own ``sdkconfig``, made
        from the project's whenever that, or one of its ``sdkconfig.defaults``, changes.

        Raises:
            MissingToolError: ESP-IDF is not there.
            ToolError: it hung, was killed, or wrote nonsense; the build folder cannot be written.
        """
        try:
            return self._compile(request)
        except OSError as error:
            raise ToolError(f"{request.build_dir}: {error.strerror or error}") from error

    def _compile(self, request: CompileRequest) -> Compiled:
        idf_py = _idf_py(request.target)
        request.build_dir.mkdir(parents=True, exist_ok=True)
        _forget_other_source(request.build_dir, request.source)
        sdkconfig = _prepare_sdkconfig(request.build_dir, request.source)
        request.on_progress(0, "configuring")
        output = BuildOutput(request, 0, 95)
        completed = process.run(
            [
                *idf_py,
                *("-C", str(request.source)),
                *("-B", str(request.build_dir)),
                *("-D", f"IDF_TARGET={request.target}"),
                *("-D", f"SDKCONFIG={sdkconfig}"),
                "build",
            ],
            timeout=request.timeout,
            cancel=request.cancel,
            on_output=output.feed,
            cwd=request.build_dir,
            env={
                "IDF_TARGET": request.target,
                "NINJA_STATUS": NINJA_STATUS,
                "PYTHONUNBUFFERED": "1",
                "LC_ALL": "C.UTF-8",
            },
            clean_env=True,
        )
        earlier = warnings.recall(request.build_dir, output.text)
        findings = output.findings("idf.py", completed, earlier=earlier)
        if completed.returncode:
            return Compiled(None, findings)
        image = read_image(request.build_dir, request.target)
        request.on_progress(100, "built")
        return Compiled(image, findings)


def read_image(build_dir: Path, target: str) -> Image:
    """Read what a finished build wrote: ``project_description.json`` and ``flasher_args.json``.

    Both are untrusted: types are checked, and every file must lie inside the build folder.

    Raises:
        ToolError: one is absent or makes no sense.
    """
    project = Fields.read(build_dir / "project_description.json")
    if project.text("target") != target:
        raise ToolError(f"{project.name}: built for {project.text('target')!r}, not for {target}")
    elf = file_inside(build_dir, project.text("app_elf"), project.name)
    flasher = Fields.read(build_dir / "flasher_args.json")
    settings = flasher.object("flash_settings")
    parts = _parts(build_dir, flasher)
    mode, freq = settings.text("flash_mode"), settings.text("flash_freq")
    return Image(
        target=target,
        elf=elf,
        parts=parts,
        flash_size=_flash_size(settings.text("flash_size")),
        flash_mode=mode if mode in _FLASH_MODES else "keep",
        flash_freq=freq if _FLASH_FREQ.fullmatch(freq) else "keep",
        regions=(*_app_partition(parts), *memory_regions(elf, target)),
    )


def _idf_py(target: str) -> list[str]:
    """How to call ``idf.py``."""
    home = os.environ.get("IDF_PATH")
    if home:
        script = Path(home) / "tools" / "idf.py"
        if not script.is_file():
            raise MissingToolError(
                f"IDF_PATH is {home}, where there is no ESP-IDF (no tools/idf.py): correct it"
            )
        return [_python(), str(script)]
    found = shutil.which("idf.py")
    if found:
        return [found]
    where = _INSTALL.format(target=target)
    raise MissingToolError(
        "ESP-IDF is not installed, or IDF_PATH does not point to it: "
        f"install it ({where}) and source its export.sh before starting espdeck"
    )


def _python() -> str:
    """The Python that ESP-IDF's ``install.sh`` made for it, else the one on PATH."""
    own = os.environ.get("IDF_PYTHON_ENV_PATH")
    python = Path(own) / "bin" / "python" if own else None
    return str(python) if python and python.is_file() else "python3"


def _forget_other_source(build_dir: Path, source: Path) -> None:
    """CMake refuses a cache that was made for another source folder; what was built may stay."""
    cache = build_dir / "CMakeCache.txt"
    try:
        home = _HOME.search(cache.read_text("utf-8", "replace"))
    except OSError:
        return
    if home is None or home[1] != str(source):
        cache.unlink()
        shutil.rmtree(build_dir / "CMakeFiles", ignore_errors=True)


def _prepare_sdkconfig(build_dir: Path, source: Path) -> Path:
    """The build's own configuration, made anew when what it is made from has changed."""
    sdkconfig, stamp = build_dir / "sdkconfig", build_dir / _CONFIG_STAMP
    committed = source / "sdkconfig"
    digest = hashlib.sha256()
    for each in (committed, *sorted(source.glob("sdkconfig.defaults*"))):
        if each.is_file():
            digest.update(each.name.encode() + b"\0" + each.read_bytes())
    wanted = digest.hexdigest()
    if stamp.is_file() and stamp.read_text("ascii", "replace") == wanted:
        return sdkconfig
    sdkconfig.unlink(missing_ok=True)
    if committed.is_file():
        shutil.copyfile(committed, sdkconfig)
    stamp.write_text(wanted, "ascii")
    return sdkconfig


def _parts(build_dir: Path, flasher: Fields) -> tuple[FlashPart, ...]:
    """Every file to flash. Entries beside ``flash_files`` say which of them is what."""
    kinds = {
        _number(flasher.name, flasher.object(key).text("offset")): kind
        for key, kind in _KINDS.items()
        if flasher.object(key).text("offset")
    }
    parts = []
    for offset, name in flasher.object("flash_files").texts().items():
        at = _number(flasher.name, offset)
        path = file_inside(build_dir, name, flasher.name)
        parts.append(FlashPart(at, path, kinds.get(at, ArtifactKind.DATA)))
    if not parts:
        raise ToolError(f"{flasher.name}: nothing to flash")
    return tuple(sorted(parts, key=lambda part: part.offset))


def _number(name: str, text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise ToolError(f"{name}: {text!r} is no flash offset")
    return value


def _flash_size(text: str) -> int | None:
    match = _FLASH_SIZE.fullmatch(text)
    return int(match[1]) << (20 if match[2] == "MB" else 10) if match else None


def _app_partition(parts: tuple[FlashPart, ...]) -> tuple[MemoryRegion, ...]:
    """How full the partition is that the program goes into."""
    app = next((part for part in parts if part.kind is ArtifactKind.APP), None)
    table = next((part for part in parts if part.kind is ArtifactKind.PARTITION_TABLE), None)
    if app is None:
        return ()
    used = app.path.stat().st_size
    if table is not None:
        with table.path.open("rb") as stream:
            data = stream.read(partitions.MAX_BYTES)
        for each in partitions.parse(data):
            if each.type == partitions.APP and each.offset == app.offset:
                return (MemoryRegion(f"partition {each.label}", used, each.size),)
    return (MemoryRegion("app", used, None),)
