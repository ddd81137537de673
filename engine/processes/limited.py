"""Runs a Python program on a file of others with a bound on its memory, and on what it starts.

``python -P -m engine.processes.limited MODULE ARGUMENTS``: as ``python -P -m MODULE ARGUMENTS``.
Its time is bounded by whoever runs it (:func:`engine.process.run`).
"""

from __future__ import annotations

import contextlib
import resource
import runpy
import sys

MAX_MEMORY_BYTES = 2 << 30
"""Bytes of address space; gdb with a large program of ESP-IDF takes a third of them."""


def command(module: str) -> tuple[str, ...]:
    """How a module is run so: the beginning of its argument list."""
    return (sys.executable, "-P", "-m", __name__, module)


if __name__ == "__main__":
    with contextlib.suppress(OSError, ValueError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
