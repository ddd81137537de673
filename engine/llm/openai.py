"""Servers that speak OpenAI's protocol: OpenRouter, llama.cpp, vLLM, LM Studio and others.

``POST /chat/completions`` streamed as server-sent events, ``GET /models`` (OpenAI API reference,
"Chat Completions", "Streaming"; OpenRouter's documentation for its comments and costs).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.llm.chat import Answer, Request, Usage, fit
from engine.llm.key_mask import MASK, KeyMask
from engine.llm.wire import (
    Call,
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
        self._url = url.rstrip("/")
        self._key, self._key_name = key, key_name
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def models(self, cancel: CancelToken) -> tuple[str, ...]:
        """Names of the models that it has."""
        found = retry(
            lambda _attempt: get_json(self._call("/models", None, _LIST_SECONDS, ""), cancel),
            cancel,
            lambda _line: None,
        )
        try:
            return tuple(sorted(filter(None, (name_of(each["id"]) for each in found["data"]))))
        except (LookupError, TypeError) as error:
            raise ModelError(
                f"{self.name}: {mask(self._url)} does not answer as OpenAI's protocol has it"
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
        body = {
            "model": request.model,
            "messages": request.turns(),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
        }
        call = self._call("/chat/completions", body, request.timeout, request.model)
        return retry(
            lambda attempt: self._answer(call, request, left_out, attempt, on_text, cancel),
            cancel,
            on_retry,
        )

    def _answer(
        self,
        call: Call,
        request: Request,
        left_out: int,
        attempt: int,
        on_text: Callable[[str], None],
        cancel: CancelToken,
    ) -> Answer:
        began, texts = time.monotonic(), list[str]()
        model, reason, usage = request.model, "", dict[str, Any]()
        is_whole, mask_of_key = False, KeyMask(self._key)
        for data in events_of(lines_of(call, cancel)):
            if data == _DONE:
                is_whole = True
                break
            piece = object_of(call, data)
            model = self._without_key(name_of(piece.get("model"))) or model
            usage = piece["usage"] if isinstance(piece.get("usage"), dict) else usage
            text, reason = _text(piece, reason)
            if text := mask_of_key.feed(text):
                texts.append(text)
                on_text(text)
        if not (is_whole or reason):
            raise RetryableError(f"{self.name}: the answer broke off")
        if text := mask_of_key.rest():
            texts.append(text)
            on_text(text)
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
        return Answer("".join(texts), took)

    def _call(self, path: str, body: dict[str, Any] | None, timeout: float, model: str) -> Call:
        def explain(code: int) -> str:
            if code in (401, 403):
                variable = (
                    "OPENROUTER_API_KEY" if "openrouter" in self._url else "ESPDECK_LLM_API_KEY"
                )
                name = self._key_name or f"the key in {variable}"
                return f"{name} is refused" if self._headers else f"set {variable}"
            if code == 404 and model:
                return f"espdeck models lists what it has; {model} may not be among it"
            return ""

        return Call(self.name, f"{self._url}{path}", body, self._headers, timeout, explain)

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


def _text(piece: dict[str, Any], reason: str) -> tuple[str, str]:
    """The text of a piece, and why the answer ended if it says so."""
    choices = piece.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return "", reason
    delta = choice.get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    return (
        text_of(content),
        text_of(choice.get("finish_reason")) or reason,
    )
