"""Makes the pictures of the README anew, of the real app at work on the demo workspace.

``pip install '.[lab,screenshots,server,test]' && python -m screenshots.make``, with Debian's
packages chromium and chromium-driver; it takes some minutes.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cairosvg
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from textual.app import App
from textual.pilot import Pilot

from engine import DEMO_BOARD, Engine, Settings, TaskRequest, prepare_demo, start_http_server
from engine.enums import RunStatus, Scope
from tests.browser import TerminalText, chromium
from tui.app import EspdeckApp
from tui.screens.build import BuildScreen
from tui.screens.task import TaskScreen

FOLDER = Path(__file__).parent
SIZE = (160, 42)
TIMEOUT = 240.0
FONT = "DejaVu Sans Mono"
"""A font that the renderer of the PNG finds; a browser shows the SVG with its own."""


async def main() -> None:
    """Walk through the demo and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="espdeck-") as name:
        boards = (DEMO_BOARD, *(f"{DEMO_BOARD}-{number}" for number in (2, 3, 4)))
        settings = Settings(workspace=Path(name) / "demo", boards=boards, server={"port": 0})
        app = EspdeckApp(settings)
        try:
            async with app.run_test(size=SIZE) as pilot:
                await _walk(app, pilot)
        finally:
            await asyncio.to_thread(app.close_engine)


async def _walk(app: EspdeckApp, pilot: Pilot[None]) -> None:
    await _until(pilot, lambda: app.is_open)
    engine = app.engine
    assert engine is not None
    await asyncio.to_thread(prepare_demo, engine)
    projects = {project.name: project for project in engine.projects.list()}

    async def build(name: str, until: Callable[[], bool]) -> int:
        number = engine.builds.start(projects[name].id).number
        app.show_build(number)
        await _until(pilot, until)
        return number

    def ended() -> bool:
        screen = app.screen
        return isinstance(screen, BuildScreen) and engine.builds.get(screen.number).status.is_final

    def at_work() -> bool:
        return "0 Failures" in _text(app)  # the simulator is done before the board

    for name in ("hello", "flaky-tests", "broken"):
        await build(name, ended)
    await _until(pilot, lambda: "d shows how" in _text(app))
    await pilot.press("d")
    await _until(pilot, lambda: "a commit" in _text(app))
    await pilot.pause(0.5)
    _take(app, "fix")
    await pilot.press("q")
    number = await build("hello", at_work)
    _take(app, "build")
    await _until(pilot, ended)
    assert engine.builds.get(number).status is RunStatus.SUCCESS

    await build("crash", ended)
    await _until(pilot, lambda: "Store access fault" in _text(app))
    await pilot.pause(0.5)
    await pilot.press("7", "g")
    await pilot.pause(0.5)
    _take(app, "panic")

    await pilot.press("q")
    await _until(pilot, lambda: app.screen is app.home)
    app.show_build(number)
    await _until(pilot, lambda: f"#{number} ✓ success" in _text(app))
    await pilot.press("s")
    await _until(pilot, lambda: "components, largest first" in _text(app))
    _take(app, "sizes")
    await pilot.press("q")
    await _until(pilot, lambda: "PROJECT_MANAGER" in _text(app))
    await pilot.press("q")
    await _until(pilot, lambda: app.screen is app.home)
    app.home.select_project(projects["hello"].id)
    await _until(pilot, lambda: "builds of hello" in _text(app))
    await pilot.press("l")
    await pilot.pause(0.5)
    _take(app, "home")
    await pilot.press("question_mark")
    await pilot.pause(0.5)
    _take(app, "help")
    await pilot.press("escape")
    await _until(pilot, lambda: app.screen is app.home)
    await pilot.press("C")
    await _until(pilot, lambda: " git " in _text(app))
    await pilot.press("j", "R")  # of the first project; the row of the lab is before it
    await _until(pilot, lambda: not len(app.check_runs))
    await pilot.pause(0.5)
    _take(app, "checks")
    await pilot.press("q")
    await _until(pilot, lambda: app.screen is app.home)

    # Nobody is asked here: what the gate measures is real, what "models" say is marked.
    number = engine.tasks.start(
        TaskRequest(
            workflow="code_review",
            description="Is the arithmetic of the tests right?",
            project_id=projects["hello"].id,
            model="placeholder",
            gate=True,
        )
    ).number
    await asyncio.to_thread(engine.tasks.wait, number, TIMEOUT)
    await pilot.press("w")
    await _until(pilot, lambda: "Code review" in _text(app) and f"#{number}" in _text(app))
    await pilot.pause(0.5)
    _take(app, "workflows")
    app.push_screen(TaskScreen(number))
    await _until(pilot, lambda: "code quality" in _text(app))
    await pilot.press("z")
    await pilot.pause(0.5)
    _take(app, "gate")
    await pilot.press("z", "q", "q")
    await _until(pilot, lambda: app.screen is app.home)

    engine.boards.call(DEMO_BOARD, label="desk", remark="left of the scope")
    engine.boards.call(f"{DEMO_BOARD}-3", label="rack-3", remark="battery, no USB power")
    engine.boards.reserve(f"{DEMO_BOARD}-2", holder="ada", note="measuring sleep current", hours=2)
    await pilot.press("B")
    await _until(pilot, lambda: "boards 4" in _text(app))
    for name in ("hello", "crash"):
        engine.builds.start(projects[name].id)
    await _until(pilot, lambda: "flash " in _text(app) and "listen" in _text(app))
    _take(app, "boards")

    await _until(pilot, lambda: not engine.builds.list(status=RunStatus.RUNNING, limit=1))
    await pilot.press("m", "j", "m", "enter")
    await _until(pilot, lambda: "nothing yet" in _text(app))
    await pilot.press("R", "tab", "R")
    await _until(pilot, lambda: "3 Tests" in _text(app) and "CPU halted" in _text(app))
    _take(app, "monitor")
    await pilot.press("q", "q", "q")
    await _until(pilot, lambda: app.screen is app.home)
    await asyncio.to_thread(_take_browser, engine)


def _take_browser(engine: Engine) -> None:
    """Take the picture of the app in a browser, which shows the newest build."""
    server = start_http_server(engine)
    token, _ = engine.access.create_token("browser", Scope.ADMIN)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="espdeck-") as profile,
            chromium(Path(profile), (1600, 900)) as browser,
        ):
            screen = TerminalText(browser)
            browser.get(f"{server.url}/app/")
            field = browser.find_element(By.NAME, "token")
            field.send_keys(token)
            field.submit()
            screen.wait_for("hello")
            screen.press("l" + Keys.ENTER)
            screen.wait_for("PROJECT_MANAGER")
            time.sleep(1)
            browser.save_screenshot(str(FOLDER / "browser.png"))
    finally:
        server.stop()


async def _until(pilot: Pilot[None], seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not seen():
        if time.monotonic() > deadline:
            raise SystemExit(f"the app did not come so far:\n{_text(pilot.app)}")
        await pilot.pause(0.02)


def _text(app: App[None]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def _take(app: EspdeckApp, name: str) -> None:
    svg = app.export_screenshot(title="espdeck")
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    plain = svg.replace("Fira Code", FONT)
    cairosvg.svg2png(
        bytestring=plain.encode(), write_to=str(FOLDER / f"{name}.png"), output_width=1600
    )


if __name__ == "__main__":
    asyncio.run(main())
