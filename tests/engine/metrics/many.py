"""Stores with thousands of builds, written at once."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from engine.enums import ProjectStatus, RunKind, RunStatus
from engine.metrics.measure import MAX_FILES
from engine.store import projects
from engine.store.database import Store
from engine.store.tables import Project, Run, RunMeasure
from tests.engine.metrics.past import NOON

TESTS = 100
REGIONS = ("DRAM", "IRAM", "Flash Code", "Flash Data", "app")
CAUSES = ("build compiler.error", "test.simulator panic.abort", "judge -")


def fill_many(folder: Path, builds: int, names: int = 4) -> Store:
    """A store with so many builds of some projects, each for two chips, all of them measured."""
    store = Store(folder / "espdeck.db")
    made = [
        projects.add_project(
            store,
            Project(
                name=f"hub-{number}", source=f"/{number}", target="esp32c3",
                status=ProjectStatus.ACTIVE,
            ),
        )
        for number in range(names)
    ]  # fmt: skip
    chance = random.Random(13)
    runs, measures = [], []
    for number in range(1, builds + 1):
        status = chance.choices((RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED),
                                (8, 2, 1))[0]  # fmt: skip
        began = NOON + timedelta(minutes=number)
        run = Run(
            id=number,
            kind=RunKind.FIRMWARE,
            project_id=made[number % names].id,
            commit_sha=f"{number // 8:040x}",
            target=chance.choice(("esp32c3", "esp32c6")),
            status=status,
            started_at=began,
            completed_at=began + timedelta(seconds=30),
            duration=chance.uniform(5, 60),
            build_output="x" * 8000,
        )
        runs.append(run.model_dump())
        measures += _measures(number, status, chance)
    with store.write() as session:
        for first in range(0, len(runs), 500):
            session.execute(insert(Run), runs[first : first + 500])
        for first in range(0, len(measures), 2000):
            session.execute(insert(RunMeasure), measures[first : first + 2000])
    return store


def _measures(number: int, status: RunStatus, chance: random.Random) -> list[dict[str, Any]]:
    def row(name: str, value: float, label: str = "", detail: Any = None) -> dict[str, Any]:
        return {
            "run_id": number, "name": name, "label": label, "unit": "", "value": value,
            "detail": detail,
        }  # fmt: skip

    files = [[f"components/driver/file{each}.c", each / 10] for each in range(MAX_FILES)]
    tests = [
        ["test.simulator", f"test/test_hub.c:test_{each}",
         "PASS" if chance.random() < 0.999 else "FAIL", 0.01]
        for each in range(TESTS)
    ]  # fmt: skip
    failed = sum(test[2] == "FAIL" for test in tests)
    rows = [
        row("recorded", 1),
        row("attempts", 1),
        row("image_size", 150_000 + number),
        row("compile_time", 20.5, detail=files),
        row("compiled_files", 400),
        row("tests", TESTS, detail=tests),
        row("tests_passed", TESTS - failed),
        row("tests_failed", failed),
        row("tests_ignored", 0),
        row("test_time", 1.0),
    ]
    rows += [row("memory_used", 1000 + number, each) for each in REGIONS]
    rows += [row("memory_size", 400_000, each) for each in REGIONS]
    if status is RunStatus.FAILED:
        rows.append(row("failure", 1, chance.choice(CAUSES)))
    return rows
