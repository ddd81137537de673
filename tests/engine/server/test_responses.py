"""Answers that a terminal can print."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.server.responses import SafeJson, text_answer

ANY_TEXT = st.text(st.characters())


@given(st.recursive(st.none() | st.floats() | ANY_TEXT, lambda some: st.lists(some, max_size=3)))
def test_any_json_is_sent_and_steers_nothing(content: Any) -> None:
    body = bytes(SafeJson(content).body).decode()

    json.loads(body)
    assert body.isprintable() or not any(
        "\x00" <= each < "\x20" or "\x7f" <= each <= "\x9f" or each in "\u202e\u2066\u061c"
        for each in body
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_is_the_same_text(text: str) -> None:
    assert json.loads(bytes(SafeJson({"text": text}).body)) == {"text": text}


def test_lines_of_text_are_cleaned() -> None:
    answer = text_answer(["\x1b[31mred", "a\tb"])

    assert answer.body == b"red\na    b\n"
    assert answer.headers["x-content-type-options"] == "nosniff"
