"""Reading files of others in a process of its own, with bounds in time and memory.

pyelftools and esp-idf-size believe what a file says of itself: a reference that leads to itself
never ends, a few bytes can stand for gigabytes. So what they read is read by a child process, whose
processor time and address space are limited (setrlimit(2)), and which hands over plain data, as
JSON: it has met hostile input, and is not trusted with more. A child that ends early costs an
answer, nothing else.

A child is handed the open file, not its name: what it reads stays the same file, is a file, and
nothing that a build puts in its place is opened instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.errors import EspdeckError
from engine.files import open_file

MAX_MEMORY_BYTES = 1 << 30
"""Bytes of address space of a child; Python itself takes some 60 MiB of them."""

MAX_ANSWER_BYTES = 64 << 20
"""Bytes of an answer; that of a large map has some 2 MiB."""

IDLE_SECONDS = 60.0
"""How long a child waits for the next question before it ends."""

IDLE_EXIT = 3
"""Exit code of a child that has ended because nobody asked."""

TIME, MEMORY = "time", "memory"
"""What a child says that has come to its bounds."""

MEMORY_ANSWER = b'{"failed": "memory"}\n'
"""How it says so."""

_NEEDED = re.compile(r"PATH|HOME|TMPDIR|LANG|LC_\w+|LD_LIBRARY_PATH|PYTHON\w+|VIRTUAL_ENV")
_WALL_TIME_FACTOR = (
    6.0  # times the processor's time that an answer may take on a machine with other work
)
_START_SECONDS = 10.0  # seconds for a child to start
_CHUNK_BYTES = 1 << 20


class UnreadableError(EspdeckError):
    """A file that cannot be read within the bounds, or makes no sense; says why, not which."""


def failure_text(failed: str, seconds: float) -> str:
    """What a child said of its failure, for people.

    Args:
        seconds: that the answer was allowed to cost.
    """
    if failed == TIME:
        return f"took longer than {seconds:g} s"
    return f"took more than {MAX_MEMORY_BYTES >> 20} MiB of memory" if failed == MEMORY else failed


class Reader:
    """A child process that answers questions about one file; any thread may ask.

    It is started by the first question, again where it has ended, and ends with its object, with
    this process, and where nothing is asked for :data:`IDLE_SECONDS`.

    Args:
        path: the file. Untrusted.
        module: has the functions that answer: each takes the file, open for reading, and what is
            asked with it, and returns what JSON can hold. It is imported by the child alone.
        most: bytes that the file may have.

    Raises:
        OSError: there is no such file, it is none, or has more bytes.
    """

    def __init__(self, path: Path, module: str, most: int) -> None:
        self.path = path
        self._module = module
        self._file = open_file(path, most)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None

    def ask(self, function: str, *arguments: object, seconds: float) -> Any:
        """An answer, which is not to be trusted.

        Args:
            function: of the module.
            arguments: what JSON can hold.
            seconds: of the processor that the answer may cost.

        Raises:
            UnreadableError: it would cost more, or the function raised an error.
        """
        question = {"function": function, "arguments": arguments, "seconds": seconds}
        line = json.dumps(question).encode() + b"\n"
        with self._lock:
            answer = self._answer(line, seconds)
            if answer is None:  # it was about to end for want of questions
                answer = self._answer(line, seconds)
        if not answer:
            raise UnreadableError("the process that read it ended early")
        try:
            found = json.loads(answer)
            failed = found.get("failed")
            value = found["value"] if failed is None else None
        except (ValueError, LookupError, AttributeError, RecursionError) as error:
            raise UnreadableError("the process that read it made no sense") from error
        if failed is not None:
            raise UnreadableError(failure_text(str(failed)[:300], seconds))
        return value

    def restart(self) -> None:
        """End the child, and with it what it holds; the next question starts another."""
        with self._lock:
            self._stop()

    def close(self) -> None:
        """End the child and close the file."""
        with self._lock:
            self._stop()
            self._file.close()

    def _answer(self, question: bytes, seconds: float) -> bytes | None:
        """A line, empty where there is none; None from a child that ended for want of questions."""
        process = self._process if self._process is not None else self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(question)
            process.stdin.flush()
            answer = self._line(process, _START_SECONDS + _WALL_TIME_FACTOR * seconds)
        except TimeoutError as error:
            self._stop()
            raise UnreadableError(failure_text(TIME, seconds)) from error
        except OSError:
            answer = b""
        except BaseException:  # such as a key: the answer would be taken for that of the next
            self._stop()
            raise
        if not answer.endswith(b"\n"):
            code = self._stop()
            return None if code == IDLE_EXIT and not answer else b""
        if answer == MEMORY_ANSWER:
            self._stop()  # what it still holds is freed by its end
        return answer

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        """Up to the end of a line, or of the stream.

        Raises:
            TimeoutError: it does not come.
        """
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        until = time.monotonic() + seconds
        answer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not answer.endswith(b"\n") and len(answer) <= MAX_ANSWER_BYTES:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError
                chunk = os.read(descriptor, _CHUNK_BYTES)
                if not chunk:
                    break
                answer += chunk
        return bytes(answer)

    def _start(self) -> subprocess.Popen[bytes]:
        number = self._file.fileno()
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "engine.processes.bounded_child", self._module),
                *(str(number), str(MAX_MEMORY_BYTES), str(IDLE_SECONDS)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(number,),
            env={name: value for name, value in os.environ.items() if _NEEDED.fullmatch(name)},
            start_new_session=True,  # Ctrl-C is for us
        )
        self._process = process
        self._end = weakref.finalize(self, _finish, process)
        return process

    def _stop(self) -> int:
        """End the child; how it ended."""
        process, self._process = self._process, None
        self._end()
        return process.returncode if process is not None else 0


def _finish(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()


def ask_once(
    path: Path, module: str, function: str, *arguments: object, most: int, seconds: float
) -> Any:
    """One answer about a file, as :meth:`Reader.ask`.

    Raises:
        OSError: as of :class:`Reader`.
        UnreadableError: as of :meth:`Reader.ask`.
    """
    reader = Reader(path, module, most)
    try:
        return reader.ask(function, *arguments, seconds=seconds)
    finally:
        reader.close()


def rows(value: object, *types: type | tuple[type, ...]) -> Iterator[tuple[Any, ...]]:
    """Rows of an answer, each of values of the types.

    Raises:
        UnreadableError: it has others.
    """
    if not isinstance(value, list):
        raise UnreadableError("the process that read it made no sense")
    for row in value:
        yield fields(row, *types)


def fields(row: object, *types: type | tuple[type, ...]) -> tuple[Any, ...]:
    """The values of one row.

    Raises:
        UnreadableError: it has others.
    """
    if (
        not isinstance(row, list)
        or len(row) != len(types)
        or not all(_is(value, kind) for value, kind in zip(row, types, strict=True))
    ):
        raise UnreadableError("the process that read it made no sense")
    return tuple(row)


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    kinds: Iterable[type] = kind if isinstance(kind, Sequence) else (kind,)
    return type(value) in kinds
