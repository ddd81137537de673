"""Who asks, and whether they may: what routes depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine import Engine, Principal
from engine.enums import Scope

_BEARER = HTTPBearer(auto_error=False, description="A token of `espdeck token create`.")


def engine_of(request: Request) -> Engine:
    """The engine that is served."""
    engine: Engine = request.app.state.engine
    return engine


def principal_of(
    request: Request,
    engine: Annotated[Engine, Depends(engine_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Principal:
    """Who asks.

    Raises:
        HTTPException: 401, nobody that is known.
    """
    found = engine.access.verify(bearer.credentials) if bearer is not None else None
    if found is None:
        raise HTTPException(
            401,
            "a token is needed: espdeck token create, then 'Authorization: Bearer TOKEN'",
            {"WWW-Authenticate": "Bearer"},
        )
    request.state.principal = found
    return found


def require(scope: Scope) -> Callable[[Principal], Principal]:
    """A dependency that lets only those through whose token has a scope.

    Raises:
        HTTPException: 401 or 403, when it is asked.
    """

    def check(principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
        if not principal.scope.allows(scope):
            raise HTTPException(
                403, f"token {principal.name!r} has the scope {principal.scope}: {scope} is needed"
            )
        return principal

    return check


EngineOf = Annotated[Engine, Depends(engine_of)]
Reader = Annotated[Principal, Depends(require(Scope.READ))]
BuildUser = Annotated[Principal, Depends(require(Scope.BUILD))]
BoardUser = Annotated[Principal, Depends(require(Scope.FLASH))]
Admin = Annotated[Principal, Depends(require(Scope.ADMIN))]
