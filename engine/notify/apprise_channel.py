"""Messages by apprise (https://github.com/caronc/apprise), each in a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import sys
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.notify.outcome import Outcome, Result

SEND_SECONDS = 60.0
"""Seconds that a message may take."""

MISSING = 'apprise is not installed: pip install "espdeck[notify]"'


def check_installed() -> None:
    """Make sure that apprise is there.

    Raises:
        MissingToolError: it is not.
    """
    if importlib.util.find_spec("apprise") is None:
        raise MissingToolError(MISSING)


class AppriseSender:
    """Sends messages; what became of one is known even after espdeck was killed."""

    def __init__(self, folder: Path) -> None:
        """Know a folder of its own, for marks and outcomes."""
        self._folder = folder

    def send(
        self,
        number: int,
        url: str,
        *,
        title: str,
        body: str,
        kind: str,
        more: str,
        cancel: CancelToken,
    ) -> Outcome:
        """Send a message.

        Args:
            number: of its delivery.
            kind: apprise's kind of message.
            more: what shows all of a text that is cut.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says; :meth:`find` tells then how it ended.
        """
        if importlib.util.find_spec("apprise") is None:
            return Outcome(Result.RETRY, MISSING)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.forget(number)
        asked = {
            "url": url,
            "title": title,
            "body": body,
            "kind": kind,
            "more": more,
            "mark": str(self._mark(number)),
            "outcome": str(self._outcome(number)),
        }
        descriptor, lock = os.memfd_create("espdeck-notify"), self._lock(number)
        said = ""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, json.dumps(asked).encode())
            os.lseek(descriptor, 0, os.SEEK_SET)
            argv = [sys.executable, "-m", "engine.notify.apprise_child", str(descriptor)]
            done = process.run(
                argv,
                timeout=SEND_SECONDS,
                cancel=cancel,
                clean_env=True,
                pass_fds=(descriptor, lock),  # it holds the lock as long as it is there
                supervised=False,  # it ends its message also when espdeck is killed
            )
            if done.returncode:
                said = f"apprise ended with {done.returncode}"
        except ToolError as error:
            said = str(error)
        finally:
            os.close(descriptor)
            os.close(lock)
        found = self.find(number)
        if found is None:
            return Outcome(Result.RETRY, said or "apprise said nothing")
        if said and found.result is Result.UNKNOWN:
            return Outcome(Result.UNKNOWN, f"no answer: {said}")
        return found

    def is_running(self, number: int) -> bool:
        """Whether a process sends a message, whoever began it."""
        try:
            lock = self._lock(number)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def find(self, number: int) -> Outcome | None:
        """How a message ended that was being sent; None where nothing of it went out."""
        try:
            found = json.loads(self._outcome(number).read_text())
            return Outcome(
                Result(found["result"]), str(found["error"]), found["after"], int(found["cut"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            pass
        if self._mark(number).exists():
            return Outcome(Result.UNKNOWN, "espdeck ended while it was sent")
        return None

    def forget(self, number: int) -> None:
        """Remove what is kept of a message."""
        for path in (self._mark(number), self._outcome(number), self._lock_file(number)):
            with contextlib.suppress(OSError):
                path.unlink()

    def _lock(self, number: int) -> int:
        return os.open(self._lock_file(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _lock_file(self, number: int) -> Path:
        return self._folder / f"{number}.lock"

    def _mark(self, number: int) -> Path:
        return self._folder / f"{number}.begun"

    def _outcome(self, number: int) -> Path:
        return self._folder / f"{number}.json"
