"""Changes of files of a folder, told by the kernel."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine import folder_watch
from engine.folder_watch import FolderWatch


@pytest.fixture(params=["inotify", "no inotify"], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that tells of changes, and one that has no inotify left for this user."""
    if request.param == "no inotify":
        monkeypatch.setattr(folder_watch, "_watch", lambda _folder: -1)
        monkeypatch.setattr(folder_watch, "FALLBACK_SECONDS", 0.001)


@pytest.fixture
def watch(tmp_path: Path) -> FolderWatch:
    return FolderWatch(tmp_path, ("a", "b"))


def test_a_change_of_a_named_file_is_seen_though_nobody_waited(
    tmp_path: Path, watch: FolderWatch
) -> None:
    (tmp_path / "a").write_text("made")
    assert watch.wait(20)
    (tmp_path / "a").write_text("changed")
    assert watch.wait(20)
    (tmp_path / "new").write_text("replaced")
    assert not watch.wait(0)
    (tmp_path / "new").rename(tmp_path / "b")
    assert watch.wait(20)


def test_other_files_and_no_change_are_none(tmp_path: Path, watch: FolderWatch) -> None:
    (tmp_path / "other").write_text("made")
    assert not watch.wait(0.01)


def test_a_change_is_told_again(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path, ("a",), (0.001, 0.002))
    (tmp_path / "a").touch()
    assert [watch.wait(20), watch.wait(20), watch.wait(20), watch.wait(0.01)] == [True] * 3 + [
        False
    ]
    watch.close()
    watch.release()


def test_closing_ends_the_wait(watch: FolderWatch) -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(watch.wait(60)))
    thread.start()
    watch.close()
    thread.join(20)
    assert found == [False]
    assert watch.pause(0)
    watch.release()
