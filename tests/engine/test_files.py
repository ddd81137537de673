"""Files of others: read whole, or refused; nothing is waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EspdeckError
from engine.files import read_file
from engine.images import app_image, image_file, partition_csv, partitions, sdkconfig
from engine.images.flash_layout import FlashLayout
from engine.monitor import coredump
from engine.monitor.symbols import Symbols
from engine.quality import coverage_reports
from engine.simulators import labwired_breakpoints


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


READERS: dict[str, Callable[[Path], object]] = {
    "partition table": lambda path: partition_csv.read_partition_file(path, FlashLayout()),
    "binary partition table": partitions.read,
    "app": app_image.read_header,
    "program of a core dump": coredump.gdb_for,
    "image": image_file.read,
    "symbols": Symbols,
    "sdkconfig": sdkconfig.read,
    "coverage": coverage_reports.read,
    "breakpoints": labwired_breakpoints.find,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_that_nobody_writes_to_keeps_no_reader(
    tmp_path: Path, read: Callable[[Path], object], kind: str
) -> None:
    path = tmp_path / "file"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises((OSError, EspdeckError), match="not a file"):
        read(path)
