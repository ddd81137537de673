"""Keeps what a console says as a session, from its first byte on."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from engine.monitor.crash_watcher import CrashWatcher
from engine.monitor.session_folder import SessionFolder
from engine.monitor.sessions import Recorder


class Recording:
    """What one console says: to its session, then to who shows it, then to who looks for crashes.

    Ends with the block that it is used in. A console that says nothing keeps no session.
    """

    def __init__(
        self,
        board: str,
        sessions: SessionFolder,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        crashes: CrashWatcher | None,
    ) -> None:
        """Keep nothing yet.

        Args:
            board: its name.
            sessions: where the session is kept.
            on_output: called with each piece once it is kept.
            on_note: called with a line for people: where the session is.
            crashes: told what comes, and where the session is; None for nobody.
        """
        self._board = board
        self._sessions = sessions
        self._on_output = on_output
        self._on_note = on_note
        self._crashes = crashes
        self._recorder: Recorder | None = None

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._recorder is not None:
            self._recorder.close()

    def feed(self, data: bytes) -> None:
        """Take what the console says next.

        Raises:
            SessionError: it cannot be kept.
        """
        if self._recorder is None:
            self._recorder = self._begin()
        self._recorder.feed(data)
        # Before what was found in it, of which another thread tells.
        self._on_output(data)
        if self._crashes is not None:
            self._crashes.feed(data)

    def _begin(self) -> Recorder:
        recorder = self._sessions.record(self._board)
        self._on_note(f"kept in {recorder.info.log}")
        if self._crashes is not None:
            self._crashes.begin(recorder.info)
        return recorder
