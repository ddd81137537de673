"""Runs tools on files once and caches the reports by content: file by file, or all together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.quality import tools
from engine.quality.cache import key_of
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy

_MAX_BATCH_FILES, _MIN_BATCH_FILES = 100, 25
_ROWS_VERSION = "1"  # of the form in which rows are cached

RowsByFile = Mapping[str, Sequence[Sequence[Any]]]
"""Rows of JSON values by file; a file without rows may be absent."""


@dataclass(frozen=True, slots=True)
class PerFileTool:
    """A tool that looks at each file by itself.

    Args:
        name: as people call it.
        options: how it is called, on which its results depend.
        look: asks it about some files.
    """

    name: str
    options: str
    look: Callable[[Sequence[str]], RowsByFile]


def rows_by_file(
    tool: PerFileTool, files: Sequence[str], copy: TreeCopy, runner: ToolRunner
) -> RowsByFile:
    """Rows of a tool for files: from the cache by name and content, else from running it.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as the tool does.
    """
    version = tools.version_of(tool.name)
    # Tools tell by the name what a file is.
    keys = {
        name: key_of(tool.name, version, tool.options, _ROWS_VERSION, name, copy.hashes[name])
        for name in files
    }
    runner.progress.move(tool.name, 0, 1)
    found: dict[str, Sequence[Sequence[Any]]] = {}
    missing = []
    for name in files:
        runner.cancel.check()
        known = runner.cache.get(keys[name])
        if _is_rows(known):
            found[name] = known
        else:
            missing.append(name)
    # Each job has something to do.
    size = max(_MIN_BATCH_FILES, min(_MAX_BATCH_FILES, -(-len(missing) // runner.jobs)))
    batches = [missing[start : start + size] for start in range(0, len(missing), size)]
    done = itertools.count(1)

    def look(batch: Sequence[str]) -> RowsByFile:
        rows = tool.look(batch)
        for name in batch:
            runner.cache.put(keys[name], rows.get(name, ()))
        runner.progress.move(tool.name, next(done), len(batches))
        return rows

    runner.progress.move(tool.name, 0, len(batches))
    for rows in runner.each(look, batches):
        found.update(rows)
    runner.progress.move(tool.name, 1, 1)
    # In one order, whatever was known: of many findings, the first are listed.
    return {name: found[name] for name in sorted(found)}


def report_of_all(
    name: str,
    options: str,
    files: Sequence[str],
    copy: TreeCopy,
    runner: ToolRunner,
    make: Callable[[], str],
) -> str:
    """Report of a tool that reads several files together, from the cache where nothing changed.

    Args:
        name: of the tool, as people call it.
        options: how it is called, on which its report depends.
        files: what it may look at.
        copy: the tree of these.
        runner: where to work.
        make: runs it.

    Raises:
        MissingToolError, ToolError, CancelledError, Interrupted: as the tool does.
    """
    hashes = (part for each in files for part in (each, copy.hashes[each]))
    key = key_of(name, tools.version_of(name), options, *hashes)
    runner.progress.move(name, 0, 1)
    report = runner.cache.get(key)
    if not isinstance(report, str):
        report = make()
        runner.cache.put(key, report)
    runner.progress.move(name, 1, 1)
    return report


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, list) for each in value)
