"""What DEVELOPER's repairs of a build come to: a person looks at it, commits, exports, discards.

A fix is the build's ``fix.patch``. Where it stands is nowhere written down but in the clone, where
a branch of its own has it, and in a mark beside the artifact.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.builds import fix_patch
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.builds.proposals import check_approved
from engine.cancel import CancelToken
from engine.enums import Role, RunKind, RunStatus, StageStatus
from engine.errors import ToolError, UsageError
from engine.files import new_file
from engine.projects import git, git_objects, patches, remote
from engine.projects.sources import check_source
from engine.settings import SettingsSource
from engine.stage_labels import stage_label
from engine.store import projects, runs
from engine.store.attempts import counted_stages
from engine.store.database import Store
from engine.store.tables import Run, StageRow
from engine.text import clean

_DISCARDED_MARK = ".fix-discarded"
_SUBJECT_CHARACTERS = 72
_LINE_CHARACTERS = 200
_FILE = re.compile(r"^diff --git (.+)$", re.M)
_REPAIR_STAGES = [stage.key for stage in FIRMWARE_PIPELINE.stages if stage.role == Role.DEVELOPER]


class FixState(StrEnum):
    """Where a fix stands."""

    OPEN = "open"
    COMMITTED = "committed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Fix:
    """What the repairs of a build come to.

    Args:
        build: number of the build.
        proved: whether the build succeeded with it; else it is the best that was found.
        diff: unified diff against the build's commit. Untrusted; may hold lone surrogates.
        files: the files that it changes.
        message: what failed and what was changed, as the commit says it.
        state: where it stands.
        branch: the branch that has it, or is to have it.
        clone: the repository of that branch.
    """

    build: int
    proved: bool
    diff: str
    files: tuple[str, ...]
    message: str
    state: FixState
    branch: str
    clone: Path

    @property
    def fetch(self) -> str:
        """The command that gets the branch into a repository of one's own, once it is committed."""
        if self.state is not FixState.COMMITTED:
            return ""
        return shlex.join(("git", "fetch", str(self.clone), f"{self.branch}:{self.branch}"))


