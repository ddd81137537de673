"""Ollama (its documentation, "API": ``/api/chat`` streamed as lines of JSON, ``/api/tags``)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.llm.chat import Answer, Request, Usage, fit, merged
from engine.llm.reasoning import AnswerText
from engine.llm.wire import (
    Call,
    RetryableError,
    get_json,
    lines_of,
    name_of,
    object_of,
    retry,
    text_of,
    tokens_of,
)
from engine.text import mask

_PORT = 11434
DEFAULT_URL = f"http://localhost:{_PORT}"
_LIST_SECONDS = 15.0

_THINK = {"none": False, "minimal": "low", "xhigh": "high"}
"""How ``think`` calls what ``reasoning_effort`` means, where it is another word."""


class Ollama:
    """A server of Ollama's kind."""

    name = "ollama"

    def __init__(self, url: str = DEFAULT_URL) -> None:
        """Know where it is; nothing is asked yet.

        Args:
            url: as ``OLLAMA_HOST`` has it: a URL, or ``host``, ``host:port`` or ``:port``, where
                Ollama takes its own port for one that is not said.
        """
        self.url = (url if "://" in url else _url_of(url)).rstrip("/")
        """Where it is; may hold a password."""

    def models(self, cancel: CancelToken) -> tuple[str, ...]:
        """Names of the models that were pulled."""
        found = retry(
            lambda _attempt: get_json(self._call("/api/tags"), cancel),
            cancel,
            lambda _line: None,
        )
        try:
            return tuple(sorted(filter(None, (name_of(each["name"]) for each in found["models"]))))
        except (LookupError, TypeError) as error:
            raise ModelError(f"{mask(self.url)} does not answer as Ollama does") from error

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
        call = self._call("/api/chat", request)
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
        began, text = time.monotonic(), AnswerText(self.name, on_text)
        for line in lines_of(call, cancel):
            if not line.strip():
                continue
            piece = object_of(call, line)
            message = piece.get("message")
            if isinstance(message, dict):
                text.add_reasoning(text_of(message.get("thinking")))
                text.add(text_of(message.get("content")))
            if piece.get("done") is True:
                usage = Usage(
                    server=self.name,
                    model=name_of(piece.get("model")) or request.model,
                    tokens_in=tokens_of(piece.get("prompt_eval_count")),
                    tokens_out=tokens_of(piece.get("eval_count")),
                    seconds=time.monotonic() - began,
                    cut=piece.get("done_reason") == "length",
                    left_out=left_out,
                    attempts=attempt,
                )
                return text.answer(usage)
        raise RetryableError("ollama: the answer broke off")

    def _call(self, path: str, request: Request | None = None) -> Call:
        model = request.model if request else ""

        def explain(code: int) -> str:
            if code == 404:
                return f"ollama pull {model}" if model else "is this an Ollama server?"
            return ""

        body = _body(request) if request else None
        idle, longest = (
            (request.timeout, request.longest) if request else (_LIST_SECONDS, _LIST_SECONDS)
        )
        return Call(self.name, f"{self.url}{path}", body, {}, idle, longest, explain)


def _body(request: Request) -> dict[str, Any]:
    effort = request.reasoning_effort
    think = (
        request.think if request.think is not None or effort is None else _THINK.get(effort, effort)
    )
    body: dict[str, Any] = {
        "model": request.model,
        "messages": request.turns(),
        "stream": True,
        "options": {
            "temperature": request.temperature,
            "num_predict": request.max_tokens,
            "num_ctx": request.context,
            **request.sampling,
        },
    }
    if think is not None:
        body["think"] = think
    return merged(body, request.extra)


def _url_of(host: str) -> str:
    host, slash, path = host.partition("/")
    host = f"127.0.0.1{host}" if host.startswith(":") else host
    port = "" if re.search(r":\d+$", host) else f":{_PORT}"
    return f"http://{host}{port}{slash}{path}"
