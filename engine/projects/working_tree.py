"""A person's own working tree: what in it is not committed, and a commit of just that.

It is only read. What Git would write there (an index, objects, refs) goes into folders of ours.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.projects import folder_git
from engine.projects.folder_git import NO_LOCKS_ENV
from engine.projects.git import BRANCH_REFS, KEPT_REFS, run_any, run_git
from engine.projects.patches import hash_of
from engine.text import clean, count

STATUS_TIMEOUT_SECONDS = 30.0
"""Seconds to look for changes: of a tree of gigabytes on a cold disk it may take that."""

MAX_SNAPSHOT_BYTES = 512 << 20
"""Bytes of new and changed files that a snapshot may have."""

MESSAGE = "Uncommitted changes"
"""Begins the message of a commit that is a snapshot."""

_HASH_DIGITS = 7

_STATUS_FIELDS = {"1": 8, "2": 9, "u": 10}
"""Spaces before the path in the entries of git-status(1), porcelain format 2; else one."""

_SHORT = 2
_MAX_SHOWN_FILES = 5  # names of new files
_SHA256_DIGITS = 64  # digits of a hash of SHA-256
_NO_WORK_TREE_ERROR = "must be run in a work tree"  # what Git says of a bare repository


@dataclass(frozen=True, slots=True)
class Changes:
    """What of a working tree is not committed.

    Args:
        files: how many files differ, or are new and not ignored.
        submodules: those, and other repositories in it, whose own files differ or are not
            committed, which no snapshot takes along.
        size: bytes of the files.
        new: names of those of the files that Git does not track. Untrusted.
    """

    files: int
    submodules: tuple[str, ...] = ()
    size: int = 0
    new: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.submodules)


def is_working_tree(source: str) -> bool:
    """Whether a source is a folder of this machine in which a person works."""
    folder = Path(source)
    return folder.is_absolute() and (folder / ".git").exists()


def changes(folder: Path, *, cancel: CancelToken) -> Changes:
    """What of a working tree is not committed.

    Raises:
        ToolError: Git cannot say; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    try:
        printed = folder_git.status(
            folder, "--untracked-files=all", cancel=cancel, timeout=STATUS_TIMEOUT_SECONDS
        )
    except ToolError as error:
        if _NO_WORK_TREE_ERROR in str(error):
            return Changes(0)
        raise
    files, submodules, new, size = 0, [], [], 0
    entries = iter(filter(None, printed.split("\0")))
    for entry in entries:
        words = entry.split(" ", _STATUS_FIELDS.get(entry[0], 1))
        state, kind = words[1:3] if len(words) > _SHORT else ("", "")
        path = words[-1]
        if entry[0] == "2":
            next(entries, None)  # the old name of what was renamed
        if path.endswith("/") or (kind.startswith("S") and kind[2:] != ".."):
            submodules.append(path.rstrip("/"))
            if state[:1] in ("", ".") and kind[1:2] != "C":
                continue
        files += 1
        size += _size(folder / path)
        if entry[0] == "?":
            new.append(path)
    return Changes(files, tuple(submodules), size, tuple(new))


def snapshot(folder: Path, clone: Path, found: Changes, *, cancel: CancelToken) -> str:
    """Commit a working tree as it is, outside of any branch, into a clone of ours.

    Files that Git ignores are not in it, nor what differs inside of submodules. Of the folder
    nothing is touched: index, objects and refs stay as they are.

    Args:
        clone: has the folder's ``HEAD`` already.
        found: what :func:`changes` said.

    Returns:
        The hash.

    Raises:
        ToolError: Git cannot do it, or it is too much; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    if found.size > MAX_SNAPSHOT_BYTES:
        raise ToolError(
            f"{folder}: uncommitted files come to more than {MAX_SNAPSHOT_BYTES >> 20} MiB: "
            "commit them, or have Git ignore what a build makes"
        )
    with tempfile.TemporaryDirectory(prefix="espdeck-snapshot-") as name:
        # A repository of its own, which borrows the objects of the person's and gets the new ones.
        made, index = Path(name) / "made", Path(name) / "index"
        head = _head(folder, cancel)
        kind = "sha256" if len(head) == _SHA256_DIGITS else "sha1"
        words = ["init", "--quiet", "--bare", f"--object-format={kind}", "--", str(made)]
        run_git(words, cancel=cancel)
        borrowed = made / "objects" / "info" / "alternates"
        borrowed.parent.mkdir(exist_ok=True)
        borrowed.write_text(_asked(folder, "objects", cancel) + "\n")
        for kind, copy in (("index", index), ("shallow", made / "shallow")):
            if (theirs := Path(_asked(folder, kind, cancel))).is_file():
                shutil.copy2(theirs, copy)  # an index with its times, by which Git sees changes
        env = {
            **NO_LOCKS_ENV,
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": f"{made}/objects",
        }
        at = [*_at(folder), "-c", "core.splitIndex=false", "-c", "core.safecrlf=false"]
        run_git([*at, "add", "--all", "--", ":/"], cancel=cancel, env=env)
        tree = hash_of(run_git([*at, "write-tree"], cancel=cancel, env=env))
        parent = ["-p", head] if head else []
        who = ("-c", "user.name=espdeck", "-c", "user.email=espdeck@localhost")
        message = f"{MESSAGE} on {head[:_HASH_DIGITS]}" if head else MESSAGE
        words = ["commit-tree", "--no-gpg-sign", tree, *parent, "-m", message]
        sha = hash_of(run_git([*at, *who, *words], cancel=cancel, env=env))
        run_git(["-C", str(made), "update-ref", f"{BRANCH_REFS}made", sha], cancel=cancel)
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow")
        words = ["fetch", *options, "--", str(made), f"+{BRANCH_REFS}made:{KEPT_REFS}{sha}"]
        run_git(["-C", str(clone), *words], cancel=cancel)
    return sha


def note_of(found: Changes, folder: str) -> str:
    """What is said of changes; one line."""
    parts = []
    if found.files:
        parts.append(f"{count(found.files, 'uncommitted change')}")
    if found.submodules:
        parts.append(f"changes in {count(len(found.submodules), 'submodule')}")
    return f"{' and '.join(parts)} in {folder}"


def new_files(found: Changes) -> str:
    """What of the changes Git does not track, by name: it may not be meant to be taken along."""
    if not found.new:
        return ""
    named = ", ".join(map(clean, found.new[:_MAX_SHOWN_FILES])) + (
        ", ..." if found.new[_MAX_SHOWN_FILES:] else ""
    )
    return f"{count(len(found.new), 'new file')} among them: {named}"


def _head(folder: Path, cancel: CancelToken) -> str:
    """The commit that is checked out, empty for none."""
    words = [*_at(folder), "rev-parse", "--verify", "--quiet", "HEAD^{commit}"]
    done = run_any(words, timeout=STATUS_TIMEOUT_SECONDS, cancel=cancel, supervised=False)
    return done.tail.strip().rpartition("\n")[2] if done.returncode == 0 else ""


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # it was deleted


def _at(folder: Path) -> list[str]:
    return ["-C", str(folder)]


def _asked(folder: Path, name: str, cancel: CancelToken) -> str:
    """Where a repository, of which the folder may be a worktree, keeps something."""
    words = [*_at(folder), "rev-parse", "--git-path", name]
    return str(folder / run_git(words, cancel=cancel, env=NO_LOCKS_ENV).tail.rstrip("\n"))
