"""The quality gate of projects: by QA in a build, and on its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings, samples
from engine.enums import RunStatus, Severity
from engine.errors import UsageError
from engine.quality.result import GateVerdict, MeasureStatus
from engine.quality_requirements import Aspect
from engine.store.tables import Run
from engine.tasks.request import TaskRequest
from tests.engine.git_repos import commit
from tests.engine.quality.trees import README

pytestmark = [pytest.mark.xdist_group("gates"), pytest.mark.slow]

PERFORMANCE = (Aspect.SIZE, Aspect.GROWTH, Aspect.MEMORY, Aspect.BUILD_TIME)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(Settings(workspace=tmp_path_factory.mktemp("workspace"))) as engine:
        yield engine


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The sample hello as a repository of its own."""
    folder = tmp_path / "hello"
    samples.write("hello", folder)
    commit(folder, {})
    return folder


def build(engine: Engine, source: Path) -> Run:
    project = engine.projects.find_or_add(str(source))
    started = engine.builds.start(project.id, board="none", simulator="none")
    return engine.builds.wait(started.number, timeout=120)


def report(build: Run) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((Path(build.artifacts_path) / "quality.json").read_text())
    return kept


def demand(source: Path, quality: str, **files: str) -> None:
    toml = (source / "espdeck.toml").read_text().partition("[quality]")[0]
    commit(source, {"espdeck.toml": f"{toml}[quality]\n{quality}\n", **files})


def test_a_build_that_asks_for_no_gate_is_measured_by_what_it_is(
    engine: Engine, source: Path
) -> None:
    first, second = build(engine, source), build(engine, source)

    assert [first.status, second.status] == [RunStatus.SUCCESS] * 2
    measures = {each["id"]: each for each in report(second)["measures"]}
    assert list(measures) == ["size", "growth", "memory", "build_time"]
    assert measures["growth"]["value"] == 0
    assert measures["size"]["value"] > 0
    assert {each["status"] for each in measures.values()} == {"passed"}
    (judged,) = (each for each in report(first)["measures"] if each["id"] == "growth")
    assert judged["status"] == "unknown"
    log = "\n".join(
        line
        for key in engine.builds.logs(second.number)
        if key.stage == "judge"
        for line in engine.builds.lines(key)
    )
    assert "memory in use  passed" in log


def test_growth_blocks_only_a_project_that_asks_for_the_gate(engine: Engine, source: Path) -> None:
    assert build(engine, source).status is RunStatus.SUCCESS
    main = (source / "main/main.c").read_text()
    large = main + "\nconst volatile char table[4096] __attribute__((used)) = { 1 };\n"
    commit(source, {"main/main.c": large})

    grown = build(engine, source)

    assert grown.status is RunStatus.SUCCESS, grown.error
    codes = {row.code: row.severity for row in engine.builds.findings(grown.number)}
    assert codes["quality.growth"] is Severity.WARNING

    demand(source, "documentation = 0\ngrowth = 5")
    larger = large.replace("4096", "9000")
    commit(source, {"main/main.c": larger})
    blocked = build(engine, source)

    assert blocked.status is RunStatus.FAILED
    assert blocked.error.startswith("blocked: growth ")
    assert "demanded is <= 5 %" in blocked.error


def test_a_project_with_demands_is_held_to_them(engine: Engine, source: Path) -> None:
    demand(source, "documentation = 60")

    blocked = build(engine, source)

    assert blocked.status is RunStatus.FAILED
    assert blocked.error.startswith("blocked: documentation 30 points")
    rows = [row for row in engine.builds.findings(blocked.number) if row.stage == "judge"]
    errors = [row.code for row in rows if row.severity is Severity.ERROR]
    assert errors == ["quality.documentation"]
    assert report(blocked)["passed"] is False

    demand(source, "documentation = 60", **{"README.md": README})

    accepted = build(engine, source)

    assert accepted.status is RunStatus.SUCCESS, accepted.error
    assert len(report(accepted)["measures"]) == len(Aspect)


