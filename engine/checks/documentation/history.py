"""When each file changed last, by one walk through the commits; renames are followed.

Of a rename Git keeps nothing. A file that comes in the commit in which another one goes is taken
for it where its content is the same, or where its name is and no other one of that name goes.
"""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.cancel import CancelToken
from engine.checks.documentation.tree import Tree, folders_of, read_git

UNCOMMITTED = -1
"""Index of what is not committed: newer than any commit."""

_MAX_COMMITS = 200_000


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its hash, and when it was made, in seconds since 1970 (UTC)."""

    sha: str
    time: int

    @property
    def date(self) -> str:
        """Day and time, in UTC."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a file: index of its commit, content before and after (empty for none)."""

    index: int
    before: str
    after: str


@dataclass(slots=True)
class History:
    """What became of files.

    Args:
        commits: all that are known, the newest first; an index into them tells older from newer.
        changes: of the files that were asked for, the newest first; a rename alone is none.
        gone: files that are not there any more, with the index of the commit that removed them.
        moved: where some of those went.
        added: what came into folders that were asked for, with the index of the commit.
        ends: indexes of commits at which a shallow clone ends: what they seem to add is older.
    """

    commits: list[Commit] = field(default_factory=list)
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    gone: dict[str, int] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    added: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    ends: set[int] = field(default_factory=set)
    gone_folders: frozenset[str] = frozenset()
    gone_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    indexes: Mapping[str, int] = field(default_factory=dict)

    def last_change(self, path: str) -> int | None:
        """Index of the commit that changed a file last, None where nobody knows."""
        changes = self.changes.get(path)
        return changes[0].index if changes else None

    def commit(self, index: int) -> Commit | None:
        """A commit, None for what is not committed."""
        return self.commits[index] if 0 <= index < len(self.commits) else None

    def content_at(self, path: str, index: int) -> str:
        """Hash of what a file had at a commit, empty where it was not there or nobody knows."""
        for change in self.changes.get(path, ()):
            if change.index >= index:
                return change.after
        return ""

    def changes_since(self, path: str, index: int) -> list[Change]:
        """What changed a file after a commit, the oldest first."""
        return [each for each in self.changes.get(path, ()) if each.index < index][::-1]


def read_history(
    tree: Tree, wanted: Iterable[str], folders: Iterable[str] = (), *, cancel: CancelToken
) -> History:
    """Walk through the commits of a tree.

    Args:
        wanted: files whose changes are kept; of others only that they are gone.
        folders: those of which it is kept what came into them.

    Raises:
        ToolError: Git cannot say; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    walk = _Walk(tree, wanted, frozenset(folders))
    if tree.commit:
        words = (
            *("log", f"--max-count={_MAX_COMMITS}", "--format=%x01%H %ct", "--raw", "-z"),
            *("--no-abbrev", "--no-renames", "--no-show-signature", "--no-ext-diff"),
            *("--no-color", "--no-decorate", "--no-notes", tree.commit, "--"),
        )
        read_git(tree.root, *words, cancel=cancel, on_output=walk.feed)
        walk.close()
    return walk.finish()


class _Walk:
    """Reads what ``git log --raw -z`` prints, as it comes."""

    def __init__(self, tree: Tree, wanted: Iterable[str], folders: frozenset[str]) -> None:
        self._tree, self._folders = tree, folders
        self._names = {path: path for path in wanted}
        self._history = History()
        self._rest = b""
        self._facts = ""
        self._entries: list[tuple[str, str, str, str]] = []
        for path in tree.removed:
            self._history.gone[path] = UNCOMMITTED
        for path in tree.changed:
            if path in tree.new and posixpath.dirname(path) in folders:
                self._history.added[posixpath.dirname(path)].append((UNCOMMITTED, path))
            if path in self._names:
                self._history.changes[path].append(Change(UNCOMMITTED, "", ""))

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        parts = (self._rest + chunk).split(b"\0")
        self._rest = parts.pop()
        for part in parts:
            self._take(part)

    def close(self) -> None:
        """Nothing more comes."""
        self._take(self._rest)
        self._end_commit()

    def finish(self) -> History:
        """What was read."""
        found = self._history
        found.gone = {
            path: index
            for path, index in found.gone.items()
            if path not in self._tree.files and path not in self._tree.links
        }
        found.gone_folders = frozenset(folders_of(found.gone)) - self._tree.folders
        names: dict[str, list[str]] = defaultdict(list)
        for path in found.gone:
            names[posixpath.basename(path)].append(path)
        found.gone_names = names
        found.indexes = {each.sha: index for index, each in enumerate(found.commits)}
        return found

    def _take(self, part: bytes) -> None:
        if self._facts:  # a path belongs to what stood before it, whatever it looks like
            _mode, _new, before, after, status = self._facts.split(" ")
            self._entries.append((status[:1], before, after, os.fsdecode(part)))
            self._facts = ""
            return
        text = part.lstrip(b"\n")
        if text.startswith(b"\x01"):
            self._end_commit()
            sha, _space, seconds = text[1:].decode("ascii", "replace").strip().partition(" ")
            self._history.commits.append(Commit(sha, int(seconds or 0)))
            if sha in self._tree.ends_at:
                self._history.ends.add(len(self._history.commits) - 1)
        elif text.startswith(b":"):
            self._facts = text[1:].decode("ascii", "replace")

    def _end_commit(self) -> None:
        entries, self._entries = self._entries, []
        found = self._history
        index = len(found.commits) - 1
        removed = [(before, path) for status, before, _after, path in entries if status == "D"]
        for status, before, after, path in entries:
            if status == "D":
                found.gone.setdefault(path, index)
            name = self._names.get(path)
            if status == "A" and index not in found.ends:
                folder = posixpath.dirname(path)
                if folder in self._folders:
                    found.added[folder].append((index, path))
            if status == "A" and removed:
                origin = _origin(path, after, removed)
                if origin:
                    found.moved.setdefault(origin[1], path)
                    if name:
                        self._names[origin[1]] = name
                        if origin[0] == after:
                            continue
                        before = origin[0]
            if name and status != "D":
                found.changes[name].append(
                    Change(index, "" if status == "A" and not removed else before, after)
                )


def _origin(path: str, content: str, removed: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Content and path of the file that was renamed to this one, None for none."""
    same = [each for each in removed if each[0] == content]
    name = posixpath.basename(path)
    if len(same) > 1:
        same = [each for each in same if posixpath.basename(each[1]) == name][:1]
    if same:
        return same[0]
    alike = [each for each in removed if posixpath.basename(each[1]) == name]
    return alike[0] if len(alike) == 1 else None
