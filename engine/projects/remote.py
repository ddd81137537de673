"""Git over the network: clone, fetch, push, with progress, a time limit and an end by hand.

``git`` runs as a program of its own, so that it has a timeout and can be cancelled; GitPython's
clone has neither while it reports progress. Nothing asks for a password.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.cancel import CancelToken
from engine.errors import CancelledError, SourceRefusedError, ToolError
from engine.projects.git import (
    BRANCH_REFS,
    KEPT_REFS,
    REMOTE_REFS,
    SOURCE_HEAD,
    TAG_REFS,
    explain,
    is_refusal,
    is_repository,
    lock_config,
    run_any,
    run_git,
)
from engine.projects.sources import Source, SourceKind, check_ref
from engine.source import tree
from engine.text import mask

TIMEOUT_SECONDS = 3600.0
"""Seconds that a clone or a fetch may take: a repository of gigabytes on a slow line ends too."""

ANSWER_TIMEOUT_SECONDS = 30.0
"""Seconds until a server must have said its first word. After that curl and ssh see to it."""

_MAX_REFS_BYTES = 16 << 20  # bytes: some 200,000 branches and tags
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PEELED = "^{}"  # after the name of an annotated tag: what it names (gitrevisions(7))
_SHA256_DIGITS = 64  # digits of a hash of SHA-256

# Git runs it when a server asks for a password; the secrets are in the environment, which only
# this user can read, not among the arguments, which everybody can (gitcredentials(7)).
_CREDENTIAL_HELPER = (
    '!f() { test "$1" = get && '
    'printf "username=%s\\npassword=%s\\n" "$ESPDECK_GIT_USER" "$ESPDECK_GIT_PASSWORD"; }; f'
)

_PROGRESS = re.compile(
    rb"((?:Enumerat|Count|Compress|Receiv|Unpack)ing objects|Resolving deltas):\s+(\d+)(%?)"
)


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """What a repository says that it has.

    Args:
        head: the commit of its ``HEAD``; empty where that is a branch without commits.
        branch: the branch that ``HEAD`` is on; empty where it is detached.
        refs: the commit (or annotated tag) of each branch and tag, by its whole name.
        peeled: what each annotated tag names in the end, by the whole name of the tag.
    """

    head: str
    branch: str
    refs: Mapping[str, str]
    peeled: Mapping[str, str] = field(default_factory=dict)

    @property
    def branches(self) -> list[str]:
        """Names of its branches."""
        return [
            name.removeprefix(BRANCH_REFS) for name in self.refs if name.startswith(BRANCH_REFS)
        ]

    @property
    def object_format(self) -> str:
        """How it names its objects (git-init(1))."""
        some = self.head or next(iter(self.refs.values()), "")
        return "sha256" if len(some) == _SHA256_DIGITS else "sha1"

    def tip(self, name: str) -> str:
        """The commit (or annotated tag) of a branch, else of a tag; empty for neither."""
        return self.refs.get(f"{BRANCH_REFS}{name}") or self.refs.get(f"{TAG_REFS}{name}") or ""

    @property
    def tags(self) -> Mapping[str, str]:
        """The commit of each tag, by its name; of a tag on something else, that."""
        return {
            name.removeprefix(TAG_REFS): self.peeled.get(name, value)
            for name, value in self.refs.items()
            if name.startswith(TAG_REFS)
        }


def list_refs(
    source: Source, *, cancel: CancelToken, within: float = ANSWER_TIMEOUT_SECONDS
) -> RemoteRefs:
    """Ask a repository for its branches, tags and ``HEAD``; nothing is transferred.

    Args:
        within: seconds that this may take.

    Raises:
        ToolError: it cannot be reached, or has too many of them; one line with the reason.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    text = bytearray()

    def take(chunk: bytes) -> None:
        if len(text) <= _MAX_REFS_BYTES:
            text.extend(chunk)

    arguments = ["ls-remote", "--quiet", "--symref", "--"]
    _network(
        arguments,
        source,
        ["HEAD", f"{BRANCH_REFS}*", f"{TAG_REFS}*"],
        take,
        cancel,
        within,
        silence=within,
    )
    if len(text) > _MAX_REFS_BYTES:
        raise ToolError(
            f"{mask(source.url)}: more than {_MAX_REFS_BYTES >> 20} MiB of branches and tags"
        )
    branch, refs, peeled = "", dict[str, str](), dict[str, str]()
    for line in text.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            branch = value.removeprefix("ref: ").removeprefix(BRANCH_REFS)
        elif _HASH.fullmatch(value) and _is_wanted(name):
            (peeled if name.endswith(_PEELED) else refs)[name.removesuffix(_PEELED)] = value
    return RemoteRefs(refs.pop("HEAD", ""), branch, refs, peeled)


def _is_wanted(name: str) -> bool:
    # Git matches patterns at the end of names: HEAD is also that of a remote, or a branch.
    return name == "HEAD" or name.startswith((BRANCH_REFS, TAG_REFS))


