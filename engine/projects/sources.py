"""Repository sources and refs, as people and other programs name them: untrusted, so checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import UsageError

ACCEPTED = "https://…, ssh://…, user@host:path, file://… or a path"

_SCP = re.compile(r"^[A-Za-z0-9][\w.-]*@[A-Za-z0-9][\w.-]*:(?!/?/)[^\s:]+$")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_COMMIT = re.compile(r"^[0-9a-fA-F]{4,40}$")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[/.-]|[/.]$|^@$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SourceKind(StrEnum):
    """How a repository is reached."""

    HTTPS = "https"
    SSH = "ssh"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that may be cloned.

    Args:
        url: what Git is given; an absolute path for a local one.
        kind: how it is reached.
        name: what its project may be called.
    """

    url: str
    kind: SourceKind
    name: str


def check_source(text: str) -> Source:
    """Check a repository's URL or path.

    Raises:
        UsageError: it is of a kind that is not accepted, or a path without a repository.
    """
    text = text.strip()
    shown = mask(text)
    if not text or text.startswith("-") or _CONTROL.search(text):
        raise UsageError(f"{shown!r} is no repository: give {ACCEPTED}")
    if _SCP.match(text):
        return Source(text, SourceKind.SSH, _name(text.rpartition(":")[2]))
    if "::" in text:
        raise UsageError(f"{shown}: transport helpers are not accepted; give {ACCEPTED}")
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("https", "ssh"):
        return _remote(text, SourceKind(scheme))
    if scheme == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"{shown}: file:// reaches this machine only")
        return _local(Path(parts.path), shown)
    if scheme or (_SCHEME.match(text) and not Path(text).exists()):
        raise UsageError(f"{shown}: not accepted; give {ACCEPTED}")
    return _local(Path(text).expanduser(), shown)


def check_ref(text: str) -> str:
    """Check a branch, tag or commit (``git check-ref-format``'s rules and no leading dash).

    Raises:
        UsageError: Git could take it for something else.
    """
    if not text or len(text) > 200 or _BAD_REF.search(text):
        raise UsageError(f"{text!r} is no branch, tag or commit")
    return text


def is_commit(text: str) -> bool:
    """Whether this may be the hash of a commit, whole or shortened."""
    return bool(_COMMIT.match(text))


def mask(url: str) -> str:
    """A URL without the user and password in it, for logs and screens."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", url)


def _remote(text: str, kind: SourceKind) -> Source:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{mask(text)}: {error}") from error
    # A host or user that begins with a dash would be an option of ssh.
    if not host or host.startswith("-") or (parts.username or "").startswith("-"):
        raise UsageError(f"{mask(text)}: no host in it")
    if not parts.path.strip("/"):
        raise UsageError(f"{mask(text)}: no repository in it")
    return Source(text, kind, _name(parts.path))


def _local(path: Path, shown: str) -> Source:
    path = path.resolve()
    if not path.is_dir():
        raise UsageError(f"{shown}: no such folder; give {ACCEPTED}")
    if not ((path / ".git").exists() or (path / "HEAD").is_file()):
        raise UsageError(f"{shown}: not a Git repository (git init makes one)")
    return Source(str(path), SourceKind.FILE, _name(str(path)))


def _name(path: str) -> str:
    last = path.rstrip("/").removesuffix("/.git").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^\w.-]+", "-", last).strip("-.") or "project"
