"""The app in a real browser: log in, start a build, watch it end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from engine import DEMO_BOARD, Engine, Settings, prepare_demo
from engine.enums import RunStatus, Scope
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.browser import CHROMEDRIVER, CHROMIUM, TerminalText, chromium
from tests.waits import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(None in (CHROMIUM, CHROMEDRIVER), reason="no Chromium with its driver"),
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(
        workspace=tmp_path / "lab", boards=(DEMO_BOARD,), server=ServerSettings(port=0)
    )
    with Engine(settings) as engine:
        yield engine


def test_a_build_is_started_and_watched_in_a_browser(engine: Engine, tmp_path: Path) -> None:
    prepare_demo(engine)
    server = HttpServer(engine)
    server.start()
    token, _ = engine.access.create_token("browser", Scope.ADMIN)
    try:
        with chromium(tmp_path / "profile") as browser:
            screen = TerminalText(browser)
            browser.get(f"{server.url}/app/")
            assert browser.current_url.startswith(f"{server.url}/login")
            field = browser.find_element(By.NAME, "token")
            field.send_keys(token)
            field.submit()
            screen.wait_for("hello")
            assert browser.current_url == f"{server.url}/app/"

            screen.press("b")
            wait_for(lambda: bool(engine.builds.list()))
            number = engine.builds.list()[0].number
            build = engine.builds.wait(number, timeout=120)
            screen.wait_for("success")

            assert build.status is RunStatus.SUCCESS
            assert not [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
            screen.press("q")  # back
            screen.wait_for("q quit")
            screen.press("q")
            wait_for(lambda: browser.find_element(By.ID, "message").is_displayed())
            browser.find_element(By.LINK_TEXT, "Start again").click()
            wait_for(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "body.-loaded")))
            assert not browser.find_element(By.ID, "message").is_displayed()
    finally:
        server.stop()
