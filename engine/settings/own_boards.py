"""Virtual boards that belong to a workspace, whoever opens it: that of the demonstration."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from engine.files import read_file

FILE = "own-boards"
"""Of a workspace: a virtual board a line, as the setting ``boards`` has it."""

_MAX_BYTES = 4096


def own_boards(workspace: Path) -> tuple[str, ...]:
    """Virtual boards that a workspace has beside the boards of the settings."""
    try:
        lines = read_file(workspace / FILE, _MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.startswith("virtual:"))


def keep_own_boards(workspace: Path, boards: Sequence[str]) -> None:
    """Write down boards of a workspace; on a full disk they are those of this process alone."""
    with contextlib.suppress(OSError):
        (workspace / FILE).write_text("".join(f"{each}\n" for each in boards))
