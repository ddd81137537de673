"""The id of a workspace, independent of the names of its folder and of the machine."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import uuid
from pathlib import Path

from engine.files import read_file

_FILE = "id"
_ID = re.compile(r"[0-9a-f]{32}")
_MAX_ID_FILE_BYTES = 100


def workspace_id(folder: Path) -> str:
    """The id of a workspace, made with the first call: 32 hexadecimal digits.

    Durable runs are kept for whoever has it: a container has a new host name at each start.

    Args:
        folder: the workspace, which is there.

    Raises:
        OSError: it cannot be read or made.
    """
    path = folder / _FILE
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError):
            try:
                known = read_file(path, _MAX_ID_FILE_BYTES).decode("ascii", "replace").strip()
            except OSError as error:
                if error.errno != errno.EFBIG:
                    raise
                known = ""
            if _ID.fullmatch(known):
                return known
            path.unlink()  # damaged; runs are taken over from whatever name they are kept for
        _write(path, uuid.uuid4().hex)
    raise OSError(f"{path}: cannot be kept")


def _write(path: Path, text: str) -> None:
    """Make the file, whole, unless another thread or process was first."""
    part = path.with_name(f".{path.name}.{text}")
    try:
        part.write_text(f"{text}\n", "ascii")
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
