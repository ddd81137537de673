"""A person looks at a build of a pull request, and approves its commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.enums import RunStatus
from engine.store import runs
from engine.store.tables import Run
from tests.engine.git_repos import commit
from tests.tui.workspaces import Story, running
from tui.screens.build import BuildScreen

pytestmark = pytest.mark.slow


async def test_a_commit_is_approved_after_a_question(tmp_path: Path) -> None:
    source = tmp_path / "fw"
    sha = commit(source, {"main.c": "int x;\n"})
    async with running(tmp_path / "ws", size=(120, 40)) as story:
        engine = story.app.engine
        assert engine is not None
        project = engine.projects.add(str(source), targets=["esp32c3"])
        await story.sees("never built")
        assert engine._store is not None
        held = runs.add_run(
            engine._store,
            Run(
                project_id=project.id,
                commit_sha=sha,
                target="esp32c3",
                branch="pull/7",
                status=RunStatus.SUCCESS,
                board="none",
                proposed_by="github pull request #7 of mallory",
            ),
        )
        story.app.push_screen(BuildScreen(held.number))
        await story.sees("not approved: github pull request #7 of mallory")
        await story.press("A")
        await story.sees(f"Approve commit {sha[:10]} of github pull request #7")
        await story.press("n")
        assert engine.builds.get(held.number).is_held
        await story.press("A")
        await story.sees("flashed on a board")
        await story.press("y")
        await story.until(lambda: _number(story) == held.number + 1)

        assert not engine.builds.get(held.number).is_held
        again = engine.builds.get(held.number + 1)
        assert (again.board, again.commit_sha, again.is_held) == ("auto", sha, False)


def _number(story: Story) -> int:
    screen = story.screen
    return screen.number if isinstance(screen, BuildScreen) else 0
