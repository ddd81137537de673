"""Changing the options of an ESP-IDF project in its menu, and writing them where they came from."""

from __future__ import annotations

from pathlib import Path

from engine import private_files
from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.projects import git_objects
from engine.projects.slots import Slots
from engine.store.tables import Project
from engine.toolchains.base import CompileRequest
from engine.toolchains.idf_menuconfig import (
    ConfigurationEdit,
    InTerminal,
    check_idf,
    edit,
    lack_of_menu,
)

TIMEOUT_SECONDS = 300.0
"""Seconds that it may take to configure a project before and after a person changes options."""


def check(project: Project, sha: str) -> str:
    """Look whether a commit of a project has a menu of options here; nothing is configured yet.

    Returns:
        Why it has none, whatever is installed here; empty where it has one.

    Raises:
        UsageError: no chip is known.
        MissingToolError: ESP-IDF is not there, or cannot build for its chip.
        ToolError: it is not cloned.
    """
    try:
        lists = git_objects.read_text(
            Path(project.clone_path), sha, f"{project.app or '.'}/CMakeLists.txt"
        )
    except UsageError:
        lists = ""
    if lack := lack_of_menu(lists):
        return lack
    if not project.target:
        raise UsageError(f"{project.name}: name a chip first (espdeck edit NAME --target CHIP)")
    check_idf(project.target)
    return ""


def menuconfig(
    project: Project, sha: str, slots: Slots, cancel: CancelToken, in_terminal: InTerminal
) -> ConfigurationEdit:
    """Change the configuration of a commit in this terminal. Nothing is written to the project.

    Args:
        cancel: ends the configuring before and after the menu.
        in_terminal: frees the terminal for the menu.

    Raises:
        MissingToolError, ToolError, UsageError: as :func:`check`; or it cannot be configured.
        CancelledError: as ``cancel`` says.
    """
    if lack := check(project, sha):
        raise ToolError(lack)
    with slots.take(Path(project.clone_path), sha, cancel=cancel) as slot:
        return edit(
            CompileRequest(
                source=slot.source / project.app,
                build_dir=slot.build_dir(str(project.id), project.target, project.configuration),
                target=project.target,
                timeout=TIMEOUT_SECONDS,
                cancel=cancel,
                on_output=lambda _data: None,
                on_progress=lambda _percent, _doing: None,
                root=slot.source,
                configuration=project.configuration,
            ),
            in_terminal,
        )


def write(project: Project, edited: ConfigurationEdit) -> Path:
    """Write what was configured into the folder that a project was added from.

    Returns:
        The file; it is not committed.

    Raises:
        UsageError: it was not added from a folder with a worktree, or there the file is
            another than the one that was configured, or a link that leads out of the folder.
    """
    folder = Path(project.source)
    if not (folder / ".git").exists():
        raise UsageError(f"{project.name} is not a folder of this machine: change it there")
    path = folder / project.app / edited.file
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{path} leads out of {folder}: change what it leads to")
        if (path.read_text("utf-8", "replace") if path.is_file() else "") != edited.had:
            raise UsageError(f"{path} has local changes: commit them and sync first")
        is_new = not path.exists()
        with path.open("w", encoding="utf-8") as file:
            if is_new:
                private_files.apply_user_umask(file.fileno())
            file.write(edited.text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return path
