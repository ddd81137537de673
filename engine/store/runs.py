"""What is asked of runs, their stages, findings and artifacts."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, update
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from engine.enums import ArtifactKind, RunKind, RunStatus, StageStatus, Trigger
from engine.errors import ConflictError, NotFoundError
from engine.findings import Finding
from engine.store.database import Store
from engine.store.tables import (
    Artifact,
    FindingRow,
    Project,
    Retry,
    Run,
    RunMeasure,
    StageRow,
    utc_now,
)

PUSHES = (Trigger.PUSH, Trigger.WEBHOOK)
"""What starts the builds of what is new at a source."""

MAX_DIGITS = 18
"""Digits of a number that fits into SQLite's integers."""

_OUTCOME = ("status", "error", "verdict", "started_at", "completed_at", "duration", "test_results")
"""What a retry keeps of the run as it was."""


def add_run(store: Store, run: Run, *, clone: str | None = None) -> Run:
    """Write a new run and give it its number.

    Args:
        clone: as :func:`check_clone` has it.

    Raises:
        ConflictError: as :func:`check_clone` says.
    """
    with store.write() as session:
        check_clone(session, run, clone)
        session.add(run)
        session.flush()
        session.refresh(run)
    return run


def check_clone(session: Session, run: Run, clone: str | None) -> None:
    """Look whether the project of a new run has still its commits from where its commit was found.

    Args:
        clone: where it was found; None for a run of no commit.

    Raises:
        ConflictError: the project was removed, or its source changed.
    """
    if clone is None:
        return
    project = session.get(Project, run.project_id)
    if project is None:
        raise ConflictError("its project was removed meanwhile")
    if project.clone_path != clone:
        raise ConflictError(f"the source of {project.name} was changed meanwhile: try again")


def add_approved_run(
    store: Store, run: Run, approved: int, *, clone: str | None = None
) -> Run | None:
    """Write a new run of a commit and that it was approved, both or none.

    Args:
        run: its ``approved_by`` says who did.
        approved: the run that was approved.
        clone: as :func:`check_clone` has it.

    Returns:
        The new run with its number; None where somebody approved that one before.

    Raises:
        ConflictError: as :func:`check_clone` says.
    """
    with store.write() as session:
        check_clone(session, run, clone)
        before = session.get_one(Run, approved)
        if before.approved_by:
            return None
        before.approved_by = run.approved_by
        session.add(before)
        session.add(run)
        session.flush()
        session.refresh(run)
    return run


def get_run(store: Store, run_id: int, what: str = "build") -> Run:
    """A run by its number.

    Args:
        what: what people call such a run.

    Raises:
        NotFoundError: there is none.
    """
    with store.read() as session:
        run = session.get(Run, run_id) if abs(run_id) < 10**MAX_DIGITS else None
        last = session.exec(select(func.max(Run.id))).one() if run is None else None
    if run is None:
        there = f"the highest number is {last}" if last else "there are none"
        raise NotFoundError(f"no {what} {run_id} ({there})")
    return run


