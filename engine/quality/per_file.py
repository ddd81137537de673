"""What a tool says of files, asked about once as long as they stay as they are: of each by itself,
or of all of them together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.quality import tools
from engine.quality.cache import key_of
from engine.quality.tools import Bench
from engine.quality.tree_copy import Counted

_BATCH, _SMALLEST = 100, 25
_ROWS = "1"  # how rows are kept: another number for another way

Said = Mapping[str, Sequence[Sequence[Any]]]
"""What a tool said: rows of JSON values by file; a file of which it said nothing may be absent."""


@dataclass(frozen=True, slots=True)
class PerFile:
    """A tool that looks at each file by itself.

    Args:
        name: as people call it.
        options: how it is called, on which its results depend.
        look: asks it about some files.
    """

    name: str
    options: str
    look: Callable[[Sequence[str]], Said]


def said_of(tool: PerFile, files: Sequence[str], counted: Counted, bench: Bench) -> Said:
    """What a tool says of files: what it said before of the same name and content, or says now.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as the tool does.
    """
    version = tools.version_of(tool.name)
    # Tools tell by the name what a file is.
    keys = {
        name: key_of(tool.name, version, tool.options, _ROWS, name, counted.hashes[name])
        for name in files
    }
    bench.progress.move(tool.name, 0, 1)
    found: dict[str, Sequence[Sequence[Any]]] = {}
    missing = []
    for name in files:
        bench.cancel.check()
        known = bench.cache.get(keys[name])
        if _is_rows(known):
            found[name] = known
        else:
            missing.append(name)
    # Each job has something to do.
    size = max(_SMALLEST, min(_BATCH, -(-len(missing) // bench.jobs)))
    batches = [missing[start : start + size] for start in range(0, len(missing), size)]
    done = itertools.count(1)

    def look(batch: Sequence[str]) -> Said:
        rows = tool.look(batch)
        for name in batch:
            bench.cache.put(keys[name], rows.get(name, ()))
        bench.progress.move(tool.name, next(done), len(batches))
        return rows

    bench.progress.move(tool.name, 0, len(batches))
    for rows in bench.each(look, batches):
        found.update(rows)
    bench.progress.move(tool.name, 1, 1)
    # In one order, whatever was known: of many findings, the first are listed.
    return {name: found[name] for name in sorted(found)}


def report_of_all(
    name: str,
    options: str,
    files: Sequence[str],
    counted: Counted,
    bench: Bench,
    make: Callable[[], str],
) -> str:
    """What a tool reports that looks at several files together.

    Args:
        name: of the tool, as people call it.
        options: how it is called, on which its report depends.
        files: what it may look at.
        counted: the tree of these.
        bench: where to work.
        make: runs it.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as the tool does.
    """
    hashes = (part for each in files for part in (each, counted.hashes[each]))
    key = key_of(name, tools.version_of(name), options, *hashes)
    bench.progress.move(name, 0, 1)
    report = bench.cache.get(key)
    if not isinstance(report, str):
        report = make()
        bench.cache.put(key, report)
    bench.progress.move(name, 1, 1)
    return report


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, list) for each in value)
