"""Words of a task, found in texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.source.search_words import defined_in, places_in, search_words_of, words_in, words_of

TEXTS = st.lists(
    st.sampled_from(
        ["read", "ADC", "Adc", "raw", "_", " ", "X", "s", "280", "ä", "HTTPServer", "İ"]
    )
).map("".join)


@given(TEXTS, TEXTS)
def test_words_are_found_as_they_are_cut(text: str, task: str) -> None:
    words = words_of(task)
    assert words_in(text, words) == words_of(text) & words


def test_identifiers_are_wanted_as_they_are_spelled() -> None:
    wanted = search_words_of("display_blit and setPixelXY of BME280 fail")

    assert {"display_blit", "setPixelXY", "pixel", "bme", "fail"} <= wanted
    assert words_in("int display_blit2(); display_blit();", wanted) >= {"display_blit"}
    assert "display_blit" not in words_in("int display_blit2();", wanted)


def test_who_defines_a_function_is_told_from_who_calls_it() -> None:
    names = {"display_blit"}

    assert defined_in("static int display_blit(int page)\n{\n", names) == names
    assert defined_in("def display_blit(page):\n", names) == names
    assert not defined_in("int display_blit(int page);\n", names)
    assert not defined_in("    display_blit(1);\n", names)


def test_places_are_read_as_compilers_and_people_write_them() -> None:
    text = '/b/main/a.c:12:3: error\n  File "./tools/p.py", line 7\nsee b.h. And v5.1, 10.2'

    assert list(places_in(text)) == [("/b/main/a.c", 12), ("tools/p.py", 7), ("b.h", 0)]
