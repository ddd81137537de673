"""What a request says of who asks: a token in its header, a browser's cookie, or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

COOKIE_PREFIXES = ("", "__Host-", "__Secure-")
"""What stands before the cookie's name: browsers take the latter two by HTTPS alone."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)  # RFC 6750, section 2.1; RFC 9110, 11.1
_MAX_HEADER_CHARACTERS = 200
_MAX_COOKIES = 4
_MAX_QUERY_FIELDS = 200
_TOKEN_PARAMETERS = frozenset({"token", "access_token"})
_TICKET_PARAMETER = "ticket"


class Kind(Enum):
    """How a request says who asks."""

    BEARER = auto()
    COOKIE = auto()
    TICKET = auto()


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request says of who asks. Nothing of it is known to be true.

    Args:
        kind: where it stood.
        values: one; of cookies perhaps several, as a neighbour of this host may add some.
    """

    kind: Kind
    values: tuple[str, ...]


def read_credential(connection: HTTPConnection, cookie_name: str) -> Credential | None:
    """What a request says of who asks; None for nothing.

    Raises:
        HTTPException: 400, it says so in a way that is not taken: a token in the URL, several
            headers.
    """
    ticket = _ticket(connection)
    headers = connection.headers.getlist("authorization")
    if len(headers) > 1:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "more than one Authorization header")
    if headers:
        header = headers[0]
        found = _BEARER.fullmatch(header) if len(header) <= _MAX_HEADER_CHARACTERS else None
        return Credential(Kind.BEARER, (found[1] if found is not None else "",))
    if ticket is not None:
        return Credential(Kind.TICKET, (ticket,))
    names = {prefix + cookie_name for prefix in COOKIE_PREFIXES}
    cookies = tuple(dict.fromkeys(_cookies(connection.headers.getlist("cookie"), names)))
    return Credential(Kind.COOKIE, cookies[:_MAX_COOKIES]) if cookies else None


def _ticket(connection: HTTPConnection) -> str | None:
    query: bytes = connection.scope.get("query_string", b"")
    if not query:
        return None
    try:
        fields = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS
        )
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"query: {error}") from error
    if any(name.lower() in _TOKEN_PARAMETERS for name, _value in fields):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST,
            "a token in a URL ends in logs and histories (revoke it, if it was a real one): send "
            "the header 'Authorization: Bearer TOKEN', or a ticket of POST /api/v1/tickets",
        )
    tickets = [value for name, value in fields if name == _TICKET_PARAMETER]
    if len(tickets) > 1:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "query: more than one ticket")
    return tickets[0] if tickets else None


def _cookies(headers: Iterable[str], names: set[str]) -> Iterable[str]:
    """The values of cookies of some names; all, where a name is there more than once."""
    for header in headers:
        for each in header.split(";"):
            name, _, value = each.partition("=")
            if name.strip() in names:
                yield value.strip()
