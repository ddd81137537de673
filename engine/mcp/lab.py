"""The lab as tools see it: its engine, which opens beside the first messages, and who asks."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING

from engine import BoardInfo, BoardSession, CancelToken, Engine, who_asks
from engine.errors import BoardError, CancelledError, EspdeckError, NotFoundError
from engine.mcp.permissions import McpAllow, check_allowed
from engine.text import clean, near_or_all

if TYPE_CHECKING:
    from engine.mcp.tool import Call

WAIT_FOR_BOARD = 5.0
"""Seconds that who has a board is waited for: a console watched over HTTP makes way meanwhile."""

_CLIENT_CHARACTERS = 40
_LOG = logging.getLogger("espdeck.mcp")


class Lab:
    """The lab of a workspace, for one client.

    Args:
        open_engine: gives the engine, open; raises an EspdeckError.
        allowed: what the client may do beside reading.
    """

    def __init__(self, open_engine: Callable[[], Engine], allowed: Collection[McpAllow]) -> None:
        self.allowed = frozenset(allowed)
        self.user = who_asks()
        """The user of this machine for whom this process runs: the agent acts for them."""

        self._opened: Future[Engine] = Future()
        threading.Thread(
            target=self._open, args=(open_engine,), name="open-engine", daemon=True
        ).start()

    @property
    def engine(self) -> Engine:
        """The engine, open. Waits until it is.

        Raises:
            EspdeckError: it cannot be opened.
        """
        return self._opened.result()

    def _open(self, open_engine: Callable[[], Engine]) -> None:
        try:
            self._opened.set_result(open_engine())
        except EspdeckError as error:
            _LOG.error("%s", error)
            self._opened.set_exception(error)
        except BaseException as error:
            _LOG.exception("open")
            self._opened.set_exception(EspdeckError(f"espdeck cannot be opened: {error!r}"))

    def close(self) -> None:
        """Close the engine."""
        with contextlib.suppress(EspdeckError):
            self.engine.close()

    def check_allowed(self, what: str, *needed: McpAllow) -> None:
        """As :func:`engine.mcp.permissions.check_allowed`."""
        check_allowed(what, needed, self.allowed)

    def who(self, call: Call) -> str:
        """For whom something is done, as ``espdeck boards`` shows it of who has a board."""
        client = clean(call.client)[:_CLIENT_CHARACTERS]
        return f"espdeck mcp, {self.user}{f' ({client})' if client else ''}"

    def board(self, word: str) -> BoardInfo:
        """A board by its name or label.

        Only one that the lab knows: an agent cannot have it open just any device or address.

        Raises:
            NotFoundError: there is none.
        """
        boards = self.engine.boards.list_all()
        for board in boards:
            if word in (board.name, board.label):
                return board
        names = [board.label or board.name for board in boards]
        raise NotFoundError(f"no board {clean(word)[:80]!r}{near_or_all(word, names)}")

    @contextlib.contextmanager
    def use(self, board: BoardInfo, call: Call, purpose: str) -> Iterator[BoardSession]:
        """Hold a board while the block runs; one that somebody has is waited for a moment.

        Args:
            purpose: what it is held for, for those who wait.

        Raises:
            BoardError: it cannot be had.
            CancelledError: the call was cancelled.
        """
        with (
            Patience(call, board.name) as patience,
            self.engine.boards.use(
                board.name,
                cancel=patience.cancel,
                on_wait=patience.note,
                purpose=f"{purpose} by {self.who(call)}",
                holder=self.user,
            ) as session,
        ):
            patience.end()
            yield session


class Patience:
    """Waits for who has a board only for a moment: an agent can do something else, or ask again.

    A board that nobody has is given the time that it takes: a virtual one may have to start.

    Args:
        call: for which the board is wanted; who cancels it cancels this.
        board: its name, for messages.
    """

    def __init__(self, call: Call, board: str) -> None:
        self.cancel = CancelToken()
        """Ends the waiting, and what is done with the board."""

        self._call = call
        self._board = board
        self._waits_for = ""
        self._is_had = self._is_over = False
        self._timer = threading.Timer(WAIT_FOR_BOARD, self._end_waiting)
        self._timer.daemon = True

    def note(self, line: str) -> None:
        """Take what is waited for."""
        self._call.say(line)
        if not self._is_had and not self._waits_for:
            self._timer.start()
        self._waits_for = line

    def end(self) -> None:
        """The board is had."""
        self._is_had = True
        self._timer.cancel()

    def __enter__(self) -> Patience:
        self._forget = self._call.cancel.on_stop(self.cancel.cancel)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._forget()
        if isinstance(error, CancelledError) and self._is_over:
            raise BoardError(f"{self._board} is not to be had: {self._waits_for}") from error

    def _end_waiting(self) -> None:
        self._is_over = True
        self.cancel.cancel()
