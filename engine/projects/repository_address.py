"""Which repository a URL names, however it is reached: to tell one that a forge speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!//)(.+)")
_PATH = re.compile(r"[\w.~-]+(?:/[\w.~-]+)+")
_SSH_HOSTS = ("ssh.", "altssh.")
"""What the host begins with at which GitHub and GitLab take ssh on port 443."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at a server: ``path`` is its owner, groups and name."""

    host: str
    path: str


def repository_of(source: str) -> Repository | None:
    """The repository of a project's source; None for a folder, or a URL of another shape."""
    if "://" in source:
        try:
            split = urlsplit(source)
            host, path = split.hostname or "", split.path
        except ValueError:
            return None
    elif found := _SCP.fullmatch(source):
        host, path = found.groups()
    else:
        return None
    path = path.strip("/").removesuffix(".git")
    is_good = _PATH.fullmatch(path) and not any(part in (".", "..") for part in path.split("/"))
    return Repository(host, path) if host and is_good else None


def address_of(url: str) -> str:
    """What is the same for all URLs of a repository; empty for what is none.

    Scheme, user, password, port, case and ``.git`` are left out: forges differ in them from what
    people clone. Of a folder it is its path.

    Args:
        url: untrusted; nothing is looked up.
    """
    scheme, _, rest = url.partition("://")
    if url.startswith("/") or (scheme == "file" and rest.startswith("/")):
        path = url if url.startswith("/") else unquote(rest)
        return path.rstrip("/").removesuffix("/.git") or "/"
    found = repository_of(url.strip())
    if found is None:
        return ""
    host = found.host.lower().rstrip(".")
    for prefix in _SSH_HOSTS:
        host = host.removeprefix(prefix)
    return f"{host}/{found.path}".lower()
