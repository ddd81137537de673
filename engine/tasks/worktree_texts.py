"""Reads texts of a worktree that models may be shown: bounded, and nothing through links."""

from __future__ import annotations

from pathlib import Path

from engine.files import read_file
from engine.projects.lfs import is_pointer
from engine.source import bulk_data
from engine.source.file_policy import MAX_SHOWN_PATH_CHARACTERS, is_secret

MAX_FILE_BYTES = 1 << 20
"""The largest file that is looked at."""

MAX_TOTAL_BYTES = 16 << 20
"""Bytes of files that are kept in all; tables are read but not kept."""

_MAX_READ_BYTES = 4 * MAX_TOTAL_BYTES


class Texts:
    """Texts of a tree, each read once.

    ``generated`` has why :meth:`read_written` gave none of a file, by path.

    Args:
        tree: its folder. Untrusted.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._root = tree.resolve()
        self._bytes_to_keep = MAX_TOTAL_BYTES
        self._bytes_to_read = _MAX_READ_BYTES
        self._texts: dict[str, tuple[str | None, str]] = {}
        self.generated: dict[str, str] = {}

    def read(self, path: str) -> tuple[str | None, str]:
        """A file's text, or None and the reason."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def read_written(self, path: str) -> tuple[str | None, str]:
        """A file's text if a person wrote it; None and the reason for tables and the like."""
        if path in self.generated:
            return None, self.generated[path]
        text, reason = self.read(path)
        made = bulk_data.exposure_refusal(path, text) if text is not None else None
        if text is None or made is None:
            return text, reason
        self.generated[path] = made
        self._bytes_to_keep += len(text.encode("utf-8"))
        del self._texts[path]  # it is read again when somebody named it
        return None, made

    def _read(self, path: str) -> tuple[str | None, str]:
        if is_secret(path):
            return None, "may hold a secret"
        if not path.isprintable() or len(path) > MAX_SHOWN_PATH_CHARACTERS:
            return None, "an odd name"
        try:
            if (self._tree / path).resolve() != self._root / path:
                return None, "reached through a link"
            data = read_file(self._tree / path, MAX_FILE_BYTES)
        except (OSError, RuntimeError, ValueError) as error:
            return None, getattr(error, "strerror", None) or "cannot be read"
        if len(data) > min(self._bytes_to_keep, self._bytes_to_read):
            return None, f"{MAX_TOTAL_BYTES >> 20} MiB of other files were read before it"
        self._bytes_to_read -= len(data)
        if is_pointer(data):
            return None, "a pointer of Git LFS, not the content"
        if b"\0" in data:
            return None, "binary"
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None, "no UTF-8 text"
        self._bytes_to_keep -= len(data)
        return text, ""


def read_whole(tree: Path, path: str) -> str:
    """A text file of a tree as it now is; empty for what no model is shown."""
    return Texts(tree).read(path)[0] or ""
