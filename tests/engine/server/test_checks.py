"""Checks through the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.enums import CheckStatus, Scope, Trigger
from engine.settings import Settings, config_file
from engine.store import checks as store_checks
from engine.store.database import Store
from engine.store.tables import CheckResultRow
from tests.engine.server.lab import ServedLab, events, served
from tests.tui.workspaces import fill

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedLab]:
    monkeypatch.setenv("ESPDECK_CONFIG", str(tmp_path / "config.toml"))
    fill(tmp_path / "lab")
    with served(tmp_path / "lab") as lab:
        yield lab


def keep_results(lab: ServedLab, count: int, check: str = "doc_check") -> None:
    """Results of a check of the first project, a minute apart; each third is an error."""
    project = lab.engine.projects.get("sensor-hub")
    store = Store(lab.engine.settings.workspace / "espdeck.db")
    for number in range(count):
        at = NOON + timedelta(minutes=number)
        store_checks.add_result(
            store,
            CheckResultRow(
                check_name=check,
                project_id=project.id,
                status=CheckStatus.ERROR if number % 3 == 2 else CheckStatus.SUCCESS,
                message=f"result {number}",
                details={"number": number},
                timestamp=at,
                duration_seconds=0.25,
                confirmed_at=at,
                triggered_by=Trigger.SCHEDULE,
            ),
        )
    store.close()


def test_every_check_of_every_project_is_listed(lab: ServedLab) -> None:
    keep_results(lab, 1)
    client = lab.client("ada", Scope.READ)
    cells = client.get("/checks", params={"project": "sensor-hub"}).json()
    found = {cell["check_name"]: cell for cell in cells}

    assert {"doc_check", "git_check", "test_check"} <= set(found)
    doc = found["doc_check"]
    assert (doc["enabled"], doc["interval"], doc["status"]) == (True, 10.0, "success")
    assert (doc["message"], doc["duration_seconds"]) == ("result 0", 0.25)
    assert doc["timestamp"] == "2026-11-28T12:00:00Z"
    assert client.get("/checks", params={"status": "error"}).json() == []
    assert [cell["check_name"] for cell in client.get("/checks?status=success").json()] == [
        "doc_check"
    ]
    assert client.get("/checks?project=nobody").status_code == 404


def test_results_are_paged_newest_first(lab: ServedLab) -> None:
    keep_results(lab, 5)
    client = lab.client("ada", Scope.READ)
    first = client.get("/checks/results", params={"limit": 2, "check_name": "doc_check"})
    second = client.get(first.links["next"]["url"])
    third = client.get(second.links["next"]["url"])
    pages = [[each["message"] for each in page.json()] for page in (first, second, third)]

    assert pages == [["result 4", "result 3"], ["result 2", "result 1"], ["result 0"]]
    assert "next" not in third.links
    assert first.json()[0]["details"] == {}
    assert client.get("/checks/results?details=true&limit=1").json()[0]["details"] == {"number": 4}
    errors = client.get("/checks/results", params={"status": "error"}).json()
    assert [each["message"] for each in errors] == ["result 2"]
    assert client.get("/checks/results?check_name=dok_check").status_code == 404


def test_a_result_has_the_fields_of_the_wire(lab: ServedLab) -> None:
    keep_results(lab, 1)
    client = lab.client("ada", Scope.READ)
    number = client.get("/checks/results").json()[0]["id"]
    result = client.get(f"/checks/results/{number}").json()

    assert {
        "check_name", "status", "message", "details", "timestamp", "duration_seconds",
    } <= set(result)  # fmt: skip
    assert result["details"] == {"number": 0}
    assert result["project"] == "sensor-hub"
    missing = client.get("/checks/results/999")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "result 999 is no longer kept"


def test_a_check_is_run_and_its_result_named(lab: ServedLab) -> None:
    client = lab.client("ci", Scope.BUILD)
    body = {"project": "sensor-hub"}
    started = client.post("/checks/doc_check/run", json=body)
    assert started.status_code == 202
    with events(client, f"/jobs/{started.json()['id']}/events") as stream:
        job = stream.until(started.json()["id"], "ended")[-1][1]

    assert (job["status"], job["kind"], job["subject"]) == ("success", "check", "doc_check")
    result = client.get(f"/checks/results/{job['result']['result_id']}").json()
    assert result["status"] == "error"  # its clone is not there
    assert result["triggered_by"] == "manual"
    waited = client.post("/checks/doc_check/run?wait=60", json=body)
    assert (waited.status_code, waited.json()["status"]) == (200, "success")


@pytest.mark.parametrize(
    ("check", "body", "status"),
    [
        ("dok_check", {"project": "sensor-hub"}, 404),
        ("doc_check", {"project": "nobody"}, 404),
        ("doc_check", {"project": "x" * 201}, 422),
        ("doc_check", {"projekt": "sensor-hub"}, 422),
    ],
)
def test_a_check_that_cannot_be_run_is_refused(
    lab: ServedLab, check: str, body: dict[str, str], status: int
) -> None:
    answer = lab.client("ci", Scope.BUILD).post(f"/checks/{check}/run", json=body)

    assert answer.status_code == status


def test_a_check_of_projects_needs_one(lab: ServedLab) -> None:
    job = lab.client("ci", Scope.BUILD).post("/checks/doc_check/run?wait=60").json()

    assert (job["status"], job["error"]) == (
        "failed",
        "doc_check checks one project: name it",
    )


def test_an_admin_says_when_a_check_runs(lab: ServedLab, tmp_path: Path) -> None:
    lab.engine._load = lambda: Settings.load(workspace=lab.engine.settings.workspace)
    admin = lab.client("root", Scope.ADMIN)
    cells = admin.patch("/checks/git_check", json={"interval": 2.5, "enabled": False}).json()

    assert {(cell["enabled"], cell["interval"], cell["next_at"]) for cell in cells} == {
        (False, 2.5, None)
    }
    assert "[checks.git_check]" in config_file().read_text()
    assert lab.client("ci", Scope.BUILD).patch("/checks/git_check", json={}).status_code == 403
    for body in ({}, {"interval": 0}, {"interval": "x"}, {"interval": 1e300}):
        assert admin.patch("/checks/git_check", json=body).status_code == 422, body
    assert admin.patch("/checks/none", json={"enabled": True}).status_code == 404
