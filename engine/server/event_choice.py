"""Which events a reader asks for: parameters of the event stream and of the WebSocket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query

from engine import StreamFilter
from engine.errors import UsageError
from engine.events import LOG_KINDS, WIRE_KINDS
from engine.server.access import EngineOf
from engine.server.parameters import MAX_NUMBER

_MAX_ID_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class EventChoice:
    """What a reader asks for.

    Args:
        filter: which events.
        after: the last event that it has; empty for none.
    """

    filter: StreamFilter
    after: str


def _last_id(
    last_event_id: Annotated[
        str,
        Query(
            max_length=_MAX_ID_CHARACTERS,
            description="Id of the last event that the reader has, where it cannot set the header "
            "`Last-Event-ID`; `0` for all that are kept.",
        ),
    ] = "",
    of_polyfills: Annotated[
        str, Query(alias="lastEventId", max_length=_MAX_ID_CHARACTERS, include_in_schema=False)
    ] = "",
    header: Annotated[
        str,
        Header(
            alias="Last-Event-ID",
            max_length=_MAX_ID_CHARACTERS,
            description="Id of the last event that the reader has: what came after it is sent.",
        ),
    ] = "",
) -> str:
    """The id that a reader goes on from; what it was told last stands in the header.

    EventSource of browsers sends no token; the polyfill that people use instead
    (``event-source-polyfill``) adds ``lastEventId`` to the URL that it was opened with.
    """
    return (header or of_polyfills or last_event_id).strip()


LastId = Annotated[str, Depends(_last_id)]


def _choice(
    engine: EngineOf,
    after: LastId,
    project: Annotated[
        str | None, Query(max_length=200, description="Only of this project: its id or name.")
    ] = None,
    build: Annotated[
        int | None, Query(ge=1, le=MAX_NUMBER, description="Only of this build or task.")
    ] = None,
    board: Annotated[
        str, Query(max_length=200, description="Only of builds that use this board.")
    ] = "",
    kinds: Annotated[
        list[str] | None,
        Query(
            alias="type",
            max_length=50,
            description="Only of these types; several, or one with commas.",
        ),
    ] = None,
    logs: Annotated[
        bool, Query(description="Whether log and console text (`log`, `serial`) is sent, too.")
    ] = False,
) -> EventChoice:
    """What a reader asks for.

    Raises:
        UsageError: there is no such type.
        NotFoundError: there is no such project or build.
    """
    types = frozenset(filter(None, (name for each in kinds or () for name in each.split(","))))
    if unknown := sorted(types - WIRE_KINDS):
        raise UsageError(f"no type {unknown[0][:80]!r}: there are {', '.join(sorted(WIRE_KINDS))}")
    project_id = str(engine.projects.get(project).id) if project else ""
    if build is not None:
        engine.builds.get(build)
    chosen = StreamFilter(
        run_id=build,
        project_id=project_id,
        board=board,
        types=types,
        logs=logs or bool(types & LOG_KINDS),
    )
    return EventChoice(chosen, after)


EventChoiceOf = Annotated[EventChoice, Depends(_choice)]