def list_runs(
    store: Store,
    *,
    kind: RunKind | None = RunKind.FIRMWARE,
    project_id: uuid.UUID | None = None,
    status: RunStatus | None = None,
    variant: tuple[str, str] | None = None,
    dirty: bool | None = None,
    own: bool = False,
    branch: str | None = None,
    target: str | None = None,
    commit: str | None = None,
    text: str = "",
    limit: int = 200,
    before: int | None = None,
    after: int | None = None,
    oldest_first: bool = False,
    brief: bool = False,
    kept: str | None = None,
) -> Sequence[Run]:
    """Builds, or runs of another kind, newest first, a page at a time.

    Args:
        kind: None for runs of every kind.
        variant: only those for this chip and configuration.
        dirty: only those of uncommitted changes, or only those of commits; None for both.
        own: only those of the project's own commits, not of forks and pull requests.
        branch: only those of this branch.
        target: only those for this chip.
        commit: only those of commits whose hash begins so.
        text: kept are runs whose number, commit, message, branch or status has this in it.
        before: only runs with a smaller number, for the next page.
        after: only runs with a larger number.
        oldest_first: whether the page begins with the smallest numbers.
        brief: whether to leave out what no list shows and may be long: the rows have neither
            build output nor test results.
        kept: only those that kept a file of this path, which counts.
    """
    order = col(Run.id).asc() if oldest_first else col(Run.id).desc()
    query = select(Run).order_by(order).limit(limit)
    if kind is not None:
        query = query.where(Run.kind == kind)
    if project_id is not None:
        query = query.where(Run.project_id == project_id)
    if status is not None:
        query = query.where(Run.status == status)
    if variant is not None:
        query = query.where(Run.target == variant[0], Run.configuration == variant[1])
    if dirty is not None:
        query = query.where(Run.dirty == dirty)
    if own:
        query = query.where(Run.proposed_by == "")
    if branch is not None:
        query = query.where(Run.branch == branch)
    if target is not None:
        query = query.where(Run.target == target)
    if commit is not None:
        query = query.where(col(Run.commit_sha).startswith(commit.lower(), autoescape=True))
    if before is not None:
        query = query.where(col(Run.id) < before)
    if after is not None:
        query = query.where(col(Run.id) > after)
    if text:
        fields = (
            Run.commit_sha,
            Run.commit_message,
            Run.branch,
            Run.status,
            Run.commit_author,
        )
        tests = [func.instr(func.lower(field), text.lower()) > 0 for field in fields]
        number = text.lstrip("#")
        if number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS:
            tests.append(col(Run.id) == int(number))
        query = query.where(or_(*tests))
    if kept is not None:
        is_of_run = and_(col(Artifact.run_id) == col(Run.id), col(Artifact.path) == kept)
        query = query.where(exists().where(is_of_run, ~col(Artifact.superseded)))
    if brief:
        query = query.options(defer(Run.build_output), defer(Run.test_results))  # type: ignore[arg-type] # SQLModel says what an instance has
    with store.read() as session:
        rows = session.exec(query).all()
        for row in rows if brief else ():
            set_committed_value(row, "build_output", "")
            set_committed_value(row, "test_results", None)
    return rows


def last_successful(
    store: Store,
    project_id: uuid.UUID | None,
    variant: tuple[str, str],
    *,
    dirty: bool | None = None,
    before: int | None = None,
) -> Run | None:
    """The last build of a project's own commits that succeeded, None where none did.

    Args:
        variant: for this chip and configuration.
        dirty, before: as :func:`list_runs` has them.
    """
    found = list_runs(
        store,
        project_id=project_id,
        status=RunStatus.SUCCESS,
        variant=variant,
        dirty=dirty,
        own=True,
        before=before,
        limit=1,
    )
    return found[0] if found else None


def successful_before(store: Store, build: Run) -> Run | None:
    """The last build of the same project, chip and configuration before one that succeeded."""
    variant = (build.target, build.configuration)
    return last_successful(store, build.project_id, variant, before=build.number)


def newest_result(
    store: Store, project_id: uuid.UUID, branch: str, variant: tuple[str, str]
) -> Run | None:
    """The newest build of a branch's own commits that succeeded or failed; None for none.

    Args:
        branch: empty for any.
        variant: for this chip and configuration.
    """
    query = (
        select(Run)
        .where(Run.kind == RunKind.FIRMWARE, Run.project_id == project_id)
        .where(col(Run.status).in_([RunStatus.SUCCESS, RunStatus.FAILED]))
        .where(Run.target == variant[0], Run.configuration == variant[1])
        .where(Run.proposed_by == "", ~col(Run.dirty))
        .order_by(col(Run.id).desc())
        .limit(1)
    )
    if branch:
        query = query.where(Run.branch == branch)
    with store.read() as session:
        return session.exec(query).first()


