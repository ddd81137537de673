"""Heartbeats: a service that hears nothing of a schedule tells people so.

The manner of healthchecks.io (https://healthchecks.io/docs/http_api/): ``URL/start``, ``URL`` and
``URL/fail``, with a run id that joins a start with its end.
"""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit, urlunsplit

from engine.notify.http import post
from engine.notify.outcome import Outcome, Result

EXPIRES_SECONDS = 600.0
"""Seconds after which a ping is worth nothing: it says that something is alive now."""

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, 6.6: URLs
_MAX_BODY_BYTES = 10_000


def run_id(what: str) -> str:
    """The run id of one run: the same for its start and its end."""
    return str(uuid.uuid5(_NAMESPACE, f"espdeck:{what}"))


def send(url: str, ping: str, rid: str, body: str) -> Outcome:
    """Ping. It may be sent twice: a service takes the second for the first.

    Args:
        ping: ``start`` or ``fail``; empty for a success.
        rid: as :func:`run_id` made it.
    """
    split = urlsplit(url)
    path = split.path.rstrip("/") + (f"/{ping}" if ping else "")
    query = f"{split.query}&rid={rid}" if split.query else f"rid={rid}"
    full = urlunsplit(split._replace(path=path, query=query))
    outcome = post(full, content=body[:_MAX_BODY_BYTES], secrets=(url,))
    if outcome.result is Result.UNKNOWN:
        return Outcome(Result.RETRY, outcome.error)
    return outcome
