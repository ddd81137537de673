"""Schedules start builds: at their times, once for all that was missed, never for the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.checks.base import CheckResult
from engine.checks.schedule_check import ScheduleCheck
from engine.enums import CheckStatus, ProjectStatus, RunStatus, Trigger
from engine.settings import ProjectSettings, WatchSettings
from engine.store import projects
from engine.store.tables import Project
from engine.store.watch import change_watch
from tests.engine.checks.lab_yard import LabYard
from tests.engine.git_repos import commit

BERLIN = ZoneInfo("Europe/Berlin")
CHECK = ScheduleCheck(BERLIN)


class Lab:
    """A lab with one project, whose clock shows the time of Berlin."""

    def __init__(self, folder: Path) -> None:
        self.yard = LabYard(folder / "workspace")
        commit(folder / "fw", {"main.c": "int x;\n"})
        self.source = folder / "fw"
        self.project: Project = self.yard.add(self.source)

    def schedule(self, text: str | None) -> None:
        watch = WatchSettings(schedule=text)
        self.yard.set(projects={"fw": ProjectSettings(watch=watch)})

    def at(self, time: str, fold: int = 0) -> CheckResult:
        """Look when the clock shows this time."""
        shown = datetime.fromisoformat(time).replace(tzinfo=BERLIN, fold=fold)
        self.yard.now = shown.astimezone(UTC)
        return self.yard.look(CHECK, self.project, after=0)

    def built(self) -> int:
        """How many builds there are; those that wait end."""
        found = self.yard.built(self.project)
        for run in found:
            if not run.status.is_final:
                self.yard.finish(run.number)
        return len(found)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.yard.close()


def test_a_schedule_starts_a_build_at_its_time_and_none_for_the_past(lab: Lab) -> None:
    assert lab.at("2026-03-02 12:00").message == "no schedule"
    lab.schedule("0 3 * * *")
    begun = lab.at("2026-03-02 12:01")
    assert begun.message == "next build 2026-03-03 03:00"
    assert begun.details["next"] == "2026-03-03T02:00:00+00:00"
    assert lab.at("2026-03-03 02:59").message == begun.message
    assert lab.built() == 0

    assert lab.at("2026-03-03 03:00").message == "next build 2026-03-04 03:00, the last was build 1"
    lab.at("2026-03-03 03:01")

    assert lab.built() == 1
    run = lab.yard.builds.get(1)
    assert (run.triggered_by, run.asked_by) == (Trigger.SCHEDULE, "schedule_check")


def test_what_was_missed_is_made_up_for_by_one_build(lab: Lab) -> None:
    lab.schedule("0 * * * *")
    lab.at("2026-03-02 12:01")
    lab.at("2026-03-09 08:30")
    lab.at("2026-03-09 08:31")
    assert lab.built() == 1
    assert lab.at("2026-03-09 09:00").details["last_build"] == 2


@pytest.mark.parametrize(
    ("schedule", "looks", "builds"),
    [
        # 02:30 is not shown on 2026-03-29.
        ("30 2 * * *", ["03-29 01:59", "03-29 03:00", "03-29 03:30", "03-29 03:31"], 1),
        # 02:30 is shown twice on 2026-10-25.
        ("30 2 * * *", ["10-25 02:30", "10-25 02:59", "10-25 02:30 again", "10-25 03:30"], 1),
    ],
)
def test_a_time_that_the_clock_skips_or_shows_twice_is_one_build(
    lab: Lab, schedule: str, looks: list[str], builds: int
) -> None:
    lab.schedule(schedule)
    month = looks[0][:2]
    lab.at(f"2026-{month}-2{8 if month == '03' else 4} 12:00")
    for look in looks:
        lab.at(f"2026-{look.removesuffix(' again')}", fold=int(look.endswith("again")))
        lab.built()
    assert lab.built() == builds


def test_a_schedule_that_changed_holds_from_then_on(lab: Lab) -> None:
    lab.schedule("0 3 * * *")
    lab.at("2026-03-02 12:00")
    lab.schedule("0 5 * * *")
    lab.at("2026-03-03 06:00")
    lab.schedule(None)
    lab.at("2026-03-04 06:00")
    lab.schedule("0 5 * * *")
    lab.at("2026-03-05 06:00")
    assert lab.built() == 0


def test_the_project_says_its_schedule_itself(lab: Lab) -> None:
    commit(lab.source, {"espdeck.toml": '[watch]\nschedule = "0 3 * * mon"\n'})
    lab.yard.projects.sync(lab.project.id)
    lab.yard.projects.wait(lab.project.id)
    assert lab.at("2026-03-03 12:00").message == "next build 2026-03-09 03:00"


def test_a_wrong_schedule_of_a_project_is_told_with_its_line(lab: Lab) -> None:
    commit(lab.source, {"espdeck.toml": '[watch]\nschedule = "3 o\'clock"\n'})
    lab.yard.projects.sync(lab.project.id)
    lab.yard.projects.wait(lab.project.id)
    said = lab.at("2026-03-03 12:00")
    assert said.status is CheckStatus.WARNING
    assert 'espdeck.toml:2: watch.schedule: "3 o\'clock" is not a schedule' in said.message


def test_while_its_last_build_has_not_ended_none_is_started(lab: Lab) -> None:
    lab.schedule("0 * * * *")
    lab.at("2026-03-02 12:30")
    lab.at("2026-03-02 13:00")
    left_out = lab.at("2026-03-02 14:00")
    assert left_out.status is CheckStatus.WARNING
    assert left_out.message.startswith("left out: build 1 of the schedule has not ended")
    lab.yard.finish(1, RunStatus.FAILED)
    assert lab.at("2026-03-02 15:00").status is CheckStatus.SUCCESS
    assert lab.built() == 2


def test_a_build_that_cannot_be_started_is_told_until_one_can(lab: Lab) -> None:
    lab.schedule("0 * * * *")
    lab.at("2026-03-02 12:30")
    projects.update_project(
        lab.yard.store, lab.project.id, status=ProjectStatus.ERROR, detail="disk is full"
    )
    for minute in range(3):
        said = lab.at(f"2026-03-02 13:0{minute}")
        assert said.message.startswith("not built: disk is full; next build 2026-03-02 14:00")
        assert said.status is CheckStatus.ERROR
    projects.update_project(lab.yard.store, lab.project.id, status=ProjectStatus.ACTIVE)
    assert lab.at("2026-03-02 14:00").status is CheckStatus.SUCCESS


def test_a_process_that_died_after_the_start_builds_nothing_twice(lab: Lab) -> None:
    lab.schedule("0 3 * * *")
    lab.at("2026-03-02 12:00")
    lab.at("2026-03-03 03:00")
    lab.built()
    day = timedelta(days=1)

    def as_before(row: object) -> None:
        row.schedule_since, row.schedule_run = lab.yard.now - day, 0  # type: ignore[attr-defined]

    change_watch(lab.yard.store, lab.project.id, as_before)
    lab.at("2026-03-03 03:01")
    assert lab.built() == 1
    lab.at("2026-03-04 03:00")
    assert lab.built() == 2


def test_a_clock_that_was_years_ahead_stops_no_schedule(lab: Lab) -> None:
    lab.schedule("0 3 * * *")
    lab.at("2099-01-01 12:00")
    lab.at("2026-03-02 12:00")
    lab.at("2026-03-03 03:00")
    assert lab.built() == 1