def build_of_commit(
    store: Store, project_id: uuid.UUID, sha: str, variant: tuple[str, str]
) -> Run | None:
    """The newest build of a commit, for this chip and configuration or started by a push.

    Not one of it as a pull request's, which used no board. One that was cancelled before it began
    built nothing, and one of uncommitted changes something else.
    """
    query = (
        select(Run)
        .where(Run.kind == RunKind.FIRMWARE, Run.project_id == project_id)
        .where(Run.commit_sha == sha, ~col(Run.dirty), Run.proposed_by == "")
        .where(or_(col(Run.status) != RunStatus.CANCELLED, col(Run.started_at).is_not(None)))
        .where(
            or_(
                col(Run.triggered_by).in_(PUSHES),
                and_(col(Run.target) == variant[0], col(Run.configuration) == variant[1]),
            )
        )
        .order_by(col(Run.id).desc())
        .limit(1)
    )
    with store.read() as session:
        return session.exec(query).first()


def runs_of_commit(store: Store, project_id: uuid.UUID, sha: str) -> Sequence[Run]:
    """The last hundred builds of a commit, newest first, whoever proposed it."""
    query = (
        select(Run)
        .where(Run.kind == RunKind.FIRMWARE, Run.project_id == project_id)
        .where(Run.commit_sha == sha, ~col(Run.dirty))
        .order_by(col(Run.id).desc())
        .limit(100)
    )
    with store.read() as session:
        return session.exec(query).all()


def unfinished_proposals(store: Store, project_id: uuid.UUID, branch: str) -> Sequence[Run]:
    """Builds of a pull request that wait, or run, before anybody approved them."""
    query = (
        select(Run)
        .where(Run.project_id == project_id, Run.branch == branch)
        .where(Run.proposed_by != "", Run.approved_by == "")
        .where(col(Run.status).in_([RunStatus.PENDING, RunStatus.RUNNING]))
    )
    with store.read() as session:
        return session.exec(query).all()


def proposed_since(store: Store, run: Run) -> Run | None:
    """The newest build of the same pull request with another commit than a build, if it is newer.

    ``branch`` is that of the pull request.
    """
    query = (
        select(Run)
        .where(Run.project_id == run.project_id, Run.branch == run.branch)
        .where(Run.proposed_by != "", Run.commit_sha != run.commit_sha, col(Run.id) > run.number)
        .order_by(col(Run.id).desc())
        .limit(1)
    )
    with store.read() as session:
        return session.exec(query).first()


def builds_started_by(
    store: Store, project_id: uuid.UUID, *triggers: Trigger, unfinished: bool = False
) -> Sequence[Run]:
    """The last hundred builds of a project that were started so, newest first.

    Args:
        unfinished: only those that have not ended.
    """
    query = (
        select(Run)
        .where(Run.kind == RunKind.FIRMWARE, Run.project_id == project_id)
        .where(col(Run.triggered_by).in_(triggers), Run.proposed_by == "")
        .order_by(col(Run.id).desc())
        .limit(100)
    )
    if unfinished:
        query = query.where(col(Run.status).in_([RunStatus.PENDING, RunStatus.RUNNING]))
    with store.read() as session:
        return session.exec(query).all()


def start_run(store: Store, run_id: int) -> Run:
    """Write that a run runs now; one that goes on after an interruption keeps its first start."""
    with store.write() as session:
        run = session.get_one(Run, run_id)
        run.status = RunStatus.RUNNING
        run.started_at = run.started_at or utc_now()
        session.add(run)
    return run


def finish_run(
    store: Store,
    run_id: int,
    *,
    status: RunStatus,
    error: str = "",
    verdict: str = "",
    took: float | None = None,
    result_attempt: int | None = None,
    workflow_id: str | None = None,
) -> Run | None:
    """Write how a run ended.

    Args:
        took: seconds since its first start as a clock measured them that only runs; None when
            nobody could, as it was interrupted or lost: then the time in which its stages worked
            since counts, and not the night in which the machine was off.
        result_attempt: as :class:`Run` has it.
        workflow_id: of the durable run that ended; None for whichever the run has.

    Returns:
        None where the run has ended already, or is carried out anew by another durable run:
        nothing is written then.
    """
    with store.write() as session:
        run = session.get_one(Run, run_id)
        if workflow_id is not None and (run.workflow_id != workflow_id or run.status.is_final):
            return None
        run.status = status
        run.error = error
        run.verdict = verdict
        run.result_attempt = result_attempt
        run.completed_at = utc_now()
        if took is not None and run.started_at is not None:
            run.completed_at = run.started_at + timedelta(seconds=took)
        run.duration = took
        if took is None:
            retried = session.exec(
                select(func.max(Retry.attempt)).where(Retry.run_id == run_id)
            ).one()
            stages = session.exec(
                select(StageRow)
                .where(StageRow.run_id == run_id, ~col(StageRow.superseded))
                .where(StageRow.attempt >= (retried or 0))  # not what a retry took over
            ).all()
            run.duration = seconds_worked(stages)
        session.add(run)
        session.exec(
            update(StageRow)
            .where(col(StageRow.run_id) == run_id)
            .where(col(StageRow.status).in_([StageStatus.RUNNING, StageStatus.PENDING]))
            .values(status=StageStatus.CANCELLED, completed_at=run.completed_at)
        )
    return run


