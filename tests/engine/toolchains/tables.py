"""Partition tables as ESP-IDF writes them."""

from __future__ import annotations

import hashlib
import struct

SIZE = 0xC00


def entry(kind: int, subtype: int, offset: int, size: int, label: str, flags: int = 0) -> bytes:
    packed = label.encode()
    return struct.pack("<2sBBLL16sL", b"\xaa\x50", kind, subtype, offset, size, packed, flags)


def whole(*entries: bytes) -> bytes:
    """A table with its checksum and its end."""
    body = b"".join(entries)
    digest = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(body).digest()
    return (body + digest).ljust(SIZE, b"\xff")
