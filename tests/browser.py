"""Debian's Chromium without a screen, driven by Selenium."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")

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
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    try:
        yield browser
    finally:
        browser.quit()
