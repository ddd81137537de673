"""Files of others: read whole, or refused; nothing is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.files import read_file


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")

    assert read_file(tmp_path / "a", 5) == b"12345"
    assert read_file(tmp_path / "link", 5) == b"12345"


def test_what_is_no_file_of_that_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"12345")
    (tmp_path / "endless").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name, reason in {
        "large": "larger than 4 bytes",
        "endless": "not a file",
        "pipe": "not a file",
        "folder": "not a file|Is a directory",
        "absent": "No such file",
    }.items():
        with pytest.raises(OSError, match=reason):
            read_file(tmp_path / name, 4)
