"""Who asks, as told by a token, a browser's cookie or a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from engine.enums import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        name: of the token.
        scope: what it allows.
        token_id: of the token's row.
        session_id: of the row of the browser's login session; None for one without.
    """

    name: str
    scope: Scope
    token_id: int
    session_id: int | None = None