def test_the_tip_is_measured_with_the_newest_build(engine: Engine, source: Path) -> None:
    built = build(engine, source)
    project = engine.projects.find_or_add(str(source))

    gated = engine.gate.measure(project.id)

    measures = {each.id: each for each in gated.result.measures}
    assert (gated.project, gated.build) == (project.name, built.number)
    assert gated.commit.sha == built.commit_sha
    assert measures[Aspect.SIZE].status is MeasureStatus.PASSED
    assert measures[Aspect.BUILD_TIME].detail == f"of compiling, build {built.number}"

    sha = commit(source, {"README.md": README})
    engine.projects.find_or_add(str(source))
    gated = engine.gate.measure(project.id)

    assert gated.commit.sha == sha
    assert gated.result.passed
    size = next(each for each in gated.result.measures if each.id is Aspect.SIZE)
    assert f"build {built.number} of {built.commit_sha[:10]}" in size.detail


def test_what_was_never_built_has_no_performance(engine: Engine, source: Path) -> None:
    project = engine.projects.find_or_add(str(source))

    gated = engine.gate.measure(project.id)

    assert gated.build is None
    size = next(each for each in gated.result.measures if each.id is Aspect.SIZE)
    assert size.status is MeasureStatus.UNKNOWN
    with pytest.raises(UsageError, match="no commit, branch or tag 'nowhere'"):
        engine.gate.measure(project.id, commit="nowhere")


def test_what_became_of_a_build_that_gives_nothing_to_measure_is_said(
    engine: Engine, source: Path
) -> None:
    commit(source, {"main/main.c": "int broken(void) { return\n"})
    failed = build(engine, source)
    project = engine.projects.find_or_add(str(source))

    gated = engine.gate.measure(project.id)

    assert failed.status is RunStatus.FAILED
    assert (gated.build, gated.built) == (None, f"build {failed.number} failed")
    details = {each.detail for each in gated.result.measures if each.id in PERFORMANCE}
    assert details == {f"build {failed.number} failed: nothing to measure"}


def test_of_a_commit_whose_build_failed_no_older_build_is_measured(
    engine: Engine, source: Path
) -> None:
    assert build(engine, source).status is RunStatus.SUCCESS
    commit(source, {"main/main.c": "int broken(void) { return\n", "README.md": README})
    failed = build(engine, source)
    project = engine.projects.find_or_add(str(source))

    gated = engine.gate.measure(project.id)

    assert (gated.build, gated.built) == (None, f"build {failed.number} failed")
    assert gated.result.verdict is not GateVerdict.PASSED


def test_a_build_whose_gate_cannot_judge_enough_says_so(engine: Engine, source: Path) -> None:
    demand(source, 'exclude = ["**"]')

    built = build(engine, source)

    assert built.status is RunStatus.SUCCESS, built.error
    assert report(built)["passed"] is False
    (found,) = (
        row.finding
        for row in engine.builds.findings(built.number)
        if row.finding.code == "quality.unjudged"
    )
    assert found.severity is Severity.WARNING
    assert found.message.startswith("quality gate not judged: 3 of 8 measures judged")


def test_a_commit_has_one_score_of_documentation(engine: Engine, source: Path) -> None:
    project = engine.projects.find_or_add(str(source))

    def documentation() -> tuple[float | None, str]:
        measures = engine.gate.measure(project.id).result.measures
        (found,) = (each for each in measures if each.id is Aspect.DOCUMENTATION)
        return found.value, found.detail

    before = documentation()
    assert build(engine, source).status is RunStatus.SUCCESS

    assert documentation() == before


def test_the_gate_of_a_task_that_changes_nothing_knows_the_build_of_its_commit(
    engine: Engine, source: Path
) -> None:
    built = build(engine, source)
    order = TaskRequest(
        workflow="code_review", project_id=built.project_id, model="placeholder", gate=True
    )

    task = engine.tasks.wait(engine.tasks.start(order).number, timeout=60)

    measures = {each["id"]: each for each in report(task)["measures"]}
    assert measures["size"]["status"] == "passed"
    assert f"build {built.number}" in measures["size"]["detail"]
