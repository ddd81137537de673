"""Diffs taken back: what files were before them."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source.diffs import diff_of, lines_of, texts_before

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "--- a/x\n", "+++ b/x\n", "@@ -1 +1 @@\n", "\n"]))


def patch_of(file: str, old: str | None, new: str) -> str:
    before, after = lines_of(old or ""), lines_of(new)
    opcodes = difflib.SequenceMatcher(None, before, after).get_opcodes()
    return diff_of(file, None if old is None else before, after, opcodes)


@given(TEXTS, TEXTS, st.booleans())
def test_a_diff_is_taken_back(old: list[str], new: list[str], ends: bool) -> None:
    before, after = "".join(old), "".join(new) + ("" if ends else "last")
    patch = patch_of("x.c", before, after)

    found = texts_before(patch, {"x.c": after}.get)

    assert found == ({"x.c": before} if patch else {})


def test_of_several_files_each_is_taken_back() -> None:
    new = {"a.c": "1\n2\n", "dir/b c.h": "x\n", "new.c": "n\n"}
    old = {"a.c": "1\n", "dir/b c.h": "y\nx\n", "new.c": None}
    patch = "".join(patch_of(file, old[file], new[file]) for file in new)

    assert texts_before(patch, new.get) == old


@pytest.mark.parametrize("patch", ["", "nonsense\n", "--- a/x\n", "@@ -1 +1 @@\n-a\n+b\n"])
def test_what_is_no_diff_changes_nothing(patch: str) -> None:
    assert set(texts_before(patch, {"x": "b\n"}.get).values()) <= {"b\n", ""}
