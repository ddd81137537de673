"""What the screens look like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from engine.projects.variants import Variant
from tests.engine.metrics.past import Past, fill_metrics
from tests.tui.check_workspaces import fill_checks, use_checks
from tests.tui.guide.small_manual import small_manual
from tests.tui.snapshots import lab_boards
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill, fill_audit, keep_fix
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


async def workflows(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("w")
    await story.sees("#4", "about   a review")
    await story.press("l")
    await story.sees("asked   It hangs")


async def metrics(story: Story) -> None:
    await story.sees("hub")
    await story.press("m")
    await story.sees("hub: duration", "#12 ")
    await story.press("j", "j", "h", "h")
    await story.sees("hub: image size", "#10 ", "had")


async def form(story: Story) -> None:
    await workflows(story)
    await story.press("h", "enter")
    await story.sees("default of each role  ")


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


async def add(story: Story) -> None:
    await home(story)
    await story.press("a")
    await story.sees("Git URL or path")


async def edit(story: Story) -> None:
    await home(story)
    await story.press("e")
    await story.sees("Change sensor-hub")


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


async def checks(story: Story) -> None:
    await home(story)
    await story.sees("! doc")
    await story.press("C")
    await story.sees("1 warning", "doc_check of sensor-hub")


async def check(story: Story) -> None:
    await checks(story)
    await story.press("enter")
    await story.sees("names flash_all()")


async def audit(story: Story) -> None:
    await home(story)
    await story.press("L")
    await story.sees("audit log", "build is needed")


async def monitor_help(story: Story) -> None:
    await monitor(story)
    await story.press("question_mark")
    await story.sees("Keys")


async def helped(story: Story) -> None:
    await home(story)
    await story.press("question_mark")
    await story.sees("Keys")


async def guide(story: Story) -> None:
    await home(story)
    await story.press("H")
    await story.press("slash")
    await story.type("name")
    await story.press("enter", "n", "n", "n", "n", "shift+tab")
    await story.sees("A name does wherever")


async def settings(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("comma")
    await story.sees("quality gate", "max_iterations")
    await story.press("l", "j")
    await story.sees("ESPDECK_MAX_ITERATIONS", "How often DEVELOPER")


async def setting(story: Story) -> None:
    await settings(story)
    await story.press("k", "enter")
    await story.sees("esc leave")
    await story.press("9", "9")
    await story.sees("must be a number from 1 to 32")


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
        pytest.param(helped, (80, 24), {}, id="help"),
        pytest.param(guide, (80, 24), {}, id="guide"),
        pytest.param(guide, (60, 15), {"ascii": True, "theme": "light"}, id="guide-small-ascii"),
        pytest.param(monitor_help, (120, 40), {}, id="help-monitor"),
        pytest.param(fix, (80, 24), {}, id="fix"),
        pytest.param(fix, (120, 40), {"theme": "light"}, id="fix-light"),
        pytest.param(checks, (60, 15), {}, id="checks-small"),
        pytest.param(checks, (80, 24), {"ascii": True}, id="checks-ascii"),
        pytest.param(checks, (120, 40), {}, id="checks"),
        pytest.param(check, (60, 15), {}, id="check-small"),
        pytest.param(check, (80, 24), {}, id="check"),
        pytest.param(check, (120, 40), {"theme": "light"}, id="check-light"),
        pytest.param(audit, (80, 24), {}, id="audit"),
        pytest.param(add, (80, 24), {}, id="add-project"),
        pytest.param(edit, (120, 40), {}, id="edit-project"),
        pytest.param(variants, (80, 24), {}, id="variants"),
        pytest.param(remove, (80, 24), {}, id="remove"),
        pytest.param(name, (80, 24), {}, id="name-board"),
        pytest.param(settings, (80, 24), {}, id="settings"),
        pytest.param(settings, (60, 15), {"ascii": True}, id="settings-small-ascii"),
        pytest.param(setting, (80, 24), {"theme": "light"}, id="setting-form-light"),
        pytest.param(workflows, (80, 24), {}, id="workflows"),
        pytest.param(form, (80, 24), {}, id="workflow-form"),
        pytest.param(metrics, (80, 24), {}, id="metrics"),
        pytest.param(metrics, (60, 15), {"ascii": True}, id="metrics-small-ascii"),
        pytest.param(metrics, (200, 60), {"theme": "light"}, id="metrics-large-light"),
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
    if walk is metrics:
        past = Past(tmp_path, began=datetime.now(UTC) - timedelta(hours=2, minutes=20))
        fill_metrics(past)
        past.store.close()
    else:
        fill(tmp_path)
    if walk is fix:
        keep_fix(tmp_path, 3, lambda text: text)
    if walk is audit:
        fill_audit(tmp_path)
    if walk in (checks, check):
        fill_checks(tmp_path)
    if walk in (workflows, form):
        fill_tasks(tmp_path)

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await walk(story)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
