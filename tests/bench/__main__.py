"""Every benchmark: ``python -m tests.bench``, or only some: ``python -m tests.bench screen``.

What begins with a dash, and all behind it, goes to the benchmark.
"""

from __future__ import annotations

import itertools
import sys
from importlib import import_module

NAMES = (
    "pipeline",
    "begin",
    "idf",
    "demo",
    "screen",
    "start",
    "rest",
    "monitor",
    "sessions",
    "stats",
    "boards",
    "fuzz",
    "models",
    "gate",
    "two_users",
    "chaos",
    "daemon_kill",
    "attach",
    "events",
    "daemon",
    "contract",
    "home",
    "prompts",
)

names = list(itertools.takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
sys.argv[1:] = sys.argv[1 + len(names) :]
for name in names or NAMES:
    import_module(f"tests.bench.bench_{name}").main()
