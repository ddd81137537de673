"""Progress of the gate: which tools run, and how much of each is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

OnProgress = Callable[[float, str], None]
"""Called with percent of the whole (0 to 100) and what is being done; from one thread at a time."""

_SHARES = {
    "files": 4,
    "host tests": 30,
    "detect-secrets": 35,
    "lizard": 20,
    "cppcheck": 16,
    "flawfinder": 8,
    "bandit": 5,
    "documentation": 4,
    "baseline": 8,
}
"""Of the whole, about as each takes its time."""


PARTS = tuple(part for part in _SHARES if part not in ("files", "host tests"))
"""Everything that may be done with files."""


class Progress:
    """Progress of the parts of one gate, from any thread.

    Args:
        on_progress: told of it.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._done: dict[str, tuple[int, int]] = {}
        self._percent = 0.0

    def expect(self, parts: Sequence[str]) -> None:
        """Say which parts there are; first all that there may be, as nothing goes back."""
        with self._lock:
            self._done = {part: self._done.get(part, (-1, 1)) for part in parts}

    def move(self, part: str, done: int, whole: int) -> None:
        """Note how many steps of a part are done; a part begins with none of them."""
        with self._lock:
            self._done[part] = (done, max(whole, 1))
            shares = sum(_SHARES[name] for name in self._done)
            part_done = sum(
                _SHARES[name] * max(0, steps) / of for name, (steps, of) in self._done.items()
            )
            self._percent = max(self._percent, round(100.0 * part_done / shares, 1))
            self._on_progress(self._percent, ", ".join(self._running()) or f"{part} done")

    def _running(self) -> list[str]:
        return [
            name if whole == 1 else f"{name} {done + 1} of {whole}"
            for name, (done, whole) in self._done.items()
            if 0 <= done < whole
        ]
