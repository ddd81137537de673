"""After a step of the clock, nothing is taken for built that is of another commit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import CancelledError
from engine.projects.future_builds import remove_future_builds
from engine.projects.slots import Slots
from engine.projects.worktrees import build_name
from tests.engine.git_repos import commit

DAY = 86400
PATCH = """\
diff --git a/a.c b/a.c
--- a/a.c
+++ b/a.c
@@ -1 +1 @@
-int a;
+int b;
"""


def make(folder: Path, name: str, *, ahead: float) -> Path:
    """A build folder whose log is that much later than now."""
    log = folder / name / "esp-idf" / ".ninja_log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    for path in (log, log.parent, log.parent.parent):
        os.utime(path, (time.time() + ahead,) * 2)
    return folder / name


def test_only_what_is_of_later_goes(tmp_path: Path) -> None:
    later, built = make(tmp_path, "build-later", ahead=DAY), make(tmp_path, "build-x", ahead=-1)
    source = make(tmp_path, "src", ahead=DAY)

    assert remove_future_builds(tmp_path, "build-*", cancel=CancelToken())
    assert not remove_future_builds(tmp_path, "build-*", cancel=CancelToken())

    assert not later.exists()
    assert built.is_dir()
    assert source.is_dir()


def test_a_little_ahead_is_waited_for(tmp_path: Path) -> None:
    built = make(tmp_path, "build-x", ahead=1.5)
    token = CancelToken()
    token.cancel()

    with pytest.raises(CancelledError):
        remove_future_builds(tmp_path, "build-*", cancel=token)

    assert built.is_dir()


def test_a_clock_that_was_set_back_lets_the_next_commit_be_built_anew(tmp_path: Path) -> None:
    clone, slots = tmp_path / "clone", Slots(tmp_path / "slots", lambda _run: False)
    name = build_name("0" * 8, "esp32c3")
    first = commit(clone, {"a.c": "int a;\n", "b.c": "int b;\n"})
    with slots.take(clone, first, cancel=CancelToken()) as slot:
        built = make(slot.folder, name, ahead=DAY)
        for path in slot.source.iterdir():
            os.utime(path, (time.time() + DAY - 60,) * 2)
    second = commit(clone, {"a.c": "long a;\n"})

    with slots.take(clone, second, cancel=CancelToken()) as slot:
        assert not built.exists()
        assert (slot.source / "a.c").read_text() == "long a;\n"
        # A source of later than its object would be compiled again and again.
        assert all(path.stat().st_mtime < time.time() + 1 for path in slot.source.iterdir())


def test_a_clock_that_goes_leaves_the_build_as_it_is(tmp_path: Path) -> None:
    clone, slots = tmp_path / "clone", Slots(tmp_path / "slots", lambda _run: False)
    first = commit(clone, {"a.c": "int a;\n"})
    with slots.take(clone, first, cancel=CancelToken()) as slot:
        built = make(slot.folder, build_name("0" * 8, "esp32c3"), ahead=-0.1)

    with slots.take(clone, first, cancel=CancelToken()):
        assert built.is_dir()


@pytest.mark.parametrize("change", ["apply", "become"])
def test_a_repair_is_compiled_though_the_clock_was_set_back_meanwhile(
    tmp_path: Path, change: str
) -> None:
    clone, slots = tmp_path / "clone", Slots(tmp_path / "slots", lambda _run: False)
    sha = commit(clone, {"a.c": "int a;\n"})
    with slots.take(clone, sha, cancel=CancelToken()) as slot:
        built = make(slot.folder, build_name("0" * 8, "esp32c3"), ahead=DAY)

        getattr(slot, change)(PATCH)

        assert not built.exists()
        assert (slot.source / "a.c").read_text() == "int b;\n"
