"""What home looks like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Settings
from engine.projects.variants import Variant
from tests.tui.lab import Lab, busy, hostile, many
from tests.tui.snapshots.conftest import Looks, Size, Walk
from tests.tui.workspaces import Story
from tui.app import EspdeckApp
from tui.screens.start_build import ChooseVariants

pytestmark = [pytest.mark.xdist_group("snapshots-home"), pytest.mark.slow]

HOSTILE = "\x1b[31m溫度[b]\u202e\tx "
"""A control sequence, wide characters, markup, an override of the direction, a tab."""


async def empty(story: Story) -> None:
    await story.sees("no projects yet: press a", "espdeck demo", "espdeck doctor", "runs here")


async def projects(story: Story) -> None:
    await story.sees("#128", "Load prohibited", "runs here")


async def seen(story: Story) -> None:
    await story.sees("#128", "runs here")


async def strip_of_work(story: Story) -> None:
    await projects(story)
    await story.press("tab")
    await story.sees("0:31 of ~1:05")


async def strip_of_boards(story: Story) -> None:
    await projects(story)
    await story.press("3")
    await story.sees("ada until 15:30")


async def details(story: Story) -> None:
    await projects(story)
    await story.press("5")
    await story.sees("details of node5", "status  active")


async def remove(story: Story) -> None:
    await projects(story)
    await story.press("d")
    await story.sees("Remove node5?")


async def variants(story: Story) -> None:
    await projects(story)
    found = [Variant(chip, way) for chip in ("esp32c3", "esp32c6") for way in ("", "release")]
    story.app.push_screen(ChooseVariants("node5", found))
    await story.sees("of 4 variants marked")
    await story.press("space")
    await story.sees("1 of 4 variants marked")


async def grouped(story: Story) -> None:
    await story.sees("node-0000")
    await story.press("O", "t", "t", "j", "j", "space", "space", "slash", *"c3", "enter")
    await story.sees("by name, by prefix", "2 marked", "/c3")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **request.param))
    yield app
    app.close_engine()


LARGE, WIDE, USUAL, SMALL = (200, 60), (120, 36), (80, 24), (60, 15)
LIGHT, ASCII = {"theme": "light"}, {"ascii": True}


@pytest.mark.parametrize(
    ("make", "walk", "sizes", "app"),
    [
        pytest.param(Lab, empty, (USUAL, WIDE, LARGE), {}, id="empty"),
        pytest.param(busy, projects, (USUAL, WIDE, LARGE, SMALL), {}, id="busy"),
        pytest.param(busy, projects, (WIDE,), LIGHT, id="busy-light"),
        pytest.param(busy, projects, (WIDE,), ASCII, id="busy-ascii"),
        pytest.param(busy, strip_of_work, (USUAL,), {}, id="work"),
        pytest.param(busy, strip_of_boards, (USUAL,), LIGHT, id="boards-light"),
        pytest.param(busy, details, (USUAL,), {}, id="details"),
        pytest.param(busy, remove, (USUAL,), {}, id="remove"),
        pytest.param(busy, variants, (USUAL,), {}, id="variants"),
        pytest.param(lambda: hostile(busy(), HOSTILE), seen, (USUAL, WIDE), {}, id="hostile"),
        pytest.param(lambda: many(1000), grouped, (USUAL, WIDE, LARGE), {}, id="many"),
    ],
    indirect=["app"],
)
async def test_it_looks_as_it_did(
    looks: Looks,
    app: EspdeckApp,
    make: Callable[[], Lab],
    walk: Walk,
    sizes: tuple[Size, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make().use(monkeypatch)
    await looks(app, walk, *sizes)
