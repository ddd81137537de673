"""The demo workspace: the samples as real Git repositories, imported as projects."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine import samples
from engine.enums import ProjectStatus
from engine.errors import EspdeckError
from engine.settings.own_boards import keep_own_boards
from engine.text import clean

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.store.tables import Project

DEMO_BOARD = "virtual:esp32c3"
"""The board of the demo."""

TARGET = "esp32c3"

IMPORT_TIMEOUT = 60.0
"""Seconds that cloning a sample over the file system may take."""


def prepare_demo(engine: Engine) -> Project:
    """Make the samples' repositories and import them, once for each workspace; it keeps the board.

    Returns:
        The project to build first.

    Raises:
        EspdeckError: a repository could not be made or imported.
    """
    keep_own_boards(engine.settings.workspace, [DEMO_BOARD])
    folder = engine.settings.workspace / "sources"
    known = {project.name: project for project in engine.projects.list()}
    for name in samples.names():
        if name not in known:
            source = make_repository(name, folder / name)
            known[name] = engine.projects.add(str(source), name=name, targets=[TARGET])
    for name, project in known.items():
        if project.status is not ProjectStatus.ACTIVE:
            known[name] = project = engine.projects.resume(project.id, IMPORT_TIMEOUT)
            if project.status is not ProjectStatus.ACTIVE:
                raise EspdeckError(f"sample {name}: {project.status_detail or 'not imported'}")
    return known[samples.names()[0]]


def make_repository(name: str, folder: Path) -> Path:
    """Write a sample and commit it to a Git repository of its own; does nothing if it is there.

    Raises:
        EspdeckError: the folder cannot be written.
    """
    from git import Actor, GitCommandError, Repo

    if (folder / ".git").is_dir():
        return folder
    author = Actor("espdeck", "espdeck@localhost")
    try:
        samples.write(name, folder)
        with Repo.init(folder, initial_branch="main") as repository:
            repository.git.add(all=True)
            repository.index.commit(f"Add the {name} sample", author=author, committer=author)
    except (OSError, GitCommandError) as error:
        shutil.rmtree(folder, ignore_errors=True)  # half of a repository is of no use
        reason = error.strerror if isinstance(error, OSError) else error.stderr.strip()
        raise EspdeckError(f"{folder} cannot be made: {clean(str(reason))}") from error
    return folder
