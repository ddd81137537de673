"""HTTP to a model server: streamed, cancelled at once, retried where that can help."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import tenacity

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.text import clean, mask

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
ATTEMPTS = 3
"""How often a question is asked."""

MAX_WAIT_SECONDS = 30.0
"""Seconds to wait at the most before it is asked again, whatever a server wishes."""

MAX_ANSWER_BYTES = 64 << 20
"""Bytes of an answer as it comes over the wire, where some hundred stand for a token. It is asked
for as it is (``Accept-Encoding: identity``, RFC 9110, 12.5.3), and one that is encoded all the same
is refused: some kilobytes that were packed several times over unpack to gigabytes."""

MAX_LINE_BYTES = 1 << 20
"""Bytes of one line of a stream."""

_MESSAGE_CHARACTERS = 300  # characters of a server's own explanation
_NAME_CHARACTERS = 200
_MAX_AMOUNT = 1e15  # tokens or money that a server may speak of

T = TypeVar("T")


class RetryableError(ModelError):
    """No answer, but the next try may have one.

    Args:
        after: seconds that the server wishes to be left alone, None where it does not say.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RefusedError(ModelError):
    """A server refuses a request as it is.

    Args:
        code: the status code.
        reason: what the server says, a line.
    """

    def __init__(self, message: str, code: int, reason: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a server.

    Args:
        server: its name, for messages.
        url: where to; may hold a password, see :attr:`shown`.
        body: JSON to POST, None for a GET.
        headers: secrets among them; never shown.
        timeout: seconds without a byte.
        longest: seconds for the whole answer.
        explain: what to do about a status code, an empty string where nothing is known.
    """

    server: str
    url: str
    body: Mapping[str, Any] | None
    headers: Mapping[str, str]
    timeout: float
    longest: float
    explain: Callable[[int], str]

    @property
    def shown(self) -> str:
        """Where to, for people."""
        return mask(self.url)

    def message_of(self, text: object) -> str:
        """What the server says, as a line for people that tells none of the secrets it was told."""
        if not isinstance(text, str | int | float):
            return ""  # a structure, perhaps too deep to be written
        line = " ".join(clean(" ".join(str(text).split())).split())
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return mask(line)[:_MESSAGE_CHARACTERS]

    @property
    def _secrets(self) -> Iterator[str]:
        words = [value.removeprefix("Bearer ") for value in self.headers.values()]
        yield from filter(None, (*words, unquote(urlsplit(self.url).password or "")))


def retry(ask: Callable[[int], T], cancel: CancelToken, on_retry: Callable[[str], None]) -> T:
    """Ask up to :data:`ATTEMPTS` times, waiting longer each time (with jitter).

    Args:
        ask: given the number of the try, from 1; raises RetryableError where the next may help.
        cancel: ends the waiting.
        on_retry: told why and when it is asked again.

    Raises:
        ModelError: the last try failed too.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    grows = tenacity.wait_exponential_jitter(multiplier=0.5, max=MAX_WAIT_SECONDS, jitter=0.5)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        requested = error.after if isinstance(error, RetryableError) else None
        return min(MAX_WAIT_SECONDS, requested) if requested is not None else grows(state)

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        on_retry(f"{error}; again in {seconds:.1f} s")

    for attempt in tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=tenacity.retry_if_exception_type(RetryableError),
        before_sleep=tell,
        sleep=cancel.wait,
        reraise=True,
    ):
        with attempt:
            return ask(attempt.retry_state.attempt_number)
    raise AssertionError("tenacity gave no try")


def get_json(call: Call, cancel: CancelToken) -> Any:
    """The JSON that a GET gives.

    Raises:
        ModelError: it cannot be had, or is no JSON.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    text = b"\n".join(lines_of(call, cancel))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{call.server}: {call.shown} answered with something that is not JSON"
        ) from error


def object_of(call: Call, data: bytes | str) -> dict[str, Any]:
    """One piece of a streamed answer, which is a JSON object.

    Raises:
        RetryableError: it is none, or says in its ``error`` that the server failed.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RetryableError(f"{call.server}: sent something that is not JSON") from error
    if not isinstance(found, dict):
        raise RetryableError(f"{call.server}: sent an answer that is not valid")
    if "error" in found:
        reason = found["error"]
        text = reason.get("message") if isinstance(reason, dict) else reason
        raise RetryableError(
            f"{call.server}: {call.message_of(text) or 'failed, and does not say why'}"
        )
    return found


def text_of(value: object) -> str:
    """A piece of an answer: empty for what is none, without what UTF-8 has no form for."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def name_of(value: object) -> str:
    """What a server calls a model, as a line for people; empty for what is no name."""
    return clean(value)[:_NAME_CHARACTERS] if isinstance(value, str) else ""


def amount_of(value: object) -> float | None:
    """A count or a price; None for what is none, or cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MAX_AMOUNT else None  # nor is NaN


def tokens_of(value: object) -> int | None:
    """A number of tokens, None for none."""
    amount = amount_of(value)
    return None if amount is None else int(amount)


