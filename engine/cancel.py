"""How a running stage is told to stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from engine.errors import CancelledError, Interrupted


class CancelToken:
    """Set once, from any thread; read by everything that waits or runs a subprocess.

    Two ways to stop: ``cancel`` (a person wants the build ended) and ``interrupt`` (the process
    shuts down and the build goes on later). What waits calls :meth:`wait` instead of sleeping;
    what runs something registers with :meth:`on_stop` how to end it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._reason: type[CancelledError] | type[Interrupted] | None = None
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """End the work because a person asked for it."""
        self._stop(CancelledError)

    def interrupt(self) -> None:
        """End the work because the process shuts down; it is done again at the next start."""
        self._stop(Interrupted)

    @property
    def stopped(self) -> bool:
        """Whether the work should end."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Raise if the work should end.

        Raises:
            CancelledError: after :meth:`cancel`.
            Interrupted: after :meth:`interrupt`.
        """
        if self._reason is CancelledError:
            raise CancelledError("cancelled")
        if self._reason is Interrupted:
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Wait that long, or until the work should end (then raise as :meth:`check` does)."""
        self._stopped.wait(seconds)
        self.check()

    def on_stop(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` once when the work should end (at once if it should already).

        Returns:
            A function that takes the callback back.
        """
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def _stop(self, reason: type[CancelledError] | type[Interrupted]) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
        self._stopped.set()
        for callback in callbacks:
            callback()


@contextlib.contextmanager
def cancel_after(seconds: float, parent: CancelToken) -> Iterator[CancelToken]:
    """A token that ends the work of the block after some time, or when another one does.

    Args:
        seconds: of real time.
        parent: the other one; how it ends the work is how this one does.
    """
    token = CancelToken()

    def end() -> None:
        token._stop(parent._reason or CancelledError)

    timer = threading.Timer(seconds, token.cancel)
    timer.daemon = True
    timer.start()
    forget = parent.on_stop(end)
    try:
        yield token
    finally:
        forget()
        timer.cancel()
