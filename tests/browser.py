"""Debian's Chromium without a screen, driven by Selenium."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyte
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains

from tests.waits import wait_for

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")

_BINARY = 2  # RFC 6455
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextlib.contextmanager
def chromium(profile: Path, size: tuple[int, int] = (1200, 800)) -> Iterator[webdriver.Chrome]:
    """A new browser, closed at the end of the block.

    Args:
        profile: a folder of its own.
        size: of the window, in pixels.
    """
    assert CHROMIUM is not None and CHROMEDRIVER is not None, "apt install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*_OPTIONS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(option)
    options.accept_insecure_certs = True  # of tests
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    try:
        yield browser
    finally:
        browser.quit()


class TerminalText:
    """What a page's terminal shows: the messages of its WebSocket, as a terminal draws them.

    Args:
        browser: with performance logs; the page is opened after this is made.
        columns, rows: at least those of the terminal.
    """

    def __init__(self, browser: webdriver.Chrome, columns: int = 200, rows: int = 80) -> None:
        self._browser = browser
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        """The text that is shown now."""
        for entry in self._browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.webSocketFrameReceived":
                frame = message["params"]["response"]
                if frame["opcode"] == _BINARY:
                    self._stream.feed(base64.b64decode(frame["payloadData"]))
        return "\n".join(self._screen.display)

    def wait_for(self, text: str) -> None:
        """Wait until a text is shown."""
        wait_for(lambda: text in self.text())

    def press(self, keys: str) -> None:
        """Type."""
        ActionChains(self._browser).send_keys(keys).perform()
