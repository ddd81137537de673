"""Works off what a webhook told: which projects it is about, and what is to be built of them.

A webhook only says where to look. What is built is the tip that the source has then, as
:mod:`engine.checks.remote_check` would find it some minutes later; so a delivery that is forged,
late, lost or comes twice starts nothing that should not be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.builds import new_commits
from engine.builds.new_commits import NEW_TAG
from engine.builds.service import Builds
from engine.cancel import CancelToken
from engine.enums import Forge, HookStatus, ProjectStatus, Severity, Trigger
from engine.errors import EspdeckError, ToolError, UsageError
from engine.findings import Finding
from engine.projects.commit_locator import LocatedCommit
from engine.projects.git import TAG_REFS
from engine.projects.project_sync import NOT_SYNCED
from engine.projects.repository_address import address_of
from engine.projects.service import Projects
from engine.projects.watched import watched
from engine.runs.proposals import Proposal
from engine.settings import ProjectSettings, Settings
from engine.store import runs
from engine.store.database import Store, StoreError
from engine.store.tables import HookDelivery, Project, Run, WatchRow
from engine.store.watch import change_watch
from engine.text import clean, listed, mask
from engine.webhooks.payloads import HookEvent, Kind

_HASH_DIGITS = 7

_PULL_REFS = {
    Forge.GITHUB: "refs/pull/{}/head",
    Forge.GITEA: "refs/pull/{}/head",
    Forge.GITLAB: "refs/merge-requests/{}/head",
}
"""Where the repository that a pull request is made to has its commit: a fork is never asked."""

_PULL_NAMES = {
    Forge.GITHUB: "pull request #{}",
    Forge.GITEA: "pull request #{}",
    Forge.GITLAB: "merge request !{}",
}


@dataclass(frozen=True, slots=True)
class HookServices:
    """What webhooks are worked off with; ``settings`` are those that hold now."""

    store: Store
    projects: Projects
    builds: Builds
    settings: Callable[[], Settings]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Args:
        status: of the delivery, or of what it told one project.
        message: one line.
    """

    status: HookStatus
    message: str


class NotYetError(ToolError):
    """The source cannot be asked, or does not show yet what was pushed: try again."""


