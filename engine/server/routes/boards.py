"""Boards: which there are, and who has them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path
from starlette.requests import HTTPConnection

from engine import BoardInfo, CancelToken, Engine, cancel_after
from engine.enums import Scope
from engine.errors import AccessError, BoardError, CancelledError, ConflictError, NotFoundError
from engine.server.access import BoardUser, EngineOf, Reader
from engine.server.models.boards import Board, ReleaseBody, ReserveBody
from engine.text import clean, near

_RESET_SECONDS = 30.0

router = APIRouter(tags=["boards"])


def board_of(
    connection: HTTPConnection,
    engine: EngineOf,
    board: Annotated[
        str, Path(max_length=1000, description="Id of a board, or its name or label.")
    ],
) -> BoardInfo:
    """The board that a path names.

    Only one that the lab knows: a path cannot have the server open just any device or address.

    Raises:
        NotFoundError: there is none.
    """
    found = find_board(engine, board)
    connection.state.audit_subject = found.name
    return found


def find_board(engine: Engine, word: str) -> BoardInfo:
    """A board by its id, name or label.

    Raises:
        NotFoundError: there is none.
    """
    boards = engine.boards.list_all()
    decoded = unquote(word.replace("~", "%")) if "~" in word else word
    for wanted in (decoded, word):
        for board in boards:
            if wanted in (board.name, board.label):
                return board
    joined = _joined(decoded)  # a proxy that decodes makes one slash of several
    for board in boards:
        if _joined(board.name) == joined:
            return board
    names = [each for board in boards for each in (board.name, board.label) if each]
    raise NotFoundError(f"no board {clean(decoded)[:80]!r}{near(decoded, names)}")


def _joined(name: str) -> str:
    return re.sub("/+", "/", name).lstrip("/")


BoardOf = Annotated[BoardInfo, Depends(board_of)]


def check_free(engine: Engine, board: BoardInfo, holder: str) -> None:
    """See that somebody may have a board now. A console that is watched makes way.

    Raises:
        ConflictError: another has it, or reserved it.
    """
    if reserved := engine.boards.reserved_from(board.name, holder):
        raise ConflictError(f"{board.name} is reserved by {reserved}")
    who = engine.boards.holder_of(board.name)
    if who and not engine.consoles.is_reading(board.name):
        raise ConflictError(f"{board.name} is busy: {who}")


@router.get("/boards")
def list_boards(engine: EngineOf, _reader: Reader) -> list[Board]:
    """List the boards of the settings, virtual ones that run, and USB ports that may have one."""
    return [Board.of(board) for board in engine.boards.list_all()]


@router.post("/boards/{board:path}/reserve")
def reserve_board(
    principal: BoardUser, board: BoardOf, engine: EngineOf, body: ReserveBody | None = None
) -> Board:
    """Reserve a board for the token that asks: builds and others wait until it is given back."""
    body = body or ReserveBody()
    engine.boards.reserve(
        board.name, holder=principal.name, note=clean(body.note), hours=body.hours
    )
    return Board.of(find_board(engine, board.name))


@router.post("/boards/{board:path}/release")
def release_board(
    principal: BoardUser, board: BoardOf, engine: EngineOf, body: ReleaseBody | None = None
) -> Board:
    """Give a board back that was reserved; an admin also another's."""
    force = body is not None and body.force
    if force and not principal.scope.allows(Scope.ADMIN):
        raise AccessError(f"{board.name}: only the scope admin releases what another reserved")
    engine.boards.release(board.name, holder=principal.name, force=force)
    still = (each for each in engine.boards.list_all() if each.name == board.name)
    return Board.of(next(still, board))


@router.post("/boards/{board:path}/reset")
def reset_board(principal: BoardUser, board: BoardOf, engine: EngineOf) -> Board:
    """Restart a board's program, also while its console is watched here."""
    check_free(engine, board, principal.name)
    if not engine.consoles.reset(board.name, principal.name):
        with _bounded(board.name) as cancel:
            purpose = f"reset by {principal.name}"
            with engine.boards.use(
                board.name,
                cancel=cancel,
                on_wait=lambda _line: None,
                purpose=purpose,
                holder=principal.name,
            ) as session:
                session.reset.into_program()
    return Board.of(find_board(engine, board.name))


@contextlib.contextmanager
def _bounded(name: str) -> Iterator[CancelToken]:
    with cancel_after(_RESET_SECONDS, CancelToken()) as cancel:
        try:
            yield cancel
        except CancelledError as error:
            raise BoardError(f"{name}: not reset after {_RESET_SECONDS:g} s") from error


@router.get("/boards/{board:path}")  # the last one: its parameter takes slashes
def get_board(board: BoardOf, _reader: Reader) -> Board:
    """A board."""
    return Board.of(board)
