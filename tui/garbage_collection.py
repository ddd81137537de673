"""When Python looks for cycles of objects that nothing uses any more.

Modules and their classes stay for good. By its own rhythm Python looks through them again and again
while they are loaded, then with each look at what is old, and once more at the end: a fifth of the
time of a short command.
"""

from __future__ import annotations

import atexit
import gc

_WHILE_LOADING = 500_000
"""Objects that may be made before Python looks; what a command loads has some 300,000."""

_AFTER = 50_000
"""The same once everything is there; 700 by itself."""


def modules_come() -> None:
    """Begin to load: hardly look, and not at the end of the process."""
    gc.set_threshold(_WHILE_LOADING)
    atexit.register(gc.freeze)


def modules_are_there() -> None:
    """What is there now stays: look only at what comes."""
    gc.freeze()
    gc.set_threshold(_AFTER)
