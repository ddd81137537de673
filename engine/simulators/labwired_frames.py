"""How a simulating process and who runs it talk: frames, the same in both directions.

A frame is a length (32 bits, little endian) and that many bytes of the firmware's console. A frame
of length :data:`ENDED` is the last one: all that follows says why the chip stopped of itself,
nothing when it merely waits for nothing.
"""

from __future__ import annotations

import struct

SLICE_SECONDS = 0.002
"""Firmware time that a granted frame lets pass."""

MAX_INPUT_BYTES = 1 << 16
"""Bytes that may wait for the program; more is lost, as in a FIFO that nobody reads."""

LENGTH = struct.Struct("<I")
ENDED = 0xFFFFFFFF


def pack(data: bytes) -> bytes:
    """A frame."""
    return LENGTH.pack(len(data)) + data


def last_frame(reason: str) -> bytes:
    """The frame that ends a run."""
    return LENGTH.pack(ENDED) + reason.encode()


class FrameReader:
    """Takes frames out of a stream that comes in pieces.

    ``ended`` says whether the last one has begun, ``reason`` what came of its text so far.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.ended = False

    @property
    def reason(self) -> str:
        """Why the chip stopped, once it has."""
        return self._buffer.decode("utf-8", "replace") if self.ended else ""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next piece; what the frames hold that it completed."""
        self._buffer += data
        found = []
        while not self.ended and len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            self.ended = length == ENDED
            end = LENGTH.size + (0 if self.ended else length)
            if len(self._buffer) < end:
                break
            if not self.ended:
                found.append(bytes(self._buffer[LENGTH.size : end]))
            del self._buffer[:end]
        return found
