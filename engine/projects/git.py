"""Git, without its ways of running other people's code.

What changes a clone runs ``git`` as a program of its own, so that it has a timeout and can be
cancelled. What only reads is GitPython's. Hooks never run, transports are allow-listed. What goes
over the network is in :mod:`engine.projects.remote`.

A clone is bare: nobody edits in it, worktrees are made from it. What the source has, as of the
last fetch, is :data:`REMOTE_REFS`, :data:`TAG_REFS` and :data:`SOURCE_HEAD`. A repair that a person
committed is ``refs/heads/espdeck/fix-BUILD``; :data:`KEPT_REFS` keeps the commits of builds,
whatever becomes of the branches that had them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from engine import process
from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.file_lock import FileLock
from engine.source.repository import NO_FETCH, forget_caller, open_repository
from engine.text import clean, mask

BRANCH_REFS, TAG_REFS, REMOTE_REFS = "refs/heads/", "refs/tags/", "refs/remotes/origin/"
SOURCE_HEAD = "refs/espdeck/source-head"
"""What the source's ``HEAD`` was at the last fetch: the only way to a commit that no branch has."""

KEPT_REFS = "refs/espdeck/kept/"

LOCAL_TIMEOUT_SECONDS = 300.0
"""Seconds that work on this machine's files may take."""


_LOCK_POLL_SECONDS = 0.05
_READ_TIMEOUT_SECONDS = 60.0

SAFE_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "protocol.https.allow=always"),
    *("-c", "protocol.ssh.allow=always"),
    *("-c", "protocol.file.allow=always"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "core.logAllRefUpdates=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    # Clones are bare, and named; those of a repository's own files are never looked for.
    *("-c", "safe.bareRepository=all"),
    # A server that sends less than this for that long is taken for dead.
    *("-c", "http.lowSpeedLimit=1"),
    *("-c", "http.lowSpeedTime=30"),
)
"""Options before every command: no hooks, no helper programs, only these transports."""

_SSH_OPTIONS = (
    "-oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=10 -oServerAliveCountMax=3"
    # A connection that a person shares (ssh_config(5), ControlPath) is used, but none is left
    # behind that others would come to use: what Git starts ends with it.
    " -oControlMaster=no"
)

_UNAUTHORISED = (
    r"Authentication failed|could not read (?:Username|Password)|Permission denied \("
    r"|terminal prompts disabled|HTTP Basic: Access denied|error: 40[13]"
    r"|Too many authentication failures"
)
# GitLab, Azure DevOps, gitolite, git-daemon: they do not say which of both it is.
_NOT_FOR_US = (
    r"could not be found or you don't have permission|TF401019|DENIED by \S"
    r"|access denied or repository not exported"
)
_REFUSALS = (
    rf"{_UNAUTHORISED}|{_NOT_FOR_US}|repository '[^'\n]{{1,400}}' does not exist"
    r"|Host key verification failed"
    r"|[Rr]epository .*not found|does not appear to be a git repository|error: (?:404|410|429)"
)

_CLOSED = "its server closes the connection: too many at once, or a firewall"

_ERROR_REASONS = (
    (r"Could not resolve host(?:name)?:? ([^\s:]+)", "unknown host {0}: check it and the network"),
    (r"(?:Failed to connect to|connect to host) (\S+)", "{0} cannot be reached"),
    (r"repository '([^'\n]{1,400})' does not exist", "no repository at {0}"),
    (r"kex_exchange_identification|ssh_exchange_identification|Connection closed by ", _CLOSED),
    (r"Connection (refused|timed out|reset)", "connection {0}"),
    (r"Operation (?:too slow|timed out)", "the server stopped sending"),
    (r"Host key verification failed", "host key unknown: connect once with ssh to accept it"),
    (_UNAUTHORISED, "needs authentication: use an SSH key, or a credential helper"),
    (_NOT_FOR_US, "no repository there, or it is not for this user"),
    (
        r"(?:server|SSL|TLS|peer|CA) certificate|certificate (?:verif|problem|has expired)"
        r"|SSL[_ ](?:connect|read|ERROR|error|routines)|gnutls_handshake|TLS connection",
        "its TLS certificate or connection is not right",
    ),
    (r"Remote branch (\S+) not found", "no branch {0!r}"),
    (r"[Rr]epository .*not found|does not appear to be a git repository", "no repository there"),
    (r"No space left on device|Disk quota exceeded", "the disk is full: free some space"),
    (
        r"detected dubious ownership",
        "belongs to another user: git config --global --add safe.directory PATH trusts it",
    ),
    (
        r"auto-detection is disabled|tell me who you are|empty ident name",
        "it does not know who you are: git config --global user.name NAME, then user.email ADDRESS",
    ),
    (r"transport '([\w-]+)' not allowed", "transport {0} is not allowed"),
    (
        r"lazy fetching disabled|pack-objects died|promisor remote",
        "it lacks objects (a partial clone?): git fetch --refetch --no-filter there gets them",
    ),
    (r"batch response: ([^\r\n]{1,200})", "Git LFS is refused: {0}"),
    (r"URL returned error: (\d{3})", "its server answers with error {0}"),
    (r"the remote end hung up unexpectedly", _CLOSED),
)


