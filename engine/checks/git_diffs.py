"""Differences of files as ``git diff`` prints them, bounded for each file and as a whole.

One ``git diff --raw --numstat --patch -z`` gives names, counts and texts of one moment: entries
that end in a null character, an empty one, then the patch (git-diff(1), "Raw output format", "Other
diff formats"; ``diff.c``, ``diff_flush``). In the patch each file begins with a line
``diff --git``, as no other line can; a file whose type changed has two.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.checks.git_reader import MAX_OUTPUT_BYTES, GitReader
from engine.checks.git_status import FileStatus
from engine.errors import ToolError
from engine.files import open_file

MAX_FILE_BYTES = 100_000
"""Bytes of one file's diff that are kept."""

MAX_TOTAL_BYTES = 2_000_000
"""Bytes of all diffs together that are kept."""

NOT_COMPARED = "cannot be compared"
BINARY = "binary"
TOO_LARGE = "larger than 4 MiB"
TOO_MANY = "the diffs before it reached the limit"
"""Notes of files whose lines are not compared."""

_OPTIONS = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--submodule=short",
    "--ignore-submodules=none",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "-O/dev/null",
    "-z",
    "--raw",
)
"""None of what a person's configuration would make of it."""

_COMPARED = ("--numstat", "--find-renames", "-l1000")
_PATCH = ("--patch", "--unified=3", "--inter-hunk-context=0")

_STATUSES = {
    "A": FileStatus.ADDED,
    "C": FileStatus.COPIED,
    "D": FileStatus.DELETED,
    "M": FileStatus.MODIFIED,
    "R": FileStatus.RENAMED,
    "T": FileStatus.TYPE_CHANGED,
    "U": FileStatus.CONFLICTED,
}
_SUBMODULE_MODE = "160000"
_LINK_MODE = "120000"
_FILE_HEAD = b"diff --git "
_MAX_LINE_BYTES = 1 << 16
MAX_COMPARED_BYTES = 4 << 20
"""Bytes of a file whose lines are compared."""

