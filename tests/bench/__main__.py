"""Every benchmark: ``python -m tests.bench``, or only some: ``python -m tests.bench screen``."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "pipeline",
    "idf",
    "demo",
    "screen",
    "monitor",
    "sessions",
    "boards",
    "fuzz",
    "models",
    "gate",
)

for name in sys.argv[1:] or NAMES:
    import_module(f"tests.bench.bench_{name}").main()
