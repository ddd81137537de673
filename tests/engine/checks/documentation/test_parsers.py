"""Whatever a document has, it is read, in time, and what is found lies in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checks.documentation.anchors import anchors_of
from engine.checks.documentation.code import essence_of, option_of, signature_of
from engine.checks.documentation.document import Document, is_dated, past_lines
from engine.checks.documentation.doxygen import parse_doxygen
from engine.checks.documentation.markdown import parse_markdown
from engine.checks.documentation.restructuredtext import parse_rst

PIECES = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            " ",
            "  ",
            "\t",
            "#",
            "# a",
            "====",
            "----",
            "```",
            "`",
            "``",
            "[",
            "](",
            ")",
        ),
        *(
            "](a.md#b)",
            "![",
            "<a href='",
            "'>",
            "<!--",
            "-->",
            "| a | b |",
            "| - | - |",
            "> ",
            "- ",
        ),
        *(
            ".. ",
            "::",
            ".. _a:",
            ":doc:`",
            ":ref:`a <b>`",
            ".. include:: x",
            ".. toctree::",
            "`x <y>`_",
        ),
        *("/**", "*/", "/*!", "///", "@page a b", "\\ref x_y", "@code", "@endcode", "foo_bar()"),
        *("CONFIG_A_B", "├── a.c", "$ ./a.sh --b", "---\n", "\r\n", "\0", "\ufeff", "é", "\ud800"),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=200))


def parsed(text: str) -> list[Document]:
    return [
        parse_markdown(text),
        parse_rst(text),
        parse_doxygen(text, in_code=False),
        parse_doxygen(text, in_code=True),
    ]


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_any_text_is_read_and_lines_lie_in_it(text: str) -> None:
    last = len(text.splitlines()) + text.count("\r") + 1

    for document in parsed(text):
        lines = [each.line for each in document.headings]
        lines += [each.line for each in document.links]
        lines += [each.line for each in document.names]
        assert all(1 <= line <= last for line in lines)
        assert all(each != "" for each in anchors_of(document, site=True))
        assert past_lines(text, document) is not None


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![](",
        "`",
        "> ",
        "- ",
        "<a ",
        "*",
        "[a](<",
        "│   ",
        "/**",
        "@code",
        ":a:`",
        "| a ",
        "(",
        "\\",
    ],
)
def test_what_repeats_costs_no_more_than_its_length(piece: str) -> None:
    text = piece * (100_000 // len(piece))  # a square of it would take hours

    assert len(parsed(text)) == 4


SOURCE = """
#define PUMP_MAX(a) (a)
/* int pump_start(char *name); */
esp_err_t pump_start(const pump_config_t *config,
                     int rate) PUMP_ATTR;
static inline int pump_rate(void) { return pump_start(0, 1); }
"""


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("pump_start", ("esp_err_t pump_start(const pump_config_t*config,int rate)", 4)),
        ("pump_rate", ("int pump_rate(void)", 6)),
        ("PUMP_MAX", ("#define PUMP_MAX(a)", 2)),
        ("pump_stop", None),
    ],
)
def test_a_declaration_is_read_without_its_layout(name: str, declared: object) -> None:
    assert signature_of("include/pump.h", SOURCE, name) == declared


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("int a(int x)", "int a(int y)", True),
        ("int a()", "int a(void)", True),
        ("int a(const char*s)", "int a(char const*s)", True),
        ("int a(int x)", "int a(int x,int y)", False),
        ("int a(int x)", "int a(long x)", False),
        ("int a(int x)", "void a(int x)", False),
        ("int a(char*s)", "int a(char s)", False),
        ("def a(x)", "def a(y)", False),
    ],
)
def test_only_what_callers_see_makes_declarations_differ(
    before: str, after: str, same: bool
) -> None:
    assert (essence_of(before) == essence_of(after)) is same


def test_an_option_is_read_without_its_help() -> None:
    text = (
        'menu "M"\n  config RATE\n    int "Rate"\n    default 4\n    help\n      Any.\n'
        "  config B\n    bool\nendmenu\n"
    )

    assert option_of(text, "RATE") == ('int "Rate"\ndefault 4', 2)
    assert option_of(text, "GONE") is None


@pytest.mark.parametrize(
    ("path", "is_past"),
    [
        ("CHANGELOG.md", True),
        ("docs/2024-05-06-sensors.md", True),
        ("CHAT_HISTORY_2026-03-13_SIMULATOR.md", True),
        ("docs/decisions/0003-partial-refresh.md", True),
        ("docs/part-120240101234.md", False),
        ("docs/wiring.md", False),
    ],
)
def test_documents_of_a_day_speak_of_the_past(path: str, is_past: bool) -> None:
    assert is_dated(path) is is_past
