"""The part of :class:`engine.Engine` that commands use on a lab of another machine.

Names and arguments are those of the engine, and so are the rows that come back: a command does not
know which of both it has. What a lab elsewhere cannot do is refused in a line.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from engine import (
    FIRMWARE_PIPELINE,
    ApiError,
    Artifact,
    BoardInfo,
    CheckCell,
    CheckResultRow,
    Client,
    ConsoleInput,
    FindingRow,
    FoundCheck,
    LogKey,
    Project,
    Retry,
    Run,
    StageRow,
    StartedBuilds,
    ToldFinding,
    Variant,
    listed_findings,
)
from engine.enums import RunStatus
from engine.errors import EspdeckError, NotFoundError, UsageError
from engine.events import Event
from engine.text import clean
from tui.remote import rows
from tui.remote.console import RemoteConsole
from tui.remote.followed_build import FollowedBuild

if TYPE_CHECKING:
    from engine import CancelToken, CrashWatcher, FixAnswer

_CLONE_SECONDS = 1800.0
_JOB_LOOK_SECONDS = 0.4
_AUTO = "auto"

_NOT_FOUND = 404


class RemoteLab:
    """A lab behind a server.

    Args:
        client: talks to it; the caller closes it.
        on_event: called with the events of builds that are waited for, from threads of their own;
            None for nobody follows them.
    """

    def __init__(self, client: Client, on_event: Callable[[Event], None] | None = None) -> None:
        self.builds = RemoteBuilds(client, on_event)
        self.projects = RemoteProjects(client)
        self.boards = RemoteBoards(client)
        self.checks = RemoteChecks(client)
        self.fixes = RemoteFixes(client)

    def replay(self, _number: int) -> tuple[Event, ...]:
        """Nothing: a build that is followed is told from its beginning."""
        return ()


class RemoteProjects:
    """Its projects."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> Sequence[Project]:
        """All of them."""
        return [rows.project_of(each) for each in self._client.projects()]

    def get(self, name_or_id: str) -> Project:
        """One by its name or id."""
        return rows.project_of(self._client.project(name_or_id))

    def find(self, wanted: str) -> Project:
        """One by its name, id or source."""
        if "/" not in wanted:
            return self.get(wanted)
        found = [each for each in self.list() if wanted in (each.name, each.source)]
        if len(found) != 1:
            what = "no project" if not found else "several projects"
            raise NotFoundError(f"{what} of {clean(wanted)[:80]} on the lab: espdeck projects")
        return found[0]

    def find_or_add(
        self,
        wanted: str,
        *,
        targets: Sequence[str] = (),
        app: str = "",
        branch: str | None = None,
    ) -> Project:
        """One by its name, id or source; else a new one of that Git URL, once it is cloned."""
        try:
            return self.find(wanted)
        except NotFoundError:
            if "://" not in wanted and "@" not in wanted:
                raise
        answer = self._client.import_project(
            wanted, branch=branch, targets=targets, app=app, timeout=_CLONE_SECONDS
        )
        return rows.project_of(answer)