def work_off(services: HookServices, row: HookDelivery, cancel: CancelToken) -> Outcome:
    """Do what a delivery asks for; nothing that was done before is done twice.

    Raises:
        NotYetError: it is to be tried again, as a source cannot be reached.
        StoreError: the store cannot be read or written.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    event = HookEvent.model_validate_json(row.body)
    projects = _projects_of(services, event, row)
    if not projects:
        return Outcome(HookStatus.IGNORED, _why_nobody(services, event, row))
    found, late = [], []
    for project in projects:
        cancel.check()
        try:
            said = _Work(services, row, event, project, cancel).do()
        except NotYetError as error:
            late.append(f"{project.name}: {error}")
            continue
        except StoreError:
            raise
        except EspdeckError as error:
            cancel.check()
            said = Outcome(HookStatus.FAILED, mask(clean(str(error))))
        found.append(replace(said, message=f"{project.name}: {said.message}"))
    if late:
        raise NotYetError("; ".join(late))
    statuses = {each.status for each in found}
    order = (HookStatus.FAILED, HookStatus.DONE, HookStatus.IGNORED)
    status = next(each for each in order if each in statuses)
    return Outcome(status, "; ".join(each.message for each in found))


def _projects_of(services: HookServices, event: HookEvent, row: HookDelivery) -> list[Project]:
    """The projects of a repository for which the secret of a delivery is good."""
    addresses = set(filter(None, map(address_of, event.repository)))
    return [
        project
        for project in services.projects.list()
        if address_of(project.source) in addresses and _is_for(services.settings(), project, row)
    ]


def _is_for(settings: Settings, project: Project, row: HookDelivery) -> bool:
    if row.projects:
        return project.name in row.projects
    return not settings.projects.get(project.name, ProjectSettings()).webhook.secrets


def _why_nobody(services: HookServices, event: HookEvent, row: HookDelivery) -> str:
    addresses = {each: address_of(each) for each in event.repository}
    same = [
        project.name
        for project in services.projects.list()
        if address_of(project.source) in set(filter(None, addresses.values()))
    ]
    if same:
        names = listed(sorted(same))
        return f"signed with another secret than that of {names} (projects.NAME.webhook.secret)"
    where = next((url for url, address in addresses.items() if address), "")
    return f"no project has the source {mask(where) or 'that it names: it names none'}"


@dataclass
class _Work:
    """One delivery and one project."""

    services: HookServices
    row: HookDelivery
    event: HookEvent
    project: Project
    cancel: CancelToken

    @property
    def asked_by(self) -> str:
        """Who asks for builds: the forge, and who pushed."""
        return f"{self.row.forge}: {self.event.by}" if self.event.by else str(self.row.forge)

    def do(self) -> Outcome:
        """Do what is asked for.

        Raises:
            NotYetError: the source cannot be asked, or the project is being imported.
            EspdeckError: it cannot be done.
        """
        if self.event.kind is Kind.PULL_REQUEST:
            return self._pull_request()
        follows = self.project.branch or ""
        if self.event.kind is Kind.TAG and not (
            self.project.branch_chosen and follows == self.event.name
        ):
            return self._tag()
        return self._branch(follows)

    def _branch(self, follows: str) -> Outcome:
        event, project = self.event, self.project
        said = self.services.settings().projects.get(project.name, ProjectSettings()).watch
        if said.push is False:
            return _ignored(f"settings, projects.{project.name}.watch.push is false")
        # HEAD of the source may be on another branch since the last sync.
        may_be_head = not project.branch_chosen and event.name == event.default_branch
        if event.name != follows and not may_be_head:
            return _ignored(f"{event.name} was pushed, {follows or 'HEAD'} is followed")
        located = self._fetched(None)
        project, sha = located.project, located.commit.sha
        if not project.branch_chosen and project.branch != event.name:
            return _ignored(f"{event.name} was pushed, {project.branch or 'HEAD'} is followed")
        if event.before == sha != event.after and event.after:
            raise NotYetError(f"its source does not show {event.after[:_HASH_DIGITS]} yet")
        where = f"{clean(project.branch or 'HEAD')} is at {sha[:_HASH_DIGITS]}"
        if event.after and event.after != sha:
            self._skip_passed(project, sha)
        if words := self._no_build(located):
            self._decided(project, sha)
            self._skip(located, f"not built: {words}")
            return _ignored(f"{where}, not built: {words}")
        outcome = self._build(located, where)
        self._decided(project, sha)
        ended = new_commits.end_older(self.services.store, self.services.builds, project, sha)
        more = "".join(f"; build {number} is superseded" for number in ended)
        return replace(outcome, message=f"{outcome.message}{more}")

    def _no_build(self, located: LocatedCommit) -> str:
        """Who asks that it is not built; empty for nobody."""
        if self.event.skip and located.commit.sha == self.event.after:
            return "pushed with ci.skip"
        words = new_commits.asks_for_no_build(located.commit.message)
        return f"its message says {words}" if words else ""

    def _skip_passed(self, project: Project, tip: str) -> None:
        """Note of what was pushed that something newer came before it was built."""
        try:
            passed = self.services.projects.commit(project.id, self.event.after, fresh=False)
        except UsageError:
            return  # it was rewritten before anybody fetched it
        if not passed.foreign:
            self._skip(passed, new_commits.superseded(project.branch or "", tip))

    def _skip(self, located: LocatedCommit, reason: str) -> None:
        self.services.builds.skip(
            located, reason, triggered_by=Trigger.WEBHOOK, asked_by=self.asked_by
        )

    def _tag(self) -> Outcome:
        event, project = self.event, self.project
        rules = watched(self.services.settings(), project, project.tip).rules
        if not rules.has_tag(event.name):
            which = f"only {rules.tags!r} are built" if rules.tags else "no tags are built"
            return _ignored(f"tag {event.name}: {which} (watch.tags)")
        self._fetched(None)
        located = self._fetched(f"{TAG_REFS}{event.name}")
        name = clean(event.name)
        note = Finding(Severity.INFO, NEW_TAG, f"the tag {name} is new")
        located = replace(located, notes=(*located.notes, note))
        sha = located.commit.sha
        outcome = self._build(located, f"tag {name} is at {sha[:_HASH_DIGITS]}")

        def keep(row: WatchRow) -> None:
            if row.tag_pattern == rules.tags:
                row.tags = {**row.tags, event.name: sha}

        change_watch(self.services.store, project.id, keep)
        return outcome

    def _build(self, located: LocatedCommit, where: str) -> Outcome:
        self.cancel.check()
        build, is_new = new_commits.start_once(
            self.services.store,
            self.services.builds,
            located,
            triggered_by=Trigger.WEBHOOK,
            asked_by=self.asked_by,
        )
        if is_new or self._is_ours(build):
            return Outcome(HookStatus.DONE, f"{where}: build {build.number} started")
        return _ignored(f"{where}, which build {build.number} has")

    def _is_ours(self, build: Run) -> bool:
        """Whether this delivery started a build before its process died."""
        is_again = self.row.attempts > 1
        since = self.row.received_at
        return is_again and build.triggered_by is Trigger.WEBHOOK and build.created_at >= since

    def _decided(self, project: Project, sha: str) -> None:
        """Note that this tip was decided upon, so that who looks for new ones need not."""
        change_watch(self.services.store, project.id, lambda row: setattr(row, "tip", sha))

    def _pull_request(self) -> Outcome:
        event, project, forge = self.event, self.project, self.row.forge
        said = self.services.settings().projects.get(project.name, ProjectSettings()).watch
        what = _PULL_NAMES[forge].format(event.number)
        if not said.pull_requests:
            key = f"projects.{project.name}.watch.pull_requests"
            return _ignored(f"{what}: not built unless the settings say {key} = true")
        if event.name != (project.branch or ""):
            return _ignored(f"{what} is to {event.name}, {project.branch or 'HEAD'} is followed")
        ref = _PULL_REFS[forge].format(event.number)
        located = self._fetched(ref)
        sha, where = located.commit.sha, f"{what} is at {located.commit.sha[:_HASH_DIGITS]}"
        if event.after and event.after != sha and self.row.attempts <= 1:
            raise NotYetError(f"its source does not show {event.after[:_HASH_DIGITS]} yet")
        branch = ref.removeprefix("refs/").removesuffix("/head")
        for build in runs.runs_of_commit(self.services.store, project.id, sha):
            if build.branch == branch:
                if self._is_ours(build):
                    return Outcome(HookStatus.DONE, f"{where}: build {build.number} started")
                return _ignored(f"{where}, which build {build.number} has")
        by = f"{forge} {what}" + (f" of {event.by}" if event.by else "")
        build = self.services.builds.start(
            project.id,
            located=located,
            triggered_by=Trigger.WEBHOOK,
            asked_by=self.asked_by,
            proposal=Proposal(by, branch),
        )
        for older in runs.unfinished_proposals(self.services.store, project.id, branch):
            if older.commit_sha != sha and not older.cancel_requested:
                with contextlib.suppress(UsageError):  # it has ended meanwhile
                    reason = new_commits.superseded(branch, sha)
                    self.services.builds.cancel(older.number, reason=reason)
        return Outcome(
            HookStatus.DONE,
            f"{where}: build {build.number} started, in the simulator only before it is approved",
        )

    def _fetched(self, revision: str | None) -> LocatedCommit:
        """A commit of the project, once its source was fetched from.

        Raises:
            NotYetError: the source cannot be fetched from, or the project is being imported.
            UsageError: there is no such commit.
        """
        project = self.services.projects.get(str(self.project.id))
        if project.status is ProjectStatus.PENDING:
            raise NotYetError("it is being imported")
        if project.status is ProjectStatus.ERROR:
            self._import_anew(project)
        located = self.services.projects.commit(project.id, revision, cancel=self.cancel)
        if late := next((note for note in located.notes if note.code == NOT_SYNCED), None):
            raise NotYetError(mask(clean(late.message)))
        return located

    def _import_anew(self, project: Project) -> None:
        """The project could not be imported, and its source is there: do that, in its thread.

        Raises:
            NotYetError: always.
        """
        with contextlib.suppress(UsageError):  # somebody else does
            self.services.projects.sync(project.id)
        raise NotYetError(
            f"it was not imported ({mask(project.status_detail)}); it is being tried again"
        )


def _ignored(reason: str) -> Outcome:
    return Outcome(HookStatus.IGNORED, clean(reason))
