"""A lab for home: projects, work, boards and builds as the engine gives them, at a fixed time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import BoardInfo, BoardOverview, Builds, Checks, Overview, ProjectOverview, WorkItem
from engine.enums import ProjectStatus, RunKind, RunStatus, Trigger, VerdictWord
from engine.store.project_builds import BriefBuild
from engine.store.tables import Project, Run

NOW = datetime(2026, 1, 31, 14, 2, 7, tzinfo=UTC)

OK, FAILED, OFF = RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED


@dataclass
class Lab:
    """What the engine gives."""

    projects: list[ProjectOverview] = field(default_factory=list)
    work: list[WorkItem] = field(default_factory=list)
    boards: list[BoardOverview] = field(default_factory=list)
    builds: dict[uuid.UUID, list[Run]] = field(default_factory=dict)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the engine give it."""

        def builds_of(
            _builds: Builds, project_id: uuid.UUID, status: RunStatus | None = None, **_rest: Any
        ) -> Sequence[Run]:
            found = self.builds.get(project_id, [])
            return [run for run in found if status is None or run.status == status]

        monkeypatch.setattr(Overview, "projects", lambda _self: self.projects)
        monkeypatch.setattr(Overview, "work", lambda _self: self.work)
        monkeypatch.setattr(Overview, "boards", lambda _self: self.boards)
        monkeypatch.setattr(Builds, "list", builds_of)
        monkeypatch.setattr(Builds, "flashable", builds_of)
        monkeypatch.setattr(Checks, "matrix", lambda _self, **_rest: ())
        monkeypatch.setattr(Checks, "coming", lambda _self, most: ())


def build(number: int, status: RunStatus, minutes: float, **known: Any) -> Run:
    """A build that was asked for some minutes before :data:`NOW`."""
    at = NOW - timedelta(minutes=minutes)
    final = {"completed_at": at, "duration": 41.0} if status.is_final else {}
    started = {} if status is RunStatus.PENDING else {"started_at": at}
    usual = {
        "commit_sha": f"{number * 7919:08x}" * 5,
        "commit_message": "Read the sensor twice\n\nIt wakes slowly.",
        "branch": "main",
        "target": "esp32c3",
        "triggered_by": Trigger.PUSH if number % 3 else Trigger.MANUAL,
    }
    return Run(id=number, status=status, created_at=at, **{**usual, **final, **started, **known})


def project(name: str, chip: str, newest: Run | None = None, **known: Any) -> ProjectOverview:
    """A project that is well, but for what is known of it."""
    texts = {"status": ProjectStatus.ACTIVE, "status_detail": "", "source": f"/src/{name}"}
    row = {key: known.pop(key, usual) for key, usual in texts.items()}
    made = Project(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, name), name=name, branch="main", tip="8bd57811" * 5,
        target=chip, synced_at=NOW - timedelta(minutes=9), **row,
    )  # fmt: skip
    names = [each.name for each in fields(BriefBuild)]
    brief = BriefBuild(**{name: getattr(newest, name) for name in names}) if newest else None
    return ProjectOverview(made, brief, **known)


def board(name: str, chip: str, state: str = "free", **known: Any) -> BoardOverview:
    """A board; what is not of the overview is of the board itself."""
    mine = {key: known.pop(key) for key in ("project", "build", "problem") if key in known}
    texts = ("remark", "revision", "mac", "features", "reserved", "holder", "doing", "last_line")
    info = BoardInfo(
        name=f"/dev/serial/{name}", label=name, kind="serial", chip=chip, state=state,
        url=f"/dev/serial/{name}", flash_size=None, brownouts=0, watchdog_resets=0,
        **{**dict.fromkeys(texts, ""), **known},
    )  # fmt: skip
    return BoardOverview(info, state=state, reserved_until=info.reserved_until, **mine)