_MAX_READ_BYTES = 64 << 20  # of untracked files
_MAX_READ_FILES = 5000  # untracked
_BINARY_LOOK_BYTES = 8000  # as Git looks (xdiff-interface.c, FIRST_FEW_BYTES)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs.

    Args:
        path: from the root; bytes that are no UTF-8 are lone surrogates. Untrusted.
        status: what became of it.
        old_path: what it was called, where it was renamed or copied. Untrusted.
        additions: lines that came, None where Git does not count them (binary, too large).
        deletions: lines that went, None likewise.
        is_submodule: whether it is a commit of a submodule.
        is_link: whether it is a symbolic link.
        text: the diff, as far as it is kept. Untrusted.
        cut_bytes: at least how many bytes of the diff are not kept.
        note: why there is no text, where there might be one.
    """

    path: str
    status: FileStatus
    old_path: str | None = None
    additions: int | None = None
    deletions: int | None = None
    is_submodule: bool = False
    is_link: bool = False
    text: str = ""
    cut_bytes: int = 0
    note: str = ""


def diff(git: GitReader, *commits: str, texts: bool) -> tuple[list[FileDiff], bool]:
    """How files differ: between two commits, or a commit and the working tree.

    Args:
        commits: hashes.
        texts: whether their diffs are wanted, too.

    Returns:
        The files, and whether those are all. Where Git lacks what files were, as in a partial
        clone, they come with a note instead of numbers and texts.

    Raises:
        ToolError: Git cannot say; one line.
    """
    more = (*_COMPARED, *_PATCH) if texts else _COMPARED
    try:
        return _diff(git, *more, "--end-of-options", *commits)
    except ToolError as error:
        files, complete = _diff(git, "--no-renames", "--end-of-options", *commits, reads=False)
        return [replace(each, note=f"{NOT_COMPARED}: {error}") for each in files], complete


def _diff(git: GitReader, *words: str, reads: bool = True) -> tuple[list[FileDiff], bool]:
    """Ask Git; without ``reads``, it looks into no file."""
    refresh = f"diff.autoRefreshIndex={'true' if reads else 'false'}"
    parser = DiffParser()
    try:
        with git.own_index():
            git.stream(parser.feed, "-c", refresh, *_OPTIONS, *words)
    except _Enough:
        return parser.files(), not parser.is_in_names
    return parser.files(), True


class _Enough(Exception):  # noqa: N818 - no error: the reader has what it keeps
    """Nothing more is kept of what Git prints."""


class DiffParser:
    """Takes apart what Git prints, as it comes.

    Args:
        max_file_bytes: of each file's diff.
        max_total_bytes: of all diffs together; past it, :meth:`feed` raises to end Git.
    """

    def __init__(
        self, *, max_file_bytes: int = MAX_FILE_BYTES, max_total_bytes: int = MAX_TOTAL_BYTES
    ) -> None:
        self._max_file = max_file_bytes
        self._left = max_total_bytes
        self._names = bytearray()
        self.is_in_names = True
        self._line = bytearray()
        self._is_in_long_line = False
        self._sections: list[bytearray] = []
        self._cut: list[int] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if not self.is_in_names:
            self._feed_patch(data)
            return
        begin = max(0, len(self._names) - 1)
        self._names.extend(data)
        if len(self._names) > MAX_OUTPUT_BYTES:
            raise _Enough
        end = self._names.find(b"\0\0", begin)
        # A renamed file's numbers end in a tab, so that nothing but the end is empty.
        if end >= 0:
            rest = bytes(self._names[end + 2 :])
            del self._names[end + 1 :]
            self.is_in_names = False
            self._feed_patch(rest)

    def files(self) -> list[FileDiff]:
        """What was taken, in Git's order."""
        found = _files(bytes(self._names))
        if not self._is_patched:
            return found
        self._end_line()
        sections = iter(zip(self._sections, self._cut, strict=True))
        patched = []
        for each in found:
            text, cut = b"", 0
            # A link that became a file is deleted and made anew.
            for _ in range(_sections_of(each)):
                # What comes after the bound was not taken.
                section, dropped = next(sections, (bytearray(), 1))
                text += bytes(section)
                cut += dropped
            patched.append(replace(each, text=text.decode("utf-8", "replace"), cut_bytes=cut))
        return patched

    @property
    def _is_patched(self) -> bool:
        return not self.is_in_names

    def _feed_patch(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            end = data.find(b"\n", start) + 1
            self._line += data[start : end or len(data)]
            start = end or len(data)
            if end or len(self._line) > _MAX_LINE_BYTES:
                self._end_line()
                self._is_in_long_line = not end

    def _end_line(self) -> None:
        line, self._line = self._line, bytearray()
        if not line:
            return
        if line.startswith(_FILE_HEAD) and not self._is_in_long_line:
            if self._left <= 0:
                raise _Enough
            self._sections.append(bytearray())
            self._cut.append(0)
        if not self._sections:
            return
        section = self._sections[-1]
        # Nothing behind what was cut, or a diff would have a gap.
        if self._cut[-1] or len(section) + len(line) > self._max_file or len(line) > self._left:
            self._cut[-1] += len(line)
        else:
            section += line
            self._left -= len(line)
        if self._left <= 0 and self._cut[-1]:
            raise _Enough


def _sections_of(file: FileDiff) -> int:
    if file.status is FileStatus.CONFLICTED:
        return 0
    return 2 if file.status is FileStatus.TYPE_CHANGED else 1


def _files(names: bytes) -> list[FileDiff]:
    """The entries before the patch."""
    tokens = iter(names.decode("utf-8", "surrogateescape").split("\0"))
    found: dict[str, FileDiff] = {}
    for token in tokens:
        if token.startswith(":"):
            words = token.split(" ")
            if len(words) != 5:
                continue
            status = _STATUSES.get(words[4][:1], FileStatus.MODIFIED)
            path, old = next(tokens, ""), None
            if status in (FileStatus.RENAMED, FileStatus.COPIED):
                old, path = path, next(tokens, "")
            modes = (words[0].removeprefix(":"), words[1])
            # What is unmerged is listed a second time, with what the working tree has.
            if path and not (path in found and status is FileStatus.CONFLICTED):
                found[path] = FileDiff(
                    path,
                    status,
                    old,
                    is_submodule=_SUBMODULE_MODE in modes,
                    is_link=_LINK_MODE in modes,
                )
            continue
        numbers = token.split("\t", 2)
        if len(numbers) != 3:
            continue
        path = numbers[2]
        if not path:
            next(tokens, "")
            path = next(tokens, "")
        if path in found:
            additions, deletions = _number(numbers[0]), _number(numbers[1])
            found[path] = replace(found[path], additions=additions, deletions=deletions)
    return list(found.values())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def untracked(root: Path, paths: Iterable[str], left: int = MAX_TOTAL_BYTES) -> list[FileDiff]:
    """Files that Git does not track, as diffs that would make them; no link is followed.

    Args:
        root: of the working tree.
        paths: from there, as Git gave them.
        left: bytes of all of them together that are kept.
    """
    found: list[FileDiff] = []
    unread = _MAX_READ_BYTES
    for path in paths:
        made = FileDiff(path.rstrip("/"), FileStatus.UNTRACKED, is_submodule=path.endswith("/"))
        if unread <= 0 or left <= 0 or len(found) >= _MAX_READ_FILES:
            made = replace(made, note=TOO_MANY)
        elif not made.is_submodule:  # which another repository is
            made, size = _untracked(root, made, min(left, MAX_FILE_BYTES))
            unread -= size
        left -= len(made.text.encode("utf-8", "replace"))
        found.append(made)
    return found


def _untracked(root: Path, made: FileDiff, most: int) -> tuple[FileDiff, int]:
    """The diff of a file, and how many bytes were read for it."""
    full = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(made.path)))
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            mode, data = _LINK_MODE, os.fsencode(os.readlink(full))  # noqa: PTH115 - not cleaned
            made = replace(made, is_link=True)
        else:
            mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
            with open_file(full) as file:
                data = file.read(_BINARY_LOOK_BYTES)
                if b"\0" in data:
                    return replace(made, note=BINARY), len(data)
                if status.st_size > MAX_COMPARED_BYTES:
                    return replace(made, note=TOO_LARGE), len(data)
                data += file.read(MAX_COMPARED_BYTES)
    except (OSError, ValueError) as error:  # it is gone, not ours to read, or no file
        return replace(made, note=getattr(error, "strerror", None) or "cannot be read"), 0
    lines = data.count(b"\n") + bool(data and not data.endswith(b"\n"))
    whole = _new_file(made.path, mode, data, lines)
    kept = whole
    if len(whole) > most:
        kept = whole[: whole.rfind(b"\n", 0, max(most, 0)) + 1]
    text = kept.decode("utf-8", "replace")
    cut = len(whole) - len(kept)
    return replace(made, additions=lines, deletions=0, text=text, cut_bytes=cut), len(data)


def _new_file(path: str, mode: str, data: bytes, lines: int) -> bytes:
    name = _quoted(path)
    old, new = (f'"a/{name}"', f'"b/{name}"') if name != path else (f"a/{path}", f"b/{path}")
    head = f"diff --git {old} {new}\nnew file mode {mode}\n"
    if data:
        span = "1" if lines == 1 else f"1,{lines}"
        # Git ends a name with a tab where it has blanks, so that it has an end.
        end = "\t" if " " in path else ""
        head += f"--- /dev/null\n+++ {new}{end}\n@@ -0,0 +{span} @@\n"
    body = b"".join(b"+" + line + b"\n" for line in data.split(b"\n")[:-1])
    last = data.rpartition(b"\n")[2]
    if last:
        body += b"+" + last + b"\n\\ No newline at end of file\n"
    return head.encode("utf-8", "surrogateescape") + body


_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def _quoted(path: str) -> str:
    """A name as Git writes it (git-config(1), ``core.quotePath``), itself where nothing is odd."""
    return "".join(
        chr(byte)
        if 32 <= byte < 127 and byte not in _ESCAPES
        else f"\\{_ESCAPES.get(byte, f'{byte:03o}')}"
        for byte in path.encode("utf-8", "surrogateescape")
    )
