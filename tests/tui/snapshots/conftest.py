"""Pictures of a screen at several sizes out of one app, that is given one size after another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, TextArea

from tests.tui.workspaces import Story
from tui.app import EspdeckApp

Size = tuple[int, int]
Walk = Callable[[Story], Awaitable[None]]
Looks = Callable[..., Awaitable[None]]

SIZES: tuple[Size, ...] = ((80, 24), (120, 36), (200, 60))


@pytest.fixture(autouse=True)
def steady_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cursors of fields do not blink."""
    monkeypatch.setattr(Input, "cursor_blink", False)
    monkeypatch.setattr(TextArea, "cursor_blink", False)


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are the same on any machine."""
    path = tmp_path / "config.toml"
    path.write_text("[quality]\ncoverage = 70\n[profile.night]\nmax_concurrent_builds = 4\n")
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "2")


@pytest.fixture
def looks(snapshot: SnapshotAssertion) -> Looks:
    """Walks to a screen and compares it, at each size, with its picture."""
    pictures = snapshot.use_extension(SVGImageExtension)

    async def compare(app: EspdeckApp, walk: Walk, *sizes: Size) -> None:
        seen: dict[str, str] = {}
        async with app.run_test(size=sizes[0]) as pilot:
            story = Story(app, pilot)
            await story.until(lambda: app.is_open)
            await walk(story)
            for width, height in sizes:
                await story.resize(width, height)
                await story.until(lambda: all(each.is_finished for each in app.workers))
                await pilot.pause()
                seen[f"{width}x{height}"] = app.export_screenshot(simplify=True)
        changed = [size for size, svg in seen.items() if pictures(name=size) != svg]
        assert not changed, f"other than its pictures at {', '.join(changed)}"

    return compare
