"""What a run changes, a build by its repairs or a task: a person looks at it, commits, exports it.

Where it stands is nowhere written down but in the clone, where a branch of its own has it, and in a
mark beside the artifact.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.enums import RunKind, RunStatus
from engine.errors import NotFoundError, ToolError, UsageError
from engine.files import new_file
from engine.projects import git, git_objects, patches, remote
from engine.projects.sources import check_source
from engine.repair.subject import MAX_SUBJECT, shortened
from engine.settings import SettingsSource
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import Run
from engine.text import clean

_DISCARDED_MARK = ".fix-discarded"
_LINE_CHARACTERS = 200
_FILE = re.compile(r"^diff --git (.+)$", re.M)


class ChangeSetState(StrEnum):
    """Where the changes of a run stand."""

    OPEN = "open"
    COMMITTED = "committed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a run changes.

    Args:
        run: its number.
        proved: whether the run succeeded with it; else it is the best that was found.
        diff: unified diff against the run's commit. Untrusted; may hold lone surrogates.
        files: the files that it changes.
        message: why and what was changed, as the commit says it.
        state: where it stands.
        branch: the branch that has it, or is to have it.
        clone: the repository of that branch.
    """

    run: int
    proved: bool
    diff: str
    files: tuple[str, ...]
    message: str
    state: ChangeSetState
    branch: str
    clone: Path

    @property
    def fetch(self) -> str:
        """The command that gets the branch into a repository of one's own, once it is committed."""
        if self.state is not ChangeSetState.COMMITTED:
            return ""
        return shlex.join(("git", "fetch", str(self.clone), f"{self.branch}:{self.branch}"))


