"""The whole server below a path of nginx, with TLS: documents, app and events, in Chromium too."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.by import By

from engine import Engine, Settings
from engine.enums import Scope
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.browser import CHROMEDRIVER, CHROMIUM, TerminalText, chromium
from tests.engine.server.behind_nginx import behind_nginx
from tests.engine.server.certificates import trusting
from tests.waits import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL below which it is served, and a token of the scope admin."""
    folder = tmp_path_factory.mktemp("lab")
    tokens: list[str] = []

    @contextlib.contextmanager
    def serve(public_url: str) -> Iterator[HttpServer]:
        settings = Settings(
            workspace=folder / "lab", server=ServerSettings(port=0, public_url=public_url)
        )
        with Engine(settings) as engine:
            tokens.append(engine.access.create_token("admin", Scope.ADMIN)[0])
            server = HttpServer(engine)
            server.start()
            yield server
            server.stop()

    with behind_nginx(folder, serve) as url:
        yield url, tokens[0]


@pytest.fixture
def client(lab: tuple[str, str]) -> Iterator[httpx.Client]:
    url, token = lab
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, verify=trusting(), timeout=30) as client:
        yield client


def test_the_document_says_below_which_path(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["servers"] == [{"url": "/lab"}]
    assert "/api/v1/builds" in document["paths"]


def test_events_come_at_once(client: httpx.Client) -> None:
    with client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert next(answer.iter_text())


def test_links_to_next_pages_lead_through_the_proxy(
    client: httpx.Client, lab: tuple[str, str]
) -> None:
    for _ in range(2):
        client.post("/api/v1/notifications/read", json={})
    answer = client.get("/api/v1/audit", params={"limit": 1})
    assert answer.status_code == 200
    link = answer.links["next"]["url"]
    assert client.get(httpx.URL(f"{lab[0]}/api/v1/audit").join(link)).status_code == 200


@pytest.mark.skipif(None in (CHROMIUM, CHROMEDRIVER), reason="no Chromium with its driver")
def test_a_browser_logs_in_and_sees_the_documents_and_the_app(
    lab: tuple[str, str], tmp_path: Path
) -> None:
    url, token = lab
    with chromium(tmp_path / "profile") as browser:
        screen = TerminalText(browser)
        browser.get(f"{url}/docs")
        assert browser.current_url == f"{url}/login?next=/lab/docs"
        field = browser.find_element(By.NAME, "token")
        field.send_keys(token)
        field.submit()
        wait_for(lambda: "/api/v1/builds" in browser.page_source)
        assert browser.current_url == f"{url}/docs"

        browser.get(f"{url}/redoc")
        wait_for(lambda: "List builds" in browser.page_source)

        browser.get(f"{url}/app/")
        screen.wait_for("project")
        severe = [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
        # Redoc would load its maker's logo, which the policy forbids.
        assert [each for each in severe if "logo-mini.svg" not in json.dumps(each)] == []
