"""Pictures of a screen at several sizes out of one app, that is given one size after another."""

from __future__ import annotations

import contextlib
import difflib
import html
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension, normalize_svg
from syrupy.assertion import SnapshotAssertion
from syrupy.exceptions import SnapshotDoesNotExist
from textual.widgets import Input, TextArea

import engine.clock
from engine import Checks
from tests.tui.lab import NOW
from tests.tui.workspaces import Story
from tui import app as tui_app
from tui.app import EspdeckApp
from tui.screens.home import HomeScreen

Size = tuple[int, int]
Walk = Callable[[Story], Awaitable[None]]
Looks = Callable[..., Awaitable[None]]

PATIENCE_SECONDS = 10.0
SETTLED_SECONDS = 1.0

SIZES: tuple[Size, ...] = ((80, 24), (120, 36), (200, 60))


@pytest.fixture(autouse=True)
def same_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands, on a machine with a name; no check comes; cursors do not blink."""
    monkeypatch.setattr(tui_app, "HomeScreen", lambda: HomeScreen(now=lambda: NOW, host="lab1"))
    monkeypatch.setattr(engine.clock, "_zone", UTC)
    monkeypatch.setattr(Checks, "due", lambda _checks: ())
    monkeypatch.setattr(Checks, "coming", lambda _checks, _most: ())
    monkeypatch.setattr(Input, "cursor_blink", False)
    monkeypatch.setattr(TextArea, "cursor_blink", False)


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are the same on any machine."""
    keep_settings(tmp_path)
    monkeypatch.setenv("ESPDECK_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "2")


def keep_settings(folder: Path, *lines: str) -> None:
    """Write the settings, with some lines before them."""
    rest = ("[quality]", "coverage = 70", "[profile.night]", "max_concurrent_builds = 4", "")
    (folder / "config.toml").write_text("\n".join([*lines, *rest]))


@pytest.fixture
def looks(snapshot: SnapshotAssertion) -> Looks:
    """Walks to a screen and compares it, at each size, with its picture.

    What is drawn last may come a moment after what the walk waits for: a screen has some seconds
    to look like its picture. A picture that is taken anew is one that stays as it is.
    """
    pictures = snapshot.use_extension(SVGImageExtension)

    async def compare(app: EspdeckApp, walk: Walk, *sizes: Size) -> None:
        wrong: list[str] = []
        async with app.run_test(size=sizes[0]) as pilot:
            story = Story(app, pilot)
            await story.until(lambda: app.is_open)
            await walk(story)
            await story.until(lambda: "runs here" in "".join(part for part, _ in app.lab_state[0]))
            for width, height in sizes:
                await story.resize(width, height)
                size = f"{width}x{height}"
                kept = _read(pictures, size)
                svg = await _take(story, None if pictures.update_snapshots else kept)
                if pictures(name=size) != svg:
                    wrong += [f"{size}: other than its picture", *_differences(kept or "", svg)]
        assert not wrong, "\n".join(wrong)

    return compare


def _read(pictures: SnapshotAssertion, size: str) -> str | None:
    read = pictures.extension.read_snapshot
    session = str(id(pictures.session))
    with contextlib.suppress(SnapshotDoesNotExist):
        return str(read(test_location=pictures.test_location, index=size, session_id=session))
    return None


async def _take(story: Story, kept: str | None) -> str:
    """The screen, once it is like its picture or, without one, does not change any more."""
    deadline = time.monotonic() + (PATIENCE_SECONDS if kept is not None else 5 * SETTLED_SECONDS)
    svg, since = "", time.monotonic()
    while time.monotonic() < deadline:
        before, svg = svg, normalize_svg(story.app.export_screenshot(simplify=True))
        if svg == kept:
            break
        if svg != before:
            since = time.monotonic()
        elif kept is None and time.monotonic() - since > SETTLED_SECONDS:
            break
        await story.pilot.pause(0.05)
    return svg


def _differences(kept: str, svg: str) -> list[str]:
    lines = list(difflib.unified_diff(_lines(kept), _lines(svg), lineterm="", n=0))[2:]
    return lines or ["only colours or styles"]


def _lines(svg: str) -> list[str]:
    """The text of a picture, line by line."""
    rows: dict[float, str] = {}
    for y, text in re.findall(r'<text[^>]*?y="([\d.]+)"[^>]*>(.*?)</text>', svg):
        rows[float(y)] = rows.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return [text for _y, text in sorted(rows.items())]
