"""Context of any JSON as text for a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.tasks.context_object import Json, render_context

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ({}, ""),
        ([], ""),
        (" As it is.\n", "As it is."),
        (0, "```json\n0\n```"),
        (["a", 1], '```json\n[\n  "a",\n  1\n]\n```'),
        (
            {"board": "c3", "n": 2, "ok": True, "x": None},
            "- board: c3\n- n: 2\n- ok: true\n- x: null",
        ),
        ({"log": "a\nb\n"}, "- log:\n\n```\na\nb\n```\n"),
        ({"pins": {"sda": 4}}, '- pins:\n\n```json\n{\n  "sda": 4\n}\n```\n'),
        ({"two\nlines": "```"}, "- two lines: ```"),
        ({"md": "```c\nx\n```"}, "- md:\n\n````\n```c\nx\n```\n````\n"),
        ({"\ud800": "\ud800é"}, "- ?: ?é"),
    ],
)
def test_it_is_a_list_with_blocks(value: Json, text: str) -> None:
    assert render_context(value) == text


@given(
    st.recursive(
        _PLAIN,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=9,
    )
)
def test_any_json_has_a_text_that_can_be_stored(value: Json) -> None:
    render_context(value).encode()


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: Json = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(UsageError, match="nested too deeply"):
        render_context(value)
