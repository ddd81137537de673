"""Details of checks as lines that people read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.presentation.check_details import MAX_ROWS, detail_lines

LINK = {"line": 3, "target": "./ui", "reason": "no ui", "hint": ""}
STALE = {"line": 9, "kind": "file", "name": "a.c", "file": "a.c", "changes": 2, "date": "2026-08-20T10:31:00Z"}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({"counts": {}, "files": [], "ahead": 0, "since": "", "fetched": None}, []),
        ({"branch": "main", "is_whole": True}, ["branch: main", "is whole: yes"]),
        ({"commit": "0123456789abcdef"}, ["commit: 0123456789"]),
        ({"counts": {"a_b": 2, "c": 0}}, ["counts: a b 2"]),
        ({"notes": ["one", "two"]}, ["notes:", "  one", "  two"]),
        (
            {"files": [{"path": "a.c", "state": "missing", "tests": []}]},
            ["files:", "  a.c  missing"],
        ),
        (
            {"files": [{"path": "a.c", "state": None, "tests": ["t.c", "u.c"]}]},
            ["files:", "  a.c  tests t.c, u.c"],
        ),
        (
            {"findings": [{"severity": "warning", "message": "old", "file": "p.ini", "line": 4}]},
            ["findings:", "  p.ini:4  warning  old"],
        ),
        (
            {"documents": [{"path": "R.md", "dead_links": [LINK], "gone": [], "stale": [STALE]}]},
            [
                *("documents:", "  R.md", "    dead links:", "      line 3  ./ui  no ui"),
                *("    stale:", "      line 9  a.c  file  changes 2  2026-08-20"),
            ],
        ),
        (
            {"failures": [{"test": "t", "message": "a\n b", "new": True}]},
            ["failures:", "  t  a b  new"],
        ),
    ],
)
def test_details_are_lines(details: dict[str, Any], lines: list[str]) -> None:
    assert list(detail_lines(details)) == lines


def test_a_long_list_says_how_many_more_there_are() -> None:
    lines = list(detail_lines({"notes": [str(number) for number in range(MAX_ROWS + 7)]}))

    assert lines[-1] == "  and 7 more (--json)"
    assert len(lines) == MAX_ROWS + 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a{}[]'\n", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("ab_", max_size=3), JSON, max_size=4))
def test_whatever_a_check_says_is_told_line_by_line(details: dict[str, Any]) -> None:
    for line in detail_lines(details):
        assert "\n" not in line
        assert line.strip()
