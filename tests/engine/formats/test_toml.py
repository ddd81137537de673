"""TOML of a repository: the line of each part, and work that grows as the file does."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from engine.errors import MistakeError
from engine.formats import toml
from engine.formats.toml import Document

TEXT = """\
a = 1  # the first
"b c".d = 2
e = '''
f = 1
[g]
'''

[[h]]
i = 1
[h.j]
k = 1
[[h]]
i = [
  { l = 1 },
]
[[h.m]]
n = 1
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("a",), 1),
        (("b c",), 2),
        (("b c", "d"), 2),
        (("e",), 3),
        (("f",), None),
        (("g",), None),
        (("h", 0), 8),
        (("h", 0, "i"), 9),
        (("h", 0, "j"), 10),
        (("h", 0, "j", "k"), 11),
        (("h", 1), 12),
        (("h", 1, "i"), 13),
        (("h", 1, "i", 0, "l"), None),
        (("h", 1, "m", 0, "n"), 17),
    ],
)
def test_each_part_has_its_line(place: toml.KeyPath, line: int | None) -> None:
    assert Document(TEXT, "x").line_of(place) == line


def test_a_part_inside_a_value_stands_where_the_value_begins() -> None:
    assert str(Document(TEXT, "x").wrong(("h", 1, "i", 0, "l"), "no")) == "x:13: no"
    assert str(Document(TEXT, "x").wrong(("z",), "no")) == "x: no"


SHAPES: dict[str, Callable[[int], str]] = {
    "keys": lambda count: "\n".join(f"a{number} = 1" for number in range(count)),
    "tables": lambda count: "\n".join(f"[a{number}]\nb = 1" for number in range(count)),
    "list of tables": lambda count: "[[a]]\nb = 1\n" * count,
    "dotted": lambda count: "\n".join(f"{'a.' * 90}b{number} = 1" for number in range(count // 9)),
    "array": lambda count: f"a = [{'1,' * count}]",
    "text": lambda count: f"a = '{'.x' * count}'",
    "dots": lambda count: "." * count,
}


@pytest.mark.parametrize("make", SHAPES.values(), ids=SHAPES.keys())
def test_twice_as_much_text_is_at_most_twice_the_work(make: Callable[[int], str]) -> None:
    def work(count: int) -> int:
        calls = 0

        def tell(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        text = make(count)
        sys.setprofile(tell)
        try:
            Document(text, "x").line_of(("z",))
        except MistakeError:
            pass
        finally:
            sys.setprofile(None)
        return calls

    assert work(800) <= 2.2 * work(400) + 100
