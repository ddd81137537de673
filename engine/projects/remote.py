"""Git over the network: clone, fetch, push, with progress, a time limit and an end by hand.

``git`` runs as a program of its own, so that it has a timeout and can be cancelled; GitPython's
clone has neither while it reports progress. Nothing asks for a password.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.cancel import CancelToken
from engine.errors import CancelledError, ToolError, UsageError
from engine.projects import trees
from engine.projects.git import alone, explain, open_repository, run_any, run_git, sha_of
from engine.projects.sources import Source, SourceKind, check_ref
from engine.text import mask

TIMEOUT = 3600.0
"""Seconds that a clone or a fetch may take: a repository of gigabytes on a slow line ends too."""

ANSWER_WITHIN = 30.0
"""Seconds until a server must have said its first word. After that curl and ssh see to it."""

# Git runs it when a server asks for a password; the secrets are in the environment, which only
# this user can read, not among the arguments, which everybody can (gitcredentials(7)).
_ANSWER = (
    '!f() { test "$1" = get && '
    'printf "username=%s\\npassword=%s\\n" "$ESPDECK_GIT_USER" "$ESPDECK_GIT_PASSWORD"; }; f'
)

_PROGRESS = re.compile(
    rb"((?:Enumerat|Count|Compress|Receiv|Unpack)ing objects|Resolving deltas):\s+(\d+)(%?)"
)


def clone(
    source: Source,
    path: Path,
    branch: str | None,
    *,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> str:
    """Clone a repository.

    Args:
        path: where to; replaced as a whole at the end, and untouched when this raises.
        branch: the branch wanted, None for the repository's own choice.
        on_progress: called with percent (0 to 100, for each phase anew) and the phase.

    Returns:
        The branch.

    Raises:
        ToolError: it cannot be cloned; one line with the reason.
        UsageError: no such branch, or no commits.
    """
    part = path.with_name(f".{path.name}.part")
    trees.delete(part)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = [] if branch is None else ["--branch", check_ref(branch)]
    # --no-local: a local source is read by Git's protocol too, not by copying whatever is there.
    arguments = ["clone", "--no-checkout", "--no-local", "--progress", *wanted, "--"]
    try:
        _network(arguments, source, [str(part)], on_progress, cancel)
        found = _chosen_branch(part, branch, mask(source.url))
        run_git(["-C", str(part), "config", "core.bare", "true"], cancel=cancel)
        trees.delete(path)
        (part / ".git").rename(path)
    finally:
        trees.delete(part)
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

    Nobody else may fetch into this clone meanwhile: locks in it are those of a killed ``git``.

    Raises:
        ToolError: the source cannot be reached, or its branch is gone or was rewritten.
    """
    shown, name = mask(source.url), check_ref(branch)
    with alone(path, cancel=cancel):
        _remove_stale_locks(path)
    options = ("--progress", "--prune", "--tags", "--force", "--no-write-fetch-head")
    arguments = ["-C", str(path), "fetch", *options, "--"]
    refspecs = ["+refs/heads/*:refs/remotes/origin/*"]
    _network(arguments, source, refspecs, on_progress, cancel)
    with open_repository(path) as repository:
        theirs = sha_of(repository, f"refs/remotes/origin/{name}")
        ours = sha_of(repository, f"refs/heads/{name}")
        if theirs is None:
            raise ToolError(f"{shown}: no branch {name!r} any more")
        if ours is not None and not repository.is_ancestor(
            repository.commit(ours), repository.commit(theirs)
        ):
            raise ToolError(
                f"branch {name} was rewritten at its source: remove the project and add it anew"
            )
    run_git(["-C", str(path), "update-ref", f"refs/heads/{name}", theirs], cancel=cancel)


def push(path: Path, source: Source, branch: str, *, cancel: CancelToken) -> None:
    """Push one branch of a clone to where it came from; never over another one there.

    Raises:
        ToolError: the source cannot be reached, or does not take it.
    """
    ref = f"refs/heads/{check_ref(branch)}"
    arguments = ["-C", str(path), "push", "--porcelain", "--progress", "--"]
    _network(arguments, source, [f"{ref}:{ref}"], lambda _percent, _phase: None, cancel)


def _network(
    arguments: list[str],
    source: Source,
    rest: list[str],
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> None:
    """Run ``git arguments URL rest`` and end it when the server keeps silent."""
    shown = mask(source.url)
    url, options, secrets = _credentials(source)
    ended = CancelToken()
    forget = cancel.on_stop(ended.cancel)
    silence = threading.Timer(ANSWER_WITHIN, ended.cancel)
    silence.daemon = True

    def watch(chunk: bytes) -> None:
        for match in _PROGRESS.finditer(chunk):
            silence.cancel()
            if match[3]:
                on_progress(float(match[2]), match[1].decode().lower())

    silence.start()
    try:
        done = run_any(
            [*options, *arguments, url, *rest],
            timeout=TIMEOUT,
            cancel=ended,
            on_output=watch,
            env=secrets,
        )
    except CancelledError:
        cancel.check()
        raise ToolError(
            f"{shown}: no answer within {ANSWER_WITHIN:g} s: check the URL and the network"
        ) from None
    except ToolError:
        raise ToolError(f"{shown}: not done after {TIMEOUT / 60:g} minutes, ended it") from None
    finally:
        silence.cancel()
        forget()
    if done.returncode != 0:
        raise ToolError(f"{shown}: {explain(done.tail)}")


def _credentials(source: Source) -> tuple[str, list[str], dict[str, str]]:
    """The URL without user and password, options to ask for them, and the variables they are in."""
    parts = urlsplit(source.url) if source.kind is SourceKind.HTTPS else None
    if parts is None or "@" not in parts.netloc:
        return source.url, [], {}
    host = parts.netloc.rpartition("@")[2]
    secrets = {
        "ESPDECK_GIT_USER": unquote(parts.username or ""),
        "ESPDECK_GIT_PASSWORD": unquote(parts.password or ""),
    }
    options = ["-c", f"credential.https://{host}.helper={_ANSWER}"]
    return parts._replace(netloc=host).geturl(), options, secrets


def _chosen_branch(path: Path, branch: str | None, shown: str) -> str:
    with open_repository(path) as repository:
        if branch is not None:
            # --branch takes a tag too, and then makes no branch.
            if sha_of(repository, f"refs/heads/{branch}") is None:
                raise UsageError(f"{shown}: no branch {branch!r}")
            return branch
        heads = [head.name for head in repository.heads]
        if not heads:
            raise UsageError(f"{shown}: no commits, or no branch to start from: name a branch")
        return heads[0]


def _remove_stale_locks(path: Path) -> None:
    refs = (Path(entry.path) for entry in trees.below(path / "refs"))
    for lock in (*path.glob("*.lock"), *(ref for ref in refs if ref.suffix == ".lock")):
        lock.unlink(missing_ok=True)
