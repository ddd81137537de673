"""Facts: rows of the store as results of subjects, with what a message says of them."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from engine.enums import CheckStatus, RunKind, RunStatus, Severity
from engine.notify.messages import line
from engine.notify.subjects import THIS_USB, Fact
from engine.stage_labels import stage_label
from engine.store.notifications import RunStory
from engine.store.tables import CheckResultRow, FindingRow, Project, Run

BOARD_CHECK = "board_check"
"""The check whose details say how each board is."""

_ANSWERS, _SILENT, _OFF = "answers", "does not answer", "off"
"""States of a board in the details of that check."""

_BOARD_STAGE = "test.board"
_SHORT_COMMIT = 9  # characters of a commit that people read
_MAX_BOARDS = 1000


def build_name(project: Project, run: Run) -> str:
    """What people call the builds of a project, branch and variant."""
    words = (project.name, run.branch, run.target, run.configuration)
    return " ".join(filter(None, words))


def is_told(story: RunStory) -> bool:
    """Whether a run is one of those that are told: a build of a commit that has a project."""
    return story.run.kind is RunKind.FIRMWARE and not story.run.dirty and story.project is not None


def build_fact(story: RunStory, hubs: Mapping[str, str]) -> Fact | None:
    """What a build came to; None for one that says nothing of its project.

    That are tasks, builds of uncommitted changes, and those that somebody cancelled.

    Args:
        hubs: the cause of each known board's failures, by its name.
    """
    run, project = story.run, story.project
    if not is_told(story) or project is None:
        return None
    if run.status not in (RunStatus.SUCCESS, RunStatus.FAILED):
        return None
    failed = run.status is RunStatus.FAILED
    first = _first_error(story)
    summary = _summary(story)
    lines = []
    if failed and first is not None and _place(first) not in summary:
        lines.append(line(_place(first)))
    subject = run.commit_message.split("\n", 1)[0]
    author = f" by {run.commit_author}" if run.commit_author else ""
    lines.append(
        line(f"commit {run.commit_sha[:_SHORT_COMMIT]} {subject!r}{author}, branch {run.branch}")
    )
    who = f", by {run.asked_by}" if run.asked_by else ""
    lines.append(line(f"triggered: {run.triggered_by}{who}"))
    return Fact(
        subject=f"build:{project.id}:{run.branch}:{run.target}:{run.configuration}",
        result=f"run:{run.number}:{run.workflow_id}",
        topic="builds",
        name=line(build_name(project, run), 120),
        failed=failed,
        at=run.completed_at or run.created_at,
        project=project.name,
        branch=run.branch,
        cause=_cause_of_build(story, hubs) if failed else "",
        summary=line(summary),
        lines=tuple(lines),
        command=f"espdeck show {run.number}",
        run_id=run.number,
    )


def check_facts(
    row: CheckResultRow,
    project: Project | None,
    threshold: int,
    known_boards: Collection[str],
) -> list[Fact]:
    """What a check came to: one fact, or one a board where it says how each board is.

    Args:
        threshold: errors in a row before it is told.
        known_boards: names of boards that are told of.
    """
    if row.check_name == BOARD_CHECK and (boards := _boards(row.details)):
        return _board_facts(row, boards, threshold, known_boards)
    name = project.name if project is not None else ""
    return [
        Fact(
            subject=f"check:{row.check_name}:{row.project_id or ''}",
            result=f"check:{row.id}",
            topic="checks",
            name=line(f"{name} {row.check_name}".strip(), 120),
            failed=row.status is CheckStatus.ERROR,
            at=row.confirmed_at,
            project=name,
            check=row.check_name,
            threshold=threshold,
            summary=line(row.message),
            command=f"espdeck check {row.check_name}" + (f" --project {name}" if name else ""),
        )
    ]


def notice_fact(message: str, event: int, at: datetime) -> Fact:
    """A problem of espdeck itself."""
    same = re.sub(r"[0-9]+", "0", message)
    digest = hashlib.sha256(same.encode("utf-8", "replace")).hexdigest()[:16]
    return Fact(
        subject=f"lab:{digest}",
        result=f"event:{event}",
        topic="lab",
        name="espdeck",
        failed=True,
        at=at,
        summary=line(message),
        command="espdeck doctor",
    )


def cause_of_board(name: str, hub: str = "") -> str:
    """What may take other boards away with a board: its hub, or the host that it is at."""
    if hub:
        return line(f"hub {hub}", 120)
    if name.startswith("virtual:"):
        return ""
    host = None
    with contextlib.suppress(ValueError):
        host = urlsplit(name).hostname if "://" in name else None
    return line(f"host {host}", 120) if host else THIS_USB


def _board_facts(
    row: CheckResultRow,
    boards: Mapping[str, Mapping[str, Any]],
    threshold: int,
    known: Collection[str],
) -> list[Fact]:
    """How each board is of which the check can say it; a board in use was not looked at.

    One that is not there fails if it was there before: else somebody has not plugged it in yet.
    """
    found = []
    for name, facts in boards.items():
        state = str(facts.get("state") or "")
        errors = facts.get("errors")
        said = [str(each) for each in errors] if isinstance(errors, list) else []
        is_away = state == _OFF and name in known
        if not (said or is_away or state == _ANSWERS):
            continue
        is_silent = is_away or state == _SILENT
        found.append(
            Fact(
                subject=f"board:{name}",
                result=f"check:{row.id}",
                topic="boards",
                name=line(f"board {facts.get('label') or name}", 120),
                failed=bool(said) or is_away,
                at=row.confirmed_at,
                cause=cause_of_board(name, str(facts.get("hub") or "")) if is_silent else "",
                threshold=threshold,
                summary=line(said[0] if said else "is gone" if is_away else ""),
                command="espdeck boards",
            )
        )
    return found


def _boards(details: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Boards of the details of a board check, by name; empty where they are of another shape."""
    listed = details.get("boards")
    found: dict[str, Mapping[str, Any]] = {}
    if isinstance(listed, list):
        for each in listed[:_MAX_BOARDS]:
            if isinstance(each, dict) and isinstance(name := each.get("board"), str):
                found[name] = each
    return found


def _first_error(story: RunStory) -> FindingRow | None:
    errors = [each for each in story.findings if each.severity is Severity.ERROR]
    return min(errors, key=lambda each: each.rank, default=None)


def _place(found: FindingRow) -> str:
    where = f"{found.file}:{found.line}" if found.file and found.line else found.file or ""
    return f"{where}: {found.message}" if where and where not in found.message else found.message


def _summary(story: RunStory) -> str:
    run = story.run
    took = f" in {run.duration:.1f} s" if run.duration is not None else ""
    if run.status is RunStatus.SUCCESS:
        return f"build #{run.number} succeeded{took}"
    first = next((each.key for each in story.stages), "")
    stage = f" in stage {stage_label(first)}" if first else ""
    return f"build #{run.number} failed{stage}: {run.error}"


def _cause_of_build(story: RunStory, hubs: Mapping[str, str]) -> str:
    """The cause of a failure that a board which cannot be used made, empty for none."""
    for found in story.findings:
        if found.severity is not Severity.ERROR or found.stage != _BOARD_STAGE:
            continue
        if found.code not in ("stage.failed", "board.away"):
            continue
        for name, cause in hubs.items():
            if name in found.message:
                return f"board:{name}" if cause in ("", THIS_USB) else cause
    return ""
