"""What the screens of a build look like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Settings
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import StageStatus
from engine.events import Event, Log, RunProgress, RunStarted, Serial, StageChanged
from tests.tui.snapshots.conftest import SIZES, Looks, Size, Walk
from tests.tui.workspaces import Story, fill, keep_fix, keep_maps
from tui.app import EspdeckApp
from tui.state.run_state import RunView

pytestmark = [pytest.mark.xdist_group("snapshots-build"), pytest.mark.slow]

USUAL, WIDE, LARGE = SIZES

LONG = "In file included from main/main.c:3: " + "a note of 漢字 and more, " * 12
CRASH = """\
I (24) boot: ESP32-C3, console at 115200 baud
I (310) sensor: heap 180432 bytes free
Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.
MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0  GP      : 0x00000000
--- 0x403802a8: write_reading() (main/main.c:21)
--- 0x40380296: update_sensor() (main/main.c:28)
"""


def hostile(text: str) -> str:
    """Control sequences, wide characters, markup, an override of the direction, a tab."""
    return f"\x1b[31m溫度[b]\u202e\tx {text}"


def stage(key: str, attempt: int, status: StageStatus, summary: str = "") -> StageChanged:
    of = FIRMWARE_PIPELINE.stage(key)
    return StageChanged(
        run_id=3, stage=key, agent=of.role, phase=of.phase, attempt=attempt, status=status,
        summary=summary or of.title,
    )  # fmt: skip


def log(key: str, attempt: int, text: str, kind: type[Log] = Log) -> Log:
    role = FIRMWARE_PIPELINE.stage(key).role
    return kind(run_id=3, stage=key, attempt=attempt, agent=role, first_line=0, text=text)


async def publish(story: Story, *events: Event) -> None:
    engine = story.app.engine
    assert engine is not None
    for event in events:
        engine.events.publish(event)


async def failed(story: Story) -> None:
    story.app.show_build(3)
    await story.sees("FINDINGS")
    if story.app.size.width > 60:
        await story.sees("hub.elf" if story.app.size.width > 150 else "Store access fault in")


async def builder(story: Story) -> None:
    await failed(story)
    await story.press("2")
    await story.sees("the last of them")


async def compiling(story: Story) -> None:
    """The build is done again, by a repair, and compiles now."""
    await failed(story)
    lines = "".join(f"[{number}/40] Building C object {number}.obj\n" for number in range(1, 20))
    await publish(
        story,
        RunStarted(run_id=3, project="hub", commit="c", target="esp32c3"),
        stage("repair", 1, StageStatus.SUCCESS, "closed the driver"),
        stage("build", 2, StageStatus.RUNNING),
        log("build", 2, lines + LONG + "\nmain/main.c:7: warning: unused variable 'x'\n"),
        RunProgress(run_id=3, phase="build", percent=31.0, message="Building C object 19.obj"),
    )
    await story.press("2")
    await story.sees("Building C object 19.obj", "running")


async def on_board(story: Story) -> None:
    """Board and simulator run at once."""
    await compiling(story)
    await publish(
        story,
        stage("build", 2, StageStatus.SUCCESS, "hub.elf, 1 warning, SRAM 4.1 KiB of 400 KiB"),
        stage("test.board", 2, StageStatus.RUNNING),
        stage("test.simulator", 2, StageStatus.RUNNING),
        log("test.board", 2, "flashing rack-2 (/dev/ttyACM1)\nlistening for up to 10 s\n"),
        log("test.board", 2, CRASH, Serial),
        log("test.simulator", 2, CRASH.split("Guru", maxsplit=1)[0], Serial),
        RunProgress(run_id=3, phase="test", percent=68.0, message="listening for up to 10 s"),
    )
    await story.press("7")
    await story.sees("flashing rack-2", "write_reading()", "68%")
    await story.until(lambda: story.text().count("heap 180432 bytes free") == 2)


async def wrapped(story: Story) -> None:
    await compiling(story)
    await story.press("W")
    await story.sees("unused variable")


async def enlarged(story: Story) -> None:
    await on_board(story)
    await story.press("z")
    await story.until(lambda: "panes" not in story.text())


async def repaired(story: Story) -> None:
    """Reopened after a repair, with what it changed."""
    story.app.show_build(3)
    await story.sees("d shows how", "attempt 2")


async def retry(story: Story) -> None:
    await failed(story)
    await story.press("r")
    await story.sees("from the start")


async def open_sizes(story: Story) -> None:
    await failed(story)
    await story.press("s")
    await story.sees("against #2", "libc.a")


async def open_sizes_hostile(story: Story) -> None:
    """The name of a component is hostile."""
    await open_sizes(story)
    await story.press("j", "j", "j")


@pytest.fixture
def app(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EspdeckApp]:
    monkeypatch.setattr(RunView, "elapsed", lambda _view: 83.0)
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "sizes", "text", "app"),
    [
        pytest.param(failed, SIZES, str, {}, id="failed"),
        pytest.param(failed, ((40, 12),), str, {"theme": "light"}, id="failed-small-light"),
        pytest.param(failed, (WIDE,), hostile, {}, id="failed-hostile"),
        pytest.param(builder, (USUAL,), str, {"ascii": True}, id="builder-ascii"),
        pytest.param(compiling, SIZES, str, {}, id="compiling"),
        pytest.param(compiling, (WIDE,), hostile, {}, id="compiling-hostile"),
        pytest.param(on_board, SIZES, str, {}, id="testing"),
        pytest.param(wrapped, (USUAL,), str, {}, id="wrapped"),
        pytest.param(enlarged, (USUAL,), str, {}, id="enlarged"),
        pytest.param(repaired, (WIDE,), str, {}, id="repaired"),
        pytest.param(retry, (USUAL,), str, {}, id="retry"),
        pytest.param(open_sizes, SIZES, str, {}, id="sizes"),
        pytest.param(open_sizes_hostile, (WIDE, USUAL), hostile, {}, id="sizes-hostile"),
        pytest.param(open_sizes, (USUAL,), str, {"ascii": True}, id="sizes-ascii"),
    ],
    indirect=["app"],
)
async def test_a_build_looks_as_it_did(
    looks: Looks,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    sizes: tuple[Size, ...],
    text: Callable[[str], str],
) -> None:
    fill(tmp_path, text)
    if walk in (open_sizes, open_sizes_hostile):
        keep_maps(tmp_path, text)
    if walk is repaired:
        keep_fix(tmp_path, 3, text)
    await looks(app, walk, *sizes)
