"""What both clients know of connections: addresses, certificates, and failures in a line."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import certifi
import httpx

from engine.errors import UsageError
from engine.server.client.errors import ApiError
from engine.text import clean, mask

CONNECT_SECONDS = 10.0
"""Until a connection is there."""

SILENCE_SECONDS = 45.0
"""After which a stream is dead whose server sends a heartbeat every 15 seconds."""

TRIES = 3
"""How often what is safe to repeat is asked."""

LONGEST_PAUSE_SECONDS = 60.0
"""A server that wants to be left alone for longer (``Retry-After``) is an error."""

HELD_SECONDS = 25.0
"""For how long a server may hold an answer: proxies give up on one after 30 seconds or more."""

PAGE_ENTRIES = 200
"""Entries that a page of a list has."""

COME_AGAIN_SECONDS = 1.0
LONGEST_COME_AGAIN_SECONDS = 10.0
"""Until a stream that broke off is opened again: at first, and at the most."""

_PASSING_STATUSES = frozenset((429, 502, 503, 504))
_DETAIL_CHARACTERS = 600
_API_PATHS = ("/api/v1", "/api")


class HttpOptions(TypedDict):
    """What an httpx client is made with."""

    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout
    verify: ssl.SSLContext
    trust_env: bool


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Args:
        url: its root, with the path of a proxy, without a slash at its end.
    """

    url: str

    @property
    def api(self) -> str:
        """The root of the API."""
        return f"{self.url}/api/v1/"

    @property
    def is_local(self) -> bool:
        """Whether it is this machine: then proxies of the environment do not apply."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def address_of(url: str) -> Address:
    """The address that somebody wrote.

    Raises:
        UsageError: it is none; the message has no secret that it contains.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if "://" not in text or not has_host or parts.scheme not in ("http", "https"):
        shown = clean(mask(text))[:80]
        raise UsageError(
            f"{shown!r} is not the URL of a server, such as https://lab.example.org:8080"
        )
    if "@" in parts.netloc:
        raise UsageError("a token does not belong into a URL: give it as token=, or ESPDECK_TOKEN")
    if parts.query or parts.fragment:
        raise UsageError("the URL of a server has neither a query nor a fragment")
    path = parts.path.rstrip("/")
    for ending in _API_PATHS:
        path = path.removesuffix(ending)
    return Address(urlunsplit((parts.scheme, parts.netloc, path, "", "")))


def options_of(
    address: Address, token: str | None, timeout: float, verify: bool | str | Path
) -> HttpOptions:
    """What an httpx client is made with.

    Raises:
        UsageError: the token or the file of certificates is none.
    """
    headers = {"User-Agent": "espdeck", "Accept": "application/json"}
    if token and token.strip():
        if not token.strip().isascii() or not token.strip().isprintable():
            raise UsageError("the token has characters in it that no token has")
        headers["Authorization"] = f"Bearer {token.strip()}"
    return {
        "base_url": address.api,
        "headers": headers,
        "timeout": httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        "verify": ssl_context(verify),
        "trust_env": not address.is_local,
    }


def ssl_context(verify: bool | str | Path) -> ssl.SSLContext:
    """How servers are recognised.

    Args:
        verify: True by the certificates of this machine, of ``SSL_CERT_FILE`` and
            ``SSL_CERT_DIR``; a file or folder by those in it; False not at all.

    Raises:
        UsageError: there are no certificates in the file.
    """
    if isinstance(verify, bool):
        context = ssl.create_default_context()  # OpenSSL reads the two variables
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif not os.environ.get("SSL_CERT_FILE"):
            context.load_verify_locations(certifi.where())
        return context
    path = Path(verify)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"{path}: no certificates in PEM ({error.strerror or error})") from error