class Fixes:
    """The fixes of a workspace. All calls may block: keep them off an event loop."""

    def __init__(self, store: Store, settings: SettingsSource) -> None:
        """Know where builds are.

        Args:
            settings: say whether committed fixes are pushed.
        """
        self._store = store
        self._settings = settings

    def of(self, number: int) -> Fix | None:
        """The fix of a build; None while it runs, where nothing was repaired, or nothing helped.

        Raises:
            UsageError: there is no such build.
            ToolError: the project's clone is gone.
        """
        build = self._build(number)
        found = self._read_artifact(build)
        if found is None or not found.diff or build.project_id is None:
            return None
        clone = Path(projects.get_project(self._store, build.project_id).clone_path)
        branch = f"espdeck/fix-{number}"
        state = FixState.OPEN
        if patches.has_patch(clone, build.commit_sha, found.diff, branch, cancel=CancelToken()):
            state = FixState.COMMITTED
        elif _mark_of(Path(build.artifacts_path)) == _digest(found.diff):
            state = FixState.DISCARDED
        return Fix(
            build=number,
            proved=build.status is RunStatus.SUCCESS,
            diff=found.diff,
            files=tuple(_file_of(match[1]) for match in _FILE.finditer(found.diff)),
            message=self._message(build, found),
            state=state,
            branch=branch,
            clone=clone,
        )

    def commit(self, number: int) -> Fix:
        """Commit a fix on its branch, which is never the project's, as Git knows the user.

        It is pushed where the settings say so, and only then.

        Raises:
            UsageError: there is none, or it was decided on already.
            AccessError: it is of a pull request that nobody approved, whose commits would come to
                a branch of the project.
            ToolError: Git cannot commit it; or it is committed, but was not taken when pushed.
        """
        found = self._open(number)
        build = self._build(number)
        check_approved(build)
        if build.dirty:
            raise UsageError(
                f"build {number} was of uncommitted changes, which the commit would have in it: "
                f"espdeck fix {number} --export FILE writes a patch for git apply"
            )
        if git_objects.has_ref(found.clone, f"{git.BRANCH_REFS}{found.branch}"):
            raise UsageError(
                f"{found.branch} has another fix: git -C {shlex.quote(str(found.clone))} "
                f"branch -D {found.branch} removes it"
            )
        patches.commit_patch(
            found.clone,
            build.commit_sha,
            found.diff,
            found.branch,
            found.message,
            cancel=CancelToken(),
        )
        if self._settings().repair.push and build.project_id is not None:
            source = check_source(projects.get_project(self._store, build.project_id).source)
            try:
                remote.push(found.clone, source, found.branch, cancel=CancelToken())
            except ToolError as error:
                raise ToolError(f"committed on {found.branch}, but not pushed: {error}") from error
        return self._existing(number)

    def export(self, number: int, path: Path) -> Path:
        """Write a fix into a file, which ``git apply`` takes.

        Args:
            path: where to; a folder gets ``fix-BUILD.patch``. A file that is there is not touched.

        Returns:
            The file.

        Raises:
            UsageError: there is no fix, or the file is there or cannot be written.
        """
        found = self._existing(number)
        head = "".join(f"# {line}".rstrip() + "\n" for line in found.message.splitlines())
        with new_file(path, f"fix-{number}.patch") as (target, file):
            file.write(f"{head}\n{found.diff}".encode("utf-8", "surrogateescape"))
        return target

    def discard(self, number: int) -> Fix:
        """Put a fix aside; its patch stays among the artifacts.

        Raises:
            UsageError: there is none, or it was decided on already.
        """
        found = self._open(number)
        folder = Path(self._build(number).artifacts_path)
        try:
            (folder / _DISCARDED_MARK).write_text(_digest(found.diff))
        except OSError as error:
            raise UsageError(f"{folder}: {os.strerror(error.errno or 0)}") from error
        return self._existing(number)

    def _read_artifact(self, build: Run) -> fix_patch.FixFile | None:
        """The artifact, if the last run of the build ended with it."""
        rows = [
            row
            for row in runs.stages_of(self._store, build.number)
            if row.key in _REPAIR_STAGES and not row.superseded
        ]
        if not _is_settled(build.status, rows):
            return None
        try:
            return fix_patch.read(Path(build.artifacts_path) / fix_patch.NAME)
        except OSError:
            return None

    def _existing(self, number: int) -> Fix:
        found = self.of(number)
        if found is None:
            raise UsageError(f"build {number} has no fix")
        return found

    def _open(self, number: int) -> Fix:
        found = self._existing(number)
        if found.state is FixState.COMMITTED:
            raise UsageError(f"build {number}'s fix is committed already: {found.fetch}")
        if found.state is FixState.DISCARDED:
            raise UsageError(f"build {number}'s fix was discarded; {fix_patch.NAME} still has it")
        return found

    def _build(self, number: int) -> Run:
        build = runs.get_run(self._store, number)
        if build.kind is not RunKind.FIRMWARE:
            raise UsageError(f"no build {number}: that is a {build.kind}")
        return build

    def _message(self, build: Run, found: fix_patch.FixFile) -> str:
        """What failed, and what was changed by whom; untrusted lines, cleaned and cut."""
        stages = [row for row in runs.stages_of(self._store, build.number) if not row.superseded]
        repaired = [
            row.attempt
            for row in stages
            if row.key in _REPAIR_STAGES and row.status is StageStatus.SUCCESS
        ]
        failed = [
            f"{stage_label(row.key)}: {row.summary}"
            for row in counted_stages(stages, min(repaired, default=None))
            if row.status is StageStatus.FAILED and row.key not in _REPAIR_STAGES
        ]
        changes = list(found.changes)
        what = failed[0].partition(": ")[2] if failed else "what failed"
        subject = f"Fix build {build.number}: {' '.join(what.split())}"
        if len(subject) > _SUBJECT_CHARACTERS:
            subject = f"{subject[: _SUBJECT_CHARACTERS - 3]}..."
        proved = build.status is RunStatus.SUCCESS
        end = (
            f"Build {build.number} of espdeck succeeded with it."
            if proved
            else f"Build {build.number} of espdeck still fails with it: this is the best it found."
        )
        parts = [subject, "", "Failed:", *_listed(failed), "", "Changed:", *_listed(changes)]
        return "\n".join(clean(line) for line in (*parts, "", end)) + "\n"


def _file_of(names: str) -> str:
    """The file of a line ``diff --git a/FILE b/FILE``; the line as it is where that differs."""
    half = len(names) // 2  # of "a/FILE b/FILE": no pattern, which would try each place
    same = names[:2] == "a/" and names[half : half + 3] == " b/"
    return names[2:half] if same and names[2:half] == names[half + 3 :] else names


def has_fix(folder: Path) -> bool:
    """Whether there is a fix among a build's artifacts that nobody discarded.

    Args:
        folder: of the artifacts.
    """
    try:
        found = fix_patch.read(folder / fix_patch.NAME)
    except OSError:
        return False
    return bool(found.diff) and _mark_of(folder) != _digest(found.diff)


def _is_settled(status: RunStatus, repairs: list[StageRow]) -> bool:
    """Whether what was repaired was built and judged: it succeeded, or DEVELOPER gave up."""
    repaired = any(row.status is StageStatus.SUCCESS for row in repairs)
    last = max(repairs, key=lambda row: row.attempt, default=None)
    gave_up = last is not None and last.status is StageStatus.FAILED
    return repaired and (status is RunStatus.SUCCESS or (status is RunStatus.FAILED and gave_up))


def _listed(lines: list[str]) -> list[str]:
    return [f"* {' '.join(line.split())[:_LINE_CHARACTERS]}" for line in lines]


def _mark_of(folder: Path) -> str:
    try:
        return (folder / _DISCARDED_MARK).read_text()[:100]
    except (OSError, ValueError):
        return ""


def _digest(diff: str) -> str:
    return hashlib.sha256(diff.encode("utf-8", "surrogateescape")).hexdigest()
