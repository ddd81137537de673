"""``espdeck stats``: a table for people, and forms for programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import daemon_control
from engine.builds.compile_times import CompileTimes
from engine.enums import CheckStatus, RunStatus
from engine.images.image import MemoryRegion
from tests.engine.metrics.past import FAIL, PASS, Past, case
from tests.tui.commands import Here
from tests.tui.guide.pages import ROOT, tables
from tui.cli.stats import csv_cell

FAILED = RunStatus.FAILED


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Here:
    workspace = tmp_path_factory.mktemp("workspace")
    past = Past(workspace)
    first = past.build(took=10.0, tests=[case("test_add", PASS, 0.5)])
    past.keep_image(first, 2048, MemoryRegion("DRAM", 1024, 4096))
    past.keep_times(first, CompileTimes({"main/main.c": 1.5, "b.c": 0.5}, 2.0, 0.0))
    past.build(FAILED, took=20.0, tests=[case("test_add", FAIL)], failed=["test.simulator"],
               errors=[("diagnose", "panic.abort")])  # fmt: skip
    for _number in range(4):
        past.build(took=15.0)
    past.build(RunStatus.PENDING)
    past.check(CheckStatus.WARNING, 1.5)
    past.store.close()
    return Here(workspace)


def words(text: str, first: str) -> list[str]:
    """The words of the line that begins with this one."""
    return next(line.split() for line in text.splitlines() if line.startswith(first))


def test_projects_and_checks_are_a_table(here: Here) -> None:
    text = here.says("stats")
    assert words(text, "hub") == (
        ["hub", "7", "5", "1", "1", "0", "0", "15.0", "s", "15.0", "s", "83", "%"]
    )
    assert words(text, "doc_check")[:8] == ["doc_check", "1", "0", "1", "0", "1.5", "s", "warning"]
    assert "no daemon runs" in text


def test_a_project_is_told_whole(here: Here) -> None:
    text = here.says("stats", "--project", "hub")
    assert "hub: 7 builds, 5 succeeded, 1 failed, 0 cancelled, 1 wait, 0 run" in text
    assert words(text, "simulator")[:3] == ["simulator", "panic.abort", "1"]
    assert words(text, "test_add") == (
        ["test_add", "simulator", "esp32c3", "1", "1", "1", "aaaaaaa", "#2"]
    )
    assert words(text, "main/main.c") == ["main/main.c", "1.50", "#1"]
    assert words(text, "DRAM") == ["DRAM", "esp32c3", "1.0", "KiB", "4.0", "KiB"]


def test_json_is_an_object_a_line(here: Here) -> None:
    project, check, daemon = map(json.loads, here.says("stats", "--json").splitlines())
    assert project["project"] == "hub"
    assert (project["total_builds"], project["success_rate"]) == (7, 500 / 6)
    assert (project["average_duration"], project["last_build"]) == (15.0, 6)
    assert project["failures"][0]["code"] == "panic.abort"
    assert project["failures"][0]["since"] == "2026-06-01T12:02:00.000Z"
    assert project["variants"][0]["memory"] == [{"name": "DRAM", "used": 1024, "size": 4096}]
    assert project["trends"][0] == {
        "name": "duration", "label": "", "unit": "s", "target": "esp32c3", "configuration": "",
        "mean": 15.0, "before": 15.0, "builds": 3, "change": 0.0,
    }  # fmt: skip
    assert (check["check"], check["executions"], check["duration_seconds"]) == ("doc_check", 1, 1.5)
    assert daemon["daemon"]["is_running"] is False
    assert daemon["scheduler"]["active_tasks"] == 0


def test_the_manual_has_every_field(here: Here) -> None:
    project, check, health = map(json.loads, here.says("stats", "--json").splitlines())
    page = ROOT / "tui" / "guide" / "metrics.md"
    rows = next(rows for _, rows in tables(page) if rows[0][0].content == "object")
    told = {
        row[0].content.strip("`"): [each.content for each in row[1].children or ()
                                    if each.type == "code_inline"]
        for row in rows[1:]
    }  # fmt: skip
    lists = ("failures", "flaky", "slow_files", "variants", "trends")
    for name in lists:
        assert told.pop(name) == list(project[name][0]), name
    for name in ("daemon", "scheduler"):
        assert told.pop(name) == list(health[name])
    assert {*told.pop("project")} == set(project) - {"project", "project_id", *lists}
    assert {*told.pop("check")} == set(check) - {"check"}
    assert not told


def test_csv_is_a_row_a_build(here: Here) -> None:
    rows = list(csv.DictReader(io.StringIO(here.says("stats", "--csv"))))
    assert [row["build"] for row in rows] == [*"1234567"]
    assert (rows[0]["image_size_bytes"], rows[0]["memory_DRAM_bytes"]) == ("2048", "1024")
    assert (rows[0]["compile_time_seconds"], rows[0]["compiled_files"]) == ("2.0", "2")
    assert (rows[1]["failure_stage"], rows[1]["tests_failed"]) == ("test.simulator", "1")
    assert (rows[6]["status"], rows[6]["duration_seconds"]) == ("pending", "")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-", "-"),
        ("a", "a"),
    ],
)
def test_no_name_is_a_formula(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_a_daemon_is_asked(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "uptime_seconds": 7300.0, "total_checks_run": 4, "successful_checks": 3,
        "checks_seconds": 10.0, "executes": True,
        "runs": [{"kind": "build", "number": 7, "status": "running"}],
    }  # fmt: skip
    monkeypatch.setattr(daemon_control, "running_daemon", lambda _workspace: 1)
    monkeypatch.setattr(daemon_control, "ask_daemon", lambda _workspace, _command: answer)
    line = "the daemon runs for 2 h: 4 checks, 75 % without a fault, 2.5 s each"
    assert line in here.says("stats")
    health = json.loads(here.says("stats", "--json").splitlines()[-1])
    assert health["daemon"]["success_rate"] == 75.0
    assert health["scheduler"] == {
        "is_running": True, "active_tasks": 1, "task_statuses": {"build 7": "running"},
    }  # fmt: skip


def test_a_daemon_that_does_not_answer_keeps_nothing_back(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_workspace: Path, _command: str) -> None:
        raise daemon_control.DaemonSilentError("it does not answer")

    monkeypatch.setattr(daemon_control, "running_daemon", lambda _workspace: 1)
    monkeypatch.setattr(daemon_control, "ask_daemon", silent)
    text = here.says("stats")
    assert "it does not answer" in text
    assert words(text, "hub")


def test_prometheus_reads_its_page(here: Here) -> None:
    page = here.says("stats", "--prometheus")
    found = {family.name for family in text_string_to_metric_families(page)}
    assert {"espdeck_builds", "espdeck_image_size_bytes", "espdeck_check_status"} <= found


def test_what_cannot_be_is_refused(here: Here) -> None:
    assert "one form at a time" in here.refuses("stats", "--json", "--csv")
    assert "leave --project out" in here.refuses("stats", "--prometheus", "--project", "hub")
    assert "nothing" in here.refuses("stats", "--project", "nothing")


def test_an_empty_workspace_has_no_statistics(tmp_path: Path) -> None:
    empty = Here(tmp_path)
    assert "no projects yet" in empty.says("stats")
    assert empty.says("stats", "--csv") == ""
