"""What ninja did and how long each step took, from its ``.ninja_log``.

The format is that of ninja's ``src/build_log.cc``: a line ``# ninja log vN``, then a line for each
output of each step that succeeded, with tabs between its fields::

    start  end  mtime  output  hash of the command

``start`` and ``end`` are milliseconds since that call of ninja began (versions 5 to 7 alike;
between them only the command's hash and what ``mtime`` is of has changed). A step with several
outputs has a line for each. Every call appends; so does ninja itself when it made ``build.ninja``
anew, and CMake's ``idf.py`` calls it several times. When a log has three times as many lines as
outputs, ninja writes it anew with the last line of each output, in the order of a hash table.

So nothing in a log says which call a line is of, and times of several calls cannot be compared:
what a build did are the lines that were not there before (:func:`steps_since`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.files import read_file

NAME = ".ninja_log"

OLDEST_VERSION = 5
"""The first version that has the hash of a command in the last field."""

MAX_BYTES = 32 << 20
"""Bytes of a log: Chromium's has some ten million."""

MAX_LOGS = 16
"""Logs of a build folder that are read."""

MAX_OUTPUT_BYTES = 4096
"""Length of an output: that of a path on Linux."""

MAX_STEP_MILLISECONDS = 7 * 24 * 3600 * 1000
"""A step that took longer was not: the clock was set, or a line is damaged."""

_HEAD = re.compile(rb"# ninja log v(\d{1,6})\r?\n")
_LINE = re.compile(
    rb"(?P<start>\d{1,15})\t(?P<end>\d{1,15})\t-?\d{1,20}\t"
    rb"(?P<output>[^\t\0]{1,%d})\t(?P<hash>[0-9a-f]{1,16})" % MAX_OUTPUT_BYTES
)
_FOLDERS = ("", "*/", "esp-idf/*/*/")
"""Where ninja is called in a build folder: for the project, for ESP-IDF's bootloader
(``bootloader/``), and for programs of the low-power core (``esp-idf/COMPONENT/NAME/``)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command that ninja ran and that succeeded.

    Args:
        outputs: what it made, as the build's rules name it. Untrusted.
        milliseconds: from its start to its end, beside others that ran at once.
    """

    outputs: tuple[str, ...]
    milliseconds: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.milliseconds / 1000


@dataclass(frozen=True, slots=True)
class NinjaLog:
    """A log as it was read.

    Args:
        version: of its format; 0 for what is no log of ninja's.
        lines: that make sense, in order, each as it stands there.
        damaged: how many do not, such as one that a killed ninja wrote half.
    """

    version: int
    lines: tuple[bytes, ...]
    damaged: int = 0

    def steps(self) -> tuple[Step, ...]:
        """Every step that it tells of, each call's anew, in order."""
        return tuple(_steps(self.lines))

    def steps_since(self, earlier: NinjaLog) -> tuple[Step, ...]:
        """The steps that an earlier state of the same log does not tell of."""
        before = Counter(earlier.lines)
        new = []
        for line in self.lines:
            if before[line]:
                before[line] -= 1
            else:
                new.append(line)
        return tuple(_steps(new))


def parse(data: bytes) -> NinjaLog:
    """Read a log.

    Args:
        data: of the file. Untrusted: what is no line of a log is counted and left out.

    A later version than those that are known is read as they are: from the first to the seventh
    its times have stood in the same place.
    """
    head = _HEAD.match(data)
    if head is None or int(head[1]) < OLDEST_VERSION:
        return NinjaLog(0, ())
    rows = [row for row in data[head.end() :].split(b"\n") if row]
    # A second head: two processes made the log at once.
    rows = [row for row in rows if _HEAD.match(row + b"\n") is None]
    lines = tuple(row for row in rows if _LINE.fullmatch(row) is not None)
    return NinjaLog(int(head[1]), lines, len(rows) - len(lines))


def read_logs(build_dir: Path) -> dict[Path, NinjaLog]:
    """Every log of a build folder, by the folder in which ninja was called.

    Args:
        build_dir: where a project was built. Untrusted: what cannot be read is left out.
    """
    found: dict[Path, NinjaLog] = {}
    for pattern in _FOLDERS:
        for path in sorted(build_dir.glob(f"{pattern}{NAME}")):
            if len(found) == MAX_LOGS:
                return found
            try:
                found[path.parent] = parse(read_file(path, MAX_BYTES))
            except OSError:
                continue
    return found


def _steps(lines: Iterable[bytes]) -> Iterator[Step]:
    """Lines as steps: the outputs of one have the same times and the same command.

    Ninja writes them one after another, and in any order when it writes the log anew. Left out are
    lines without a time: samurai, which writes such logs too, has none and writes zeros, and a
    step that ends before it starts was measured while somebody set the clock (ninja before 1.11).
    """
    found: dict[tuple[int, int, bytes], Counter[str]] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        assert match is not None
        key = (int(match["start"]), int(match["end"]), match["hash"])
        found.setdefault(key, Counter())[match["output"].decode("utf-8", "replace")] += 1
    for (start, end, _), outputs in found.items():
        if 0 < end - start <= MAX_STEP_MILLISECONDS:
            # A line that is there twice: the next call did the same in the same milliseconds.
            yield from [Step(tuple(outputs), end - start)] * max(outputs.values())
