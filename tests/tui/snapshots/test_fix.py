"""What the fix of a build looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Settings
from tests.tui.snapshots.conftest import SIZES, Looks, Size
from tests.tui.snapshots.test_build import hostile
from tests.tui.workspaces import Story, fill, keep_fix
from tui.app import EspdeckApp

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]


async def fix(story: Story) -> None:
    story.app.show_build(3)
    await story.sees("attempt 2 (repair)", "d fix")
    await story.press("d")
    await story.sees("FIX of build 3", "closed the driver")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **request.param))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("app", "sizes", "text"),
    [
        # The build behind it is laid out for one size: it is not of what is looked at.
        *(pytest.param({}, (size,), str, id=f"fix-{size[0]}") for size in SIZES),
        pytest.param({"theme": "light"}, SIZES[:1], hostile, id="hostile-light"),
    ],
    indirect=["app"],
)
async def test_it_looks_as_it_did(
    looks: Looks,
    tmp_path: Path,
    app: EspdeckApp,
    sizes: tuple[Size, ...],
    text: Callable[[str], str],
) -> None:
    fill(tmp_path, text)
    keep_fix(tmp_path, 3, text)
    await looks(app, fix, *sizes)
