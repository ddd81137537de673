"""A conversation with a model: what fits, what is shown, and that refused answers come again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.llm.chat import Answer, Message, Speaker
from engine.llm.conversation import MAX_ANSWERS, Conversation, Refused
from engine.llm.service import Models, StepParameters
from engine.settings import LlmSettings, ModelSettings
from tests.engine.llm.servers import Reply, Server, ollama, stream

QUESTION = (Message(Speaker.USER, "how many?"),)


@dataclass
class Pane:
    """What a conversation shows."""

    lines: list[str] = field(default_factory=list)
    text: bytes = b""
    percent: float = 0.0

    @property
    def log(self) -> Callable[[str], None]:
        return self.lines.append

    def output(self, chunk: bytes) -> None:
        self.text += chunk

    def progress(self, percent: float, doing: str) -> None:
        self.percent = percent


Open = Callable[..., tuple[Conversation, Server, Pane]]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a conversation with a server of some answers."""
    servers: list[Server] = []

    def opens(
        *answers: Reply,
        names: tuple[str, ...] = ("developer",),
        step: StepParameters | None = None,
        **model: Any,
    ) -> tuple[Conversation, Server, Pane]:
        server, pane = Server(*answers), Pane()
        servers.append(server)
        models = {"developer": ModelSettings(name="m", **model)}
        settings = LlmSettings(ollama=server.url, models=models)
        conversation = Conversation(Models(settings), names, pane, CancelToken(), step)
        return conversation, server, pane

    yield opens
    for server in servers:
        server.close()


def number(answer: Answer) -> int | Refused:
    text = answer.text
    return int(text) if text.isdecimal() else Refused((f"{text} is not a number",))


def told(reasons: Sequence[str]) -> Message:
    return Message(Speaker.USER, f"again: {reasons[0]}")


def test_a_refused_answer_is_told_why_and_given_again(opened: Open) -> None:
    answers = stream(*ollama("<think>3?</think>many")), stream(*ollama("4", "2"))
    conversation, server, pane = opened(*answers)
    assert conversation.ask_until_accepted(QUESTION, number, told) == 42
    assert len(conversation.usage) == 2
    assert [each.refusals for each in conversation.answers] == [("many is not a number",), ()]
    _first, (_line, _headers, second) = server.requests
    assert [each["content"] for each in second["messages"]] == [
        "how many?",
        "many",
        "again: many is not a number",
    ]
    assert "refused, asking again:" in pane.lines
    assert pane.text == b"<think>3?</think>many\n42\n"
    assert pane.percent > 0


def test_it_ends_with_the_last_refusal(opened: Open) -> None:
    conversation, server, pane = opened(stream(*ollama("no")))
    found = conversation.ask_until_accepted(QUESTION, number, told)
    assert found == Refused(("no is not a number",))
    assert pane.lines[-2:] == ["refused:", "  - no is not a number"]
    assert len(server.requests) == MAX_ANSWERS


def test_an_answer_that_was_cut_is_told_to_be_shorter(opened: Open) -> None:
    answers = stream(*ollama("so", done_reason="length")), stream(*ollama("1"))
    conversation, _server, _pane = opened(*answers)
    assert conversation.ask_until_accepted(QUESTION, number, told) == 1
    assert conversation.answers[0].refusals[1].startswith("the answer was cut")


def test_a_role_is_asked_as_the_kind_after_it(opened: Open) -> None:
    conversation, server, _pane = opened(stream(*ollama("1")), names=("developer", "codegemma"))
    conversation.ask(QUESTION)
    ((_line, _headers, asked),) = server.requests
    assert (asked["options"]["num_predict"], asked["options"]["temperature"]) == (1024, 0.5)


def test_an_answer_has_at_most_half_of_the_context(opened: Open) -> None:
    conversation, _server, pane = opened(max_tokens=900, context=1000)
    assert conversation.question_tokens == 500
    assert conversation.first_question_tokens == 375
    assert pane.lines == ["answers are held to 500 tokens, half of the model's context"]


EATEN = "developer: all 512 tokens of the answer went into reasoning: raise the model's max_tokens"


@pytest.mark.parametrize("text", ["<think>3? 4?", "<think>3?</think>\n", ""])
def test_an_answer_that_reasoning_ate_says_what_to_do(opened: Open, text: str) -> None:
    piece = {"message": {"thinking": "3?", "content": text}, "done": True, "done_reason": "length"}
    answer = stream(json.dumps(piece).encode() + b"\n")
    for is_checked in (False, True):
        conversation, server, pane = opened(answer)
        with pytest.raises(ModelError) as caught:
            if is_checked:
                conversation.ask_until_accepted(QUESTION, number, told)
            else:
                conversation.ask(QUESTION)
        assert str(caught.value).startswith(EATEN)
        assert len(server.requests) == len(conversation.usage) == 1
        assert pane.text.startswith(b"<think>\n3?")


def test_a_model_whose_context_is_too_small_to_reason_is_told_so(opened: Open) -> None:
    answer = stream(*ollama("<think>3?", done_reason="length"))
    conversation, _server, _pane = opened(answer, max_tokens=2048, context=1024)
    with pytest.raises(ModelError, match=r"all 512 tokens .* raise the model's context"):
        conversation.ask(QUESTION)


def test_reasoning_without_an_answer_is_asked_again_and_never_fed_back(opened: Open) -> None:
    answers = [stream(*ollama(text)) for text in ("<think>3?", "<think>3?</think>", " ", "4")]
    conversation, server, _pane = opened(answers[0], answers[1], answers[3])
    assert conversation.ask_until_accepted(QUESTION, number, told) == 4
    assert [each.refusals for each in conversation.answers] == [
        ("developer: the model reasoned, and never came to its end",),
        ("developer: the model reasoned, and gave no answer after it",),
        (),
    ]
    turns = server.requests[-1][2]["messages"]
    assert [turn["role"] for turn in turns] == ["user"] * 3
    assert not any("think" in turn["content"] for turn in turns)
    with pytest.raises(ModelError, match="developer: the answer is empty"):
        opened(answers[2])[0].ask(QUESTION)


@pytest.mark.parametrize(
    ("settings", "step", "asked"),
    [
        (None, None, 512),
        (None, StepParameters(900), 900),
        (2000, StepParameters(900), 2000),
        (300, StepParameters(900), 300),
        (2000, StepParameters(900, own=True), 900),
        (2000, StepParameters(own=True), 2000),
        (2000, None, 2000),
    ],
)
def test_whose_figure_counts(
    opened: Open, settings: int | None, step: StepParameters | None, asked: int
) -> None:
    conversation, server, _pane = opened(stream(*ollama("1")), step=step, max_tokens=settings)
    conversation.ask(QUESTION)
    assert server.requests[0][2]["options"]["num_predict"] == asked


def test_the_temperature_of_the_settings_wins_as_the_tokens_do(opened: Open) -> None:
    for own, asked in ((False, 0.0), (True, 0.4)):
        step = StepParameters(temperature=0.4, own=own)
        conversation, server, _pane = opened(stream(*ollama("1")), step=step, temperature=0)
        conversation.ask(QUESTION)
        assert server.requests[0][2]["options"]["temperature"] == asked
