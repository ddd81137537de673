"""What the manual looks like in the app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Settings
from tests.tui.guide.small_manual import small_manual
from tests.tui.snapshots.conftest import SIZES, Looks, Size
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp
from tui.presentation import manual

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]


async def guide(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("H")
    await story.press("slash")
    await story.type("name")
    await story.press("enter", "n", "n", "n", "n", "shift+tab")
    await story.sees("Commands take the name")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **request.param))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("app", "sizes"),
    [
        pytest.param({}, SIZES, id="guide"),
        pytest.param({"ascii": True, "theme": "light"}, ((60, 15),), id="ascii-light"),
    ],
    indirect=["app"],
)
async def test_it_looks_as_it_did(
    looks: Looks,
    tmp_path: Path,
    app: EspdeckApp,
    sizes: tuple[Size, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = small_manual()
    monkeypatch.setattr(manual, "topics", lambda: pages)
    fill(tmp_path)
    await looks(app, guide, *sizes)
