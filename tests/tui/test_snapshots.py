"""What the screens look like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from engine.projects.variants import Variant
from tests.tui.check_workspaces import use_checks
from tests.tui.guide.small_manual import small_manual
from tests.tui.snapshots import lab_boards
from tests.tui.workspaces import Story, fill, keep_fix
from tui.app import EspdeckApp
from tui.presentation import audit_rows, manual
from tui.screens import check as screens_check
from tui.screens.start_build import ChooseVariants

pytestmark = pytest.mark.xdist_group("snapshots")

Walk = Callable[[Story], Awaitable[None]]


async def home(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("l")
    await story.sees("#3", "runs here")


async def fix(story: Story) -> None:
    await home(story)
    await story.press("g", "enter")
    await story.sees("d shows how")
    await story.press("d")
    await story.sees("FIX of build 3", "a model: closed the driver")


async def remove(story: Story) -> None:
    await home(story)
    await story.press("d")
    await story.sees("Remove sensor-hub?")


async def variants(story: Story) -> None:
    await home(story)
    found = [Variant(chip, way) for chip in ("esp32c3", "esp32c6") for way in ("", "release")]
    story.app.push_screen(ChooseVariants("sensor-hub", found))
    await story.sees("of 4 variants marked")
    await story.press("space")
    await story.sees("1 of 4 variants marked")


async def boards(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("B")
    await story.sees("boards 5", "rack-2")


async def name(story: Story) -> None:
    await boards(story)
    await story.press("j", "n")
    await story.sees("Name rack-2")


async def monitor(story: Story) -> None:
    await boards(story)
    await story.press("j", "enter")
    await story.sees("Rebooting...", "Load access fault")


async def guide(story: Story) -> None:
    await home(story)
    await story.press("H")
    await story.press("slash")
    await story.type("name")
    await story.press("enter", "n", "n", "n", "n", "shift+tab")
    await story.sees("Commands take the name")


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are the same on any machine."""
    path = tmp_path / "config.toml"
    path.write_text("[quality]\ncoverage = 70\n[profile.night]\nmax_concurrent_builds = 4\n")
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "2")


@pytest.fixture(autouse=True)
def no_clock_runs_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks of the pictures, that run by no clock; times of day do not show."""
    use_checks(monkeypatch)
    monkeypatch.setattr(screens_check, "when", lambda _result: "01-31 12:00")
    monkeypatch.setattr(audit_rows, "day_and_clock", lambda _at, **_seconds: "2026-01-31 12:00")


@pytest.fixture(autouse=True)
def board_farm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards that say the same on any machine."""

    def says(rest: dict[str, Any]) -> None:
        rest["on_output"](lab_boards.BOOT + lab_boards.PANIC)
        rest["crashes"].feed(lab_boards.BOOT + lab_boards.PANIC)

    lab_boards.use(monkeypatch, lab_boards.BOARDS, says)


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "size", "app"),
    [
        pytest.param(guide, (80, 24), {}, id="guide"),
        pytest.param(guide, (60, 15), {"ascii": True, "theme": "light"}, id="guide-small-ascii"),
        pytest.param(fix, (80, 24), {}, id="fix"),
        pytest.param(fix, (120, 40), {"theme": "light"}, id="fix-light"),
        pytest.param(variants, (80, 24), {}, id="variants"),
        pytest.param(remove, (80, 24), {}, id="remove"),
        pytest.param(name, (80, 24), {}, id="name-board"),
    ],
    indirect=["app"],
)
def test_it_looks_as_it_did(
    snap_compare: Any,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = small_manual()
    monkeypatch.setattr(manual, "topics", lambda: pages)
    fill(tmp_path)
    if walk is fix:
        keep_fix(tmp_path, 3, lambda text: text)

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await walk(story)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