def lines_of(call: Call, cancel: CancelToken) -> Iterator[bytes]:
    """The lines of an answer as they come.

    Raises:
        RetryableError: the server cannot be reached, is busy, or broke off.
        ModelError: it refused, took too long, or answered too much.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    import httpx  # heavy: a start that asks no model goes without

    cancel.check()
    hang_up = _HangUp()
    deadline = time.monotonic() + call.longest
    timer = threading.Timer(call.longest, hang_up.now)
    timer.daemon = True
    forget = cancel.on_stop(hang_up.now)
    timer.start()
    try:
        yield from _lines(call, hang_up)
    except (httpx.InvalidURL, UnicodeError) as error:
        advice = "check the URL, and that the key has ASCII characters alone"
        raise ModelError(f"{call.server}: {call.shown}: cannot be asked: {advice}") from error
    except httpx.HTTPError as error:
        cancel.check()
        if time.monotonic() >= deadline:
            raise _too_long(call) from error
        if isinstance(error, httpx.ReadTimeout):
            advice = ": a smaller model or a longer timeout may help" if call.body else ""
            raise ModelError(
                f"{call.server}: sent nothing for {call.timeout:g} s{advice}"
            ) from error
        raise RetryableError(f"{call.server}: {call.shown}: {_why(error)}") from error
    finally:
        timer.cancel()
        forget()
    cancel.check()
    if hang_up.done:
        raise _too_long(call)


def _too_long(call: Call) -> ModelError:
    advice = ": fewer max_tokens, a smaller model or a longer timeout may help" if call.body else ""
    return ModelError(f"{call.server}: no whole answer within {call.longest:g} s{advice}")


def _lines(call: Call, hang_up: _HangUp) -> Iterator[bytes]:
    import httpx

    timeout = httpx.Timeout(call.timeout, connect=CONNECT_SECONDS)
    method = "GET" if call.body is None else "POST"
    with (
        httpx.Client(timeout=timeout, verify=_trusted(), follow_redirects=False) as client,
        client.stream(
            method,
            call.url,
            json=call.body,
            headers={"Accept-Encoding": "identity", **call.headers},
            extensions={"trace": hang_up.trace},
        ) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise _refusal(call, response)
        encoding = _encoding(response)
        if encoding:
            raise ModelError(
                f"{call.server}: the answer is encoded ({encoding}), which was not asked for: "
                "the server, or a proxy before it, has to leave that"
            )
        total, rest = 0, bytearray()
        for chunk in response.iter_raw():
            total += len(chunk)
            # Only what is new is looked through, however many chunks a line comes in.
            *ended, last = chunk.split(b"\n")
            for part in ended:
                yield bytes(rest + part)
                rest.clear()
            rest += last
            if total > MAX_ANSWER_BYTES or len(rest) > MAX_LINE_BYTES:
                raise ModelError(f"{call.server}: the answer is larger than can be of use")
        if rest:
            yield bytes(rest)


def _encoding(response: httpx.Response) -> str:
    """How an answer is encoded, as a word for people; empty where it is as it is."""
    found = response.headers.get("content-encoding", "").strip().lower()
    return "" if found in ("", "identity") else clean(found)[:40]


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: to read them takes 20 ms, once."""
    import httpx

    return httpx.create_ssl_context()


def _refusal(call: Call, response: httpx.Response) -> ModelError:
    import httpx

    code = response.status_code
    said = bytearray()
    with contextlib.suppress(httpx.HTTPError):
        for chunk in () if _encoding(response) else response.iter_raw():
            said += chunk
            if len(said) > MAX_LINE_BYTES:
                break
    reason = call.message_of(_explanation(bytes(said)))
    message = f"{call.server}: {code}{f' {reason}' if reason else ''}"
    advice = "it redirects elsewhere, which is not followed" if response.is_redirect else ""
    advice = advice or call.explain(code)
    message += f": {advice}" if advice else ""
    if code == httpx.codes.TOO_MANY_REQUESTS or code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return RetryableError(message, _retry_after(response.headers.get("retry-after", "")))
    return RefusedError(message, code, reason)


def _explanation(said: bytes) -> object:
    """What a server says went wrong: ``{"error": "…"}`` or ``{"error": {"message": "…"}}``."""
    try:
        error = json.loads(said)["error"]
        return error["message"] if isinstance(error, dict) else error
    except (ValueError, LookupError, TypeError, RecursionError):
        return said.decode("utf-8", "replace")


def _retry_after(text: str) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3); a date is not worth the trouble."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _why(error: httpx.HTTPError) -> str:
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return f"nothing answers within {CONNECT_SECONDS:g} s"
    if isinstance(error, httpx.ConnectError):
        return "nothing answers there; is the server running?"
    return "the answer broke off; the server's log may say why"


class _HangUp:
    """Closes the connection of a request from another thread, whatever it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.done = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn of the connection: httpcore's ``trace`` extension."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                done = self.done
            if done:
                self.now()

    def now(self) -> None:
        """Close it, now or as soon as it is there."""
        with self._lock:
            self.done = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
