"""Files that an answer names and that were not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.tasks.context_selection import SelectedFile, SelectionReason
from engine.tasks.named_files import named_files, symbols_of

DRIVER = "".join(f"int driver_{n}(int x) {{\n    return x + {n};\n}}\n\n" for n in range(200))
FILES = {
    "main/main.c": "void app_main(void) {\n    driver_7(1);\n}\n" * 4,
    "lib/driver.c": DRIVER,
    "lib/queue.c": "int queue_put(int item) {\n    return item;\n}\n" * 4,
    "keys/driver.pem": "driver_7",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def found(tree: Path, answer: str, **shown: SelectedFile) -> dict[str, SelectedFile]:
    known = {each.path: each for each in shown.values()}
    return {each.path: each for each in named_files(tree, sorted(FILES), answer, known, 4000)}


def selected(path: str, *parts: tuple[int, int]) -> SelectedFile:
    size = len(FILES[path])
    taken = size if not parts else size // 2
    return SelectedFile(path, SelectionReason.FITS, size, taken, 800, parts or ((1, 800),))


def test_a_place_brings_its_file(tree: Path) -> None:
    (only,) = found(tree, "The queue is full: `queue.c:2`.").values()
    assert (only.path, only.why, only.part) == ("lib/queue.c", SelectionReason.ANSWER, "")


def test_a_symbol_brings_the_part_that_defines_it(tree: Path) -> None:
    for answer in ("The mistake is in `driver_150`.", "It calls driver_150(7), which is wrong."):
        (only,) = found(tree, answer, main=selected("main/main.c")).values()
        assert only.path == "lib/driver.c"
        assert any(first <= 601 and last >= 603 for first, last in only.parts)


def test_what_is_shown_is_not_brought_again(tree: Path) -> None:
    answer = "`main.c:2` calls `driver_7`, which `lib/driver.c:29` has."
    shown = {"main": selected("main/main.c"), "driver": selected("lib/driver.c", (20, 40))}
    assert found(tree, answer, **shown) == {}
    assert list(found(tree, answer + " See also `driver_150`.", **shown)) == ["lib/driver.c"]


def test_a_function_whose_head_was_shown_is_brought_whole(tree: Path) -> None:
    head = selected("lib/driver.c", (1, 20), (601, 601))
    (only,) = found(tree, "`driver_150` is wrong.", driver=head).values()
    assert only.parts == ((599, 606),)  # with three lines around it


def test_secrets_and_plain_words_bring_nothing(tree: Path) -> None:
    assert found(tree, "See keys/driver.pem:1, the queue and the `driver`.") == {}
    assert symbols_of("`int x = read_all(buffer)` and wait_for(it)") == ("read_all", "wait_for")
