"""The folder of a workspace's sessions: new ones begin here, and old ones go."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from engine.monitor.retention import SessionLimits, tidy
from engine.monitor.sessions import Recorder


class SessionFolder:
    """Begins sessions; each time it is seen, in a thread of its own, which old ones go."""

    def __init__(self, path: Path, limits: SessionLimits) -> None:
        """Know the folder, which is made when it is needed.

        Args:
            path: where it is.
            limits: how long sessions are kept.
        """
        self.path = path
        self.limits = limits
        self._tidying = threading.Lock()

    def record(self, board: str) -> Recorder:
        """Begin a session of a board, also of a simulated one.

        Raises:
            SessionError: it cannot be kept.
        """
        recorder = Recorder(self.path, board)
        threading.Thread(target=self._tidy, name="tidy-sessions", daemon=True).start()
        return recorder

    def _tidy(self) -> None:
        if self._tidying.acquire(blocking=False):
            try:
                tidy(self.path, self.limits, now=time.time())
            finally:
                self._tidying.release()
