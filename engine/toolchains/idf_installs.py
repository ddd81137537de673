"""ESP-IDF as it is installed on this machine: where, which versions, what each lacks.

Sources of the places and formats: ESP-IDF Programming Guide, "Downloadable IDF Tools" (the folder
``IDF_TOOLS_PATH``, ``idf-env.json`` in it, ``python_env``, ``idf_tools.py export``), and
``eim_idf.json`` of the ESP-IDF Installation Manager.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_path

from engine.cancel import CancelToken
from engine.enums import LINUX
from engine.errors import MissingToolError, ToolError
from engine.formats.untrusted import Fields
from engine.process import run

_INSTALL = "https://docs.espressif.com/projects/esp-idf/en/stable/{target}/get-started/"
_VERSION = re.compile(r"IDF_VERSION_(MAJOR|MINOR|PATCH)\s+(\d{1,4})")
_INSTALL_RECORDS = ("eim_idf.json", "tools/eim_idf.json", "idf-env.json")
_XTENSA = frozenset({"esp32", "esp32s2", "esp32s3"})
_NOT_INSTALLED = re.compile(r"tool (\S{1,80}) has no installed versions")
_EXPORT_TIMEOUT_SECONDS = 60.0
_MAX_CACHED_ENVIRONMENTS = 16

_Exported = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]
"""Variables that ``idf_tools.py`` exports, and tools that it misses."""

_configured_folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Install:
    """One ESP-IDF.

    Args:
        path: its folder, absolute.
        version: such as ``5.5.5``, empty where it does not say.
        python: the Python of the environment that ``install.sh`` made for it, None for none.
        tools: folder of its compilers (``IDF_TOOLS_PATH``).
        named_by: what named it, for people.
    """

    path: Path
    version: str
    python: Path | None
    tools: Path
    named_by: str

    @property
    def idf_py(self) -> Path:
        """Its ``idf.py``."""
        return self.path / "tools" / "idf.py"

    @property
    def label(self) -> str:
        """How people call it: ``ESP-IDF 5.5.5``."""
        return f"ESP-IDF {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class IdfEnvironment:
    """An environment as ``export.sh`` would make it.

    Args:
        variables: what to set.
        absent: tools of Espressif that are not installed.
    """

    variables: tuple[tuple[str, str], ...]
    absent: tuple[str, ...]


def add_search_folders(folders: Sequence[Path]) -> None:
    """Set the folders of ESP-IDF that the settings of this process name."""
    global _configured_folders
    _configured_folders = tuple(folders)


def find_installs() -> tuple[Install, ...]:
    """Every ESP-IDF of this machine, the preferred one first.

    ``IDF_PATH``, then the settings' folders, then the one whose ``idf.py`` is on PATH, then those
    that installers wrote down, newest first.
    """
    found: dict[Path, Install] = {}
    for install in _candidates():
        if install.idf_py.is_file():
            found.setdefault(install.path, install)
    written = [each for each in found.values() if each.named_by.endswith(".json")]
    written.sort(key=lambda each: _numbers(each.version), reverse=True)
    return (*(each for each in found.values() if each not in written), *written)


def choose(wanted: str = "") -> Install:
    """The ESP-IDF to build with.

    Args:
        wanted: beginning of a version, such as ``5.5``; empty takes the preferred one, of
            ``ESP_IDF_VERSION`` where that is set without ``IDF_PATH``.

    Raises:
        MissingToolError: there is none, or none of that version.
    """
    home = os.environ.get("IDF_PATH")
    installs = find_installs()
    if home and not (Path(home) / "tools" / "idf.py").is_file():
        raise MissingToolError(
            f"IDF_PATH is {home}, where there is no ESP-IDF (no tools/idf.py): correct it"
        )
    if not installs:
        raise MissingToolError(
            "ESP-IDF is not installed, or not where espdeck looks: "
            f"install it ({_INSTALL.format(target='esp32')}), or name its folder in the setting "
            "idf_paths"
        )
    said_by = "espdeck.toml"
    if not wanted and not home:
        wanted, said_by = os.environ.get("ESP_IDF_VERSION", ""), "ESP_IDF_VERSION"
    for install in installs:
        if _numbers(install.version)[: len(_numbers(wanted))] == _numbers(wanted):
            return install
    there = ", ".join(each.version or str(each.path) for each in installs)
    raise MissingToolError(
        f"{said_by} asks for ESP-IDF {wanted}, which is not installed (installed: {there}): "
        f"install it, or correct {said_by}"
    )


def missing_for(install: Install, target: str) -> str | None:
    """What an ESP-IDF needs to build for a target and has not got: one line, None for nothing."""
    if install.python is None:
        return f"its Python environment is not installed: run {install.path}/install.sh"
    try:
        activated = activate(install)
    except (MissingToolError, ToolError) as error:
        return str(error)
    path = dict(activated.variables)["PATH"]
    absent = [name for name in ("cmake", "ninja") if not shutil.which(name, path=path)]
    if absent:
        return f"{' and '.join(absent)} not found: install them, or pip install 'espdeck[lab]'"
    if target == LINUX:
        found = shutil.which("cc", path=path) or shutil.which("gcc", path=path)
        return None if found else "no compiler of this machine: install gcc"
    compiler = "xtensa-esp-elf" if target in _XTENSA else "riscv32-esp-elf"
    if not activated.absent or _on_path(compiler, target, path):
        return None
    # It exports all or nothing.
    absent = sorted(activated.absent, key=lambda name: name != compiler)
    more = f" and {len(absent) - 2} more tools" if len(absent) > 2 else ""
    names = ", ".join(absent[:2]) + more
    return f"for {target} not installed: {names}: run {install.path}/install.sh {target}"


def activate(install: Install) -> IdfEnvironment:
    """The environment of an ESP-IDF, asked of its ``idf_tools.py`` once for what it depends on.

    The answer is kept for later processes too: to ask takes as long as a build with nothing to do.

    Raises:
        MissingToolError: its Python is gone.
        ToolError: it does not answer.
    """
    looked_at = (
        install.path / "tools" / "tools.json",
        install.path / "tools" / "idf_tools.py",
        install.tools / "idf-env.json",
        install.tools / "tools",
        *sorted((install.tools / "tools").glob("*")),
    )
    return _activate(install, os.environ.get("PATH", ""), tuple(map(_changed, looked_at)))


@lru_cache(maxsize=32)
def _activate(install: Install, path: str, _changed: tuple[int, ...]) -> IdfEnvironment:
    python = install.python
    if python is None:
        raise MissingToolError(f"{install.label} has no Python environment: run its install.sh")
    variables = {
        "IDF_PATH": str(install.path),
        "IDF_PYTHON_ENV_PATH": str(python.parent.parent),
        "IDF_TOOLS_PATH": str(install.tools),
        "ESP_IDF_VERSION": ".".join(install.version.split(".")[:2]),
    }
    key = _key(install, path, _changed)
    kept = _load_cached(key)
    if kept is None:
        kept = _run_idf_tools(install, python, variables)
        if any(kept):  # else it could not answer, and may the next time
            _save_cached(key, kept)
    exported, absent = kept
    folders = [str(python.parent)]
    for name, value in exported:
        if name == "PATH":
            folders += [each for each in value.split(os.pathsep) if each and each[0] != "$"]
        else:
            variables[name] = value
    # The last: of the lab's own programs, only those that are nowhere else.
    variables["PATH"] = os.pathsep.join([*folders, path, str(Path(sys.executable).parent)])
    return IdfEnvironment(variables=tuple(variables.items()), absent=absent)


def _run_idf_tools(install: Install, python: Path, variables: Mapping[str, str]) -> _Exported:
    done = run(
        [python, install.path / "tools" / "idf_tools.py", "export", "--format", "key-value"],
        timeout=_EXPORT_TIMEOUT_SECONDS,
        cancel=CancelToken(),
        env=variables,
        clean_env=True,
    )
    found = []
    for line in done.tail.splitlines() if not done.returncode else ():
        name, is_one, value = line.partition("=")
        if is_one and name.isidentifier():
            found.append((name, value))
    return tuple(found), tuple(dict.fromkeys(_NOT_INSTALLED.findall(done.tail)))


def _key(install: Install, path: str, changed: tuple[int, ...]) -> str:
    """Names all that an answer of ``idf_tools.py`` depends on."""
    own = sorted(
        (name, value) for name, value in os.environ.items() if name.startswith(("ESP_", "IDF_"))
    )
    return hashlib.sha256(repr((install, path, changed, own)).encode()).hexdigest()


def _load_cached(key: str) -> _Exported | None:
    """An answer that was kept, None for none that makes sense."""
    try:
        kept = Fields.read(_cache_folder() / f"{key}.json")
        return tuple(kept.object("variables").texts().items()), kept.strings("absent")
    except ToolError:
        return None


def _save_cached(key: str, exported: _Exported) -> None:
    """Keep an answer; where that cannot be, the next process asks again."""
    variables, absent = exported
    folder = _cache_folder()
    part = folder / f"{key}.{os.getpid()}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.json"), key=_changed)[:-_MAX_CACHED_ENVIRONMENTS]:
            old.unlink(missing_ok=True)
        part.write_text(json.dumps({"variables": dict(variables), "absent": absent}), "utf-8")
        part.replace(folder / f"{key}.json")
    except OSError:
        part.unlink(missing_ok=True)


def _cache_folder() -> Path:
    return user_cache_path("espdeck") / "esp-idf"


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _on_path(compiler: str, target: str, path: str) -> bool:
    names = (compiler, compiler.replace("esp", target, 1))
    return any(shutil.which(f"{name}-gcc", path=path) for name in names)


def _candidates() -> Iterator[Install]:
    home = os.environ.get("IDF_PATH")
    if home:
        yield _install(Path(home), "IDF_PATH", os.environ.get("IDF_PYTHON_ENV_PATH"))
    for folder in _configured_folders:
        yield _install(folder, "settings")
    script = shutil.which("idf.py")
    if script:
        yield _install(Path(script).resolve().parents[1], "PATH")
    for name in _INSTALL_RECORDS:
        yield from _registered(_tools_folder() / name)


def _registered(register: Path) -> Iterator[Install]:
    """What an installer wrote down: a list of records, or an object of them."""
    try:
        records = Fields.read(register).records("idfInstalled")
    except ToolError:
        return
    for record in records:
        try:
            path, python = record.text("path"), record.text("python")
            tools = record.text("idfToolsPath")
        except ToolError:
            continue
        if path:
            folder = Path(tools) if tools else None
            yield _install(Path(path), str(register), python=python, tools=folder)


def _tools_folder() -> Path:
    named = os.environ.get("IDF_TOOLS_PATH")
    return Path(named) if named else Path.home() / ".espressif"


def _install(
    path: Path,
    named_by: str,
    environment: str | None = None,
    *,
    python: str = "",
    tools: Path | None = None,
) -> Install:
    path = path.expanduser().absolute()
    tools = tools or _tools_folder()
    version = _version(path)
    wanted = [Path(python)] if python else []
    if environment:
        wanted.append(Path(environment) / "bin" / "python")
    short = ".".join(version.split(".")[:2])
    # Newer Pythons first: install.sh was run with the newest that is there.
    made = (tools / "python_env").glob(f"idf{short}_py*_env") if short else ()
    wanted += [each / "bin" / "python" for each in sorted(made, key=_python_version, reverse=True)]
    found = next((each for each in wanted if each.is_file()), None)
    return Install(path, version, found, tools, named_by)


def _version(path: Path) -> str:
    """The version in ``tools/cmake/version.cmake``."""
    try:
        with (path / "tools" / "cmake" / "version.cmake").open("rb") as stream:
            text = stream.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""
    numbers = dict(_VERSION.findall(text))
    parts = [numbers.get(name) for name in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(part for part in parts if part)


def _python_version(environment: Path) -> tuple[int, ...]:
    return _numbers(environment.name.partition("_py")[2])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d{1,4}", version))
