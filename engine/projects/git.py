"""Git, without its ways of running other people's code.

What goes over the network (clone, fetch) runs ``git`` as a program of its own, so that it has a
timeout and can be cancelled; GitPython's clone has neither while it reports progress. What only
reads is GitPython's. Hooks never run, transports are allow-listed, nothing asks for a password.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo
from git.exc import BadName, BadObject

from engine import process
from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError, UsageError
from engine.projects.sources import Source, SourceKind, check_ref, is_commit, mask

TIMEOUT = 600.0
"""Seconds that a clone or a fetch may take."""

SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "protocol.https.allow=always"),
    *("-c", "protocol.ssh.allow=always"),
    *("-c", "protocol.file.allow=always"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0"),
    # A server that sends less than this for that long is taken for dead.
    *("-c", "http.lowSpeedLimit=1"),
    *("-c", "http.lowSpeedTime=30"),
)
"""Options before every command: no hooks, no helper programs, only these transports."""

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=10",
    "GIT_TEMPLATE_DIR": "",
    "LC_ALL": "C",
}
"""Nothing waits for a person, and messages are in English: they are parsed."""

_PROGRESS = re.compile(rb"(Receiving objects|Resolving deltas|Counting objects):\s+(\d+)%")

_REASONS = (
    (r"Could not resolve host: (\S+)", "unknown host {0}: check the URL and the network"),
    (r"Could not resolve hostname ([^:]+)", "unknown host {0}: check the URL and the network"),
    (r"(?:Failed to connect to|connect to host) (\S+)", "{0} cannot be reached"),
    (r"Connection (refused|timed out|reset)", "connection {0}"),
    (r"Operation too slow", "the server sends nothing"),
    (
        r"Authentication failed|could not read Username|Permission denied|prompts disabled",
        "needs authentication: use an SSH key, or a credential helper",
    ),
    (r"Host key verification failed", "host key unknown: connect once with ssh to accept it"),
    (
        r"[Rr]epository .*not found|does not appear to be a git repository|not found",
        "no repository",
    ),
    (r"Remote branch (\S+) not found|couldn't find remote ref (\S+)", "no branch {0}"),
    (r"No space left on device", "the disk is full: free some space"),
    (r"transport '(\w+)' not allowed", "transport {0} is not allowed"),
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as builds remember it; ``author`` is the name alone."""

    sha: str
    message: str
    author: str


