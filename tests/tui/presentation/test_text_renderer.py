"""Texts as rows: source, patches and Markdown, whatever they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tui.presentation import syntax
from tui.presentation.syntax import CLASSES, diff_rows, fence_rows, source_rows
from tui.presentation.text_renderer import STYLES, Paper, render

PATCH = """\
diff --git a/main/main.c b/main/main.c
--- a/main/main.c
+++ b/main/main.c
@@ -1,4 +1,4 @@
 /* The pin
-   of the button. */
+   of the lamp. */
 #define PIN 4
-int main(void) { return 1 }
+int main(void) { return 1; }
-- not of the hunk
"""

REPORT = """\
# Review

Some *text* with `code`, **bold** and [a link](https://git.lab/x).
<script>alert(1)</script> &#x1b;[31m&#x202e;

- one
  1. two

> quoted

| Measure | Value |
|---|--:|
| coverage | 81 |

```c main/main.c
int main(void);
```
"""

MARKS = st.sampled_from(
    [
        "# ", "- ", "1. ", "> ", "```", "```c\n", "\n", "\n\n", "    ", "|a|b|\n|-|-|\n", "|",
        "[x](y)", "![i](s)", "<b>", "</kbd>", "**", "_", "`", "~~", "漢", "\x1b[0m", "&#x9b;",
        "[/b]", "\r", "x ",
    ]
)  # fmt: skip


def paper(width: int = 40, *, ascii: bool = False) -> Paper:
    styles = {name: Style(color=f"color({number + 1})") for number, name in enumerate(STYLES)}
    return Paper(width, styles, ascii)


def texts(text: str, name: str, on: Paper) -> list[str]:
    return [line.strip.text.rstrip() for line in render(text, name, on)]


def test_a_patch_has_the_colours_of_its_language_over_what_came_and_went() -> None:
    rows = diff_rows(PATCH)
    assert [row.ground for row in rows] == [
        "note", "note", "note", "note", "", "removed", "added", "", "removed", "added", "removed",
    ]  # fmt: skip
    comment = [row.parts for row in rows[4:7]]
    assert [parts[1][1] for parts in comment] == ["comment"] * 3
    assert ("return", "keyword") in rows[9].parts
    assert rows[10].parts == (("-- not of the hunk", ""),)


def test_a_patch_without_numbers_has_its_colours_too() -> None:
    rows = fence_rows("@@ ... @@\n-old\n+new\n", "diff")
    assert [row.ground for row in rows] == ["note", "removed", "added"]


def test_source_is_coloured_by_its_name() -> None:
    (row,) = source_rows('printf("%d", 7); // seven', "main/main.c")
    assert {word for _, word in row.parts} >= {"string", "number", "comment"}
    assert source_rows("what is it", "unknown.xyz")[0].parts == (("what is it", ""),)


def seen(character: str) -> bool:
    return character.isprintable() and not character.isspace()


@given(st.text(max_size=300), st.sampled_from(["a.c", "a.py", "a.patch", "CMakeLists.txt", "b"]))
def test_colours_change_no_text(text: str, name: str) -> None:
    rows = diff_rows(text) if name == "a.patch" else source_rows(text, name)
    lines = text.removesuffix("\n").split("\n") if text else []
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        assert {word for _, word in row.parts} <= {"", *CLASSES}
        shown = "".join(part for part, _ in row.parts)
        assert [*filter(seen, shown)] == [*filter(seen, line)]


def test_markdown_is_laid_out_and_html_is_text() -> None:
    shown = texts(REPORT, "report.md", paper())
    for line in (
        "Review",
        "(https://git.lab/x).",
        " • one",
        "    1 two",
        "▌ quoted",
        " Measure   Value",
        "main/main.c",
        "int main(void);",
    ):
        assert line in shown
    text = "\n".join(shown)
    assert "<script>alert(1)</script>" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_is_laid_out_in_ascii() -> None:
    shown = texts(REPORT.replace("&#x1b;", ""), "report.md", paper(ascii=True))
    assert " * one" in shown
    assert "| quoted" in shown
    assert all(line.isascii() for line in shown)


def test_search_and_replace_blocks_stand_as_they_are_with_what_goes_and_what_comes() -> None:
    block = "<<<<<<< SEARCH\n    run();\n=======\n\n    # stop();\n>>>>>>> REPLACE"
    shown = texts(f"Mended.\n\nmain/main.c\n{block}\n\nSo be it.\n", "fix.md", paper())
    assert "\n".join(shown) == f"Mended.\n\nmain/main.c\n\n{block}\n\nSo be it."
    for text, language in ((block, "c"), (block + "\n", "")):
        grounds = [row.ground for row in fence_rows(text, language)]
        assert grounds == ["note", "removed", "note", "added", "added", "note"]


@pytest.mark.parametrize(
    "text",
    [
        "> " * 30 + "deepest\n\nafter\n",
        "- " * 100 + "deepest\n\nafter\n",
        "<<<<<<< SEARCH\ndeepest\n\nafter\n",
        "<<<<<<< SEARCH\n" * 3000 + "deepest\nafter",
    ],
    ids=["quotes", "lists", "block", "blocks"],
)
def test_nothing_is_lost_that_is_too_deep_or_has_no_end(text: str) -> None:
    shown = " ".join(texts(text, "a.md", paper()))
    assert "deepest" in shown
    assert "after" in shown


def test_no_cell_of_a_table_is_cut() -> None:
    path = "components/driver/src/main_of_the_driver.c:120"
    table = f"| place | problem |\n|---|---|\n| `{path}` | wrong wrong wrong wrong wrong |\n"
    shown = "\n".join(texts(table, "a.md", paper()))
    assert "…" not in shown
    assert shown.count("wrong") == 5


@pytest.mark.slow
@given(st.lists(MARKS, max_size=60).map("".join), st.integers(1, 60), st.booleans())
def test_any_markdown_fits_and_steers_nothing(text: str, width: int, ascii: bool) -> None:
    for line in render(text, "a.md", paper(width, ascii=ascii)):
        shown = line.strip.text
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
        assert width < 12 or cell_len(shown) <= width


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.md", "a.c", "a.patch"])
def test_what_is_too_long_to_lay_out_is_shown_as_it_is(name: str) -> None:
    text = "**word** /* x */\n" * 20_000
    lines = render(text, name, paper())
    told = 2 if name == "a.md" else 0
    assert len(lines) == 20_000 + told
    assert lines[-1].strip.text == "**word** /* x */"


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["```c\n", "\n", "~~~c\n```c\n"])
def test_colours_are_given_up_where_a_lexer_takes_too_long(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syntax, "_SECONDS", 0.1)
    # Minutes, if Markdown's lexer looked for the end of each fence through all that follows.
    text = piece * (180_000 // len(piece))

    rows = source_rows(text, "answer.md")

    assert "".join("".join(part for part, _ in row.parts) + "\n" for row in rows) == text


def test_a_hunk_with_a_number_that_is_none_is_text() -> None:
    head = f"@@ -1,{'9' * 5000} +1 @@"
    assert [row.parts for row in diff_rows(f"{head}\n+a\n")] == [((head, ""),), (("+a", ""),)]
