"""How every project stands: its builds in one look, and in which order projects are shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine.enums import ProjectStatus, RunStatus
from engine.overview.order import PROJECT_ORDERS, Attention, attention
from engine.overview.records import ProjectOverview
from engine.store.project_builds import BriefBuild
from engine.store.tables import Project
from tests.engine.overview.lab import (
    CANCELLED,
    FAILED,
    NOW,
    OK,
    PENDING,
    RUNNING,
    Lab,
    ended,
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_project_without_builds(lab: Lab) -> None:
    project = lab.project("pump")

    (found,) = lab.overview.projects()

    assert found == ProjectOverview(project)
    assert lab.overview.project(project.id) == found


def test_a_project_that_is_gone(lab: Lab) -> None:
    assert lab.overview.project(Project(name="x", source="", target="").id) is None


def test_why_and_since_when_it_is_broken(lab: Lab) -> None:
    project = lab.project("node5")
    lab.build(project, FAILED, error="an older fault")
    lab.build(project, OK)
    first = lab.build(project, FAILED, error="another fault")
    lab.build(project, CANCELLED)
    last = lab.build(project, FAILED, error="\nLoad prohibited \x1b[31min radio_begin\nbacktrace")

    (found,) = lab.overview.projects()

    assert found.build is not None
    assert (found.build.number, found.broken) == (last, last)
    assert found.reason == "Load prohibited in radio_begin"
    assert found.broken_since == ended(first)
    assert found.last == (FAILED, OK, FAILED, CANCELLED, FAILED)
    assert found.success_rate == 25.0
    assert found.build.completed_at == ended(last)


def test_a_failure_long_ago(lab: Lab) -> None:
    project, other = lab.project("node5"), lab.project("pump")
    lab.build(project, OK)
    first = lab.build(project, FAILED)
    lab.build(other, OK)
    for _ in range(12):
        lab.build(project, FAILED)

    found = lab.overview.project(project.id)

    assert found is not None
    assert found.broken_since == ended(first)
    assert found == lab.overview.projects()[0]


@pytest.mark.parametrize("newer", [RUNNING, PENDING, CANCELLED])
def test_what_is_broken_stays_so_until_a_newer_build_succeeds(lab: Lab, newer: RunStatus) -> None:
    project = lab.project("node5")
    failed = lab.build(project, FAILED, error="no heartbeat")
    number = lab.build(project, newer)

    (found,) = lab.overview.projects()

    assert found.build is not None
    assert (found.build.number, found.build.status) == (number, newer)
    assert (found.broken, found.reason) == (failed, "no heartbeat")


def test_one_of_its_chips_that_fails_is_not_hidden_by_another(lab: Lab) -> None:
    project = lab.project("node5", targets=["esp32", "esp32c3"])
    failed = lab.build(project, FAILED, target="esp32", commit_sha="b" * 40)
    lab.build(project, OK, target="esp32c3", commit_sha="b" * 40)

    (found,) = lab.overview.projects()

    assert found.build is not None
    assert (found.build.number, found.broken) == (failed, failed)


def test_a_chip_that_is_not_built_any_more_does_not_count(lab: Lab) -> None:
    project = lab.project("node5")
    lab.build(project, FAILED, target="esp32", commit_sha="b" * 40)
    lab.build(project, OK, target="esp32c3", commit_sha="c" * 40)

    (found,) = lab.overview.projects()

    assert found.broken is None


def test_pull_requests_and_tasks_do_not_count(lab: Lab) -> None:
    project = lab.project("node5")
    number = lab.build(project, OK)
    lab.build(project, FAILED, proposed_by="mallory")
    lab.task(FAILED, project_id=project.id)

    (found,) = lab.overview.projects()

    assert found.build is not None
    assert (found.build.number, found.broken, found.last) == (number, None, (OK,))


def test_a_tip_that_was_not_built(lab: Lab) -> None:
    tip = "f" * 40
    project = lab.project("node5", tip=tip)
    lab.build(project, OK, commit_sha="a" * 40)
    lab.build(project, OK, commit_sha=tip, dirty=True)
    lab.build(project, CANCELLED, commit_sha=tip)

    (before,) = lab.overview.projects()
    lab.build(project, FAILED, commit_sha=tip)
    lab.build(project, OK, commit_sha="a" * 40)
    (after,) = lab.overview.projects()

    assert (before.ahead, before.is_outdated) == (None, True)
    assert (after.ahead, after.is_outdated) == (0, False)


def test_why_a_clone_is_old(lab: Lab) -> None:
    lab.project("a-stale", synced_at=NOW - timedelta(days=9))
    lab.project("b-failed", status_detail="not synced: lab.test cannot be reached")
    lab.project("c-fresh")
    lab.project("d-error", status=ProjectStatus.ERROR, status_detail="no repository there")

    stale, failed, fresh, error = lab.overview.projects()

    assert stale.sync_problem == "not synced for 9 d"
    assert failed.sync_problem == "lab.test cannot be reached"
    assert (fresh.sync_problem, fresh.reason) == ("", "")
    assert (error.sync_problem, error.reason) == ("", "no repository there")


def overview(
    name: str = "node", status: RunStatus | None = OK, **fields: object
) -> ProjectOverview:
    project = Project(name=name, source="", target="", status=ProjectStatus.ACTIVE)
    build = (
        BriefBuild(1, status, "", False, "", "", NOW, None, None, None)
        if status is not None
        else None
    )
    last = (status,) if status is not None else ()
    return ProjectOverview(project, build, **{"last": last, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "needs"),
    [
        (overview(status=FAILED, broken=1), Attention.BROKEN),
        (overview(status=RUNNING, broken=1), Attention.BROKEN),
        (overview(sync_problem="cannot be reached"), Attention.SYNC),
        (overview(status=RUNNING), Attention.WORKING),
        (overview(status=PENDING, ahead=3), Attention.WORKING),
        (overview(ahead=3), Attention.OUTDATED),
        (overview(ahead=None), Attention.OUTDATED),
        (overview(is_dirty=True), Attention.DIRTY),
        (overview(status=None), Attention.NOT_BUILT),
        (overview(status=CANCELLED), Attention.NOT_BUILT),
        (overview(), Attention.WELL),
    ],
)
def test_how_much_a_project_needs_a_person(found: ProjectOverview, needs: Attention) -> None:
    assert attention(found) is needs


def test_what_broke_last_comes_first() -> None:
    old = overview("a", FAILED, broken=1, broken_since=NOW - timedelta(days=3))
    new = overview("z", FAILED, broken=2, broken_since=NOW)
    well, other = overview("B"), overview("a")

    shown = sorted([well, old, other, new], key=PROJECT_ORDERS["by attention"])
    named = sorted([well, old, other, new], key=PROJECT_ORDERS["by name"])

    assert shown == [new, old, other, well]
    assert [each.project.name for each in named] == ["a", "a", "B", "z"]
