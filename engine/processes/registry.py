"""Registry of the programs that run now: one small file each, in a folder of the workspace.

So an engine that starts after a ``kill -9`` can end what its predecessor left behind. A file is
named by the run's group id; it has the process that all others descend from, and the cgroup.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from engine.processes.identity import ProcessIdentity
from engine.processes.members import Member, end_all, members

_NAME = re.compile(r"[0-9a-f]{16}")
_LEADER_FORM = re.compile(
    r"\S+ ([0-9a-f]{16,32})"
)  # time of the leader, group id; the file's name its number
_MAX_ENTRY_BYTES = 1 << 12  # bytes of a file that are read

_LOG = logging.getLogger("espdeck")


class ProcessRegistry:
    """The programs that run now.

    Args:
        folder: where it is written down; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def entry(self, group_id: str, scope: str) -> Iterator[Callable[[int], None]]:
        """Write a run down while the block runs; begin before it starts.

        Args:
            group_id: the run's.
            scope: its cgroup, empty for none.

        Yields:
            What to call with the number of its first process.
        """
        path = self._folder / group_id

        def note(text: str) -> None:
            with contextlib.suppress(OSError):  # a full disk keeps nothing from running
                path.write_text(f"{text}\n{scope}\n", "utf-8")

        note("")
        try:
            yield lambda pid: note(str(ProcessIdentity.of(pid) or ""))
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def end_orphans(self) -> int:
        """Kill every process of a run that is still written down, and forget it.

        Only for the engine that holds the workspace: then whatever is written down belongs to a
        predecessor that died. What cannot be ended stays written down, and is said in a line.

        Returns:
            How many runs were ended.
        """
        ended = 0
        for path in self._folder.iterdir():
            try:
                group_id, leader, scope = _read(path)
            except (OSError, ValueError):
                group_id, leader, scope = "", None, ""
            found = members(group_id, leader) if group_id else []
            left = (
                end_all(partial(_survivors, group_id, leader), scope=scope)
                if found or scope
                else []
            )
            ended += bool(found and not left)
            if left:
                _LOG.warning("a build that was killed left behind: %s", describe_processes(left))
            else:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        return ended


_registry: ProcessRegistry | None = None


def use_registry(registry: ProcessRegistry | None) -> None:
    """Set the registry of this process (one workspace a process)."""
    global _registry
    _registry = registry


def current_registry() -> ProcessRegistry | None:
    """The registry of this process; None when nothing is written down."""
    return _registry


def describe_processes(left: list[Member]) -> str:
    """Processes that could not be ended, for people."""
    return ", ".join(f"{each.name} (process {each.pid})" for each in left)


def _survivors(group_id: str, leader: tuple[int, int] | None) -> list[Member] | None:
    return members(group_id, leader) or None


def _read(path: Path) -> tuple[str, tuple[int, int] | None, str]:
    """Mark, leader and cgroup of an entry.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    with path.open("rb") as file:
        lines = file.read(_MAX_ENTRY_BYTES).decode("utf-8", "replace").split("\n")
    if path.name.isdigit() and len(path.name) < 16:  # an older espdeck's
        old = _LEADER_FORM.fullmatch(lines[0])
        if old is None:
            raise ValueError(lines[0])
        return old[1], None, ""
    if not _NAME.fullmatch(path.name):
        raise ValueError(path.name)
    leader = ProcessIdentity.parse(lines[0])
    scope = lines[1] if len(lines) > 1 and lines[1].endswith(f"/{scope_name(path.name)}") else ""
    return path.name, (leader.pid, leader.ticks) if leader and leader.is_alive else None, scope


def scope_name(group_id: str) -> str:
    """The name of a run's cgroup."""
    return f"espdeck-{group_id}"
