"""A file that is downloaded: gone on with after a break, and compared with its SHA-256."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self

import httpx

from engine.errors import UsageError
from engine.server.client.errors import ApiError

_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r'"([0-9a-f]{64})"')
_ENDING = ".part"


def destination(to: Path, path: str) -> Path:
    """Where a file comes to; in a folder it has the last part of its name."""
    if not to.is_dir():
        return to
    name = PurePosixPath(path).name
    if name in ("", ".", ".."):
        raise UsageError(f"{path!r} is not a file name")
    return to / name


class PartialFile:
    """Takes the bytes of a file beside where it comes to; it is there once all of it is.

    Args:
        file: where it comes to.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._part = file.with_name(f"{file.name}{_ENDING}")
        self._sha256 = ""
        self._out: BinaryIO
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            self._out = os.fdopen(os.open(self._part, flags, 0o666), "r+b")
            self._out.seek(0, os.SEEK_END)
        except OSError as error:
            raise UsageError(f"{self._part}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self._out.close()

    def headers(self) -> dict[str, str]:
        """What is to be sent: from which byte on."""
        size = self._out.tell()
        return {"Range": f"bytes={size}-"} if size else {}

    def begin(self, response: httpx.Response) -> None:
        """Take the answer's head."""
        found = _SHA256.fullmatch(response.headers.get("etag", ""))
        self._sha256 = found[1] if found else ""
        span = f"bytes {self._out.tell()}-"
        if response.status_code != 206:
            self.begin_anew()
        elif not response.headers.get("content-range", "").startswith(span):
            raise ApiError("the server sent another range than was asked for")

    def begin_anew(self) -> None:
        """Forget what there is."""
        self._out.seek(0)
        self._out.truncate()

    def write(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            UsageError: they cannot be written.
        """
        try:
            self._out.write(data)
        except OSError as error:
            raise UsageError(f"{self._part}: {error.strerror}") from error

    def check(self) -> None:
        """Compare it with its SHA-256.

        Raises:
            ApiError: it differs, and is to be had anew.
        """
        self._out.flush()
        self._out.seek(0)
        digest = hashlib.sha256()
        while data := self._out.read(_CHUNK_BYTES):
            digest.update(data)
        if self._sha256 and digest.hexdigest() != self._sha256:
            self.begin_anew()
            raise ApiError(f"{self._file.name} differs from its SHA-256", is_passing=True)

    def finish(self) -> Path:
        """Put it where it belongs."""
        try:
            self._part.replace(self._file)
        except OSError as error:
            raise UsageError(f"{self._file}: {error.strerror}") from error
        return self._file
