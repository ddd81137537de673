"""Repository sources and refs, as people and other programs name them: untrusted, so checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.errors import UsageError
from engine.text import mask

ACCEPTED = "https://…, ssh://…, user@host:path, file://… or a path"

_MAX_SOURCE_CHARACTERS = 2000

# A host, user or remote path that begins with a dash would be an option of ssh or of Git.
_SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:(?!//|-)[^\s:]+", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"[A-Za-z0-9][\w.-]*|[0-9A-Fa-f:.]+(%\w+)?", re.ASCII)
_HASH_LENGTHS = (40, 64)  # digits of a hash
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[/.-]|[/.]$|^@$")


class SourceKind(StrEnum):
    """How a repository is reached."""

    HTTPS = "https"
    SSH = "ssh"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that may be cloned.

    Args:
        url: what Git is given; an absolute path for a local one. May hold a password:
            :func:`mask` it wherever it is shown.
        kind: how it is reached.
        name: what its project may be called.
        folder: the folder of it that was named, with ``/``; empty for its root.
    """

    url: str
    kind: SourceKind
    name: str
    folder: str = ""


def check_source(text: str) -> Source:
    """Check a repository's URL or path.

    Plain ``http://`` and ``git://`` are refused: what comes over them can be changed on the way,
    and it is compiled and flashed. So is ``file://`` with a host.

    Raises:
        UsageError: it is of a kind that is not accepted, or a path without a repository.
    """
    text = text.strip()
    shown = mask(text)[:200]
    if (
        not text
        or text.startswith("-")
        or not text.isprintable()
        or len(text) > _MAX_SOURCE_CHARACTERS
    ):
        raise UsageError(f"{shown!r} is not a repository: give {ACCEPTED}")
    if _SCP.fullmatch(text):
        return Source(text, SourceKind.SSH, _name(text.rpartition(":")[2]))
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("https", "ssh"):
        return _remote(text, SourceKind(scheme))
    if scheme == "file":
        host, slash, path = text[len("file://") :].partition("/")
        if host not in ("", "localhost"):
            raise UsageError(f"{shown}: file:// reaches this machine only")
        return _local(slash + unquote(path), shown)
    # A folder may have a colon in its name, but then it is one that is there.
    if _SCHEME.match(text) and not _is_folder(text):
        raise UsageError(f"{shown} is not accepted: give {ACCEPTED}")
    return _local(text, shown)


def looks_like_a_path(text: str) -> bool:
    """Whether this names a repository and no project: a URL or a path, not a bare word."""
    return "/" in text or text in (".", "..", "~") or bool(_SCP.fullmatch(text))


def check_ref(text: str) -> str:
    """Check a branch, tag or commit (``git check-ref-format``'s rules and no leading dash).

    Raises:
        UsageError: Git could take it for something else.
    """
    if not text or len(text) > 200 or not text.isprintable() or _BAD_REF.search(text):
        raise UsageError(f"{mask(text)[:200]!r} is not a branch, tag or commit")
    return text


def is_commit(text: str) -> bool:
    """Whether this may be the hash of a commit, whole or shortened."""
    return _COMMIT.fullmatch(text) is not None


def is_whole_commit(text: str) -> bool:
    """Whether this may be the whole hash of a commit, of SHA-1 or SHA-256."""
    return len(text) in _HASH_LENGTHS and is_commit(text)


def _remote(text: str, kind: SourceKind) -> Source:
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError:
        # What looks like a port may be a password with a slash in it: say nothing of it.
        raise UsageError(
            f"{kind}://… has no valid host and port (in a password, write %2F for /)"
        ) from None
    user, secret = unquote(parts.username or ""), unquote(parts.password or "")
    if not _HOST.fullmatch(parts.hostname or "") or user.startswith("-"):
        raise UsageError(f"{mask(text)}: no valid host in it")
    if secret and kind is SourceKind.SSH:
        raise UsageError(f"{mask(text)}: ssh takes no password from a URL: use a key")
    if not (user + secret).isprintable():
        raise UsageError(f"{mask(text)}: control characters in user or password")
    if not parts.path.strip("/"):
        raise UsageError(f"{mask(text)}: no repository in it")
    return Source(text, kind, _name(parts.path))


def _local(text: str, shown: str) -> Source:
    try:
        path = Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"{shown}: no such folder; give {ACCEPTED}") from None
    if not _is_folder(str(path)):
        raise UsageError(f"{shown}: no such folder; give {ACCEPTED}")
    if not str(path).isprintable():
        raise UsageError(f"{shown}: a path with control characters in it is not accepted")
    root = _repository_of(path)
    if root is None:
        raise UsageError(f"{shown}: not a Git repository (git init makes one)")
    folder = "" if root == path else path.relative_to(root).as_posix()
    return Source(str(root), SourceKind.FILE, _name(str(root)), folder)


def _repository_of(path: Path) -> Path | None:
    """The repository that a folder is or lies in, as Git would find it."""
    for folder in (path, *path.parents):
        bare = all((folder / name).exists() for name in ("HEAD", "objects", "refs"))
        # Within a .git folder one is in the repository, not in what lies around it.
        if bare or (folder / ".git").exists():
            return folder
    return None


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False


def _name(path: str) -> str:
    last = path.rstrip("/").removesuffix("/.git").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^\w.-]+", "-", unquote(last))[:80].strip("-.") or "project"
