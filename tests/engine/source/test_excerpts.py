"""Parts of files: exact, within the room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source.diffs import lines_of
from engine.source.excerpts import describe_lines, excerpt, shown

ROWS = st.lists(
    st.sampled_from(
        [
            *("int f(int a)\n", "{\n", "}\n", "    return a;\n", "\n", "#include <a.h>\n", "x\r\n"),
            *("// words\n", "0x01, 0x02, 0x03, 0x04, 0x05,\n", "-----BEGIN A-----\n", "#if A\n"),
            *("-----END A-----\n", "int b" + "b" * 2500 + ";\n", "#endif\n"),
        ]
    ),
    max_size=80,
).map("".join)


@pytest.mark.slow
@given(
    ROWS,
    st.integers(0, 3000),
    st.frozensets(st.sampled_from(["return", "words"])),
    st.frozensets(st.integers(0, 90), max_size=5),
    st.booleans(),
)
def test_parts_are_lines_of_the_text_and_fit(
    text: str, room: int, words: frozenset[str], lines: frozenset[int], fill: bool
) -> None:
    found = excerpt("a.c", text, room, words, lines, fill=fill)
    rows = lines_of(text)

    assert len(found.text) <= room or not found.parts
    assert found.taken == sum(len("".join(rows[a - 1 : b])) for a, b in found.parts)
    assert found.taken <= found.whole <= len(text)
    last = 0
    for first, end in found.parts:
        assert last < first <= end <= len(rows)
        assert "".join(rows[first - 1 : end]) in found.text
        last = end


def test_a_gap_says_which_lines_are_left_out() -> None:
    text = "a\nb\nc\nd\ne"

    assert shown(text, ((2, 2), (5, 5))).text == (
        "[... line 1 left out ...]\nb\n[... lines 3-4 left out ...]\ne"
    )
    assert describe_lines(((2, 2), (4, 5)), 5) == "lines 2, 4-5 of 5"
