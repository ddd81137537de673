"""Tables line up with any text, and fit a terminal where they are told to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.presentation.tables import columns

HEAD = ("NAME", "STATUS", "MESSAGE")
TEXT = st.text("ab 湿é…😀\t\x1b[", max_size=60)


def test_wide_characters_count_in_cells() -> None:
    lines = columns(HEAD, [("温度", "ok", "a"), ("node", "failed", "b")])

    assert lines == ["NAME  STATUS  MESSAGE", "温度  ok      a", "node  failed  b"]


def test_the_last_column_is_cut_first() -> None:
    row = ("node", "failed", "Load prohibited in radio_begin")

    assert columns(HEAD, [row], 34)[1] == "node  failed  Load prohibited in …"
    assert columns(HEAD, [row])[1].endswith("radio_begin")


def test_then_the_widest_column_is_cut_and_heads_stay() -> None:
    lines = columns(HEAD, [("n" * 40, "failed", "m" * 40)], 40)

    assert lines == [
        "NAME            STATUS  MESSAGE",
        f"{'n' * 13}…  failed  {'m' * 15}…",
    ]


@settings(max_examples=50)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5), st.integers(40, 200))
def test_every_line_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    for line in columns(HEAD, rows, width):
        assert cell_len(line) <= width
