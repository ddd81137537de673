"""Numbers of lines that a model copies with the code that it changes."""

from __future__ import annotations

import pytest

from engine.tasks.line_numbers import without_numbers

BLOCK = """\
It is main.c:12 that is wrong.

main.c
<<<<<<< SEARCH
{}=======
{}>>>>>>> REPLACE
"""


@pytest.mark.parametrize(
    ("search", "replace", "wanted_search", "wanted_replace"),
    [
        ("12|int a;\n13|\n", "12|int b;\n", "int a;\n\n", "int b;\n"),
        ("12|int a;\n\n14|int c;\n", "int b;\n", "int a;\n\nint c;\n", "int b;\n"),
        ("12|\tint a;\n", "12|\tint b;\n    int new;\n", "\tint a;\n", "\tint b;\n    int new;\n"),
        ("9|a\n10|b\n", "", "a\nb\n", ""),
        ("int a;\n", "1|2\n", "int a;\n", "1|2\n"),
        ("    X = 1|2,\n    1|4,\n", "b\n", "    X = 1|2,\n    1|4,\n", "b\n"),
    ],
)
def test_numbers_of_a_block(
    search: str, replace: str, wanted_search: str, wanted_replace: str
) -> None:
    answer = without_numbers(BLOCK.format(search, replace))
    assert answer == BLOCK.format(wanted_search, wanted_replace)


def test_numbers_of_a_diff_and_of_a_file() -> None:
    diff = "```diff\n--- a/m.c\n+++ b/m.c\n@@ -1,2 +1,2 @@\n 1|a\n-2|b\n+2|c\n```\n"
    assert without_numbers(diff) == diff.replace(" 1|", " ").replace("2|", "")
    assert without_numbers("```c m.c\n1|int a;\n2|\n```\n") == "```c m.c\nint a;\n\n```\n"


def test_what_has_no_numbers_stays() -> None:
    prose = "A table:\n\n| 1 | 2 |\n\n1|2 is a mask.\n"
    assert without_numbers(prose) == prose
