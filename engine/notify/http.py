"""One HTTP request of a notification: bounded in time and size, with what its end means."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any

from engine.notify.outcome import Outcome, Result, hide, of_code

CONNECT_SECONDS = 10.0
READ_SECONDS = 10.0
"""Seconds between two pieces of an answer."""

TOTAL_SECONDS = 30.0
"""Seconds for all of it."""

_MAX_ANSWER_BYTES = 4096


def post(
    url: str,
    *,
    json: Mapping[str, Any] | None = None,
    content: str = "",
    headers: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> Outcome:
    """POST, follow no redirect, and say what came of it.

    Args:
        json: the body; None for ``content``.
        secrets: tokens and URLs that no error may show.
    """
    import httpx

    from engine.files import explain

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    body: dict[str, Any] = {"content": content.encode()} if json is None else {"json": json}
    try:
        with (
            _Deadline(TOTAL_SECONDS) as deadline,
            # Loading the machine's certificates takes longer than all of it.
            httpx.Client(
                timeout=timeout, follow_redirects=False, verify=not url.startswith("http://")
            ) as client,
            client.stream(
                "POST", url, headers=headers, extensions={"trace": deadline.see}, **body
            ) as answer,
        ):
            said = b""
            with contextlib.suppress(httpx.TransportError):  # its code says enough
                for piece in answer.iter_raw():  # what is packed stays so
                    said += piece
                    if len(said) > _MAX_ANSWER_BYTES:
                        break
            text = said[:_MAX_ANSWER_BYTES].decode("utf-8", "replace")
            outcome = of_code(
                answer.status_code, answer.headers.get("Retry-After", ""), answer=text
            )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        outcome = Outcome(Result.RETRY, f"cannot connect: {error}")
    except httpx.TransportError as error:
        outcome = Outcome(Result.UNKNOWN, f"no answer: {error or type(error).__name__}")
    except (httpx.InvalidURL, httpx.DecodingError, UnicodeError, ValueError) as error:
        outcome = Outcome(Result.FAILED, f"the URL cannot be used: {error}")
    except OSError as error:  # certificates that cannot be read
        outcome = Outcome(Result.RETRY, explain(error))
    return Outcome(outcome.result, hide(outcome.error, url, *secrets), outcome.after, outcome.cut)


class _Deadline:
    """Ends a request after a while: a server that sends a byte now and then passes all timeouts."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_over = False
        self._socket: socket.socket | None = None

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()

    def see(self, name: str, info: Mapping[str, Any]) -> None:
        """Take httpcore's word that a connection is there (extension ``trace`` of httpx)."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            self._shut()

    def _shut(self) -> None:
        if self._is_over and self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
