"""``remote_check``: new commits and tags at the source of a project start builds.

The source is asked for its refs (``git ls-remote``), and fetched from when one has moved. What is
built is the tip, once, however many commits came with it and whoever built it first; a build that
still waits for an older commit of the branch is cancelled. That a commit was built is told by the
builds themselves, so that a process that dies between looking and starting builds nothing twice.

As users of Jenkins' polling know it, a branch whose tip was never built is built at the first look.
Tags are not: those that are there at the first look, or when the pattern changes, were there
before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from engine.builds.new_commits import NEW_TAG, asks_for_no_build, build_of, end_older, start_once
from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.checks.lab import LabServices
from engine.clock import shown_time
from engine.enums import CheckStatus, ProjectStatus, Severity, Trigger
from engine.errors import EspdeckError, SourceRefusedError, ToolError, UsageError
from engine.findings import Finding
from engine.projects import git_objects, remote
from engine.projects.clone_sync import find_upstream
from engine.projects.commit_locator import LocatedCommit
from engine.projects.git import TAG_REFS
from engine.projects.project_sync import NOT_SYNCED
from engine.projects.remote import RemoteRefs
from engine.projects.sources import check_source
from engine.projects.watched import watched
from engine.store.tables import CheckResultRow, Project, Run, WatchRow
from engine.store.watch import change_watch, get_watch
from engine.text import clean, mask
from engine.watch_rules import WatchRules

MAX_BACKOFF_MINUTES = 60.0
"""Minutes at the most until a source that did not answer is asked again."""

MAX_TAGS_AT_ONCE = 3
"""How many of the tags that came since the last look are built: the newest."""

MAX_TAGS = 10_000
"""Tags that a pattern may match."""

_SLACK = timedelta(seconds=30)  # a look may come a little before it is due
_HASH_DIGITS = 7
_SHOWN_TAGS = 5
_MAX_NAME_CHARACTERS = 200  # of a tag: longer ones are none that check_ref() takes


class RemoteCheck:
    """Starts builds of what is new at the source of a project."""

    name: ClassVar[str] = "remote_check"
    title: ClassVar[str] = "new commits and tags start builds"
    interval: ClassVar[float] = 5.0
    options: ClassVar[Mapping[str, Any]] = {}
    per_project: ClassVar[bool] = True
    quick: ClassVar[bool] = False

    def run(
        self,
        services: LabServices,
        project: Project | None,
        *,
        options: Mapping[str, Any],
        previous: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckResult:
        """As :meth:`engine.checks.lab.LabCheck.run`."""
        assert project is not None
        if project.status is ProjectStatus.PENDING:
            return CheckResult(CheckStatus.SUCCESS, "is being imported")
        rules, problem = _rules(services, project, project.tip)
        if not (rules.push or rules.tags):
            if get_watch(services.store, project.id).tag_pattern:
                change_watch(services.store, project.id, _forget_tags)
            if problem:
                return CheckResult(CheckStatus.WARNING, problem)
            return CheckResult(CheckStatus.SUCCESS, "no setting lets it start builds")
        row = get_watch(services.store, project.id)
        if _is_too_early(row, project, now):
            return _failing(row)
        try:
            look = _Look(services, project, rules, now, cancel)
            result = look.result()
        except ToolError as error:
            cancel.check()
            return _failing(_note_failure(services, project, error, now, self.interval))
        if row.failures:
            change_watch(services.store, project.id, _forget_failure)
        if problem and result.status is CheckStatus.SUCCESS:
            return replace(
                result, status=CheckStatus.WARNING, message=f"{result.message}; {problem}"
            )
        return result


@dataclass
class _Look:
    """One look at the source of a project that is to be built when something is new there."""

    services: LabServices
    project: Project
    rules: WatchRules
    now: datetime
    cancel: CancelToken
    said: list[str] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def result(self) -> CheckResult:
        """Look, and start what is to be started.

        Raises:
            ToolError: the source cannot be asked or fetched from, or the project is not imported.
        """
        try:
            source = check_source(self.project.source)
        except UsageError as error:  # its folder is gone: a disk that is not mounted comes back
            raise ToolError(str(error)) from error
        has = remote.list_refs(source, cancel=self.cancel)
        if not has.refs and not has.head:
            return CheckResult(CheckStatus.WARNING, "no commits at its source: nothing to build")
        if self.project.status is not ProjectStatus.ACTIVE:
            self._import_anew()
        tip = ""
        try:
            tip = self._look_at_branch(has, mask(source.url))
        except UsageError as error:
            self.problems.append(str(error))
        if self.rules.tags:
            self._look_at_tags(has)
        if tip and self.rules.push:
            ended = end_older(self.services.store, self.services.builds, self.project, tip)
            self.said += [f"build {number} is superseded" for number in ended]
        status = CheckStatus.ERROR if self.problems else CheckStatus.SUCCESS
        details: dict[str, Any] = {
            "branch": self.project.branch or "",
            "tip": tip,
            "push": self.rules.push,
            "tags": self.rules.tags,
            "builds": self.started,
            "problems": self.problems,
        }
        return CheckResult(status, clean("; ".join((*self.problems, *self.said))), details)

    def _import_anew(self) -> None:
        """The source answers, and the project could not be imported: do that, in its thread.

        Raises:
            ToolError: always: it may fail again, and is not tried at each look.
        """
        with contextlib.suppress(UsageError):  # somebody else does
            self.services.projects.sync(self.project.id)
        why = mask(self.project.status_detail)
        raise ToolError(f"it was not imported; it is being tried again ({why})")

    def _look_at_branch(self, has: RemoteRefs, shown: str) -> str:
        """Build the tip of what is followed, unless it was built; returns the tip.

        Raises:
            ToolError: the source cannot be fetched from.
            UsageError: the branch is not there, or the build makes no sense.
        """
        project = self.project
        chosen = (project.branch or "") if project.branch_chosen else ""
        try:
            found = find_upstream(has, shown, chosen, gone=bool(project.tip))
        except ToolError as error:  # the source answers: it is asked again as ever
            raise UsageError(str(error)) from error
        sha = has.peeled.get(f"{TAG_REFS}{found.branch}", found.tip) if chosen else found.tip
        where = f"{clean(found.branch) or 'HEAD'} is at {sha[:_HASH_DIGITS]}"
        if not self.rules.push or sha == get_watch(self.services.store, project.id).tip:
            self.said.append(where)
            return sha
        built = build_of(self.services.store, self.project, sha)
        if built is None:
            located = self._fetched(None)
            sha, self.project = located.commit.sha, located.project
            where = f"{clean(self.project.branch or 'HEAD')} is at {sha[:_HASH_DIGITS]}"
            # It may not ask for it any more.
            if not _rules(self.services, self.project, sha)[0].push:
                where += ", whose espdeck.toml asks for no build"
            elif words := asks_for_no_build(located.commit.message):
                where += f", whose message says {words}"
            else:
                built, is_new = self._start(located)
                if is_new:
                    where, built = f"{where}: build {built.number} started", None
        if built is not None:
            where += f", which build {built.number} has"
        change_watch(self.services.store, project.id, lambda row: setattr(row, "tip", sha))
        self.said.append(where)
        return sha

    def _look_at_tags(self, has: RemoteRefs) -> None:
        """Build the newest of the tags that are new or have moved."""
        store, pattern = self.services.store, self.rules.tags
        tags = {
            name: sha
            for name, sha in has.tags.items()
            if len(name) <= _MAX_NAME_CHARACTERS and self.rules.has_tag(name)
        }
        if len(tags) > MAX_TAGS:
            self.problems.append(
                f"{len(tags)} tags match {pattern!r}, more than {MAX_TAGS}: narrow the pattern"
            )
            return
        row = get_watch(store, self.project.id)
        if row.tag_pattern != pattern:

            def begin(row: WatchRow) -> None:
                row.tag_pattern, row.tags = pattern, tags

            change_watch(store, self.project.id, begin)
            self.said.append(f"{len(tags)} tags match {pattern!r} already; only new ones are built")
            return
        new = [name for name, sha in tags.items() if row.tags.get(name) != sha]
        for name in self._build_tags(new) if new else ():
            del tags[name]
        if row.tags != tags:
            change_watch(store, self.project.id, lambda row: setattr(row, "tags", tags))

    def _build_tags(self, new: Sequence[str]) -> Sequence[str]:
        """Build the newest of some tags.

        Returns:
            Those whose builds could not be started: they stay new.

        Raises:
            ToolError: the source cannot be fetched from.
        """
        self._fetched(None)
        clone = Path(self.project.clone_path)
        newest, stay = git_objects.newest_tags(clone, new), list[str]()
        for name in newest[:MAX_TAGS_AT_ONCE]:
            try:
                located = self._fetched(f"{TAG_REFS}{name}", fresh=False)
            except UsageError as error:  # it names no commit
                self.problems.append(f"tag {clean(name)}: {error}")
                continue
            note = Finding(Severity.INFO, NEW_TAG, f"the tag {clean(name)} is new")
            located = replace(located, notes=(*located.notes, note))
            try:
                build, is_new = self._start(located)
            except UsageError as error:
                self.problems.append(f"tag {clean(name)}: {error}")
                stay.append(name)
                continue
            number, at = build.number, located.commit.sha[:_HASH_DIGITS]
            how = f": build {number} started" if is_new else f", which build {number} has"
            self.said.append(f"tag {clean(name)} is at {at}{how}")
        if left := [clean(name) for name in newest[MAX_TAGS_AT_ONCE:]]:
            more = ", ..." if left[_SHOWN_TAGS:] else ""
            self.said.append(
                f"{len(left)} older new tags are not built ({', '.join(left[:_SHOWN_TAGS])}{more})"
            )
        return stay

    def _fetched(self, revision: str | None, *, fresh: bool = True) -> LocatedCommit:
        """A commit of the project, once its source was fetched from.

        Raises:
            ToolError: the source cannot be fetched from.
            UsageError: there is no such commit.
        """
        located = self.services.projects.commit(
            self.project.id, revision, fresh=fresh, cancel=self.cancel
        )
        if late := next((note for note in located.notes if note.code == NOT_SYNCED), None):
            raise ToolError(late.message)
        return located

    def _start(self, located: LocatedCommit) -> tuple[Run, bool]:
        """Raises UsageError."""
        self.cancel.check()
        build, is_new = start_once(
            self.services.store,
            self.services.builds,
            located,
            triggered_by=Trigger.PUSH,
            asked_by=RemoteCheck.name,
        )
        if is_new:
            self.started.append(build.number)
        return build, is_new


def _rules(services: LabServices, project: Project, sha: str) -> tuple[WatchRules, str]:
    """What starts builds of a project, and what is wrong with that."""
    try:
        found = watched(services.settings(), project, sha)
    except EspdeckError as error:
        return WatchRules(), str(error)
    return found.rules, found.problem


def _is_too_early(row: WatchRow, project: Project, now: datetime) -> bool:
    """Whether a source that did not answer is left alone for now."""
    if row.next_look is None or row.synced_at != project.synced_at:
        return False  # synced since, by a person or a build: it answers again
    # One that lies further ahead was written while the clock was wrong.
    ahead = row.next_look - now
    return _SLACK < ahead <= timedelta(minutes=MAX_BACKOFF_MINUTES)


def _note_failure(
    services: LabServices, project: Project, error: ToolError, now: datetime, interval: float
) -> WatchRow:
    """Keep that the source did not answer, and when it is asked again."""

    def note(row: WatchRow) -> None:
        row.failure = mask(clean(str(error)))
        row.failing_since = row.failing_since or now
        row.failures, row.synced_at = row.failures + 1, project.synced_at
        minutes = min(interval * 2 ** min(row.failures - 1, 10), MAX_BACKOFF_MINUTES)
        if isinstance(error, SourceRefusedError):
            minutes = MAX_BACKOFF_MINUTES
        row.next_look = now + timedelta(minutes=minutes)

    return change_watch(services.store, project.id, note)


def _failing(row: WatchRow) -> CheckResult:
    """The source does not answer: since when, and when it is asked again."""
    since, then = row.failing_since, row.next_look
    assert since is not None
    assert then is not None
    message = f"{row.failure}; since {shown_time(since)}, next try {shown_time(then, '%H:%M')}"
    details = {"since": since.isoformat(), "next_try": then.isoformat(), "failures": row.failures}
    return CheckResult(CheckStatus.ERROR, message, details)


def _forget_failure(row: WatchRow) -> None:
    row.failure, row.failures = "", 0
    row.failing_since = row.synced_at = row.next_look = None


def _forget_tags(row: WatchRow) -> None:
    row.tag_pattern, row.tags = "", {}
