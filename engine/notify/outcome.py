"""How one try to send something ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from engine.notify.messages import line

_SCHEME = re.compile(r"[a-z0-9+.-]+")
_SHORTEST_SECRET = 4  # characters; what is shorter hides nothing and is part of many words

_HOST_IS_PUBLIC = ("http", "https", "mailto", "mailtos", "json", "jsons")
"""Schemes of URLs that have a host where it stands; others have tokens there."""

_PERMANENT = (400, 413, 422)
"""HTTP codes that say that the message itself is not taken (RFC 9110, 15.5)."""

_MAYBE = (302, 303, 502, 504)
"""Codes with which the message may have been taken: by a server that has the answer elsewhere
(RFC 9110, 15.4), and by what is behind a gateway that got no good answer."""

_REDIRECTS = range(300, 400)

SERVER_ERROR = 500
TOO_MANY = 429
MAX_RETRY_AFTER_SECONDS = 3600.0


class Result(StrEnum):
    """How it ended."""

    SENT = "sent"
    UNKNOWN = "unknown"
    RETRY = "retry"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended.

    Args:
        error: what went wrong, in a line without secrets.
        after: seconds that the service wants to be left alone, None where it does not say.
        cut: characters of the body that were left out.
    """

    result: Result
    error: str = ""
    after: float | None = None
    cut: int = 0


def of_code(code: int, retry_after: str, *, answer: str = "") -> Outcome:
    """What an HTTP code means for a message.

    Args:
        retry_after: the header of that name; a date counts as not said.
        answer: the beginning of what the server said.
    """
    if code < 300:
        return Outcome(Result.SENT)
    said = line(answer, 200)
    error = f"HTTP {code}{f': {said}' if said else ''}"
    if code in _REDIRECTS:  # not followed: tokens would go along
        error = f"HTTP {code}: it leads to another URL; set the one that takes messages"
    if code in _PERMANENT:
        return Outcome(Result.FAILED, error)
    if code in _MAYBE:
        return Outcome(Result.UNKNOWN, error)
    return Outcome(Result.RETRY, error, seconds(retry_after))


def seconds(retry_after: str) -> float | None:
    """Seconds of a header ``Retry-After`` (RFC 9110, 10.2.3), bounded; None where it has none."""
    try:
        wanted = float(retry_after)
    except ValueError:
        return None
    return min(max(wanted, 0.0), MAX_RETRY_AFTER_SECONDS) if wanted == wanted else None


def hide(text: str, *secrets: str) -> str:
    """Text without secrets: tokens, and of URLs all but scheme and host."""
    parts: set[str] = set()
    for secret in secrets:
        parts |= _parts(secret)
    for part in sorted(parts, key=len, reverse=True):
        # Libraries change the case of what they quote.
        text = re.sub(re.escape(part), "***", text, flags=re.IGNORECASE)
    return text


def show_url(url: str) -> str:
    """A URL as far as others may see it: scheme and host."""
    scheme, delimiter, _rest = url.lower().partition("://")
    if not delimiter or not _SCHEME.fullmatch(scheme):
        return "***"
    host = _host(url) if scheme in _HOST_IS_PUBLIC else ""
    return f"{scheme}://{host}/***" if host else f"{scheme}://***"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _parts(secret: str) -> set[str]:
    if "://" not in secret:
        return {secret} if len(secret) >= _SHORTEST_SECRET else set()
    _scheme, _, rest = secret.partition("://")
    visible = _host(secret) if show_url(secret).endswith("/***") else ""
    found = {secret, unquote(secret)}
    for character in "/?&=@:,#":
        rest = rest.replace(character, "\n")
    for part in rest.split("\n"):
        for each in (part, unquote(part)):
            if len(each) >= _SHORTEST_SECRET and each != visible and not each.isdigit():
                found.add(each)
    return found
