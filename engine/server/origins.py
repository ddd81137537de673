"""Whether a browser asks on behalf of a page of this server, or of another's.

A browser sends its cookie with what any page has it ask for. ``SameSite=Strict`` keeps it from
other sites, but other ports of this host are the same site; ``Sec-Fetch-Site`` and ``Origin`` tell
them apart, and no page can set these (https://www.w3.org/TR/fetch-metadata/, RFC 6454).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def is_from_elsewhere(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a request that came with a cookie is not one of a page of this server.

    A request that changes nothing may come from anywhere: its answer is kept from other pages by
    the browser. WebSockets are not, so that these are held to their origin, too.

    Args:
        public_url: under which a reverse proxy serves it; empty for none.
    """
    if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
        return False
    says_nothing = not {"origin", "sec-fetch-site"} & set(connection.headers.keys())
    return says_nothing or names_other_origin(connection, public_url)


def names_other_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a request says that a page of another server has the browser send it.

    One that says nothing is of no browser.

    Args:
        public_url: under which a reverse proxy serves it; empty for none.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origins = connection.headers.getlist("origin")
    if not origins:
        return False
    if len(origins) > 1:
        return True
    own = {_origin(f"{connection.url.scheme}://{connection.url.netloc}"), _origin(public_url)}
    origin = _origin(origins[0])
    return origin is None or origin not in own


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL; None for one without."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = _HTTP_SCHEMES.get(parts.scheme, parts.scheme)
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return scheme, parts.hostname, port or _DEFAULT_PORTS[scheme]
