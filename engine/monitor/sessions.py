"""Monitor sessions on disk: every byte that a board said, and when each line came.

A session is two files beside each other: ``….raw`` has the bytes as they came, ``….log`` the lines,
and each state of one that was drawn over (:mod:`engine.monitor.line_splitter`), with the UTC time
of their first byte. Names sort by time and carry the board's. Other files with such a name, a core
dump, belong to the session. While one is written its ``.raw`` is locked.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from engine.errors import SessionError
from engine.files import plain_name
from engine.monitor.line_splitter import RowCutter
from engine.monitor.line_times import LineTimes

_BLOCK_BYTES = 1 << 20

_NAME = re.compile(r"(?P<time>\d{8}T\d{6}\.\d{3})Z-(?P<board>[\w.-]{1,80})")
_FILE = re.compile(
    r"(?P<session>\d{8}T\d{6}\.\d{3}Z-[\w.-]{1,80}?)\.(?:raw|log|core\d{1,9}\.\w{1,8})"
)
_TIME = "%Y%m%dT%H%M%S.%f"
_STAMP = "%Y-%m-%dT%H:%M:%S.%f"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session that was kept.

    Args:
        board: its name, with what no file name may have replaced.
        began: when, in UTC.
        raw: the bytes.
        log: the lines with their times.
        size: bytes that the board had said when this was asked.
    """

    board: str
    began: datetime
    raw: Path
    log: Path
    size: int = 0


class Recorder:
    """Writes one session; one writer, whose thread reads the board.

    Args:
        folder: where sessions are kept.
        board: the board's name.
        now: the clock, in UTC.

    Raises:
        SessionError: the files cannot be made (by the constructor) or written.
    """

    def __init__(
        self,
        folder: Path,
        board: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._cutter = RowCutter()
        self._times = LineTimes()
        began = now()
        path = _raw_of(folder, began, board)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while path.exists():  # the clock was set back
                began += timedelta(milliseconds=1)
                path = _raw_of(folder, began, board)
            # Unbuffered: what the board said last before a crash of anything is there.
            self._raw = path.open("xb", buffering=0)
            fcntl.flock(self._raw, fcntl.LOCK_EX)
            self._log = path.with_suffix(".log").open("xb", buffering=0)
        except OSError as error:
            raise SessionError(f"{path}: {error.strerror}") from error
        self.info = SessionInfo(plain_name(board), now(), path, path.with_suffix(".log"))

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def feed(self, data: bytes) -> None:
        """Keep the next bytes.

        Raises:
            SessionError: they cannot be written.
        """
        try:
            self._raw.write(data)
            at = self._now()
            self._write(self._cutter.feed(data), at)
        except OSError as error:
            raise SessionError(f"{self._raw.name}: {error.strerror}") from error

    def close(self) -> None:
        """Keep a last line that nothing ended, and close the files."""
        with self._raw, self._log:
            self._write(self._cutter.flush(), self._now())

    def _write(self, lines: Sequence[bytes], at: datetime) -> None:
        """Write lines that bytes of that time ended; the first may have begun before."""
        first = self._times.take(at, ended=bool(lines), begun=not self._cutter.is_between)
        if lines:
            stamp = _stamp(at)
            rest = b"".join(b"%s %s\n" % (stamp, line) for line in lines[1:])
            self._log.write(b"%s %s\n%s" % (_stamp(first), lines[0], rest))


def _stamp(at: datetime) -> bytes:
    return f"{at.strftime(_STAMP)[:-3]}Z".encode()


def _raw_of(folder: Path, began: datetime, board: str) -> Path:
    return folder / f"{began.strftime(_TIME)[:-3]}Z-{plain_name(board)}.raw"


def sessions(folder: Path, *, board: str | None = None) -> Sequence[SessionInfo]:
    """Sessions that were kept, newest first.

    Args:
        folder: where sessions are kept.
        board: only those of this board.
    """
    found, wanted = [], plain_name(board) if board is not None else None
    for file in kept_files(folder):
        name = _NAME.fullmatch(file.session) if file.path.endswith(".raw") else None
        if name is not None and wanted in (None, name["board"]):
            began = datetime.fromisoformat(name["time"]).replace(tzinfo=UTC)
            raw = Path(file.path)
            found.append(SessionInfo(name["board"], began, raw, raw.with_suffix(".log"), file.size))
    return sorted(found, key=lambda session: session.began, reverse=True)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a session.

    Args:
        session: the session's name, which begins with its time.
        path: where it is.
        size: its bytes.
        changed: when it was written last, in seconds since the epoch.
    """

    session: str
    path: str
    size: int
    changed: float


def kept_files(folder: Path) -> Iterator[KeptFile]:
    """Every file of every session, in no order; one that goes meanwhile is left out."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            name = _FILE.fullmatch(entry.name)
            if name is not None:
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat()
                    yield KeptFile(name["session"], entry.path, facts.st_size, facts.st_mtime)


def search(
    folder: Path, text: str, *, board: str | None = None
) -> Iterator[tuple[SessionInfo, str]]:
    """Lines of any session with ``text`` in them, whatever its case, newest session first.

    Yields:
        The session, and the line with its time. Untrusted text: clean it before it is shown.
    """
    wanted = text.lower()
    for session in sessions(folder, board=board):
        with contextlib.suppress(FileNotFoundError), session.log.open("rb") as file:
            for raw in _likely_lines(file, wanted):
                line = raw.decode("utf-8", "replace").rstrip("\r")
                if wanted in line.partition(" ")[2].lower():
                    yield session, line


def _likely_lines(file: BinaryIO, wanted: str) -> Iterator[bytes]:
    """Lines that may have a text in lower case in them; most blocks are known not to at a glance.

    Only ASCII can be looked for in bytes: other letters change their length with their case.
    """
    at_a_glance = wanted.encode() if wanted.isascii() else b""
    while block := file.read(_BLOCK_BYTES):
        block += file.readline()
        if at_a_glance in block.lower():
            yield from block.split(b"\n")