def seconds_worked(stages: Iterable[StageRow]) -> float | None:
    """The time in which stages of a run worked, counted once where several did at once.

    Those count that ended by themselves: when one was cut off, nobody knows.

    Returns:
        None where none did.
    """
    spans = sorted(
        (row.started_at, row.completed_at)
        for row in stages
        if row.status in (StageStatus.SUCCESS, StageStatus.FAILED)
        and row.started_at is not None
        and row.completed_at is not None
    )
    if not spans:
        return None
    seconds, until = 0.0, spans[0][0]
    for start, end in spans:
        seconds += max(0.0, (end - max(start, until)).total_seconds())
        until = max(until, end)
    return seconds


def put_outcome(
    store: Store, run_id: int, *, test_results: dict[str, Any] | None, build_output: str
) -> None:
    """Keep what the tests of a build came to, and the end of what its compiler printed."""
    with store.write() as session:
        run = session.get_one(Run, run_id)
        run.test_results = test_results
        run.build_output = build_output
        session.add(run)


def requeue_run(
    store: Store,
    run_id: int,
    workflow_id: str,
    *,
    before: str | None = None,
    first: StageRow | None = None,
    repeated: Iterable[StageRow],
    repeats: dict[str, Any] | None = None,
) -> None:
    """Make an ended run pending again, to be executed under a new id.

    What the run came to is kept with the retry, what its stages did, found and made stays and is
    superseded.

    Args:
        before: the id under which it was executed; None for whichever the run has.
        first: a stage of the phase that it begins at; None for the run's start.
        repeated: stages that are done again, or whose results are not used any more.
        repeats: as :class:`Run` has it; None for a run that starts over: then all artifacts are
            superseded, whoever made them.

    Raises:
        ConflictError: somebody else did so since.
    """
    with store.write() as session:
        run = session.get_one(Run, run_id)
        if before is not None and run.workflow_id != before:
            raise ConflictError(f"{run.kind.label} {run_id} was retried already")
        for row in repeated:
            for table, key in ((StageRow, StageRow.key), (FindingRow, FindingRow.stage)):
                session.exec(
                    update(table)
                    .where(
                        col(table.run_id) == run_id,
                        col(key) == row.key,
                        col(table.attempt) == row.attempt,
                    )
                    .values(superseded=True)
                )
        _count_artifacts_again(session, run_id, over=repeats is None)
        session.exec(delete(RunMeasure).where(col(RunMeasure.run_id) == run_id))
        last = session.exec(
            select(func.max(StageRow.attempt)).where(StageRow.run_id == run_id)
        ).one()
        session.add(
            Retry(
                run_id=run_id,
                from_attempt=first.attempt if first else 0,
                phase=first.phase if first else "",
                attempt=(last or 0) + 1,
                **{name: getattr(run, name) for name in _OUTCOME},
            )
        )
        run.status = RunStatus.PENDING
        run.workflow_id = workflow_id
        run.repeats = repeats
        run.deaths = 0
        run.cancel_requested = False
        run.started_at = run.completed_at = run.duration = run.result_attempt = None
        run.error = run.build_output = run.verdict = ""
        run.test_results = None
        session.add(run)


