"""``idf.py menuconfig`` in the person's terminal, and what it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from engine import process
from engine.errors import MissingToolError, ToolError
from engine.files import read_file
from engine.images import sdkconfig
from engine.toolchains import idf
from engine.toolchains.base import CompileRequest
from engine.toolchains.build_output import BuildOutput
from engine.toolchains.cmake_project_kind import ProjectKind, kind_of_folder, kind_of_text
from engine.toolchains.hints.hint import BuildSystem
from engine.toolchains.idf_apps import CONFIGURATION, DEFAULTS

NO_MENU = "only projects of ESP-IDF have a menu of options"


@dataclass(frozen=True, slots=True)
class ConfigurationEdit:
    """What a person changed.

    Args:
        file: the file of the project that would have to say so, in the folder that was configured.
        had: what it says, empty where there is none.
        text: the whole of it with the changes.
    """

    file: str
    had: str
    text: str

    @property
    def diff(self) -> str:
        """What changed, as a unified diff; empty for nothing."""
        names = (f"a/{self.file}", f"b/{self.file}")
        lines = unified_diff(self.had.splitlines(), self.text.splitlines(), *names, lineterm="")
        return "\n".join(lines)


def lack_of_menu(lists: str) -> str:
    """Why a project has no menu of options; empty where it has one.

    Args:
        lists: text of its ``CMakeLists.txt``.
    """
    return NO_MENU if kind_of_text(lists) is not ProjectKind.APP else ""


def check_idf(target: str) -> None:
    """Look whether an ESP-IDF of this machine shows the menu of a chip.

    Raises:
        MissingToolError: none can build for it.
    """
    lack = idf.IdfToolchain().missing(target)
    if lack:
        raise MissingToolError(lack)


InTerminal = Callable[[Callable[[], int]], int]
"""Calls what runs in the terminal once the terminal is free for that, and gives what it gave."""


def edit(request: CompileRequest, in_terminal: InTerminal = lambda run: run()) -> ConfigurationEdit:
    """Let a person change the configuration; the terminal is theirs while the menu is shown.

    Nothing of the source tree is different afterwards, and the next build does not see it.

    Args:
        request: what would be built.
        in_terminal: frees the terminal for the menu; before and after, nothing is written to it.

    Raises:
        MissingToolError: ESP-IDF is not there, or not in the version that the project asks for.
        ToolError: the project cannot be configured, or it is none of ESP-IDF.
        UsageError: the project's ``espdeck.toml`` makes no sense.
        CancelledError: as the request's token says, while the project is configured.
    """
    if kind_of_folder(request.source) is not ProjectKind.APP:
        raise ToolError(NO_MENU)
    try:
        return _edit(request, in_terminal)
    except OSError as error:
        raise ToolError(f"{request.build_dir}: {error.strerror or error}") from error


def _edit(request: CompileRequest, in_terminal: InTerminal) -> ConfigurationEdit:
    prepared = idf.prepare_command(request)
    whole_is_kept = _is_committed(request, prepared.sdkconfig)
    try:
        before = _not_default(request, prepared)
        argv = [*prepared.argv, "menuconfig"]
        code = in_terminal(
            lambda: process.run_in_terminal(argv, cwd=request.build_dir, env=prepared.env)
        )
        if code:
            raise ToolError(f"idf.py menuconfig ended with exit code {code}")
        after = _not_default(request, prepared)
        whole = sdkconfig.options(_read(prepared.sdkconfig))
    finally:
        prepared.forget_configuration()
    changed = sdkconfig.changed_options(before, after, whole)
    name = "sdkconfig" if whole_is_kept else _options_file(request, frozenset(changed))
    had = _read(request.source / name)
    return ConfigurationEdit(name, had, sdkconfig.with_changes(had, changed) if changed else had)


def _options_file(request: CompileRequest, names: frozenset[str]) -> str:
    """The file that has the last word on some options, else the one for any."""
    main = f"{CONFIGURATION}{request.configuration}" if request.configuration else DEFAULTS
    ordered = [DEFAULTS, f"{DEFAULTS}.{request.target}"]
    if request.configuration:
        ordered += [main, f"{main}.{request.target}"]
    said = [
        each for each in ordered if names & sdkconfig.options(_read(request.source / each)).keys()
    ]
    return max((*said[-1:], main), key=ordered.index)


def _is_committed(request: CompileRequest, used: Path) -> bool:
    """Whether the project keeps a whole ``sdkconfig``, for this target."""
    own = request.source / "sdkconfig"
    return own.is_file() and _read(own) == _read(used)


def _not_default(request: CompileRequest, prepared: idf.IdfCommand) -> dict[str, str]:
    """Options that are not at their default, as ``idf.py save-defconfig`` writes them."""
    defaults = request.source / DEFAULTS
    had = defaults.read_bytes() if defaults.is_file() else None
    output = BuildOutput(request, 0, 100, BuildSystem.IDF)
    try:
        done = prepared.run("save-defconfig", request, output)
        if done.returncode:
            raise ToolError(f"it cannot be configured: {output.findings('idf.py', done)[0].title}")
        return sdkconfig.options(_read(defaults))
    finally:
        if had is None:
            defaults.unlink(missing_ok=True)
        else:
            defaults.write_bytes(had)


def _read(path: Path) -> str:
    try:
        return read_file(path, sdkconfig.MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
