"""Answers without what was reasoned, as families of models and servers mark it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelError
from engine.llm import reasoning
from engine.llm.reasoning import AnswerText, Parted, part

HARMONY = (
    "<|channel|>analysis<|message|>Perhaps 3?<|end|><|start|>assistant<|channel|>commentary"
    "<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>"
)

ENDED = {
    "think": "<think>\n3?\n</think>\n\n42",
    "in a line": "<think>3?</think>42",
    "thinking": "<thinking>3?</thinking>\n42",
    "thought": "<thought>3?</thought>42",
    "reasoning": "<reasoning>\n3?\n</reasoning>\n42",
    "capitals": "<THINK>3?</THINK>42",
    "empty": "<think>\n\n</think>\n\n42",
    "blanks before": "\n  <think>3?</think>42",
    "opened in the question": "3? No.\n</think>\n\n42",
    "opened in the question, in a line": "3? No.</think>42",
    "Seed": "<seed:think>3?</seed:think>42",
    "Hunyuan": "<think>\n3?\n</think>\n<answer>\n42\n</answer>",
    "Hunyuan 3": "3?</think:opensource>42",
    "Kimi": "\u25c1think\u25b73?\u25c1/think\u25b742",
    "Mistral": "[THINK]3?[/THINK]42",
    "Cohere": "<|START_THINKING|>3?<|END_THINKING|><|START_RESPONSE|>42<|END_RESPONSE|>",
    "Apertus": "<|inner_prefix|>3?<|inner_suffix|>42",
    "Gemma": "<|channel>thought\n3?<channel|>42",
    "Pangu": "[unused16]3?[unused17]42",
    "GLM": "<think>3?</think>\n<|begin_of_box|>42<|end_of_box|>",
    "Granite": "Here is my thought process: 3? Here is my response: 42",
    "gpt-oss": HARMONY,
    "gpt-oss, whole": f"<|start|>assistant{HARMONY}",
    "gpt-oss, cut in the answer": HARMONY.removesuffix("<|return|>"),
    "gpt-oss, without special tokens": "analysisWe think 3?assistantfinal42",
    "two blocks": "<think>3?</think>\n<think>4?</think>\n42",
    "closed twice": "<think>3?</think>\n4?\n</think>\n42",
    "a fence left open": "<think>\n```c\nint a;\n</think>\n42",
    "a fence left open, opened in the question": "```c\nint a;\n</think>\n42",
    "quotes a marker": "<think>`</think>` would end it</think>42",
}


@pytest.mark.parametrize("name", ENDED)
def test_what_was_reasoned_is_no_part_of_an_answer(name: str) -> None:
    assert part(ENDED[name]) == Parted("42", reasoned=True)


ENDLESS = {
    "think": "<think>3? 4? 5",
    "think with a draft": "<think>\n```c a.c\nint a;\n```\n",
    "Mistral": "[THINK]3?",
    "Kimi": "\u25c1think\u25b73?",
    "gpt-oss": "<|channel|>analysis<|message|>We need 3?",
    "gpt-oss, without special tokens": "analysisWe need 3?",
    "Granite": "Here's my thought process: 3?",
    "again in the midst": "<think>3?</think>\nfirst\n<think>\nno, 4?",
    "without end": "<think>a</think>\n" * 200,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_reasoning_without_an_end_is_no_answer(name: str) -> None:
    assert part(ENDLESS[name]) == Parted("", reasoned=True, ended=False)


PLAIN = [
    "42",
    "  42\n",
    "",
    "Set `</think>` as the stop word.",
    'puts("</think>");',
    "The template:\n```jinja\n<think>\n{{ x }}\n</think>\n```\nDone.",
    "```xml\n<reasoning>\n```",
    "~~~\n</think>\n~~~",
    "Models write <think> before they answer.",
    "<thinker>3</thinker>",
    "analysisReport.md\n42",
    "a<|channel|>final<|message|>b",
    "Here is my response: 42",
    "[THINKING] 3",
]


@pytest.mark.parametrize("text", PLAIN)
def test_an_answer_that_speaks_of_markers_stays_whole(text: str) -> None:
    assert part(text) == Parted(text, reasoned=False)


def test_code_of_an_answer_keeps_its_markers() -> None:
    answer = "In `a.txt`:\n```\n<think>\n</think>\n```\nand `</think>`."
    assert part(f"<think>\nx\n</think>\n{answer}").answer == answer
    assert part(f"x\n</think>\n{answer}").answer == answer


def test_an_answer_between_two_blocks_is_kept() -> None:
    assert part("<think>a</think>first\n<think>b</think>second").answer == "first\nsecond"


def test_what_a_server_told_apart_is_shown_and_not_kept() -> None:
    shown: list[str] = []
    text = AnswerText("lab", shown.append)
    for piece in ("3", "?"):
        text.add_reasoning(piece)
    text.add("4")
    text.add("2 </think> x")
    assert "".join(shown) == "<think>\n3?\n</think>\n42 </think> x"
    assert text.parted() == Parted("42 </think> x", reasoned=True)


def test_an_answer_that_a_server_reasoned_away_is_none() -> None:
    text = AnswerText("lab", lambda _text: None)
    text.add_reasoning("3?")
    assert text.parted() == Parted("", reasoned=True, ended=False)


def test_reasoning_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasoning, "MAX_CHARACTERS", 10)
    text = AnswerText("lab", lambda _text: None)
    text.add_reasoning("123456")
    with pytest.raises(ModelError, match="larger than can be of use"):
        text.add("123456")


_WORDS = ["<think>", "</think>", "\n", "```", "```c", "`", "42", " ", "<|channel|>", "final"]


@given(st.lists(st.sampled_from([*_WORDS, "<|message|>", "</thinking>", "[THINK]"]), max_size=30))
def test_whatever_comes_is_an_answer_or_none(words: list[str]) -> None:
    text = "".join(words)
    found = part(text)
    assert found.ended or not found.answer
    assert found.reasoned or found.answer == text


@pytest.mark.parametrize(
    "piece", ["</think>", "`</think>`", "<think>", "\n<think>", "```c\n", "<|channel|>", "\n ", "a"]
)
def test_very_many_markers_are_looked_through_once(piece: str) -> None:
    # Quadratic loops would take minutes for these.
    many = piece * ((1 << 20) // len(piece))
    for text in (many, f"<|channel|>{many}", f"<think>{many}", f"<think>x</think>\n{many}"):
        part(text)