class RemoteBuilds:
    """Its builds."""

    def __init__(self, client: Client, on_event: Callable[[Event], None] | None) -> None:
        self._client = client
        self._on_event = on_event
        self._after = ""  # the event after which builds were asked for here
        self._followed: dict[int, FollowedBuild] = {}

    def list(
        self,
        project_id: uuid.UUID | None = None,
        status: RunStatus | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        """The newest."""
        project = str(project_id) if project_id else None
        with closing(self._client.builds(status=status, project=project)) as found:
            return [rows.run_of(each) for each in islice(found, limit)]

    def get(self, number: int) -> Run:
        """One of them."""
        return rows.run_of(self._client.build(number))

    def stages(self, number: int) -> Sequence[StageRow]:
        """Its stages."""
        return [rows.stage_of(each, number) for each in self._client.build(number).stages]

    def findings(self, number: int) -> Sequence[FindingRow]:
        """What they found."""
        return [rows.finding_of(each, number) for each in self._client.findings(number)]

    def listed_findings(self, number: int) -> Sequence[ToldFinding]:
        """What is told of it, then what its other attempts found."""
        facts = self.get(number), FIRMWARE_PIPELINE, self.stages(number), self.findings(number)
        return listed_findings(*facts)

    def retries(self, number: int) -> Sequence[Retry]:
        """What it had come to before it was retried."""
        return [rows.retry_of(each, number) for each in self._client.build(number).retries]

    def artifacts(self, number: int) -> Sequence[Artifact]:
        """The files that it kept."""
        return [rows.artifact_of(each, number) for each in self._client.artifacts(number)]

    def artifact(self, number: int, path: str, attempt: int | None = None) -> Artifact | None:
        """One of these files.

        Raises:
            UsageError: one of an earlier attempt is asked for, which the lab does not send.
        """
        if attempt is not None:
            raise UsageError("a lab elsewhere sends only the files that count: leave out --attempt")
        return next((each for each in self.artifacts(number) if each.path == path), None)

    def save(self, artifact: Artifact, target: Path) -> Path:
        """Copy it to this machine."""
        file = target / Path(artifact.path).name if target.is_dir() else target
        if file.exists():
            raise UsageError(f"{file} already exists: give another name")
        return self._client.download(artifact.run_id, artifact.path, file)

    def logs(self, number: int) -> Sequence[LogKey]:
        """Its logs."""
        return [
            LogKey(number, each.stage, each.attempt, each.stream)
            for each in self._client.logs(number)
        ]

    def lines(self, key: LogKey) -> Iterator[str]:
        """The lines of a log."""
        return self._client.log_lines(key.run_id, key.stage, attempt=key.attempt, stream=key.stream)

    def choose_variants(
        self,
        project: Project,
        *,
        targets: Sequence[str] = (),
        configurations: Sequence[str] = (),
        every: bool = False,
        commit: str | None = None,
        dirty: bool = False,
    ) -> tuple[Variant, ...]:
        """The variants that are meant; the lab says whether there are such."""
        if every:
            found = self._client.variants(str(project.id))
            return tuple(
                Variant(each.target, each.configuration)
                for each in found
                if (not targets or each.target in targets)
                and (not configurations or each.configuration in configurations)
            )
        return tuple(
            Variant(target, configuration)
            for target in targets or ("",)
            for configuration in configurations or ("",)
        )

    def start_each(
        self,
        project_id: uuid.UUID,
        variants: Sequence[Variant],
        *,
        commit: str | None = None,
        dirty: bool = False,
        board: str = _AUTO,
        simulator: str = _AUTO,
    ) -> StartedBuilds:
        """Ask for a build of each variant, all of the same commit."""
        if dirty:
            raise UsageError("--dirty builds a folder of the lab machine: commit and push instead")
        self._remember_now()
        builds: list[Run] = []
        problems: list[str] = []
        for variant in variants:
            try:
                started = self._client.start_build(
                    str(project_id),
                    commit,
                    target=variant.target or None,
                    configuration=variant.configuration or None,
                    board=None if board == _AUTO else board,
                    simulator=None if simulator == _AUTO else simulator,
                )
            except ApiError as error:
                if not builds:
                    raise
                problems.append(f"{variant.label}: {error}")
            else:
                commit = started.commit_sha
                builds.append(self.get(started.build_id))
        return StartedBuilds(tuple(builds), tuple(problems))

    def retry(self, number: int, stage: str | None = None) -> Run:
        """Do one again, or from a stage on."""
        self._remember_now()
        return rows.run_of(self._client.retry(number, stage))

    def cancel(self, number: int) -> Run:
        """End one."""
        return rows.run_of(self._client.cancel(number))

    def wait(self, number: int, timeout: float | None = None) -> Run:
        """Wait until one has ended, for so many seconds at the most; how it stands then."""
        if self._on_event is None:
            return self._wait_unheard(number, timeout)
        if number not in self._followed:
            followed = FollowedBuild(self._client, number, self._after or "0", self._on_event)
            self._followed[number] = followed
        if self._followed[number].wait(timeout):
            return self.get(number)
        return Run(id=number, status=RunStatus.RUNNING)

    def _wait_unheard(self, number: int, timeout: float | None) -> Run:
        try:
            return rows.run_of(self._client.wait_for_build(number, timeout))
        except ApiError as error:
            if error.status is not None:
                raise
            return self.get(number)

    def _remember_now(self) -> None:
        if self._on_event is not None and not self._after:
            self._after = self._client.last_event_id()


class RemoteFixes:
    """What its repairs come to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def of(self, number: int) -> FixAnswer | None:
        """That of a build, None where it was not repaired."""
        try:
            return self._client.fix(number)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None


class RemoteBoards:
    """Its boards."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_all(self) -> Sequence[BoardInfo]:
        """All of them."""
        return [rows.board_of(each) for each in self._client.boards()]

    def named(self, word: str) -> str:
        """A board as the lab names it."""
        return self._client.board(word).name

    def called(self, name: str) -> str:
        """What people there call it."""
        return self._client.board(name).label or name

    def reserve(self, name: str, *, holder: str, note: str, hours: float) -> BoardInfo:
        """Reserve one for the token."""
        return rows.board_of(self._client.reserve(name, hours=hours, note=note))

    def release(self, name: str, *, holder: str, force: bool) -> BoardInfo:
        """Give one back."""
        return rows.board_of(self._client.release(name, force=force))

    def watch(
        self,
        name: str,
        *,
        baud: int,
        reset: bool,
        on_output: Callable[[bytes], None],
        on_note: Callable[[str], None],
        cancel: CancelToken,
        holder: str = "",
        console_input: ConsoleInput | None = None,
        crashes: CrashWatcher | None = None,
        on_presence: Callable[[bool], None] = lambda _is_there: None,
    ) -> None:
        """Read its console until ``cancel``, and type to it; the lab keeps the session."""
        typed = console_input or ConsoleInput(on_note)
        console = RemoteConsole(self._client, name, on_output, on_note, typed)
        on_presence(True)  # the lab waits for a board that vanishes
        console.watch(cancel, reset=reset)

    def reset(self, name: str) -> None:
        """Restart its program."""
        self._client.reset(name)

    def flash(
        self,
        name: str,
        build: int,
        *,
        app_only: bool,
        baud: int | None,
        before: str,
        after: str,
        progress: Callable[[float, str], None],
    ) -> str:
        """Flash what a build made; how that ended. Ctrl-C ends it there, too."""
        job = self._client.flash(
            name, build, app_only=app_only, baud=baud, before=before, after=after
        )
        try:
            while not job.status.is_final:
                progress(job.progress, job.message)
                time.sleep(_JOB_LOOK_SECONDS)
                job = self._client.job(job.id)
        except KeyboardInterrupt:
            self._client.cancel_job(job.id)
            raise
        if job.status is not RunStatus.SUCCESS:
            raise EspdeckError(job.error or f"{name}: {job.status}")
        return job.message


class RemoteChecks:
    """Its checks."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def matrix(self) -> Sequence[CheckCell]:
        """Every check of every project."""
        return [rows.cell_of(each) for each in self._client.checks()]

    def list(self) -> Sequence[FoundCheck]:
        """Those that some project has."""
        return list({cell.check.name: cell.check for cell in self.matrix()}.values())

    def get(self, name: str) -> None:
        """The lab says whether there is such a check when it is run."""

    def run(self, name: str, project_id: uuid.UUID) -> CheckResultRow:
        """Run one now."""
        job = self._client.wait_for_job(self._client.run_check(name, str(project_id)).id)
        if job.status is not RunStatus.SUCCESS or job.result is None:
            raise EspdeckError(f"{name}: {job.error or job.status}")
        return rows.result_of(job.result)