def _count_artifacts_again(session: Session, run_id: int, *, over: bool) -> None:
    """Have the last artifact of each path count that a stage made which is not superseded.

    Args:
        over: whether none counts.
    """
    superseded = _superseded_stages(session, run_id)
    kept = select(Artifact).where(Artifact.run_id == run_id).order_by(col(Artifact.id).desc())
    counted: set[str] = set()
    for artifact in session.exec(kept):
        gone = over or (artifact.stage, artifact.attempt) in superseded
        artifact.superseded = gone or artifact.path in counted
        if not artifact.superseded:
            counted.add(artifact.path)
        session.add(artifact)


def _superseded_stages(session: Session, run_id: int) -> set[tuple[str, int]]:
    stages = select(StageRow.key, StageRow.attempt).where(
        StageRow.run_id == run_id, col(StageRow.superseded)
    )
    return set(session.exec(stages).all())


def retries_of(store: Store, run_id: int) -> Sequence[Retry]:
    """Retries of a run, in their order."""
    with store.read() as session:
        query = select(Retry).where(Retry.run_id == run_id).order_by(col(Retry.id))
        return session.exec(query).all()


def request_cancel(store: Store, run_id: int) -> Run:
    """Ask whichever process executes the run to end it."""
    with store.write() as session:
        run = session.get_one(Run, run_id)
        run.cancel_requested = True
        session.add(run)
    return run


def cancel_requests(store: Store) -> Sequence[int]:
    """Runs that someone wants ended and that have not ended."""
    with store.read() as session:
        found = session.exec(
            select(Run.id)
            .where(Run.cancel_requested)
            .where(col(Run.status).in_([RunStatus.PENDING, RunStatus.RUNNING]))
        ).all()
    return [number for number in found if number is not None]


def unfinished_runs(store: Store) -> Sequence[Run]:
    """Runs that have not ended, oldest first."""
    with store.read() as session:
        return session.exec(
            select(Run)
            .where(col(Run.status).in_([RunStatus.PENDING, RunStatus.RUNNING]))
            .order_by(col(Run.id))
        ).all()


def is_unfinished(store: Store, run_id: int) -> bool:
    """Whether there is a run of that number, and it has not ended."""
    with store.read() as session:
        run = session.get(Run, run_id)
    return run is not None and not run.status.is_final


def put_back_running(store: Store, *, died: bool) -> None:
    """Make runs and stages that a process left ``running`` pending again.

    Args:
        died: whether the process died in the midst of them, and did not end in good order.
    """
    with store.write() as session:
        session.exec(
            update(Run)
            .where(col(Run.status) == RunStatus.RUNNING)
            .values(status=RunStatus.PENDING, deaths=col(Run.deaths) + int(died))
        )
        session.exec(
            update(StageRow)
            .where(col(StageRow.status) == StageStatus.RUNNING)
            .values(status=StageStatus.PENDING)
        )


def put_stage(store: Store, stage: StageRow) -> bool:
    """Write a stage of a run as it stands now (one row a run, key and attempt).

    One that has ended is progress: deaths of the processes before do not count any more.

    Returns:
        Whether its status is another one now.
    """
    with store.write() as session:
        row = session.exec(
            select(StageRow)
            .where(StageRow.run_id == stage.run_id)
            .where(StageRow.key == stage.key)
            .where(StageRow.attempt == stage.attempt)
        ).first()
        if stage.completed_at is not None:
            session.exec(update(Run).where(col(Run.id) == stage.run_id).values(deaths=0))
        if row is None:
            session.add(stage)
            return True
        changed = row.status is not stage.status
        row.status = stage.status
        row.started_at = stage.started_at
        row.completed_at = stage.completed_at
        row.summary = stage.summary
        row.usage = stage.usage
        session.add(row)
    return changed


def put_findings(
    store: Store, run_id: int, stage: str, attempt: int, findings: Iterable[Finding]
) -> None:
    """Write the findings of a stage in place of what it had found before."""
    with store.write() as session:
        for old in session.exec(
            select(FindingRow)
            .where(FindingRow.run_id == run_id)
            .where(FindingRow.stage == stage)
            .where(FindingRow.attempt == attempt)
        ):
            session.delete(old)
        session.flush()
        for finding in findings:
            session.add(
                FindingRow(
                    run_id=run_id,
                    stage=stage,
                    attempt=attempt,
                    severity=finding.severity,
                    code=finding.code,
                    message=finding.message,
                    file=finding.file,
                    line=finding.line,
                    column=finding.column,
                    hint=finding.hint,
                    evidence=finding.evidence,
                )
            )


