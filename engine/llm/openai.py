"""Servers that speak OpenAI's protocol: OpenRouter, llama.cpp, vLLM, LM Studio and others.

``POST /chat/completions`` streamed as server-sent events, ``GET /models`` (OpenAI API reference,
"Chat Completions", "Streaming"; OpenRouter's documentation for its comments and costs).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.llm.chat import Answer, Request, Usage, fit, merged
from engine.llm.key_mask import MASK, KeyMask
from engine.llm.reasoning import AnswerText
from engine.llm.wire import (
    Call,
    RefusedError,
    RetryableError,
    amount_of,
    get_json,
    lines_of,
    name_of,
    object_of,
    retry,
    text_of,
    tokens_of,
)
from engine.text import mask

OPENROUTER_URL = "https://openrouter.ai/api/v1"
_LIST_SECONDS = 30.0
_DONE = "[DONE]"

_REFUSABLE = ("max_tokens", "temperature", "stream_options")
"""What a question says unasked, and models or servers may refuse: OpenAI's models that reason take
no ``temperature``, and ``max_completion_tokens`` instead of ``max_tokens``."""

_REFUSALS = (400, 422)


class OpenAI:
    """A server that speaks OpenAI's protocol."""

    def __init__(self, name: str, url: str, key: str = "", key_name: str = "") -> None:
        """Know where it is; nothing is asked yet.

        Args:
            name: how settings call it.
            url: base URL, with its ``/v1``.
            key: sent as a bearer token, and told to nobody else; empty for a server that wants
                none.
            key_name: how people call the key; empty for the variable that it is taken from.
        """
        self.name = name
        self.url = url.rstrip("/")
        """Where it is; may hold a password."""

        self._key, self._key_name = key, key_name
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._refused: dict[str, frozenset[str]] = {}  # what models refuse, as they were asked

    def models(self, cancel: CancelToken) -> tuple[str, ...]:
        """Names of the models that it has."""
        found = retry(
            lambda _attempt: get_json(self._call("/models"), cancel),
            cancel,
            lambda _line: None,
        )
        try:
            return tuple(sorted(filter(None, (name_of(each["id"]) for each in found["data"]))))
        except (LookupError, TypeError) as error:
            raise ModelError(
                f"{self.name}: {mask(self.url)} does not answer as OpenAI's protocol has it"
            ) from error

    def chat(
        self,
        request: Request,
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[str], None],
        cancel: CancelToken,
    ) -> Answer:
        """Ask a model, as :meth:`engine.llm.chat.ModelServer.chat` says."""
        request, left_out = fit(request)
        while True:
            call = self._call("/chat/completions", request)
            try:
                return retry(
                    lambda attempt, call=call: self._answer(  # type: ignore[misc]
                        call, request, left_out, attempt, on_text, cancel
                    ),
                    cancel,
                    on_retry,
                )
            except RefusedError as error:
                field = _refused_field(error, call.body or {})
                if not field:
                    raise
                known = self._refused.get(request.model, frozenset())
                self._refused[request.model] = known | {field}
                on_retry(f"{error}; again without {field}")

    def _answer(
        self,
        call: Call,
        request: Request,
        left_out: int,
        attempt: int,
        on_text: Callable[[str], None],
        cancel: CancelToken,
    ) -> Answer:
        began, text = time.monotonic(), AnswerText(self.name, on_text)
        model, reason, usage = request.model, "", dict[str, Any]()
        is_whole, answer_mask, reasoning_mask = False, KeyMask(self._key), KeyMask(self._key)
        for data in events_of(lines_of(call, cancel)):
            if data == _DONE:
                is_whole = True
                break
            piece = object_of(call, data)
            model = self._without_key(name_of(piece.get("model"))) or model
            usage = piece["usage"] if isinstance(piece.get("usage"), dict) else usage
            choice = _choice(piece)
            reason = text_of(choice.get("finish_reason")) or reason
            reasoned, said = _texts(choice)
            text.add_reasoning(reasoning_mask.feed(reasoned))
            text.add(answer_mask.feed(said))
        if not (is_whole or reason):
            raise RetryableError(f"{self.name}: the answer broke off")
        text.add(answer_mask.rest())
        took = Usage(
            server=self.name,
            model=model,
            tokens_in=tokens_of(usage.get("prompt_tokens")),
            tokens_out=tokens_of(usage.get("completion_tokens")),
            seconds=time.monotonic() - began,
            cost=amount_of(usage.get("cost")),
            cut=reason == "length",
            left_out=left_out,
            attempts=attempt,
        )
        return text.answer(took)

    def _call(self, path: str, request: Request | None = None) -> Call:
        model = request.model if request else ""

        def explain(code: int) -> str:
            if code in (401, 403):
                variable = (
                    "OPENROUTER_API_KEY" if "openrouter" in self.url else "ESPDECK_LLM_API_KEY"
                )
                name = self._key_name or f"the key in {variable}"
                return f"{name} is refused" if self._headers else f"set {variable}"
            if code == 404 and model:
                return f"espdeck models lists what it has; {model} may not be among it"
            return ""

        body = _body(request, self._refused.get(model, frozenset())) if request else None
        idle, longest = (
            (request.timeout, request.longest) if request else (_LIST_SECONDS, _LIST_SECONDS)
        )
        return Call(self.name, f"{self.url}{path}", body, self._headers, idle, longest, explain)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, MASK) if self._key else text


def events_of(lines: Iterable[bytes]) -> Iterator[str]:
    """The data of server-sent events (HTML Standard, "Server-sent events", 9.2.6).

    Args:
        lines: of the stream, bounded by who reads it; that is why no library reads them.
    """
    data = list[str]()
    for raw in lines:
        line = raw.rstrip(b"\r").decode("utf-8", "replace")
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)


def _body(request: Request, refused: Collection[str]) -> dict[str, Any]:
    """What is asked.

    Args:
        refused: fields that the model takes not.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": request.turns(),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        **request.sampling,
    }
    if request.reasoning_effort is not None:
        body["reasoning_effort"] = request.reasoning_effort
    if "max_tokens" in refused:
        body["max_completion_tokens"] = request.max_tokens
    return merged({name: each for name, each in body.items() if name not in refused}, request.extra)


def _refused_field(error: RefusedError, body: Mapping[str, Any]) -> str:
    """The field that a server refuses a question for, where it can do without; else empty."""
    if error.code not in _REFUSALS:
        return ""
    if "max_completion_tokens" in error.reason:
        return "max_tokens" if "max_tokens" in body else ""
    others = _REFUSABLE[1:]
    return next((name for name in others if name in body and name in error.reason), "")


def _choice(piece: dict[str, Any]) -> dict[str, Any]:
    choices = piece.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _texts(choice: dict[str, Any]) -> tuple[str, str]:
    """What a piece holds of the reasoning, and of the answer.

    DeepSeek, llama.cpp and vLLM call the first ``reasoning_content``, OpenRouter and newer ones of
    vLLM ``reasoning``, some send both; Mistral's content is a list of parts.
    """
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return "", ""
    fields = (text_of(delta.get(name)) for name in ("reasoning_content", "reasoning", "thinking"))
    reasoned, content = next(filter(None, fields), ""), delta.get("content")
    if not isinstance(content, list):
        return reasoned, text_of(content)
    said = ""
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else ""
        if kind == "text":
            said += text_of(part.get("text"))
        elif kind == "thinking":
            inner = part.get("thinking")
            parts = inner if isinstance(inner, list) else [{"text": inner}]
            reasoned += "".join(
                text_of(each.get("text")) for each in parts if isinstance(each, dict)
            )
    return reasoned, said
