"""Metrics for Prometheus, and whether the server is ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import Engine, Settings
from engine.enums import Scope
from engine.server.server_metrics import MIN_PAGE_SECONDS, KeptPage
from engine.server_settings import ServerSettings
from tests.engine.server.conftest import ClientOf
from tests.engine.server.lab import ServedLab, events, served
from tests.tui.workspaces import fill
from tests.waits import wait_for


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ServedLab]:
    fill(tmp_path / "lab")
    with served(tmp_path / "lab") as lab:
        yield lab


def values(page: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_a_scraper_with_a_token_reads_the_lab_and_the_server(lab: ServedLab) -> None:
    client = lab.client("prometheus", Scope.READ)
    url = f"{lab.server.url}/metrics"
    client.get("/boards")
    client.get("/nothing/of/the/sort")
    client.get("/jobs/none")
    answer = client.get(url)
    found = values(answer.text)

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert found["espdeck_builds", "sensor-hub", "success"] == 2
    assert found["espdeck_daemon_up",] == 0
    assert found["espdeck_http_requests_total", "GET", "/boards", "200"] == 1
    assert found["espdeck_http_requests_total", "GET", "/jobs/{job_id}", "404"] == 1
    assert found["espdeck_http_requests_total", "GET", "", "404"] == 1
    assert found["espdeck_http_request_seconds_count", "GET", "/boards"] == 1
    assert found["espdeck_http_open_streams", "sse"] == 0
    assert found["process_cpu_seconds_total",] > 0
    assert "/nothing" not in answer.text


def test_metrics_need_a_token(lab: ServedLab) -> None:
    client = lab.client("x", Scope.READ)

    refused = client.get(f"{lab.server.url}/metrics", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 401
    page = client.get(f"{lab.server.url}/metrics").text
    assert values(page)["espdeck_http_requests_total", "GET", "", "401"] == 1


def test_open_streams_are_counted(tmp_path: Path) -> None:
    board = "socket://127.0.0.1:1"
    with served(tmp_path / "lab", [board]) as lab:
        client = lab.client("ada", Scope.READ)

        def is_open() -> float:
            page = client.get(f"{lab.server.url}/metrics").text
            return values(page)["espdeck_http_open_streams", "sse"]

        board_id = client.get("/boards").json()[0]["id"]
        with events(lab.client("bob", Scope.READ), f"/boards/{board_id}/monitor"):
            assert is_open() == 1
        wait_for(lambda: is_open() == 0)


def test_a_page_is_made_no_more_often_than_is_affordable() -> None:
    now, cost = 0.0, 0.0

    def make() -> str:
        nonlocal cost
        cost += 1.0
        return str(cost)

    page = KeptPage(make, lambda: now, lambda: cost)
    assert page.read() == "1.0"
    now += 49
    assert page.read() == "1.0"  # else it takes more than 1 s of 50
    now += 2
    assert page.read() == "2.0"


def test_a_page_that_costs_nothing_is_kept_for_a_moment() -> None:
    now, made = 0.0, 0

    def make() -> str:
        nonlocal made
        made += 1
        return str(made)

    page = KeptPage(make, lambda: now, lambda: 0.0)
    page.read()
    now += MIN_PAGE_SECONDS / 2
    assert page.read() == "1"
    now += MIN_PAGE_SECONDS
    assert page.read() == "2"


def test_a_server_where_nobody_builds_is_not_ready(client_of: ClientOf) -> None:
    answer = client_of(None).get("/readyz")

    assert answer.status_code == 503
    assert answer.text == "no process carries out builds (espdeck daemon start)\n"


def test_a_server_that_can_build_is_ready(tmp_path: Path) -> None:
    engine = Engine(Settings(workspace=tmp_path / "lab", server=ServerSettings(port=0)))
    engine.open()
    try:
        wait_for(lambda: engine.hindrances() == ())
        engine.wait_ready()
    finally:
        engine.close()
    assert "the engine is closed" in engine._look_for_hindrances()


def test_a_full_disk_is_told_without_a_path(
    engine: Engine, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.store.database.MIN_FREE_BYTES", 1 << 62)
    answer = client_of(None).get("/readyz")

    assert answer.status_code == 503
    assert answer.text.splitlines()[0] == "the store cannot be written (espdeck daemon logs)"
    assert str(tmp_path) not in answer.text