@contextlib.contextmanager
def lock_config(path: Path, *, cancel: CancelToken) -> Iterator[None]:
    """Hold a clone's configuration, which Git locks without waiting for its turn.

    Waits for threads and processes alike. The lock lies beside the clone, see :func:`lock_of`.

    Raises:
        CancelledError, Interrupted: it was told to stop while it waited.
    """
    lock = FileLock(lock_of(path))
    while not lock.acquire():
        cancel.wait(_LOCK_POLL_SECONDS)
    try:
        # Only somebody who was killed can have left it.
        (path / "config.lock").unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def lock_of(path: Path) -> Path:
    """The file that :func:`lock_config` locks for a clone."""
    return path.with_name(f"{path.name}.lock")


def is_repository(path: Path) -> bool:
    """Whether there is a Git repository (or worktree) at this very path."""
    try:
        open_repository(path).close()
    except ToolError:
        return False
    return True


def read_git(path: Path, *arguments: str) -> str:
    """What git answers on a clone or a worktree; nothing is changed.

    Returns:
        All of its output; bytes that are no UTF-8 are lone surrogates.

    Raises:
        ToolError: it failed, or did not end within a minute; one line.
    """
    from git import GitCommandError

    with open_repository(path) as repository:
        try:
            return str(
                repository.git.execute(
                    ["git", *SAFE_OPTIONS, *arguments],
                    strip_newline_in_stdout=False,
                    kill_after_timeout=_READ_TIMEOUT_SECONDS,
                )
            )
        except GitCommandError as error:
            raise ToolError(f"git: {explain(str(error.stderr))}") from error


def run_git(
    arguments: list[str],
    *,
    cancel: CancelToken,
    timeout: float = LOCAL_TIMEOUT_SECONDS,
    env: Mapping[str, str] | None = None,
) -> process.Completed:
    """Run git safely on this machine's files.

    Args:
        env: variables that it has beside those of this process.

    Raises:
        ToolError: it failed; one line.
        MissingToolError: Git is not installed.
    """
    done = run_any(arguments, timeout=timeout, cancel=cancel, env=env, supervised=False)
    if done.returncode != 0:
        raise ToolError(f"git: {explain(done.tail)}")
    return done


def is_refusal(output: str) -> bool:
    """Whether a server answered and gives nothing: asking again soon changes nothing."""
    return re.search(_REFUSALS, output) is not None


def explain(output: str) -> str:
    """One line for what git complained of."""
    for pattern, reason in _ERROR_REASONS:
        match = re.search(pattern, output)
        if match:
            return clean(reason.format(*match.groups()))
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return mask(clean((fatal or lines or ["no reason given"])[0]))[:300]


def run_any(
    arguments: list[str],
    *,
    timeout: float,
    cancel: CancelToken,
    on_output: Callable[[bytes], None] | None = None,
    env: Mapping[str, str] | None = None,
    errors: IO[bytes] | None = None,
    supervised: bool = True,
) -> process.Completed:
    """Run git safely, whatever it ends with; the arguments of :func:`engine.process.run`.

    Raises:
        ToolError: it took longer than ``timeout`` seconds.
        MissingToolError: Git is not installed.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    if shutil.which("git") is None:
        raise MissingToolError("git is not installed")
    forget_caller()
    return process.run(
        ["git", *SAFE_OPTIONS, *arguments],
        timeout=timeout,
        cancel=cancel,
        on_output=on_output,
        errors=errors,
        supervised=supervised,
        env={
            # Nothing waits for a person, and messages are in English: they are parsed.
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS": "true",
            "GIT_SSH_COMMAND": f"{_ssh()} {_SSH_OPTIONS}",
            "GIT_TEMPLATE_DIR": "",
            "GIT_DEFAULT_REF_FORMAT": "files",
            # What Git LFS has is fetched when it is wanted, not by each checkout.
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GCM_INTERACTIVE": "never",
            "LC_ALL": "C",
            **NO_FETCH,
            **(env or {}),
        },
    )


def check_trusted(folder: Path) -> None:
    """Look whether Git works on a folder at all: not where it belongs to another user.

    What opens a repository by name, as :func:`engine.source.repository.open_repository` does it,
    skips that, and its configuration may name programs.

    Raises:
        ToolError: it does not; one line.
        MissingToolError: Git is not installed.
    """
    words = ["-C", str(folder), "rev-parse", "--git-dir"]
    run_git(words, cancel=CancelToken(), timeout=_READ_TIMEOUT_SECONDS)


@functools.cache
def _ssh() -> str:
    """How the person has Git call ssh (git-config(1), ``core.sshCommand``), as for a deploy key.

    Asked once; the configuration of a repository has no say in it.
    """
    given = os.environ.get("GIT_SSH_COMMAND")
    for scope in () if given else ("--global", "--system"):
        done = process.run(
            ["git", "config", scope, "--get", "core.sshCommand"],
            timeout=LOCAL_TIMEOUT_SECONDS,
            cancel=CancelToken(),
            supervised=False,
        )
        given = done.tail.strip() if done.returncode == 0 else None
        if given:
            break
    return given or shlex.quote(os.environ.get("GIT_SSH", "ssh"))
