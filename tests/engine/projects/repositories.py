"""Projects on a store, and Git as its user runs it, for tests of what is built."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from engine.cancel import CancelToken
from engine.events import Bus
from engine.projects.commit_locator import LocatedCommit
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.store.database import Store
from engine.store.tables import Project


class Yard:
    """Projects on a store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        self.slots = Slots(folder / "worktrees", is_unfinished=lambda _run: False)
        self.folder = folder / "projects"
        self.bus = Bus()
        self.projects = Projects(self.store, self.bus, self.folder, self.slots)

    def add(self, source: Path | str, branch: str | None = None) -> Project:
        added = self.projects.add(str(source), branch=branch, targets=["esp32c3"])
        return self.projects.wait(added.id, timeout=30)

    def now(
        self, project: Project, revision: str | None = None, *, dirty: bool = False
    ) -> LocatedCommit:
        return self.projects.commit(project.id, revision, dirty=dirty)

    def sources(self, located: LocatedCommit) -> dict[str, str]:
        """The files of a commit, as a build gets them."""
        clone = Path(located.project.clone_path)
        with self.slots.take(clone, located.commit.sha, cancel=CancelToken()) as slot:
            return {
                path.relative_to(slot.source).as_posix(): path.read_text()
                for path in sorted(slot.source.rglob("*"))
                if path.is_file() and path.name != ".git"
            }


def git(folder: Path, *words: str, **env: str) -> str:
    """Run Git as its user does."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "commit.gpgsign=false")
    allow = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *allow, "-C", str(folder), *words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def codes(located: LocatedCommit) -> list[str]:
    return [note.code for note in located.notes]
