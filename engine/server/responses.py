"""Answers that a terminal can print: whoever calls with curl sees them as they come."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse

from engine.text import clean

TEXT_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Of answers in plain text: no browser takes untrusted text for a page."""

_UNSAFE = re.compile(
    b"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)
"""What JSON leaves as it is and a terminal obeys, in UTF-8: DEL, C1, and what reorders text."""


class SafeJson(JSONResponse):
    """JSON in which what steers a terminal is escaped; it stands in strings alone."""

    def render(self, content: Any) -> bytes:
        """The bytes of the answer; what JSON or UTF-8 have not is null, or a question mark."""
        try:
            text = _dumps(content)
        except ValueError:
            text = _dumps(_finite(content))
        return _UNSAFE.sub(_escape, text.encode("utf-8", "replace"))


def text_answer(lines: Iterable[str]) -> PlainTextResponse:
    """Lines of plain text. Untrusted: they are cleaned."""
    return PlainTextResponse("".join(f"{clean(line)}\n" for line in lines), headers=TEXT_HEADERS)


def _dumps(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list):
        return list(map(_finite, content))
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _escape(found: re.Match[bytes]) -> bytes:
    return f"\\u{ord(found[0].decode()):04x}".encode()


def wants(request: Request, media_type: str) -> bool:
    """Whether a request accepts a media type before any other."""
    accepted = request.headers.get("accept", "").partition(",")[0].partition(";")[0]
    return accepted.strip().lower() == media_type


def wants_text(request: Request) -> bool:
    """Whether a request accepts plain text before anything else."""
    return wants(request, "text/plain")
