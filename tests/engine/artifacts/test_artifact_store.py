"""Artifacts and a store: what is copied, what is fetched back, and what never gets lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import ConflictError, NotFoundError, ToolError
from engine.store import artifacts as rows
from engine.store.integrity import check
from engine.store.tables import StoredObject
from tests.engine.artifacts.conftest import MakeShelf
from tests.engine.artifacts.shelf import LARGE, Shelf, digest

ONE = b"one" * LARGE
TWO = b"two" * LARGE


def objects(shelf: Shelf) -> dict[str, Path]:
    """Files of a store that is a folder, by name."""
    folder = Path(shelf.settings.artifacts.removeprefix("file://"))
    return {each.name: each for each in folder.rglob("*") if each.is_file()}


def test_what_is_kept_is_copied_once(shelf: Shelf) -> None:
    for data in (ONE, TWO, ONE):
        shelf.keep(data)
    assert shelf.waiting() == 2

    assert shelf.move() is None

    assert shelf.waiting() == 0
    assert {name: path.read_bytes() for name, path in objects(shelf).items()} == {
        digest(ONE): ONE,
        digest(TWO): TWO,
    }


def test_superseded_files_are_copied_too(shelf: Shelf) -> None:
    first = shelf.keep(ONE)
    shelf.keep(TWO, first.run_id, attempt=2)
    assert shelf.move() is None
    assert objects(shelf).keys() == {digest(ONE), digest(TWO)}


def test_a_workspace_of_before_is_copied_when_a_store_is_named(
    shelf_on: MakeShelf, tmp_path: Path
) -> None:
    shelf = shelf_on("")
    shelf.keep(ONE)
    assert shelf.move() is None
    assert shelf.artifacts.state().place == ""

    shelf.set(f"file://{tmp_path / 'store'}", shelf.settings.artifact_store)
    assert shelf.waiting() == 1
    assert shelf.move() is None
    assert objects(shelf).keys() == {digest(ONE)}


def test_a_store_that_fails_is_asked_ever_more_seldom_and_said_once(
    shelf_on: MakeShelf, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    shelf = shelf_on(f"file://{tmp_path}/file/store")
    for data in (ONE, TWO, b"three"):
        shelf.keep(data)

    waits = []
    for _ in range(4):
        waits.append(shelf.move())
        shelf.later(seconds=waits[-1] or 0)
    assert waits == [5.0, 10.0, 20.0, 40.0]
    assert len(shelf.said) == 1
    assert "3 files of artifacts wait here" in shelf.said[0]
    assert shelf.artifacts.open(shelf.artifacts.get(digest(ONE))).read() == ONE

    (tmp_path / "file").unlink()
    assert shelf.move() is None
    assert shelf.waiting() == 0
    assert len(objects(shelf)) == 3


def test_a_file_that_is_damaged_here_is_not_copied_and_keeps_nothing_else_waiting(
    shelf: Shelf,
) -> None:
    damaged = shelf.keep(ONE)
    shelf.keep(TWO)
    os.truncate(shelf.path(damaged), 10)

    assert shelf.move() == pytest.approx(24 * 3600)

    assert objects(shelf).keys() == {digest(TWO)}
    assert shelf.waiting() == 1
    with pytest.raises(ConflictError, match=r"app\.elf of #1 is damaged, and no store has it"):
        shelf.artifacts.open(damaged)


def test_of_several_copies_a_whole_one_is_taken(shelf: Shelf) -> None:
    small = b"small"  # each has a file of its own
    first, second = (shelf.keep(small, kind=ArtifactKind.REPORT) for _ in range(2))
    shelf.path(first).write_bytes(b"Small")

    assert shelf.artifacts.open(first).read() == small
    assert shelf.path(first).read_bytes() == small

    shelf.path(second).write_bytes(b"Small")
    assert shelf.move() is None
    assert objects(shelf)[digest(small)].read_bytes() == small


def test_a_file_goes_from_here_when_the_store_gave_it_back(shelf: Shelf) -> None:
    kept = shelf.keep(ONE)
    shelf.local_days(10)
    shelf.later(days=11)
    assert shelf.artifacts.sweep(CancelToken()).files == 0  # the store has it not
    shelf.move()

    assert (shelf.artifacts.preview().files, shelf.path(kept).exists()) == (1, True)
    swept = shelf.artifacts.sweep(CancelToken())

    assert (swept.files, swept.file_bytes, swept.problem) == (1, len(ONE), "")
    assert not shelf.path(kept).exists()
    assert shelf.artifacts.places(kept) == (shelf.settings.artifacts,)
    assert shelf.artifacts.locate(kept).read_bytes() == ONE
    assert shelf.artifacts.places(kept) == ("here", shelf.settings.artifacts)


@pytest.mark.parametrize("local_days", [0, 10])
def test_a_young_file_stays_and_any_where_no_time_is_set(shelf: Shelf, local_days: int) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    shelf.local_days(local_days)
    shelf.later(days=9 if local_days else 900)
    assert shelf.artifacts.sweep(CancelToken()).files == 0
    assert shelf.path(kept).exists()


def test_the_last_copy_stays_where_the_store_lost_or_damaged_its_own(shelf: Shelf) -> None:
    kept, other = shelf.keep(ONE), shelf.keep(TWO)
    shelf.move()
    shelf.local_days(10)
    shelf.later(days=11)
    objects(shelf)[digest(ONE)].unlink()
    objects(shelf)[digest(TWO)].write_bytes(TWO[:-1] + b"x")

    assert shelf.artifacts.sweep(CancelToken()).files == 0
    assert shelf.path(kept).read_bytes() == ONE
    assert shelf.path(other).read_bytes() == TWO

    assert shelf.artifacts.kept.is_set()
    assert shelf.move() is None  # it is put there anew
    assert objects(shelf)[digest(TWO)].read_bytes() == TWO
    assert shelf.artifacts.sweep(CancelToken()).files == 2


def test_what_is_fetched_back_damaged_is_not_taken(shelf: Shelf) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    shelf.path(kept).unlink()
    objects(shelf)[digest(ONE)].write_bytes(ONE[:-1])

    with pytest.raises(NotFoundError, match=r"app\.elf of #1 is not here, and .* is damaged there"):
        shelf.artifacts.locate(kept)
    assert not shelf.path(kept).exists()
    assert shelf.artifacts.places(kept) == ()
    with pytest.raises(NotFoundError, match="no store has it: build it again"):
        shelf.artifacts.locate(kept)


def test_a_damaged_file_is_mended_from_the_store(shelf: Shelf) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    os.truncate(shelf.path(kept), 10)
    assert shelf.artifacts.open(kept).read() == ONE
    assert shelf.path(kept).read_bytes() == ONE


def test_a_file_in_another_store_is_said_to_be_there(shelf: Shelf, tmp_path: Path) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    before = shelf.settings.artifacts
    shelf.path(kept).unlink()
    shelf.set(f"file://{tmp_path / 'another'}", shelf.settings.artifact_store)
    with pytest.raises(NotFoundError, match=f"not here, but in {before}: set artifacts to that"):
        shelf.artifacts.locate(kept)


def test_a_file_that_is_not_here_and_a_store_that_is_away(shelf: Shelf, tmp_path: Path) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    shelf.path(kept).unlink()
    (tmp_path / "store").rename(tmp_path / "moved")
    (tmp_path / "store").write_text("in the way")
    reached = shelf.settings.artifact_store.model_copy(update={"timeout": 5.0})
    shelf.set(shelf.settings.artifacts, reached)  # so that it is opened anew
    with pytest.raises(ToolError, match=r"^file:///"):
        shelf.artifacts.locate(kept)


def test_what_was_fetched_back_has_a_bound(shelf: Shelf) -> None:
    data = [bytes([number]) * (600 << 10) for number in range(3)]
    kept = [shelf.keep(each) for each in data]
    shelf.move()
    reached = shelf.settings.artifact_store.model_copy(update={"cache_megabytes": 1})
    shelf.set(shelf.settings.artifacts, reached)
    cache = shelf.folder / "cache" / "artifacts"
    for artifact in kept:
        shelf.path(artifact).unlink()
        fetched = shelf.artifacts.locate(artifact)
        os.utime(fetched, (shelf.now.timestamp(), shelf.now.timestamp()))
        shelf.later(hours=2)

    # The first went when the third came; of two, one would have been too little already, but the
    # clock of files says that the second was used just now.
    assert {each.name for each in cache.iterdir()} == {digest(data[2])}
    assert [shelf.path(artifact).exists() for artifact in kept] == [False, False, True]
    assert [shelf.artifacts.open(each).read() for each in kept] == data


def test_what_no_build_has_any_more_goes_from_the_store(shelf: Shelf) -> None:
    first, second, third = shelf.keep(ONE), shelf.keep(ONE), shelf.keep(TWO)
    shelf.move()
    shelf.delete(first)
    shelf.delete(third)

    assert shelf.artifacts.preview().objects == 1
    swept = shelf.artifacts.sweep(CancelToken())

    assert (swept.objects, swept.object_bytes) == (1, len(TWO))
    assert objects(shelf).keys() == {digest(ONE)}
    assert shelf.artifacts.sweep(CancelToken()).objects == 0
    assert shelf.path(second).read_bytes() == ONE


def test_a_build_that_keeps_what_is_being_deleted_has_it_copied_anew(shelf: Shelf) -> None:
    gone = shelf.keep(ONE)
    shelf.move()
    shelf.delete(gone)
    place = shelf.settings.artifacts
    store = shelf.artifacts.open_store()
    assert store is not None

    assert rows.begin_delete(shelf.store, place, digest(ONE))
    kept = shelf.keep(ONE)  # in the midst of it
    store.delete(digest(ONE), CancelToken())
    rows.end_delete(shelf.store, place, digest(ONE))

    assert shelf.waiting() == 1
    assert shelf.move() is None
    assert objects(shelf)[digest(ONE)].read_bytes() == ONE
    assert not rows.begin_delete(shelf.store, place, kept.sha256)


def test_a_process_that_dies_as_it_sends_leaves_nothing_that_no_row_names(shelf: Shelf) -> None:
    kept = shelf.keep(ONE)
    shelf.move()
    with shelf.store.write() as session:  # it died before it wrote that it was done
        row = session.get_one(StoredObject, (kept.sha256, shelf.settings.artifacts))
        row.stored_at = None
        session.add(row)
    shelf.delete(kept)

    assert shelf.move() is None
    assert shelf.artifacts.sweep(CancelToken()).objects == 1
    assert objects(shelf) == {}


def test_two_processes_do_not_change_the_store_at_once(shelf: Shelf, shelf_on: MakeShelf) -> None:
    shelf.keep(ONE)
    other = Shelf(shelf.folder, shelf.settings.artifacts)
    try:
        with other.artifacts._alone() as is_alone:
            assert is_alone
            assert shelf.move() == 2.0
        assert shelf.waiting() == 1
        assert shelf.move() is None
    finally:
        other.store.close()


def test_the_check_of_the_workspace_knows_what_is_in_the_store_alone(shelf: Shelf) -> None:
    kept, lost, damaged = (shelf.keep(data) for data in (ONE, TWO, b"three"))
    shelf.move()
    shelf.keep(b"four")
    shelf.path(kept).unlink()
    assert check(shelf.folder) == ()

    rows.forget_stored(shelf.store, shelf.settings.artifacts, lost.sha256)
    shelf.path(lost).unlink()
    shelf.path(damaged).write_bytes(b"threE")
    assert [fault.what for fault in check(shelf.folder)] == [
        f"missing: {shelf.path(lost)}",
        f"not as it was kept: {shelf.path(damaged)}",
    ]
