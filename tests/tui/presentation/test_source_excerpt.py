from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.enums import Severity
from engine.findings import Finding
from tui.presentation.source_excerpt import AROUND, excerpt
from tui.widgets.live_pane import source_class


def finding(line: int | None, column: int | None = None, hint: str | None = None) -> Finding:
    return Finding(Severity.ERROR, "compiler.error", "expected ';'", "main.c", line, column, hint)


def test_the_line_is_marked_and_the_message_stands_below_its_column() -> None:
    shown = excerpt(finding(2, 6, "add it"), ["int a;", "\tint b", "int c;"])
    assert shown is not None
    assert shown.mark == 1
    assert shown.text.split("\n") == [
        "     1    int a;",
        "     2 >      int b",
        "                  ^ error: expected ';'",
        "                    hint: add it",
        "     3    int c;",
    ]
    assert [source_class(line) for line in shown.text.split("\n")] == [
        "text",
        "text",
        "warning",
        "warning",
        "text",
    ]


def test_a_line_that_is_not_there_has_no_excerpt() -> None:
    assert excerpt(finding(4), ["one", "two", "three"]) is None
    assert excerpt(finding(None), ["one"]) is None
    assert excerpt(finding(1), []) is None


@settings(max_examples=60)
@given(
    st.lists(st.text(max_size=30).map(lambda text: text.replace("\n", "")), max_size=600),
    st.integers(-2, 700),
    st.none() | st.integers(-5, 2000),
)
def test_the_marked_line_is_the_right_one_of_any_source(
    source: list[str], line: int, column: int | None
) -> None:
    shown = excerpt(finding(line, column), source)
    if shown is None:
        assert not 1 <= line <= len(source)
        return
    lines = shown.text.split("\n")
    assert lines[shown.mark].startswith(f"{line:>6} >")
    assert len(lines) <= 2 * AROUND + 2
    assert "\x1b" not in shown.text
