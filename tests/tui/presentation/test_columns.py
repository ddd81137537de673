"""Tables on the screen: their columns line up, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.presentation.columns import Column, fit_cell, fit_columns

COLUMNS = (
    Column("name", 20, 6),
    Column("when", 6, rank=1, right=True),
    Column("chip", 8, rank=2),
    Column("note", 40, 4, rank=3, grows=True),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def text_of(parts: list[tuple[str, str]]) -> str:
    return "".join(text for text, _ in parts)


def test_what_matters_less_is_left_out_where_it_is_narrow() -> None:
    row = [[("gateway", "")], [("4 min", "dim")], [("esp32c6", "")], [("dirty", "")]]
    wide = fit_columns(COLUMNS, 50, "…", {"name": 7})
    assert text_of(wide.row(row)).split() == ["gateway", "4", "min", "esp32c6", "dirty"]
    assert text_of(fit_columns(COLUMNS, 24, "…", {"name": 7}).row(row)) == "gateway  4 min esp32c6 "
    assert text_of(fit_columns(COLUMNS, 6, "…", {"name": 7}).row(row)) == "gatew…"
    assert text_of(wide.head()).split() == ["name", "when", "chip", "note"]


def test_a_column_without_anything_in_it_takes_no_room() -> None:
    table = fit_columns(COLUMNS, 60, "…", {"name": 4, "chip": 0})
    assert table.widths[2] == 0
    assert text_of(table.row([[("node", "")], [("1 d", "")], [("x", "")], []])).startswith("node")


@given(st.lists(texts, min_size=4, max_size=4), st.integers(1, 120))
def test_rows_of_a_table_are_equally_wide(cells: list[str], width: int) -> None:
    table = fit_columns(COLUMNS, width, "…")
    row = table.row([[(text, "")] for text in cells])
    assert cell_len(text_of(row)) == cell_len(text_of(table.head()))
    assert cell_len(text_of(row)) <= max(width, 6)  # a name has six cells at least


@given(st.lists(texts, max_size=4), st.integers(1, 40), st.booleans())
def test_a_cell_is_as_wide_as_it_should_be(parts: list[str], width: int, right: bool) -> None:
    fitted = fit_cell([(text, "") for text in parts], width, right=right, cut="…")
    assert cell_len(text_of(fitted)) == width
