"""Makes ``engine/server/client/synchronous/`` from ``asynchronous/``: run it after a change there.

``python -m tests.engine.server.client.make_synchronous``
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
SOURCE = Path("engine/server/client/asynchronous")
MADE = Path("engine/server/client/synchronous")

_WORDS = (
    (r"The client for programs with an event loop; the other one is made from it\.",
     "The client for programs without an event loop: made from ``asynchronous/``."),
    (r"import asyncio\nimport time\n", "import time\n"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"\basynchronous\b", "synchronous"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"\b__a(enter|exit)__", r"__\1__"),
    (r"\ba(close|closing|read|iter_lines|iter_raw)\b", r"\1"),
    (r"\b(?:async|await) ", ""),
)  # fmt: skip


def made(name: str) -> str:
    """The text of a file of the synchronous client."""
    text = (ROOT / SOURCE / name).read_text()
    for pattern, replacement in _WORDS:
        text = re.sub(pattern, replacement, text)
    for command in (["check", "--fix-only", "--select", "I"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "-q", "--stdin-filename", MADE / name, "-"],
            cwd=ROOT,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stdout
    return text


def names() -> list[str]:
    """The files."""
    return sorted(each.name for each in (ROOT / SOURCE).glob("*.py"))


if __name__ == "__main__":
    for each in names():
        (ROOT / MADE / each).write_text(made(each))