def fetch(
    path: Path,
    source: Source,
    has: RemoteRefs,
    *,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> None:
    """Fetch branches, tags and ``HEAD`` into a bare clone, which is made where there is none.

    Nobody else may fetch into this clone meanwhile: locks in it are those of a killed ``git``.
    A shallow source makes a shallow clone. What a source no longer has stays as an object.

    Args:
        path: of the clone.
        has: what the source says that it has.
        on_progress: called with percent (0 to 100, for each phase anew) and the phase.

    Raises:
        ToolError: the source cannot be reached, or the disk is full; one line with the reason.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    if not is_repository(path):
        _make(path, has.object_format, cancel)
    with lock_config(path, cancel=cancel):
        _remove_stale_locks(path)
    # Tags are named, as others are: those of --tags alone would not be pruned.
    options = ("--progress", "--prune", "--no-tags", "--force", "--no-write-fetch-head")
    arguments = ["-C", str(path), "fetch", *options, "--update-shallow", "--"]
    if is_shallow(path):
        arguments.insert(-1, "--unshallow")
    refs = [f"+{BRANCH_REFS}*:{REMOTE_REFS}*", f"+{TAG_REFS}*:{TAG_REFS}*"]
    refs += [f"+HEAD:{SOURCE_HEAD}"] if has.head else []
    _transfer(arguments, source, refs, on_progress, cancel)


def is_shallow(path: Path) -> bool:
    """Whether a bare clone has only the end of its history (gitrepository-layout(5))."""
    return (path / "shallow").exists()


def fetch_revision(path: Path, source: Source, name: str, *, cancel: CancelToken) -> bool:
    """Fetch what no branch and no tag has: a commit by its hash, or a merge request's ref.

    A ref is kept under its own name, a commit as
    :func:`engine.projects.git_objects.keep_commit` does it.

    Args:
        name: a whole hash, or the whole name of a ref (``refs/merge-requests/7/head``).

    Returns:
        Whether the source gave it.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    options = ("--progress", "--no-tags", "--force", "--no-write-fetch-head", "--update-shallow")
    arguments = ["-C", str(path), "fetch", *options, "--"]
    kept = name if name.startswith("refs/") else f"{KEPT_REFS}{name}"
    try:
        _transfer(arguments, source, [f"+{name}:{kept}"], lambda _percent, _phase: None, cancel)
    except ToolError:
        return False
    return True


def push(path: Path, source: Source, branch: str, *, cancel: CancelToken) -> None:
    """Push one branch of a clone to where it came from; never over another one there.

    Raises:
        ToolError: the source cannot be reached, or does not take it.
    """
    ref = f"{BRANCH_REFS}{check_ref(branch)}"
    arguments = ["-C", str(path), "push", "--porcelain", "--progress", "--"]
    _transfer(arguments, source, [f"{ref}:{ref}"], lambda _percent, _phase: None, cancel)


def _transfer(
    arguments: list[str],
    source: Source,
    rest: list[str],
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
) -> None:
    """Run ``git arguments URL rest``, which says how far it is."""

    def watch(chunk: bytes) -> None:
        for match in _PROGRESS.finditer(chunk):
            if match[3]:
                on_progress(float(match[2]), match[1].decode().lower())

    _network(
        arguments, source, rest, watch, cancel, TIMEOUT_SECONDS, silence=ANSWER_TIMEOUT_SECONDS
    )


def _network(
    arguments: list[str],
    source: Source,
    rest: list[str],
    on_output: Callable[[bytes], None],
    cancel: CancelToken,
    timeout: float,
    *,
    silence: float,
) -> None:
    """Run ``git arguments URL rest``, and end it when the server keeps silent from the start.

    Args:
        timeout: seconds that it may take in all.
        silence: seconds until there must be a first word.
    """
    shown = mask(source.url)
    url, options, secrets = credentials(source)
    ended = CancelToken()
    forget = cancel.on_stop(ended.cancel)
    alarm = threading.Timer(silence, ended.cancel)
    alarm.daemon = True

    def watch(chunk: bytes) -> None:
        alarm.cancel()
        on_output(chunk)

    alarm.start()
    try:
        done = run_any(
            [*options, *arguments, url, *rest],
            timeout=timeout,
            cancel=ended,
            on_output=watch,
            env=secrets,
        )
    except CancelledError:
        cancel.check()
        raise ToolError(
            f"{shown}: no answer within {silence:g} s: check the URL and the network"
        ) from None
    except ToolError:
        raise ToolError(f"{shown}: not done after {timeout:g} s, ended it") from None
    finally:
        alarm.cancel()
        forget()
    if done.returncode != 0:
        kind = SourceRefusedError if is_refusal(done.tail) else ToolError
        raise kind(f"{shown}: {explain(done.tail)}")


def credentials(source: Source) -> tuple[str, list[str], dict[str, str]]:
    """The URL without user and password, options to ask for them, and the variables they are in."""
    parts = urlsplit(source.url) if source.kind is SourceKind.HTTPS else None
    if parts is None or "@" not in parts.netloc:
        return source.url, [], {}
    host = parts.netloc.rpartition("@")[2]
    secrets = {
        "ESPDECK_GIT_USER": unquote(parts.username or ""),
        "ESPDECK_GIT_PASSWORD": unquote(parts.password or ""),
    }
    # First none of the person's own helpers, which would be given the password to keep.
    key = f"credential.https://{host}.helper"
    options = ["-c", f"{key}=", "-c", f"{key}={_CREDENTIAL_HELPER}"]
    return parts._replace(netloc=host).geturl(), options, secrets


def _make(path: Path, object_format: str, cancel: CancelToken) -> None:
    """Make an empty bare clone; what is there instead, as the rest of one, goes."""
    part = path.with_name(f".{path.name}.part")
    tree.delete(part)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        words = ["init", "--quiet", "--bare", f"--object-format={object_format}"]
        run_git([*words, "--", str(part)], cancel=cancel)
        tree.delete(path)
        part.rename(path)
    finally:
        tree.delete(part)


def _remove_stale_locks(path: Path) -> None:
    refs = (Path(entry.path) for entry in tree.below(path / "refs"))
    for lock in (*path.glob("*.lock"), *(ref for ref in refs if ref.suffix == ".lock")):
        lock.unlink(missing_ok=True)
