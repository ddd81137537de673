"""A conversation with a model: what fits, what is shown, and that refused answers come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.llm.chat import Answer, Message, Speaker, without_reasoning
from engine.llm.conversation import MAX_ANSWERS, Conversation, Refused
from engine.llm.service import Models
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
        *answers: Reply, names: tuple[str, ...] = ("developer",), **model: Any
    ) -> tuple[Conversation, Server, Pane]:
        server, pane = Server(*answers), Pane()
        servers.append(server)
        models = {"developer": ModelSettings(name="m", **model)}
        settings = LlmSettings(ollama=server.url, models=models)
        return Conversation(Models(settings), names, pane, CancelToken()), server, pane

    yield opens
    for server in servers:
        server.close()


def number(answer: Answer) -> int | Refused:
    text = without_reasoning(answer.text)
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
