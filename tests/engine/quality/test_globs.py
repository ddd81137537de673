"""Patterns for names of files."""

from __future__ import annotations

import pytest

from engine.quality.globs import matcher


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("third_party/**", "third_party/a/b.c", True),
        ("third_party/**", "src/third_party/b.c", False),
        ("third_party", "src/third_party/b.c", True),
        ("third_party/", "third_party/a/b.c", True),
        ("/third_party", "third_party/b.c", True),
        ("*.gen.c", "main/font.gen.c", True),
        ("*.gen.c", "main/fontXgen.c", False),
        ("main/*.c", "main/a.c", True),
        ("main/*.c", "main/ui/a.c", False),
        ("main/**/*.c", "main/ui/x/a.c", True),
        ("main/**/*.c", "main/a.c", True),
        ("**/fonts/*", "main/fonts/a.c", True),
        ("font_?.c", "font_1.c", True),
        ("font_?.c", "font_12.c", False),
        ("a+(b).c", "a+(b).c", True),
        ("./main/a.c", "main/a.c", True),
        ("main/a", "main/abc.c", False),
        ("**", "a/b.c", True),
        ("*", "a/b.c", True),
    ],
)
def test_a_pattern_matches_names(pattern: str, name: str, matches: bool) -> None:
    assert matcher([pattern])(name) is matches


def test_no_pattern_takes_long() -> None:
    assert not matcher(["*a" * 100 + "/**/" * 50])("a" * 400)