def busy() -> Lab:
    """A lab at noon: builds run and wait, one project is broken, a board is reserved."""
    crash = "Load prohibited in radio_begin (radio.c:88)"
    running = build(131, RunStatus.RUNNING, 0.5, target="esp32c6")
    testing = build(130, RunStatus.RUNNING, 0.2, target="esp32s3")
    waiting = build(132, RunStatus.PENDING, 1)
    failed = build(128, FAILED, 4, target="esp32s3", error=crash)
    task = build(133, RunStatus.RUNNING, 0.4, kind=RunKind.TASK)
    node = project(
        "node5", "esp32s3", failed, reason=crash, broken=128, board="desk",
        broken_since=NOW - timedelta(hours=3), last=(FAILED, FAILED, OK, FAILED, OK),
        success_rate=72.0,
    )  # fmt: skip
    projects = [
        node,
        project("gateway", "esp32c6", running, last=(OK, OK, OK, OFF, OK), success_rate=96.0),
        project("sensor", "esp32c3", build(127, OK, 130), ahead=3, success_rate=100.0, last=(OK,)),
        project("pump", "esp32", build(119, OK, 1500), last=(OK,) * 5, success_rate=100.0),
        project("thermo", "esp32c3", build(101, OK, 4400), is_dirty=True, last=(OK,) * 5,
                success_rate=100.0),
        project("old", "esp32", build(7, OK, 90_000), sync_problem="not synced for 62 d"),
        project("new", ""),
        project("gone", "esp32", status=ProjectStatus.ERROR,
                reason="https://git.lab/gone.git: cannot be reached"),
        project("fresh", "", status=ProjectStatus.PENDING),
    ]  # fmt: skip
    work = [
        WorkItem(testing, "node5", phase="test", percent=82, elapsed=12, expected=20, board="desk",
                 message="31 tests ran"),
        WorkItem(running, "gateway", phase="build", percent=47, elapsed=31, expected=65,
                 message="esp-idf 5.5"),
        WorkItem(task, "node5", "Review", phase="review", percent=10, elapsed=24,
                 message="reads radio.c"),
        WorkItem(waiting, "sensor", elapsed=60,
                 waits_for="an esp32c3: rack-2 is ada's until 15:30"),
    ]  # fmt: skip
    until = NOW + timedelta(minutes=88)
    boards = [
        board("desk", "esp32s3", "busy", holder="build 130", project="node5", build=130,
              last_line="I (512) wifi: connected to lab, channel 6"),
        board("rack-1", "esp32", "unwell", problem="silent for 2 h, 3 brownouts"),
        board("rack-2", "esp32c3", "reserved", reserved="ada until 15:30: scope attached",
              reserved_by="ada", reserved_until=until, reserved_why="scope attached"),
        board("rack-3", "esp32c6", runs="pump 4611176, build 119", last_line="I (9) main: ready"),
        board("virtual:esp32c3", "esp32c3", "off"),
    ]  # fmt: skip
    builds = [
        replace_run(testing, commit_message="Begin the radio later"),
        failed,
        build(126, OK, 122, target="esp32s3", verdict=VerdictWord.ACCEPTED),
        build(99, OK, 3000, target="esp32s3", verdict=VerdictWord.UNTESTED, duration=4.2),
        build(98, OFF, 70_000, target="esp32s3", duration=3725.0, dirty=True),
    ]
    return Lab(projects, work, boards, {node.project.id: builds})


def replace_run(run: Run, **changes: Any) -> Run:
    """A run with other fields."""
    return Run(**{**run.model_dump(), **changes})


def hostile(lab: Lab, text: str) -> Lab:
    """The same lab, in which every text that comes from outside has something before it."""

    def of(item: WorkItem) -> WorkItem:
        return replace(item, message=text + item.message, waits_for=item.waits_for and text)

    def renamed(each: ProjectOverview) -> ProjectOverview:
        named = Project(**{**each.project.model_dump(), "name": text + each.project.name})
        return replace(each, project=named, reason=each.reason and text + each.reason)

    def labelled(each: BoardOverview) -> BoardOverview:
        info = replace(each.info, label=text + each.info.label, last_line=text * 9)
        return replace(each, info=info, problem=each.problem and text)

    builds = {
        key: [replace_run(run, commit_message=text * 9, error=run.error and text) for run in runs]
        for key, runs in lab.builds.items()
    }
    return Lab(
        [renamed(each) for each in lab.projects],
        [of(each) for each in lab.work],
        [labelled(each) for each in lab.boards],
        builds,
    )


def many(count: int) -> Lab:
    """A lab with so many projects."""
    chips = ("esp32", "esp32s3", "esp32c3", "esp32c6")
    projects = [
        project(
            f"team-{number % 7}/node-{number:04}", chips[number % 4],
            build(number + 1, FAILED if number % 41 == 0 else OK, number + 1),
            reason="assert failed: queue.c:88" if number % 41 == 0 else "",
            broken=number + 1 if number % 41 == 0 else None, ahead=0 if number % 5 else 2,
            last=(OK, FAILED, OK), success_rate=66.7,
        )
        for number in range(count)
    ]  # fmt: skip
    return Lab(projects)