class ChangeSets(ABC):
    """What the runs of one kind change. All calls may block: keep them off an event loop."""

    KIND: ClassVar[RunKind]

    NAME: ClassVar[str]
    """What they are called together: ``fix``."""

    PREFIX: ClassVar[str]
    """Stands before the run's number in the name of the branch and of an exported file."""

    ARTIFACT: ClassVar[str]
    """The artifact with the diff."""

    VERB: ClassVar[str]
    """The word of the command line that exports them, and discards them."""

    def __init__(self, store: Store, settings: SettingsSource) -> None:
        """Know where runs are.

        Args:
            settings: say whether what is committed is pushed.
        """
        self._store = store
        self._settings = settings

    @abstractmethod
    def _diff_of(self, run: Run) -> str:
        """The diff of a run; empty while it runs, or where it changes nothing."""

    @abstractmethod
    def _message_of(self, run: Run) -> str:
        """Why and what was changed: the message of the commit."""

    @abstractmethod
    def _check_approved(self, run: Run) -> None:
        """See that what is made of the run's commit may come to a branch of the project.

        Raises:
            AccessError: it is of a pull request that nobody approved.
        """

    def of(self, number: int) -> ChangeSet | None:
        """What a run changes; None while it runs, and where it changes nothing.

        Raises:
            UsageError: there is no such run.
            ToolError: the project's clone is gone.
        """
        run = self._run(number)
        diff = self._diff_of(run) if run.project_id is not None else ""
        if not diff or run.project_id is None:
            return None
        clone = Path(projects.get_project(self._store, run.project_id).clone_path)
        branch = f"espdeck/{self._name_of(number)}"
        state = ChangeSetState.OPEN
        if patches.has_patch(clone, run.commit_sha, diff, branch, cancel=CancelToken()):
            state = ChangeSetState.COMMITTED
        elif is_discarded(Path(run.artifacts_path), diff):
            state = ChangeSetState.DISCARDED
        return ChangeSet(
            run=number,
            proved=run.status is RunStatus.SUCCESS,
            diff=diff,
            files=tuple(_file_of(match[1]) for match in _FILE.finditer(diff)),
            message=self._message_of(run),
            state=state,
            branch=branch,
            clone=clone,
        )

    def commit(self, number: int) -> ChangeSet:
        """Commit them on their branch, which is never the project's, as Git knows the user.

        It is pushed where the settings say so, and only then.

        Raises:
            UsageError: there are none, or it was decided on them already.
            AccessError: they are of a pull request that nobody approved, whose commits would come
                to a branch of the project.
            ToolError: Git cannot commit them; or they are committed, but were not taken when
                pushed.
        """
        found = self._open(number)
        run = self._run(number)
        self._check_approved(run)
        if run.dirty:
            export = f"{self.KIND.command} {self.VERB} {number} --export FILE"
            raise UsageError(
                f"{self._of(number)} was of uncommitted changes, which the commit would have in "
                f"it: {export} writes a patch for git apply"
            )
        if git_objects.has_ref(found.clone, f"{git.BRANCH_REFS}{found.branch}"):
            raise UsageError(
                f"{found.branch} has another {self.NAME}: git -C {shlex.quote(str(found.clone))} "
                f"branch -D {found.branch} removes it"
            )
        patches.commit_patch(
            found.clone,
            run.commit_sha,
            found.diff,
            found.branch,
            found.message,
            cancel=CancelToken(),
        )
        if self._settings().repair.push and run.project_id is not None:
            source = check_source(projects.get_project(self._store, run.project_id).source)
            try:
                remote.push(found.clone, source, found.branch, cancel=CancelToken())
            except ToolError as error:
                raise ToolError(f"committed on {found.branch}, but not pushed: {error}") from error
        return self.existing(number)

    def export(self, number: int, path: Path) -> Path:
        """Write them into a file, which ``git apply`` takes.

        Args:
            path: where to; a folder gets ``PREFIX-RUN.patch``. A file that is there is not touched.

        Returns:
            The file.

        Raises:
            UsageError: there are none, or the file is there or cannot be written.
        """
        found = self.existing(number)
        head = "".join(f"# {line}".rstrip() + "\n" for line in found.message.splitlines())
        with new_file(path, f"{self._name_of(number)}.patch") as (target, file):
            file.write(f"{head}\n{found.diff}".encode("utf-8", "surrogateescape"))
        return target

    def discard(self, number: int) -> ChangeSet:
        """Put them aside; the patch stays among the artifacts.

        Raises:
            UsageError: there are none, or it was decided on them already.
        """
        found = self._open(number)
        folder = Path(self._run(number).artifacts_path)
        try:
            (folder / _DISCARDED_MARK).write_text(_digest(found.diff))
        except OSError as error:
            raise UsageError(f"{folder}: {os.strerror(error.errno or 0)}") from error
        return self.existing(number)

    def existing(self, number: int) -> ChangeSet:
        """As :meth:`of`, for who needs them.

        Raises:
            UsageError: there are none.
        """
        found = self.of(number)
        if found is None:
            status = self._run(number).status
            yet = "" if status.is_final else f" yet: it has not ended ({status})"
            raise NotFoundError(f"{self._of(number)} has no {self.NAME}{yet}")
        return found

    def _open(self, number: int) -> ChangeSet:
        found, what = self.existing(number), f"{self._of(number)}'s {self.NAME}"
        if found.state is ChangeSetState.COMMITTED:
            raise UsageError(f"{what} is committed already: {found.fetch}")
        if found.state is ChangeSetState.DISCARDED:
            raise UsageError(f"{what} was discarded; {self.ARTIFACT} still has it")
        return found

    def _run(self, number: int) -> Run:
        run = runs.get_run(self._store, number)
        if run.kind is not self.KIND:
            raise UsageError(f"no {self.KIND.label} {number}: that is a {run.kind.label}")
        return run

    def _of(self, number: int) -> str:
        return f"{self.KIND.label} {number}"

    def _name_of(self, number: int) -> str:
        return f"{self.PREFIX}-{number}"


def message(subject: str, *lines: str) -> str:
    """The message of a commit: untrusted lines, cleaned; the first one cut."""
    parts = (shortened(subject, MAX_SUBJECT), "", *lines)
    return "\n".join(clean(line) for line in parts) + "\n"


def listed(lines: Sequence[str]) -> list[str]:
    """Lines as a list in the message of a commit, each of them cut."""
    return [f"* {' '.join(line.split())[:_LINE_CHARACTERS]}" for line in lines]


def is_discarded(folder: Path, diff: str) -> bool:
    """Whether somebody discarded just these changes.

    Args:
        folder: of the run's artifacts.
    """
    try:
        return (folder / _DISCARDED_MARK).read_text()[:100] == _digest(diff)
    except (OSError, ValueError):
        return False


def _file_of(names: str) -> str:
    """The file of a line ``diff --git a/FILE b/FILE``; the line as it is where that differs."""
    half = len(names) // 2  # of "a/FILE b/FILE": no pattern, which would try each place
    same = names[:2] == "a/" and names[half : half + 3] == " b/"
    return names[2:half] if same and names[2:half] == names[half + 3 :] else names


def _digest(diff: str) -> str:
    return hashlib.sha256(diff.encode("utf-8", "surrogateescape")).hexdigest()