def put_artifacts(store: Store, run_id: int, artifacts: Iterable[Artifact]) -> None:
    """Write artifacts of a run.

    What the same stage and attempt kept under the same path is replaced; what others kept there is
    superseded.
    """
    with store.write() as session:
        for artifact in artifacts:
            there = col(Artifact.run_id) == run_id, col(Artifact.path) == artifact.path
            session.exec(
                delete(Artifact).where(
                    *there,
                    col(Artifact.stage) == artifact.stage,
                    col(Artifact.attempt) == artifact.attempt,
                )
            )
            session.exec(update(Artifact).where(*there).values(superseded=True))
            session.add(artifact)


def withdraw_artifact(store: Store, run_id: int, path: str) -> None:
    """Have no artifact of a path count any more."""
    with store.write() as session:
        session.exec(
            update(Artifact)
            .where(col(Artifact.run_id) == run_id, col(Artifact.path) == path)
            .values(superseded=True)
        )


def supersede_attempts(store: Store, run_id: int, *, after: int, but: Collection[str] = ()) -> None:
    """Have artifacts of later attempts not count; those count again that they superseded.

    Args:
        after: the last attempt that counts.
        but: stages of which they do.
    """
    with store.write() as session:
        superseded = _superseded_stages(session, run_id)
        kept = select(Artifact).where(Artifact.run_id == run_id).order_by(col(Artifact.id).desc())
        waiting: set[str] = set()
        for artifact in session.exec(kept):
            is_later = artifact.attempt > after and artifact.stage not in but
            if is_later and not artifact.superseded:
                artifact.superseded = True
                waiting.add(artifact.path)
            elif (
                artifact.path in waiting
                and not is_later
                and (artifact.stage, artifact.attempt) not in superseded
            ):
                artifact.superseded = False
                waiting.discard(artifact.path)
            session.add(artifact)


def set_artifacts_path(store: Store, run_id: int, path: str) -> None:
    """Say where the artifacts of a run lie."""
    with store.write() as session:
        run = session.get_one(Run, run_id)
        run.artifacts_path = path
        session.add(run)


def stages_of(store: Store, run_id: int) -> Sequence[StageRow]:
    """Stages of a run in the order in which they came."""
    with store.read() as session:
        return session.exec(
            select(StageRow).where(StageRow.run_id == run_id).order_by(col(StageRow.id))
        ).all()


def findings_of(store: Store, run_id: int) -> Sequence[FindingRow]:
    """Findings of a run in the order in which they came."""
    with store.read() as session:
        return session.exec(
            select(FindingRow).where(FindingRow.run_id == run_id).order_by(col(FindingRow.id))
        ).all()


def artifacts_of(store: Store, run_id: int, *, superseded: bool = False) -> Sequence[Artifact]:
    """Artifacts of a run that count, by path.

    Args:
        superseded: those as well that a later stage, attempt or retry superseded, after what
            counts, the newest first.
    """
    query = select(Artifact).where(Artifact.run_id == run_id)
    if not superseded:
        query = query.where(~col(Artifact.superseded))
    order = col(Artifact.superseded), col(Artifact.path), col(Artifact.id).desc()
    with store.read() as session:
        return session.exec(query.order_by(*order)).all()


def program_with(store: Store, sha256: str) -> Artifact | None:
    """The newest kept program whose SHA-256 begins with some hexadecimal digits, small letters.

    One that is superseded was flashed as well, when its attempt ran.
    """
    with store.read() as session:
        return session.exec(
            select(Artifact)
            .where(Artifact.kind == ArtifactKind.ELF)
            # Not LIKE, which SQLite looks up in no index: "g" comes after every digit.
            .where(col(Artifact.sha256).between(sha256, f"{sha256}g"))
            .order_by(col(Artifact.superseded), col(Artifact.run_id).desc())
            .limit(1)
        ).first()
