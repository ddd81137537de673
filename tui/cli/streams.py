"""Standard streams as they may be: closed, full, in an encoding that has no room for a sign."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence

_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


class OutputClosedError(Exception):
    """What read the output has gone; there is nobody to tell."""


def prepare() -> None:
    """Let every sign be written, and every stream be there.

    A sign that the encoding of the terminal does not have becomes ``?``; a stream that was closed
    becomes ``/dev/null``, before another file gets its number.
    """
    for name, flags, mode in _STREAMS:
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):  # its file was replaced by one that cannot seek
                stream.reconfigure(errors="replace")


def discard_output() -> None:
    """Write nothing more to standard output: the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def find_odd_text(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Which argument or variable is not UTF-8, as a message; empty where all are."""
    for number, word in enumerate(words, 1):
        if not _is_text(word):
            return f"argument {number} is not UTF-8: {word[:200]}"
    for name, value in environ.items():
        is_read = name.startswith(("ESPDECK_", "XDG_")) or name == "HOME"
        if is_read and not _is_text(value):
            return f"variable {name} is not UTF-8: {value[:200]}"
    return ""


def _is_text(word: str) -> bool:
    """Whether it was UTF-8: other bytes are lone surrogates (PEP 383), which no database takes."""
    return not any("\ud800" <= each <= "\udfff" for each in word)
