"""What a person or a runner does to a repository, as a script; ``espdeck build`` in it is asked.

The script begins in a repository ``fw`` with the commits One, Two, Three on ``main``, of which each
changes ``main.c``. Its other commands are run by bash.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.events import Bus
from engine.projects.commit_locator import LocatedCommit
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.store.database import Store
from tests.engine.git_repos import commit
from tests.field.case import Case

_ASKED = re.compile(r"^(?:.*&& )?espdeck build (.*)$", re.M)
_WHO = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@localhost",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@localhost",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
}


def read(case: Case) -> dict[str, object]:
    """``builds``: of each, the commit's ``message``, the ``branch``, whether it is ``dirty``, the
    codes of its ``notes`` and the text of ``main.c``; else what was ``refused``.
    """
    with tempfile.TemporaryDirectory(prefix="espdeck-field-") as name:
        folder = Path(name)
        for number, message in enumerate(("One", "Two", "Three"), 1):
            commit(folder / "fw", {"main.c": f"int x{number};\n"}, message)
        store = Store(folder / "workspace" / "espdeck.db")
        slots = Slots(folder / "workspace" / "worktrees", is_unfinished=lambda _run: False)
        projects = Projects(store, Bus(), folder / "workspace" / "projects", slots)
        builds = []
        try:
            for command in filter(None, case.text.splitlines()):
                asked = _ASKED.match(command)
                shell = command[: asked.start(1)] if asked else command
                _run(shell.replace("espdeck build ", "true"), folder / "fw")
                if asked:
                    builds.append(_build(projects, slots, folder / "fw", asked[1]))
        finally:
            projects.close()
            store.close()
    return {"builds": builds}


def _run(command: str, folder: Path) -> None:
    subprocess.run(
        ["bash", "-e", "-c", command], cwd=folder, env={**os.environ, **_WHO}, check=True,
        capture_output=True, timeout=30,
    )  # fmt: skip


def _build(projects: Projects, slots: Slots, folder: Path, words: str) -> dict[str, object]:
    what, *options = shlex.split(words)
    revision = options[options.index("--commit") + 1] if "--commit" in options else None
    branch = options[options.index("--branch") + 1] if "--branch" in options else None
    try:
        path = (folder / what).resolve()
        project = projects.find_or_add(str(path), branch=branch, targets=["esp32c3"])
        located = projects.commit(project.id, revision, dirty="--dirty" in options)
    except EspdeckError as error:
        return {"refused": str(error)}
    return {
        "message": located.commit.message,
        "branch": located.project.branch,
        "dirty": located.dirty,
        "notes": [note.code for note in located.notes],
        "text": _text(slots, located),
    }


def _text(slots: Slots, located: LocatedCommit) -> str:
    clone = Path(located.project.clone_path)
    with slots.take(clone, located.commit.sha, cancel=CancelToken()) as slot:
        return (slot.source / "main.c").read_text().strip()
