"""What who asks may do: what routes depend on.

Who asks was found out before (:mod:`engine.server.authentication`). ``Reader``, ``BuildUser``,
``BoardUser`` and ``Admin`` are for calls; ``StreamReader`` and ``StreamBoardUser`` for what a
browser opens without being able to set a header, that is WebSockets, event streams and downloads:
these take a ticket, too. All work for HTTP and WebSocket routes; a WebSocket is refused before it
is accepted.
"""

# Annotations are no strings here: FastAPI cannot resolve those of objects that are called.
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from engine import Engine, Principal
from engine.enums import Scope
from engine.errors import AccessError
from engine.server.credentials import Kind


class _Asker(SecurityBase):
    """A dependency that gives who asks; the OpenAPI document tells how they say so."""

    def __init__(self, name: str, model: HTTPBearer | APIKey) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self, connection: HTTPConnection) -> Principal | None:
        principal: Principal | None = connection.state.principal
        return principal


_TOKEN = _Asker(
    "token",
    HTTPBearer(description="A token of `espdeck token create`; a browser sends its cookie."),
)
_TICKET = _Asker(
    "ticket",
    APIKey.model_validate(
        {"in": APIKeyIn.query, "name": "ticket", "description": "Of `POST /api/v1/tickets`."}
    ),
)


def require_scope(principal: Principal, scope: Scope, purpose: str = "") -> None:
    """See that who asks has a scope.

    Args:
        purpose: what it is needed for, where the route alone does not say.

    Raises:
        AccessError: they have not.
    """
    if not principal.scope.allows(scope):
        raise AccessError(
            f"token {principal.name!r} has the scope {principal.scope}: {scope} is needed"
            + (f" {purpose}" if purpose else "")
        )


class ScopeNeeded:
    """A dependency that lets only those through whose token has a scope, and gives who it is.

    Args:
        scope: that is needed.
    """

    takes_tickets = False

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(
        self, connection: HTTPConnection, principal: Annotated[Principal | None, Depends(_TOKEN)]
    ) -> Principal:
        """Who asks.

        Raises:
            HTTPException: 401 or 403, they may not.
            AccessError: their scope does not allow it.
        """
        if principal is None:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "a token is needed")
        if connection.state.credential is Kind.TICKET and not self.takes_tickets:
            raise HTTPException(
                HTTPStatus.FORBIDDEN, "tickets are for streams and downloads: send the token"
            )
        require_scope(principal, self.scope)
        return principal


class StreamScopeNeeded(ScopeNeeded):
    """The same for what a browser opens by its URL alone: a ticket will do."""

    takes_tickets = True

    async def __call__(
        self,
        connection: HTTPConnection,
        principal: Annotated[Principal | None, Depends(_TOKEN)],
        _by_ticket: Annotated[Principal | None, Depends(_TICKET)] = None,
    ) -> Principal:
        """Who asks (see :class:`ScopeNeeded`)."""
        return await super().__call__(connection, principal)


async def engine_of(connection: HTTPConnection) -> Engine:
    """The engine that is served."""
    engine: Engine = connection.app.state.engine
    return engine


EngineOf = Annotated[Engine, Depends(engine_of)]
Reader = Annotated[Principal, Depends(ScopeNeeded(Scope.READ))]
BuildUser = Annotated[Principal, Depends(ScopeNeeded(Scope.BUILD))]
BoardUser = Annotated[Principal, Depends(ScopeNeeded(Scope.FLASH))]
Admin = Annotated[Principal, Depends(ScopeNeeded(Scope.ADMIN))]
StreamReader = Annotated[Principal, Depends(StreamScopeNeeded(Scope.READ))]
StreamBoardUser = Annotated[Principal, Depends(StreamScopeNeeded(Scope.FLASH))]