def failure_of(error: Exception, address: Address) -> ApiError:
    """What went wrong on the way, in a line."""
    url = address.url
    if isinstance(error, httpx.ConnectTimeout | TimeoutError):
        return ApiError(f"{url} does not answer: is the address right?", is_passing=True)
    if isinstance(error, httpx.TimeoutException):
        return ApiError(f"{url} answered nothing for too long", is_passing=True)
    if isinstance(error, httpx.ProxyError):
        why = clean(mask(str(error)))
        return ApiError(f"{url} cannot be reached by the proxy: {why}", is_passing=True)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return ApiError(f"{url}: {_tls_reason(cause)}")
    if isinstance(error, httpx.ConnectError | OSError):
        reason = _connect_reason(error)
        return ApiError(f"{url} cannot be reached: {reason}", is_passing=True)
    if isinstance(error, httpx.TransportError):
        return ApiError(f"the connection to {url} broke off", is_passing=True)
    return ApiError(f"{url}: {clean(mask(str(error)))[:_DETAIL_CHARACTERS]}")


def refusal_of(response: httpx.Response, text: str, address: Address) -> ApiError:
    """Why a server refused, in a line.

    Args:
        text: the body.
    """
    if response.is_redirect:
        target = clean(mask(response.headers.get("location", "")))[:200]
        detail = f"{address.url} leads to {target}: name that server instead"
        return ApiError(detail, response.status_code)
    error = refusal(response.status_code, text, address, response.url.path)
    error.retry_after = _retry_after(response)
    return error


def refusal(status: int, text: str, address: Address, path: str = "") -> ApiError:
    """Why a server refused, in a line.

    Args:
        status: of HTTP.
        text: the body.
        path: what was asked for.
    """
    detail = _detail(text)
    if not detail or (status == 404 and detail == "Not Found"):  # of the server, not of a route
        reason = httpx.codes.get_reason_phrase(status)
        detail = f"{address.url} answered {status} {reason}".rstrip()
        if status == 404:
            detail += f": nothing is at {clean(path)[:200]}"
    return ApiError(detail, status, is_passing=status in _PASSING_STATUSES)


def pause_before(method: str, failure: ApiError, tries: int) -> float | None:
    """Seconds after which a call is made again; None for never.

    What may have had an effect is not repeated: only what a server refused as too much.

    Args:
        tries: how often it was made.
    """
    is_safe = method in ("GET", "HEAD")
    if tries >= TRIES or not failure.is_passing or not (is_safe or failure.status == 429):
        return None
    pause = failure.retry_after
    if pause is None:
        return 0.2 * 3.0 ** (tries - 1)
    return pause if pause <= LONGEST_PAUSE_SECONDS else None


def json_of(response: httpx.Response, address: Address) -> Any:
    """The JSON of an answer.

    Raises:
        ApiError: it is none.
    """
    try:
        return response.json()
    except ValueError as error:
        raise ApiError(
            f"{address.url} did not answer with JSON: no espdeck runs there", response.status_code
        ) from error


def next_of(response: httpx.Response) -> list[tuple[str, str]] | None:
    """Parameters of the next page of a list (RFC 8288); None for the last page.

    Only they are taken: behind a proxy the rest of the link may lead elsewhere.
    """
    link = response.links.get("next", {}).get("url", "")
    return parse_qsl(urlsplit(link).query, keep_blank_values=True) if link else None


def _detail(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    detail = body.get("detail") if isinstance(body, dict) else None
    return clean(detail)[:_DETAIL_CHARACTERS] if isinstance(detail, str) else ""


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while error is not None:
        yield error
        for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
            yield from _causes(each)
        error = error.__cause__ or error.__context__


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = clean(error.verify_message)
        return f"its certificate is not trusted: {why} (SSL_CERT_FILE names a file of others)"
    if "WRONG_VERSION_NUMBER" in str(error) or "HTTP_REQUEST" in str(error):
        return "no TLS is spoken there: http:// instead of https://?"
    return f"TLS failed: {clean(error.reason or str(error))}"


def _connect_reason(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there (espdeck serve does)"
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
    return clean(str(error)) or "no way there"
