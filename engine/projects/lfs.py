"""Git LFS: files of which Git has only a pointer; their content comes with git-lfs.

Format of a pointer: git-lfs, ``docs/spec.md``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.enums import Severity
from engine.errors import ToolError
from engine.files import read_file
from engine.findings import Finding
from engine.projects.git import explain, lock_config, read_git, run_any, run_git
from engine.projects.remote import TIMEOUT_SECONDS, credentials
from engine.projects.sources import Source, SourceKind
from engine.projects.worktrees import Slot
from engine.source import tree
from engine.text import clean, count

MAX_POINTER_BYTES = 1024
"""Bytes of the longest pointer (git-lfs, ``docs/spec.md``)."""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]{1,80} [^\n]{0,400}\n){0,20}"
    rb"oid sha256:[0-9a-f]{64}\nsize \d{1,20}\n?"
)
_GREP_PATTERN = "^version https://git-lfs.github.com/spec/v1$"
_CONTENT = Path("lfs", "objects")  # in a clone (git-lfs, docs/spec.md)
_OBJECT_NAME = re.compile("[0-9a-f]{64}")
_DOCUMENTS = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf", ".mp4", ".mov", ".webm"),
        *(".stl", ".step", ".stp", ".f3d", ".kicad_pcb", ".psd", ".ai", ".xcf", ".pptx", ".docx"),
    }
)
"""Endings of what documents, rather than is, a firmware: absent, it only warns."""

FILTER = (
    ("filter.lfs.clean", "git-lfs clean -- %f"),
    ("filter.lfs.smudge", "git-lfs smudge -- %f"),
    ("filter.lfs.process", "git-lfs filter-process"),
    ("filter.lfs.required", "true"),
)
"""As ``git lfs install`` writes it; without it git-lfs fetches but checks nothing out."""

_MAX_SHOWN_FILES = 5


def is_pointer(data: bytes) -> bool:
    """Whether a file's bytes are a pointer, and not its content."""
    return len(data) <= MAX_POINTER_BYTES and _POINTER.fullmatch(data) is not None


def fetch(
    slot: Slot,
    clone: Path,
    source: Source,
    *,
    say: Callable[[str], None],
    cancel: CancelToken,
) -> tuple[Finding, ...]:
    """Replace pointers in a slot's worktree by what they stand for; does nothing without any.

    Args:
        slot: of the worktree.
        clone: whose worktree it is; its configuration is held meanwhile.
        source: of the clone, where the content is asked for unless ``.lfsconfig`` says otherwise.
        say: is told what is fetched.
        cancel: ends it early.

    Returns:
        Findings about pointers that stay: errors, or warnings for documents and pictures alone.

    Raises:
        ToolError: Git cannot say which files there are.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    left = _pointers(slot.source)
    if not left:
        return ()
    if shutil.which("git-lfs") is None:
        return _findings(left, "git-lfs is not installed", "install git-lfs, then build again")
    say(f"{count(len(left), 'file')} from Git LFS")
    at = ["-C", str(slot.source)]
    url, options, secrets = credentials(source)
    # It takes a folder of this machine by a URL only.
    address = Path(url).as_uri() if source.kind is SourceKind.FILE else url
    with lock_config(clone, cancel=cancel):
        for key, value in (*FILTER, ("remote.origin.url", address)):
            run_git([*at, "config", key, value], cancel=cancel)
        done = run_any(
            [*options, *at, "lfs", "pull"], timeout=TIMEOUT_SECONDS, cancel=cancel, env=secrets
        )
    left = _pointers(slot.source)
    if not left:
        return ()
    reason = explain(done.tail) if done.returncode else "git-lfs left them as they are"
    hint = "check that their content was pushed (git lfs push --all) and may be fetched from here"
    return _findings(left, reason, hint)


def copy_content(old: Path, new: Path, cancel: CancelToken) -> None:
    """Have a clone hold what another one has of Git LFS: its server may not be asked any more.

    Files are shared where both are on one disk: Git LFS never changes one.

    Raises:
        ToolError: a file cannot be copied: the disk is full.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    for entry in tree.below(old / _CONTENT):
        if not entry.is_file(follow_symlinks=False) or not _OBJECT_NAME.fullmatch(entry.name):
            continue
        cancel.check()
        copy = new / Path(entry.path).relative_to(old)
        if copy.exists():
            continue
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(entry.path, copy)
            except OSError:  # on another disk, or one without links
                shutil.copyfile(entry.path, copy)
        except OSError as error:
            copy.unlink(missing_ok=True)  # cut off
            raise ToolError(f"{copy}: {os.strerror(error.errno or 0)}") from error


def _pointers(worktree: Path) -> list[str]:
    """Tracked files that are pointers, sorted. Names may hold lone surrogates."""
    try:
        found = read_git(worktree, "grep", "-lz", "-I", "-E", _GREP_PATTERN, "--", ".")
    except ToolError:
        return []  # its exit code for nothing found
    names = []
    for name in filter(None, found.split("\0")):
        try:
            if is_pointer(read_file(worktree / os.fsencode(name).decode(), MAX_POINTER_BYTES)):
                names.append(name)
        except (OSError, ValueError):
            continue  # larger than any pointer
    return sorted(names)


def _findings(names: Sequence[str], reason: str, hint: str) -> tuple[Finding, ...]:
    documents = [name for name in names if PurePosixPath(name).suffix.lower() in _DOCUMENTS]
    others = [name for name in names if name not in set(documents)]
    return tuple(
        Finding(
            severity=severity,
            code="project.lfs",
            message=f"{count(len(group), 'file')} of Git LFS without content"
            f" ({_shown(group)}): {reason}",
            file=clean(group[0]),
            hint=hint,
        )
        for severity, group in ((Severity.ERROR, others), (Severity.WARNING, documents))
        if group
    )


def _shown(names: Sequence[str]) -> str:
    """The first of some names, for people."""
    more = [", ..."] if names[_MAX_SHOWN_FILES:] else []
    return "".join([", ".join(map(clean, names[:_MAX_SHOWN_FILES])), *more])
