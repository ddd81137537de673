"""What the screens look like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from engine.boards.board_info import BoardInfo
from engine.boards.service import Boards
from engine.projects.variants import Variant
from tests.engine.metrics.past import Past, fill_metrics
from tests.tui.check_workspaces import fill_checks, use_checks
from tests.tui.guide.small_manual import small_manual
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill, fill_audit, keep_fix, keep_maps
from tui.app import EspdeckApp
from tui.presentation import audit_rows, manual
from tui.screens import check as screens_check
from tui.screens.start_build import ChooseVariants
from tui.widgets.chart import Chart

pytestmark = pytest.mark.xdist_group("snapshots")

Walk = Callable[[Story], Awaitable[None]]


async def home(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("j", "l")
    await story.sees("#3", "source  https://git.lab/sensor-hub", "runs here")


async def build(story: Story) -> None:
    await home(story)
    await story.press("g", "enter")
    await story.sees("FINDINGS 2", "main/main.c")


async def builder(story: Story) -> None:
    await build(story)
    await story.press("2")
    await story.sees("the last of them")


async def sizes(story: Story) -> None:
    await build(story)
    await story.press("s")
    await story.sees("against #2", "libc.a")


async def workflows(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("j", "w")
    await story.sees("#4", "about   a review")
    await story.press("l")
    await story.sees("asked   It hangs")


async def task(story: Story) -> None:
    await workflows(story)
    await story.press("G", "enter")
    await story.sees("#4 ✓ success", "1 main/main.c:21 blocker")


async def metrics(story: Story) -> None:
    await story.sees("hub")
    await story.press("m")
    await story.sees("hub: duration", "#12 ")
    await story.press("j", "j", "h", "h")
    await story.sees("hub: image size", "#10 ", "had")


async def gate(story: Story) -> None:
    await workflows(story)
    await story.press("enter")
    await story.sees("QUALITY GATE")


async def form(story: Story) -> None:
    await workflows(story)
    await story.press("h", "enter")
    await story.sees("each role's own; ")


async def fix(story: Story) -> None:
    await home(story)
    await story.press("g", "enter")
    await story.sees("d shows how")
    await story.press("d")
    await story.sees("FIX of build 3", "a model: closed the driver")


async def retry(story: Story) -> None:
    await build(story)
    await story.press("r")
    await story.sees("from the start")


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
    await home(story)
    await story.press("B")
    await story.sees("boards 4", "rack-2")


async def name(story: Story) -> None:
    await boards(story)
    await story.press("j", "n")
    await story.sees("Name usb-303a-1001")


async def monitor(story: Story) -> None:
    await boards(story)
    await story.press("j", "enter")
    await story.sees("Rebooting...", "Load access fault")


async def monitors(story: Story) -> None:
    await boards(story)
    await story.press("m", "m", "enter")
    await story.sees("Rebooting...", "Load access fault", "heap 180")
    await story.press("P")
    await story.type("heap ([0-9]+)")
    await story.press("enter")
    await story.until(lambda: story.screen.query_one(Chart).plot is not None)
    plot = story.screen.query_one(Chart).plot
    assert plot is not None
    for number in range(40):
        plot.feed(f"heap {180_000 - 9_000 * (number % 9)}")
    await story.sees("108000")


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
    await story.sees("Input should be less")


async def empty(story: Story) -> None:
    await story.sees("no projects yet: press a", "runs here")


def board(name: str, **known: Any) -> BoardInfo:
    texts = (
        "label", "remark", "kind", "chip", "revision", "mac", "features", "reserved", "holder",
        "doing", "url", "last_line",
    )  # fmt: skip
    nothing = dict.fromkeys(texts, "")
    numbers = {"flash_size": None, "brownouts": 0, "watchdog_resets": 0}
    return BoardInfo(name, **{"state": "free", **nothing, **numbers, **known})


BOARDS = (
    board(
        "/dev/ttyACM0", label="desk", chip="esp32c3", revision="v0.4", url="/dev/ttyACM0",
        mac="84:f7:03:12:34:56", flash_size=4 << 20, features="Wi-Fi, BLE", crystal=40,
        state="busy", holder="build 3", doing="flash 43 %", remark="left of the scope",
    ),
    board(
        "usb-303a-1001-7C:DF:A1:00:11:22", label="rack-2", chip="esp32s3", revision="v0.2",
        url="/dev/ttyACM1", package="QFN56", flash_size=8 << 20, features="Wi-Fi, BLE",
        runs="sensor-hub 0000000, build 2", last_line="I (3120) sensor: 21.4 C", brownouts=2,
    ),
    board("/dev/ttyUSB0", url="/dev/ttyUSB0", reserved="ada until 2099-01-31 16:00 UTC: sleep"),
    board("virtual:esp32c3", kind="virtual", chip="esp32c3", state="off"),
)  # fmt: skip

CONSOLE = b"""ESP-ROM:esp32s3-20210327
rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)
I (24) boot: ESP-IDF v5.2 2nd stage bootloader
I (301) main_task: Calling app_main()
I (310) sensor: heap 180432 bytes free
W (1320) wifi: reconnecting to a network whose name is much longer than this pane is wide, again
I (2330) sensor: heap 96512 bytes free
I (2410) sensor: heap 88320 bytes free
Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.
MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0
Rebooting...
"""


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
    monkeypatch.setattr(audit_rows, "local_time", lambda _at: "2026-01-31 12:00")


@pytest.fixture(autouse=True)
def board_farm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four boards that say the same on any machine."""

    def watch(_boards: Boards, _name: str, **rest: Any) -> None:
        rest["on_note"]("kept in sessions/2026-01-31/rack-2.log")
        rest["on_output"](CONSOLE)
        rest["cancel"].wait(60)

    monkeypatch.setattr(Boards, "list_all", lambda _boards: BOARDS)
    monkeypatch.setattr(Boards, "watch", watch)


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "size", "app"),
    [
        pytest.param(empty, (80, 24), {}, id="empty"),
        pytest.param(home, (80, 24), {}, id="home"),
        pytest.param(home, (120, 30), {"theme": "light"}, id="home-light"),
        pytest.param(build, (80, 24), {}, id="build"),
        pytest.param(builder, (80, 24), {"ascii": True}, id="builder-ascii"),
        pytest.param(builder, (200, 60), {}, id="build-large"),
        pytest.param(build, (40, 12), {}, id="build-small"),
        pytest.param(sizes, (80, 24), {"ascii": True}, id="sizes-ascii"),
        pytest.param(sizes, (200, 60), {}, id="sizes-large"),
        pytest.param(helped, (80, 24), {}, id="help"),
        pytest.param(guide, (80, 24), {}, id="guide"),
        pytest.param(guide, (60, 15), {"ascii": True, "theme": "light"}, id="guide-small-ascii"),
        pytest.param(monitor_help, (120, 40), {}, id="help-monitor"),
        pytest.param(sizes, (120, 40), {}, id="sizes"),
        pytest.param(fix, (80, 24), {}, id="fix"),
        pytest.param(fix, (120, 40), {"theme": "light"}, id="fix-light"),
        pytest.param(checks, (60, 15), {}, id="checks-small"),
        pytest.param(checks, (80, 24), {"ascii": True}, id="checks-ascii"),
        pytest.param(checks, (120, 40), {}, id="checks"),
        pytest.param(check, (60, 15), {}, id="check-small"),
        pytest.param(check, (80, 24), {}, id="check"),
        pytest.param(check, (120, 40), {"theme": "light"}, id="check-light"),
        pytest.param(audit, (80, 24), {}, id="audit"),
        pytest.param(boards, (80, 24), {}, id="boards"),
        pytest.param(boards, (120, 40), {"ascii": True}, id="boards-ascii"),
        pytest.param(boards, (200, 60), {}, id="boards-large"),
        pytest.param(monitor, (80, 24), {}, id="monitor"),
        pytest.param(monitors, (120, 40), {}, id="monitor-two"),
        pytest.param(add, (80, 24), {}, id="add-project"),
        pytest.param(edit, (120, 40), {}, id="edit-project"),
        pytest.param(variants, (80, 24), {}, id="variants"),
        pytest.param(retry, (80, 24), {}, id="retry"),
        pytest.param(remove, (80, 24), {}, id="remove"),
        pytest.param(name, (80, 24), {}, id="name-board"),
        pytest.param(settings, (80, 24), {}, id="settings"),
        pytest.param(settings, (60, 15), {"ascii": True}, id="settings-small-ascii"),
        pytest.param(setting, (80, 24), {"theme": "light"}, id="setting-form-light"),
        pytest.param(workflows, (80, 24), {}, id="workflows"),
        pytest.param(form, (80, 24), {}, id="workflow-form"),
        pytest.param(task, (80, 24), {}, id="task"),
        pytest.param(task, (200, 60), {}, id="task-large"),
        pytest.param(metrics, (80, 24), {}, id="metrics"),
        pytest.param(metrics, (60, 15), {"ascii": True}, id="metrics-small-ascii"),
        pytest.param(metrics, (200, 60), {"theme": "light"}, id="metrics-large-light"),
        pytest.param(gate, (120, 30), {"ascii": True}, id="task-gate-ascii"),
        pytest.param(gate, (40, 12), {"theme": "light"}, id="task-small-light"),
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
    elif walk is not empty:
        fill(tmp_path)
    if walk is sizes:
        keep_maps(tmp_path)
    if walk is fix:
        keep_fix(tmp_path, 3, lambda text: text)
    if walk is audit:
        fill_audit(tmp_path)
    if walk in (checks, check):
        fill_checks(tmp_path)
    if walk in (workflows, task, gate, form):
        fill_tasks(tmp_path)

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await walk(story)
        if walk is check:  # it is laid out anew once its width is known
            await story.until(lambda: all(each.is_finished for each in app.workers))
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run_before)
