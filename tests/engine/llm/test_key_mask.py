"""A key is taken out of a stream, wherever that is cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from engine.llm.key_mask import KeyMask

KEY = "abacus-abacus"


@given(st.lists(st.text("abcus-", max_size=9) | st.just(KEY), max_size=9), st.data())
def test_no_cut_lets_it_through_and_all_else_comes(texts: list[str], data: st.DataObject) -> None:
    whole = "".join(texts)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12).map(sorted))
    mask = KeyMask(KEY)
    places = [0, *cuts, len(whole)]
    told = "".join(mask.feed(whole[a:b]) for a, b in itertools.pairwise(places)) + mask.rest()

    assert KEY not in told
    assert told == whole.replace(KEY, "***")


def test_without_a_key_every_piece_comes_at_once() -> None:
    mask = KeyMask("")

    assert (mask.feed("sk-"), mask.feed(""), mask.rest()) == ("sk-", "", "")
