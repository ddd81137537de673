"""What blocks: every function that flawfinder warns of is decided, whatever a source holds."""

from __future__ import annotations

import flawfinder
from hypothesis import given
from hypothesis import strategies as st

from engine.quality import secrets
from engine.quality.c import dangers, formats
from engine.quality.c.names import Names
from engine.quality.c.source import Source
from engine.quality.c.tokens import TokenKind, tokens_of
from engine.quality.security_ratings import SecurityLevel

PIECES = (
    *(
        "printf(",
        "gets(x)",
        "strcpy(a, b);",
        "#define X ",
        "#if 0\n",
        "#endif\n",
        'R"(',
        ')"',
        "\\\n",
    ),
    *(
        '"%s"',
        "'",
        '"',
        "/*",
        "*/",
        "//",
        "\n",
        "{",
        "}",
        "(",
        ")",
        "static ",
        "char a[3]",
        "?",
        ":",
    ),
    *("const char *f = ", "X", "sscanf(a, ", "sprintf(a, ", ",", ";", "->", "::", " ", "0", "é"),
)


def test_there_is_a_ruling_on_every_function_that_flawfinder_gives_a_high_risk() -> None:
    high = {
        name
        for names, rule in flawfinder.c_ruleset.items()
        for name in names.split("|")
        if rule[1] >= 4
    }
    by_argument = {"strncat", "lstrcatn", "wcsncat", "_tcsncat", "_mbsnbcat"}

    undecided = {name for name in high | by_argument if dangers.rule_for(name) is None}

    assert not undecided
    assert all(each.reason for each in dangers.DANGER_RULES)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_no_source_is_too_strange(text: str) -> None:
    names, source = Names(["a.c"], lambda _name: text), Source(text)
    for name, places in source.words.items():
        for index in places:
            token = source.tokens[index]
            rating, line = dangers.rate(
                names, source, name, token.line, token.column, default=SecurityLevel.BLOCKS
            )
            assert rating.level in SecurityLevel
            assert 0 < line <= text.count("\n") + 1


@given(st.text(max_size=200), st.integers(1, 5))
def test_no_text_is_too_strange_for_secrets(text: str, line: int) -> None:
    for kind in ("Private Key", "Basic Auth Credentials", "Secret Keyword", "JSON Web Token"):
        list(secrets.rate("main/a.c", text, [(kind, line)]))


def test_tokens_stand_where_they_are() -> None:
    text = '#define A \\\n  "x"\nint a; /* b\nc */ R"-(\n)" )-" d'

    tokens = tokens_of(text)

    lines = text.split("\n")
    for each in tokens:
        assert each.kind is TokenKind.STRING or lines[each.line - 1][each.column - 1 :].startswith(
            each.text
        )
    assert [each.text for each in tokens][-5:] == ["int", "a", ";", '\n)" ', "d"]
    assert [each.directive for each in tokens][:4] == ["#", "define", "define", "define"]


def test_a_format_says_how_long_it_gets() -> None:
    assert formats.printed("a%d%%").length == 13
    assert formats.printed("%s %5.10s").texts == (0,)
    assert formats.printed("%*d").length is None
    assert formats.printed("\\x41\\n%02x").length == 12
    assert formats.printed("\\x41\\n%02x %s").least == 5
    assert formats.unbounded("%*s %d %s %5s %[a]") == [1, 3]
