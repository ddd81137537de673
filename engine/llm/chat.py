"""What is asked of a model, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from engine.cancel import CancelToken

CHARACTERS_A_TOKEN = 3
"""How many characters are taken for a token, where no tokeniser is at hand. English text has some
four, code some three: an estimate that is rather too careful."""


WHOLE_ANSWER = 12
"""How many times the seconds without a byte a whole answer may take: a server that only tells that
it is alive, or a model that never ends, is given up then."""

_BORDERS = re.compile(
    r"<(?=[|\uff5c][^<>\n]{1,40}[|\uff5c]>|/?(?:start_of_turn|end_of_turn|bos|eos)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS)\])"
)
"""Where the borders of turns begin in chat templates: ChatML, Llama, DeepSeek, Gemma, Mistral."""


class Speaker(StrEnum):
    """Who says a message, as both wire formats spell it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Args:
        model: name of the model as its server knows it.
        messages: the conversation so far, the question last.
        max_tokens: how long the answer may get, in tokens.
        temperature: 0 for the likeliest answer, higher for more variety.
        context: tokens that question and answer may have together.
        timeout: seconds without a byte, before the first one too.
        reasoning_effort: how much the model reasons first; None for what the server does.
        think: whether, or how much, a model of Ollama's reasons first; None as above.
        sampling: other fields that both protocols know by the same names, as far as they are set.
        extra: what else the body says; tables are merged with it.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.7
    context: int = 8192
    timeout: float = 300.0
    reasoning_effort: str | None = None
    think: bool | str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def longest(self) -> float:
        """Seconds for the whole answer, however much it is alive."""
        return self.timeout * WHOLE_ANSWER

    def turns(self) -> list[dict[str, str]]:
        """The conversation as both wire formats have it.

        Servers put it into a template of the model's, and some take what looks like a border of
        turns in a text for one: a blank behind its first sign makes it text again.
        """
        return [
            {"role": str(each.speaker), "content": _BORDERS.sub(r"\g<0> ", each.text)}
            for each in self.messages
        ]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer took, as it is kept with the stage that asked.

    Args:
        server: name of the server; ``placeholder`` where nobody was asked.
        model: the model that answered, as the server says.
        tokens_in, tokens_out: as the server counted them; None where it does not say.
        seconds: from the request to the last token.
        cost: in the server's currency (OpenRouter: US dollars); None where it does not say.
        cut: whether the answer ended at ``max_tokens``.
        left_out: characters of the question that did not fit the context, see :func:`fit`.
        attempts: how often it was asked for.
    """

    server: str
    model: str
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    cost: float | None = None
    cut: bool = False
    left_out: int = 0
    attempts: int = 1

    @property
    def tokens_per_second(self) -> float | None:
        """Speed of the answer; None where tokens were not counted."""
        return self.tokens_out / self.seconds if self.tokens_out and self.seconds else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, untrusted, and what it took.

    Args:
        text: all of it, without what the model reasoned before it.
        usage: what it took.
        reasoned: whether it reasoned.
        ended: whether it came to the end of its reasoning; where not, there is no text.
    """

    text: str
    usage: Usage
    reasoned: bool = False
    ended: bool = True


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """A request's body with what else it is to say: tables are merged, other values replaced."""
    found = dict(body)
    for name, value in extra.items():
        inner = found.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            found[name] = {**inner, **value}
        else:
            found[name] = value
    return found


class ModelServer(Protocol):
    """A server of models, or what stands in for one."""

    name: str
    """How settings call it."""

    def models(self, cancel: CancelToken) -> tuple[str, ...]:
        """Names of the models that it has.

        Raises:
            ModelError: it cannot be asked; one line that says what to do.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        ...

    def chat(
        self,
        request: Request,
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[str], None],
        cancel: CancelToken,
    ) -> Answer:
        """Ask a model.

        Args:
            request: what; :func:`fit` cuts it where it does not fit.
            on_text: given each piece of the answer as it comes, with what is reasoned. Untrusted
                text.
            on_retry: told in a line why the answer is asked for again; what came so far is void.
            cancel: closes the stream at once.

        Raises:
            ModelError: no answer could be had; one line that says what to do.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        ...


def fit(request: Request) -> tuple[Request, int]:
    """Cut a question that does not fit the context, by a rule that can be told.

    The longest message loses its middle, where a mark says how much is missing; where all of it is
    not enough, so does the next longest. A token is taken for :data:`CHARACTERS_A_TOKEN`
    characters.

    Returns:
        The request that fits, and how many characters were left out.
    """
    room = max(0, request.context - request.max_tokens) * CHARACTERS_A_TOKEN
    texts = [message.text for message in request.messages]
    over, left_out = sum(map(len, texts)) - room, 0
    for index in sorted(range(len(texts)), key=lambda index: -len(texts[index])):
        if over <= 0:
            break
        text = texts[index]
        mark = f"\n[... {over} characters and more were left out here ...]\n"
        keep = max(0, len(text) - over - len(mark))
        if left_out and keep + len(mark) >= len(text):
            break  # what stands for them is longer than all that is left
        texts[index] = f"{text[: keep - keep // 2]}{mark}{text[len(text) - keep // 2 :]}"
        over -= len(text) - len(texts[index])
        left_out += len(text) - keep
    if not left_out:
        return request, 0
    messages = zip(request.messages, texts, strict=True)
    cut = tuple(replace(message, text=text) for message, text in messages)
    return replace(request, messages=cut), left_out
