"""What forms, help and the screens that list things look like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import Settings
from engine.store import projects
from engine.store.database import Store
from tests.engine.metrics.past import Past, fill_metrics
from tests.tui.check_workspaces import fill_checks, use_checks
from tests.tui.screens.test_notifications import notify
from tests.tui.snapshots.conftest import SIZES, Looks, Size, Walk, keep_settings
from tests.tui.task_workspaces import fill_tasks
from tests.tui.test_hostile import hostile
from tests.tui.workspaces import Story, fill, fill_audit
from tui.app import EspdeckApp
from tui.presentation import audit_rows
from tui.screens import check as screens_check
from tui.screens.add_project import AddProject
from tui.screens.edit_project import EditProject

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]

SMALL = ((60, 15),)


async def workflows(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("w")
    await story.sees("#4", "about   a review")


async def task_form(story: Story) -> None:
    await workflows(story)
    await story.press("h", "enter")
    await story.sees("input text", "chosen by the task")
    await story.press("ctrl+s")
    await story.sees("sensor-hub", "no model for codegemma")


async def add(story: Story) -> None:
    await workflows(story)
    story.app.push_screen(AddProject())
    await story.sees("Git URL or path")
    await story.type("ftp://there/a")
    await story.press("tab", "enter")
    await story.sees("is not accepted")


async def edit(story: Story) -> None:
    await workflows(story)
    engine = story.app.engine
    assert engine is not None
    broken = next(each for each in engine.projects.list() if "broken" in each.name)
    story.app.push_screen(EditProject(broken))
    await story.sees("cannot be reached")
    await story.press("tab", *"esp32,esp32c6")
    await story.sees("builds for", "variants", "esp32c6;")


async def pick(story: Story) -> None:
    await add(story)
    await story.press("tab", "down", "space")
    await story.sees("chips: esp32")


async def helped(story: Story) -> None:
    await workflows(story)
    await story.press("question_mark")
    await story.sees("on this screen")


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
    await story.sees("must be a number from")


async def checks(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("C")
    await story.sees("1 warning", "doc_check of")


async def check(story: Story) -> None:
    await checks(story)
    await story.press("enter")
    await story.sees("names flash_all()")


async def audit(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("L")
    await story.sees("audit log", "build is needed")


async def notifications(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("n")
    await story.sees("5 unread", "chat may have arrived")


async def metrics(story: Story) -> None:
    await story.sees("hub")
    await story.press("m")
    await story.sees("hub: duration", "#12 ")
    await story.press("j", "j", "h", "h")
    await story.sees("hub: image size", "#10 ", "had")


async def metrics_hostile(story: Story) -> None:
    await story.sees("hub", "#12")
    await story.press("m")
    await story.sees("duration", "#12 ")
    await story.press("j", "j", "j")
    await story.sees("KiB", "#12 ")


async def checks_hostile(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("C")
    await story.sees("1 warning", "doc_check of", "2 documents")


async def check_hostile(story: Story) -> None:
    await checks_hostile(story)
    await story.press("enter")
    await story.sees("names flash_all()")


async def settings_hostile(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("comma")
    await story.sees("quality gate", "max_iterations")
    await story.press("l", *"jjjjj")
    # It is not chosen: its details have the file, whose name is another one each time.
    await story.sees("idf_paths", "31337", "repair")


WALKS: tuple[Walk, ...] = (
    workflows, task_form, add, edit, pick, helped, settings, setting, checks, check, audit,
    notifications, metrics,
)  # fmt: skip

PICTURES = [
    *(pytest.param(walk, SIZES, {}, False, id=walk.__name__) for walk in WALKS),
    pytest.param(add, SMALL, {"ascii": True}, False, id="add-ascii"),
    pytest.param(edit, SMALL, {"theme": "light"}, False, id="edit-light"),
    pytest.param(settings, SMALL, {"ascii": True}, False, id="settings-ascii"),
    pytest.param(checks, SMALL, {"theme": "light"}, False, id="checks-light"),
    pytest.param(edit, SIZES[:1], {}, True, id="edit-hostile"),
    pytest.param(workflows, SIZES[:2], {}, True, id="workflows-hostile"),
    pytest.param(metrics_hostile, SIZES[:2], {}, True, id="metrics-hostile"),
    pytest.param(checks_hostile, SIZES[:2], {}, True, id="checks-hostile"),
    pytest.param(check_hostile, SIZES[:2], {}, True, id="check-hostile"),
    pytest.param(settings_hostile, SIZES[:2], {}, True, id="settings-hostile"),
]


@pytest.fixture(autouse=True)
def same_everywhere(settings_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, checks and times that are the same on any machine."""
    use_checks(monkeypatch)
    monkeypatch.setattr(screens_check, "when", lambda _result: "01-31 12:00")
    monkeypatch.setattr(audit_rows, "day_and_clock", lambda _at, **_seconds: "2026-01-31 12:00")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **request.param))
    yield app
    app.close_engine()


@pytest.mark.parametrize(("walk", "sizes", "app", "is_hostile"), PICTURES, indirect=["app"])
async def test_it_looks_as_it_did(
    looks: Looks,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    sizes: tuple[Size, ...],
    *,
    is_hostile: bool,
) -> None:
    text = hostile if is_hostile else str
    if walk in (metrics, metrics_hostile):
        past = Past(tmp_path, text("hub"), datetime.now(UTC) - timedelta(hours=2, minutes=20))
        fill_metrics(past, text)
        past.store.close()
    else:
        fill(tmp_path, text=text)
    if walk is audit:
        fill_audit(tmp_path)
    elif walk is notifications:
        notify(tmp_path)
    elif walk in (checks, check, checks_hostile, check_hostile):
        fill_checks(tmp_path, text)
    elif walk is settings_hostile:
        keep_settings(tmp_path, f"idf_paths = [{json.dumps(hostile('/opt/esp-idf'))}]")
    elif walk not in (metrics, metrics_hostile, settings, setting):
        fill_tasks(tmp_path, text)
    if walk is edit:
        _point_nowhere(tmp_path)

    async def to_focus(story: Story) -> None:
        await walk(story)
        await story.until(lambda: story.screen.focused is not None)

    await looks(app, to_focus, *sizes)


def _point_nowhere(workspace: Path) -> None:
    """Let the clone of the broken project not be where the test happens to run."""
    store = Store(workspace / "espdeck.db")
    for each in projects.all_projects(store):
        if "broken" in each.name:
            projects.change_project(
                store, each.id, lambda row: setattr(row, "clone_path", "/nowhere")
            )
    store.close()
