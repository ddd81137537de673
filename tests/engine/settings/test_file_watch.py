"""Changes of a settings file are seen, however people make them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import folder_watch
from engine.cancel import CancelToken
from engine.settings.file_watch import follow_file
from tests.waits import wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "espdeck" / "config.toml"
    path.parent.mkdir()
    path.write_text("first")
    return path


@pytest.fixture
def texts(path: Path) -> Iterator[list[str]]:
    """What the file held each time that a change was told."""
    stop, texts = CancelToken(), list[str]()

    def note() -> None:
        texts.append(path.read_text() if path.is_file() else "")

    thread = threading.Thread(
        target=follow_file, args=(path, note, stop), kwargs={"settle": 0.01, "look": 0.05}
    )
    thread.start()
    wait_for(lambda: texts == ["first"])
    yield texts
    stop.interrupt()
    thread.join(10)
    assert not thread.is_alive()


def by_link(path: Path) -> None:
    target = path.parent.parent / "dotfiles" / "deck.toml"
    target.parent.mkdir()
    target.write_text("second")
    path.unlink()
    path.symlink_to(target)


def by_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text("second")


def by_moved_folder(path: Path) -> None:
    path.parent.rename(path.parent.parent / "before")
    path.parent.mkdir()
    path.write_text("second")


def in_place(path: Path) -> None:
    path.write_text("second")


@pytest.mark.parametrize("replace", [by_link, by_folder, by_moved_folder, in_place])
def test_it_is_followed_to_where_it_is_then(
    path: Path, texts: list[str], replace: Callable[[Path], None]
) -> None:
    replace(path)
    wait_for(lambda: texts[-1] == "second")
    path.resolve().write_text("third")
    wait_for(lambda: texts[-1] == "third")


def test_a_link_that_leads_elsewhere_is_followed(path: Path, texts: list[str]) -> None:
    by_link(path)
    wait_for(lambda: texts[-1] == "second")
    other = path.parent.parent / "other.toml"
    other.write_text("third")
    newer = path.with_name("newer")
    newer.symlink_to(other)
    newer.replace(path)
    wait_for(lambda: texts[-1] == "third")


def test_what_is_deleted_is_told_and_what_comes_back(path: Path, texts: list[str]) -> None:
    path.unlink()
    wait_for(lambda: texts[-1] == "")
    path.symlink_to(path)
    path.unlink()
    path.mkdir()
    path.rmdir()
    path.write_text("second")
    wait_for(lambda: texts[-1] == "second")


def test_without_inotify_it_is_told_once_a_change(
    path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(folder_watch, "FALLBACK_SECONDS", 0.01)
    monkeypatch.setattr(folder_watch, "_watch", lambda _folder: -1)
    texts = request.getfixturevalue("texts")
    path.write_text("second")
    wait_for(lambda: texts[-1] == "second")
    path.write_text("third")
    wait_for(lambda: texts[-1] == "third")
    assert len(texts) <= 5
