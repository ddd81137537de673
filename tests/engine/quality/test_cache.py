"""What tools said is kept: bounded, in espdeck's own folder, not believed when it is broken."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.quality.cache import Cache, key_of
from engine.quality.per_file import PerFileTool, RowsByFile, report_of_all, rows_by_file
from engine.quality.progress import Progress
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import FolderOrigin, TreeCopy, collect
from tests.engine.quality.trees import write

KEY = key_of("tool", "1", "a.c")


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def runner(tmp_path: Path, jobs: int = 2) -> ToolRunner:
    cache, progress = Cache(tmp_path / "cache"), Progress(lambda _percent, _what: None)
    return ToolRunner(tmp_path, CancelToken(), lambda _data: None, cache, progress, jobs)


def copy(tmp_path: Path, files: dict[str, str]) -> TreeCopy:
    write(tmp_path / "x", files)
    copy = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
    copy.mkdir()
    return collect(FolderOrigin(tmp_path / "x", ""), "", copy, cancel=CancelToken())


def test_a_value_is_there_again_for_everybody(tmp_path: Path) -> None:
    Cache(tmp_path).put(KEY, [["a", 1]])

    assert Cache(tmp_path).get(KEY) == [["a", 1]]
    assert Cache(tmp_path).get(key_of("tool", "1a", ".c")) is None
    assert Cache(tmp_path / "none").get(KEY) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"1", b"2"),
        lambda _data: b"",
        lambda _data: b"[]",
        lambda _data: b"\xff" * 100,
        lambda data: b"0" * 64 + data[64:],
    ],
)
def test_what_is_not_as_it_was_written_is_not_there(tmp_path: Path, damage: object) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, [["a", 1]])
    (path,) = entries(tmp_path)
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))

    assert cache.get(KEY) is None


def test_an_entry_of_another_key_is_not_there(tmp_path: Path) -> None:
    cache, other = Cache(tmp_path), key_of("other")
    cache.put(other, [])
    (path,) = entries(tmp_path)
    cache.put(KEY, [])
    (own,) = (each for each in entries(tmp_path) if each != path)
    path.replace(own)

    assert cache.get(KEY) is None


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most=40_000)
    keys = [key_of(str(number)) for number in range(20)]
    for age, key in enumerate(keys):
        cache.put(key, ["x" * 3000])
        path = tmp_path / key[:2] / key[2:]
        os.utime(path, (1_000_000 + age, 1_000_000 + age))

    cache.shrink()

    kept = [key for key in keys if cache.get(key) is not None]
    assert kept == keys[-len(kept) :]
    assert 0 < len(kept) < 20
    assert sum(path.stat().st_blocks * 512 for path in entries(tmp_path)) <= 40_000


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = Cache(tmp_path / "cache")

    cache.put(KEY, [])
    cache.tidy()

    assert cache.get(KEY) is None


def test_a_tool_is_asked_of_each_file_once_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    asked: list[str] = []

    def look(batch: Sequence[str]) -> RowsByFile:
        asked.extend(batch)
        return {name: [["found in", name]] for name in batch if name != "clean.c"}

    def said(files: dict[str, str], options: str = "") -> RowsByFile:
        asked.clear()
        tree = copy(tmp_path, files)
        return rows_by_file(
            PerFileTool("flawfinder", options, look), tree.files, tree, runner(tmp_path)
        )

    files = {"a.c": "int a;\n", "b.c": "int a;\n", "clean.c": "int c;\n"}
    cold = said(files)
    assert sorted(asked) == ["a.c", "b.c", "clean.c"]
    warm = said(files)
    assert asked == []
    assert [(name, list(rows)) for name, rows in cold.items()] == [
        (name, rows) for name, rows in warm.items() if rows
    ]
    changed = said({**files, "b.c": "int b;\n"})
    assert asked == ["b.c"]
    assert list(changed) == ["a.c", "b.c", "clean.c"]
    assert list(changed["a.c"]) == [["found in", "a.c"]]
    said(files, options="--other")
    assert sorted(asked) == ["a.c", "b.c", "clean.c"]


def test_a_report_on_all_files_is_made_again_when_one_changes(tmp_path: Path) -> None:
    made: list[str] = []

    def report(files: dict[str, str]) -> str:
        tree = copy(tmp_path, files)

        def make() -> str:
            made.append(" ".join(tree.files))
            return f"report {len(made)}"

        return report_of_all("lizard", "", tree.files, tree, runner(tmp_path), make)

    assert [report({"a.c": "1"}), report({"a.c": "1"}), report({"a.c": "2"})] == [
        *("report 1", "report 1", "report 2")
    ]
    assert report({"a.c": "2", "b.c": "1"}) == "report 3"


def test_many_files_are_asked_about_in_several_batches_at_once(tmp_path: Path) -> None:
    batches: list[int] = []
    told: list[tuple[float, str]] = []
    tree = copy(tmp_path, {f"f{number}.c": f"int n{number};\n" for number in range(230)})
    progress = Progress(lambda percent, what: told.append((percent, what)))
    own = ToolRunner(
        tmp_path, CancelToken(), lambda _data: None, Cache(tmp_path / "c"), progress, 2
    )

    def look(batch: Sequence[str]) -> RowsByFile:
        batches.append(len(batch))
        return {}

    rows_by_file(PerFileTool("flawfinder", "", look), tree.files, tree, own)

    assert sorted(batches) == [30, 100, 100]
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert "flawfinder 1 of 3" in [what for _, what in told]


def test_a_clock_that_was_set_back_does_not_let_it_grow(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most=1 << 14)
    later = time.time() + 1e8
    cache.put(KEY, "x")
    cache.tidy()
    for path in entries(tmp_path):
        os.utime(path, (later, later))
    assert cache.get(KEY) == "x"
    for number in range(20):
        cache.put(key_of("tool", "1", f"{number}"), "x" * 2000)

    cache.tidy()

    assert sum(path.stat().st_blocks * 512 for path in entries(tmp_path)) <= 1 << 14
    assert all(path.stat().st_mtime < later - 1e7 for path in entries(tmp_path))