def clone(
    source: Source,
    path: Path,
    branch: str | None,
    *,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> str:
    """Clone a repository, bare: worktrees are made from it, and nobody edits in it.

    Args:
        path: where to; whole or not there at all when this returns or raises.
        branch: the branch wanted, None for the repository's own choice.

    Returns:
        The branch.

    Raises:
        ToolError: it cannot be cloned; one line with the reason.
        UsageError: no such branch.
    """
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    url = source.url if source.kind is not SourceKind.FILE else f"file://{source.url}"
    try:
        _network(
            ["clone", "--bare", "--progress", "--no-local", "--", url, str(part)],
            mask(source.url),
            on_progress,
            cancel,
        )
        found = _pick_branch(part, branch, mask(source.url))
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return found


def fetch(
    path: Path,
    source: Source,
    branch: str,
    *,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> None:
    """Fetch, and move the branch to where the source has it if that is forward.

    Raises:
        ToolError: the source cannot be reached, or its branch was rewritten.
    """
    url = source.url if source.kind is not SourceKind.FILE else f"file://{source.url}"
    name = check_ref(branch)
    _network(
        [
            *("-C", str(path), "fetch", "--progress", "--tags", "--no-recurse-submodules", "--"),
            *(url, "+refs/heads/*:refs/remotes/origin/*"),
        ],
        mask(source.url),
        on_progress,
        cancel,
    )
    with open_repository(path) as repository:
        theirs = f"refs/remotes/origin/{name}"
        if not _exists(repository, theirs):
            raise ToolError(f"{mask(source.url)}: no branch {name} any more")
        ours = f"refs/heads/{name}"
        if _exists(repository, ours) and not _is_ancestor(repository, ours, theirs):
            raise ToolError(
                f"branch {name} was rewritten at its source: remove the project and add it anew"
            )
        repository.git.update_ref(ours, theirs)


def resolve(path: Path, ref: str) -> Commit:
    """The commit that a ref or a hash names.

    Raises:
        UsageError: there is none.
        ToolError: the clone is gone.
    """
    check_ref(ref)
    with open_repository(path) as repository:
        candidates = [ref] if is_commit(ref) or ref == "HEAD" else []
        for name in (
            *candidates,
            f"refs/heads/{ref}",
            f"refs/remotes/origin/{ref}",
            f"refs/tags/{ref}",
        ):
            try:
                found = repository.commit(name)
            except (BadName, BadObject, ValueError, IndexError, GitCommandError):
                continue
            message = found.message if isinstance(found.message, str) else ""
            return Commit(found.hexsha, message.strip(), found.author.name or "")
    raise UsageError(f"no commit, branch or tag {ref!r}")


def branch_exists(path: Path, branch: str) -> bool:
    """Whether the clone has this branch.

    Raises:
        ToolError: the clone is gone.
    """
    with open_repository(path) as repository:
        return _exists(repository, f"refs/heads/{check_ref(branch)}")


def open_repository(path: Path) -> Repo:
    """Open a clone.

    Raises:
        ToolError: it is gone, or no repository any more.
    """
    try:
        return Repo(path)
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise ToolError(f"{path}: no Git repository any more: sync the project") from error


def run_git(arguments: list[str], *, cancel: CancelToken, timeout: float = 60.0) -> str:
    """Run git on this machine's files, safely; gives back what it printed.

    Raises:
        ToolError: it failed; one line.
    """
    done = process.run(["git", *SAFE, *arguments], timeout=timeout, cancel=cancel, env=ENVIRONMENT)
    if done.returncode != 0:
        raise ToolError(f"git: {explain(done.tail)}")
    return done.tail


def explain(output: str) -> str:
    """One line for what git complained of."""
    for pattern, reason in _REASONS:
        match = re.search(pattern, output)
        if match:
            return reason.format(*(group for group in match.groups() if group))
    lines = [line for line in output.replace("\r", "\n").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return mask((fatal or lines or ["no reason given"])[0].strip())


def _network(
    arguments: list[str],
    shown: str,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> None:
    def watch(chunk: bytes) -> None:
        for match in _PROGRESS.finditer(chunk):
            on_progress(float(match[2]), match[1].decode().lower())

    try:
        done = process.run(
            ["git", *SAFE, *arguments],
            timeout=TIMEOUT,
            cancel=cancel,
            on_output=watch,
            env=ENVIRONMENT,
        )
    except MissingToolError as error:
        raise MissingToolError("git is not installed") from error
    if done.returncode != 0:
        raise ToolError(f"{shown}: {explain(done.tail)}")


def _pick_branch(path: Path, branch: str | None, shown: str) -> str:
    with open_repository(path) as repository:
        if branch is not None:
            if not _exists(repository, f"refs/heads/{check_ref(branch)}"):
                raise UsageError(f"{shown}: no branch {branch!r}")
            return branch
        heads = [head.name for head in repository.heads]
        if not heads:
            raise UsageError(f"{shown}: it has no commits yet")
        if not repository.head.is_detached and repository.head.reference.name in heads:
            return repository.head.reference.name
        return heads[0]


def _is_ancestor(repository: Repo, older: str, newer: str) -> bool:
    return repository.is_ancestor(repository.commit(older), repository.commit(newer))


def _exists(repository: Repo, ref: str) -> bool:
    try:
        repository.commit(ref)
    except (BadName, BadObject, ValueError, IndexError, GitCommandError):
        return False
    return True
