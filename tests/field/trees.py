"""Small repositories as one text: a line ``==== PATH`` before the text of each file."""

from __future__ import annotations

from pathlib import Path

_MARK = "==== "


def unpack(text: str, folder: Path) -> Path:
    """Write the files of a text; the folder itself.

    Args:
        text: begins with a mark; a file without lines is empty. Line ends are kept.
    """
    lines: list[str] = []
    path: Path | None = None
    for line in [*text.splitlines(keepends=True), _MARK]:
        if not line.startswith(_MARK):
            lines.append(line)
            continue
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("".join(lines).encode())
        path, lines = folder / line.removeprefix(_MARK).strip(), []
    return folder
