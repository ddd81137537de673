"""Lines that no model may write: words in place of lines, and signs that nobody sees."""

from __future__ import annotations

import pytest

from engine.repair.refused_text import invisible, stands_for_lines


@pytest.mark.parametrize(
    "line",
    [
        "...",
        "    ...",
        "// ...",
        "/* ... */",
        "# \u2026",
        "// rest of the code",
        "    // ... rest of the file ...",
        "// ... (rest of the code remains the same)",
        "/* existing code here */",
        "// remaining functions unchanged",
        "# ... keep existing code ...",
        "<!-- ... the other functions ... -->",
        "(rest of the code)",
    ],
)
def test_words_in_place_of_lines_are_seen(line: str) -> None:
    assert stands_for_lines(line, "main/main.c")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "int log(const char *format, ...);",
        "// wait for the rest of the frame",
        "// Other functions",
        "/* keeps the existing value */",
        '    printf("waiting ...");',
        "// retry... after a while",
        "#include <stdio.h>",
        "return rest;",
        "// Original design by the sensor's maker",
    ],
)
def test_lines_of_a_program_are_none(line: str) -> None:
    assert not stands_for_lines(line, "main/main.c")


def test_three_dots_are_a_statement_of_python() -> None:
    assert not stands_for_lines("    ...", "tools/report.py")
    assert stands_for_lines("    # ...", "tools/report.py")


@pytest.mark.parametrize(
    "sign", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u3164", "\U000e0041"]
)
def test_signs_that_nobody_sees_are_refused_everywhere(sign: str) -> None:
    for file in ("main/main.c", "README.md"):
        assert f"U+{ord(sign):04X}" in (invisible([f"int a{sign};"], file) or "")


def test_blanks_that_no_compiler_takes_are_refused_in_sources_alone() -> None:
    assert "U+00A0" in (invisible(["int\u00a0a;"], "main/main.c") or "")
    assert invisible(["5\u00a0V"], "README.md") is None


def test_other_signs_are_text() -> None:
    assert (
        invisible(
            ["// gr\u00fcn \u4f60\u597d \u2713 \U0001f600\ufe0f \u201cx\u201d"], "main/main.c"
        )
        is None
    )
