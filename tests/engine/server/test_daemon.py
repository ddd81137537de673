"""The daemon, health, settings and notifications through the HTTP API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.daemon_control import ControlServer
from engine.enums import CheckStatus, NotificationKind, Scope
from engine.settings import Settings
from engine.store.database import Store
from engine.store.tables import NotificationRow
from tests.engine.metrics.past import Past
from tests.engine.server.lab import ServedLab, served

RUN = {"number": 7, "kind": "build", "project": "hub", "status": "running", "asked_by": "ci",
       "since": "2026-11-28T10:00:00+00:00"}  # fmt: skip
NEXT = {"check": "doc_check", "project": "hub", "at": "2026-11-28T10:10:00+00:00"}
STATUS = {
    "version": "1.2.3",
    "pid": os.getpid(),
    "is_running": True,
    "started_at": "2026-11-28T10:00:00+00:00",
    "uptime_seconds": 60.5,
    "total_checks_run": 4,
    "successful_checks": 3,
    "checks_seconds": 10.0,
    "executes": True,
    "executor": os.getpid(),
    "memory_bytes": 1 << 20,
    "cpu_seconds": 1.5,
    "runs": [RUN],
    "next_checks": [NEXT],
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    return config


@pytest.fixture
def lab(tmp_path: Path, config: Path) -> Iterator[ServedLab]:
    with served(tmp_path / "lab") as lab:
        yield lab


@pytest.fixture
def asked(lab: ServedLab) -> Iterator[list[str]]:
    """What is asked of a daemon that a test plays."""
    commands: list[str] = []

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        commands.append(question["command"])
        return STATUS

    server = ControlServer(lab.engine.settings.workspace, answer)
    yield commands
    server.close()


def test_where_no_daemon_runs_that_is_said(lab: ServedLab) -> None:
    client = lab.client("ada", Scope.READ)
    status = client.get("/daemon").json()

    assert (status["is_running"], status["pid"], status["server"]) == (False, None, os.getpid())
    health = client.get("/daemon/health").json()
    assert health["daemon"] == {
        "is_running": False, "uptime_seconds": 0.0, "total_checks_run": 0,
        "success_rate": None, "average_duration": None,
    }  # fmt: skip
    assert health["scheduler"] == {"is_running": False, "active_tasks": 0, "task_statuses": {}}
    assert set(client.get("/version").json()) == {"version", "api"}


def test_a_daemon_tells_what_it_does(lab: ServedLab, asked: list[str]) -> None:
    status = lab.client("ada", Scope.READ).get("/daemon").json()

    assert status["is_running"] is True
    assert status["started_at"] == "2026-11-28T10:00:00Z"
    assert (status["version"], status["uptime_seconds"]) == ("1.2.3", 60.5)
    assert status["runs"] == [RUN | {"since": "2026-11-28T10:00:00Z"}]
    assert status["next_checks"] == [NEXT | {"at": "2026-11-28T10:10:00Z"}]
    assert asked == ["status"]


def test_health_has_the_names_of_the_wire(tmp_path: Path, config: Path) -> None:
    (tmp_path / "lab").mkdir()
    past = Past(tmp_path / "lab")
    past.check(CheckStatus.WARNING, 2.0)
    past.store.close()
    with served(tmp_path / "lab") as lab:
        server = ControlServer(lab.engine.settings.workspace, lambda _question: STATUS)
        health = lab.client("ada", Scope.READ).get("/daemon/health").json()
        server.close()

    daemon, checks, scheduler = health["daemon"], health["checks"], health["scheduler"]
    assert (daemon["is_running"], daemon["uptime_seconds"]) == (True, 60.5)
    assert daemon["total_checks_run"] == 4
    assert checks["doc_check"]["last_status"] == "warning"
    assert checks["doc_check"]["duration_seconds"] == 2.0
    assert checks["doc_check"]["last_execution"].endswith("Z")
    assert scheduler == {
        "is_running": True,
        "active_tasks": 1,
        "task_statuses": {"build 7": "running"},
    }


def test_settings_are_told_without_secrets(lab: ServedLab, config: Path) -> None:
    config.write_text(
        "[notifications]\n"
        'slack_webhook = "https://hooks.slack.com/services/T0/B0/very-secret"\n'
        "[notifications.channels.hub]\n"
        'url = "https://ada:very-secret@git.example/hook"\n'
    )
    admin = lab.client("root", Scope.ADMIN)
    answer = admin.get("/settings")
    rows = {row["key"]: row for row in answer.json()}

    assert answer.status_code == 200
    assert "very-secret" not in answer.text
    secrets = {key: row for key, row in rows.items() if row["is_masked"]}
    assert set(secrets) == {"notifications.slack_webhook", "notifications.channels.hub.url"}
    assert {row["value"] for row in secrets.values()} == {"********"}
    assert rows["max_concurrent_checks"]["value"] == 2
    assert rows["check_timeout_seconds"]["value"] == 300
    assert rows["server.port"]["value"] == 8080
    assert lab.client("ci", Scope.FLASH).get("/settings").status_code == 403
    config.write_text("server = 7\n")
    assert admin.get("/settings").status_code == 409


def test_an_admin_has_the_settings_read_again(
    lab: ServedLab, config: Path, asked: list[str]
) -> None:
    lab.engine._load = lambda: Settings.load(workspace=lab.engine.settings.workspace)
    config.write_text("max_concurrent_checks = 7\n")
    admin = lab.client("root", Scope.ADMIN)

    assert admin.post("/daemon/reload").json()["message"] == "settings read"
    assert lab.engine.settings.max_concurrent_checks == 7
    config.write_text('max_concurrent_checks = "many"\n')
    wrong = admin.post("/daemon/reload")
    assert wrong.status_code == 422
    assert "max_concurrent_checks" in wrong.json()["detail"]
    assert lab.client("ci", Scope.FLASH).post("/daemon/reload").status_code == 403


def test_notifications_are_listed_read_and_muted(lab: ServedLab) -> None:
    store = Store(lab.engine.settings.workspace / "espdeck.db")
    with store.write() as session:
        for number in range(3):
            session.add(
                NotificationRow(kind=NotificationKind.NOTICE, subject="x", title=f"news {number}")
            )
    store.close()
    client = lab.client("ci", Scope.BUILD)
    page = client.get("/notifications", params={"limit": 2})

    assert [each["title"] for each in page.json()] == ["news 2", "news 1"]
    assert [each["title"] for each in client.get(page.links["next"]["url"]).json()] == ["news 0"]
    newest = page.json()[0]["id"]
    assert client.post("/notifications/read", json={"ids": [newest, -1]}).json() == {
        "changed": 1, "unread": 2,
    }  # fmt: skip
    assert len(client.get("/notifications?unread=true").json()) == 2
    assert client.post("/notifications/read").json() == {"changed": 2, "unread": 0}

    muted = client.post("/notifications/mutes", json={"hours": 2, "reason": "moving"}).json()
    assert (muted["reason"], muted["by"]) == ("moving", "ci")
    assert client.get("/notifications/mutes").json() == [muted]
    assert client.delete("/notifications/mutes").json() == {"lifted": 1}
    assert client.get("/notifications/mutes").json() == []
    assert client.post("/notifications/mutes", json={"hours": 0}).status_code == 422
    no_channel = client.post("/notifications/mutes", json={"hours": 1, "channel": "none"})
    assert no_channel.status_code == 422
    assert lab.client("r", Scope.READ).post("/notifications/read").status_code == 403
