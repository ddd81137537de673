"""A worktree that a repair or a model may change: its files, and why one must not be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.source import file_policy


@dataclass(frozen=True, slots=True)
class EditableTree:
    """A worktree that may be changed.

    Args:
        root: its folder.
        files: paths of the tracked files, links and submodules not among them.
        closed: paths of tracked links and submodules: nothing below them is the project's.
        opened: paths that may be written whatever their names say.
    """

    root: Path
    files: frozenset[str]
    closed: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()

    def write_refusal(self, name: str) -> str | None:
        """Why a file must not be changed or created here, None when nothing is against it.

        Args:
            name: path from the root, with ``/``. Untrusted.
        """
        named = None if name in self.opened else file_policy.write_refusal(name)
        return named or self._unreachable(name)

    def _unreachable(self, name: str) -> str | None:
        """Why a plain path does not lead to a file of this very tree, None when it does or may."""
        above = [str(parent) for parent in PurePosixPath(name).parents]
        if not self.closed.isdisjoint((name, *above)):
            return "is a link or a submodule, or lies in one"
        if not self.files.isdisjoint(above):
            return "lies below a file"
        try:
            inside = (self.root / name).resolve() == self.root.resolve() / name
        except (OSError, RuntimeError):
            inside = False
        return None if inside else "is reached through a link"
