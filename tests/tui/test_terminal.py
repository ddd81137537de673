"""The terminal is lent and left, and the app always comes back: in a real terminal, key by key."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine import Engine, Settings
from tests.engine.git_repos import commit
from tests.tui.test_hostile import Terminal

pytestmark = [pytest.mark.xdist_group("terminal"), pytest.mark.slow]

IDF = {"CMakeLists.txt": "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n"}

KINDS: Mapping[str, Mapping[str, str]] = {
    "arduino": {"arduino.ino": "void setup() {}\nvoid loop() {}\n"},
    "cmake": {"CMakeLists.txt": "project(fw C)\n", "main.c": "int x;\n"},
    "nothing": {"README.md": "Later.\n"},
    "platformio": {"platformio.ini": "[env:c3]\nplatform = espressif32\n"},
    "wrong-manifest": {**IDF, "espdeck.toml": "nonsense = [\n"},
    "zephyr": {"CMakeLists.txt": "find_package(Zephyr REQUIRED)\nproject(fw)\n"},
}

IDF_PY = """
import pathlib, sys, time
words = sys.argv[1:]
config = pathlib.Path(next(w for w in words if w.startswith("SDKCONFIG=")).partition("=")[2])
source = pathlib.Path(words[words.index("-C") + 1])
if words[-1] == "menuconfig":
    print("this is the menu", flush=True)
    if sys.stdin.readline() == "change\\n":
        config.write_text("CONFIG_A=9\\n")
    sys.exit(0)
if (source / "slow").exists():
    print("this takes long", flush=True)
    time.sleep(600)
if (source / "broken").exists():
    sys.exit("Kconfig:3: error: no such symbol")
edited = config.is_file() and "CONFIG_A=9" in config.read_text()
(source / "sdkconfig.defaults").write_text("CONFIG_A=9\\n" if edited else "")
"""
"""In place of ESP-IDF's: its menu waits for a line."""


@pytest.fixture
def idf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ESP-IDF that can be found."""
    home = tmp_path / "idf"
    (home / "tools/cmake").mkdir(parents=True)
    (home / "tools/cmake/version.cmake").write_text("set(IDF_VERSION_MAJOR 6)\n")
    (home / "tools/idf.py").write_text(IDF_PY)
    (home / "tools/idf_tools.py").write_text("")
    monkeypatch.setenv("IDF_PATH", str(home))
    monkeypatch.setenv("IDF_PYTHON_ENV_PATH", sys.prefix)
    return home


def projects(folder: Path, kinds: Mapping[str, Mapping[str, str]]) -> Path:
    """A workspace with a project of each kind."""
    engine = Engine(Settings(workspace=folder / "ws", boards=()))
    engine.open(execute=False)
    try:
        for name, files in kinds.items():
            commit(folder / "sources" / name, dict(files), "First")
            added = engine.projects.add(str(folder / "sources" / name), targets=["linux"])
            engine.projects.wait(added.id, timeout=30)
    finally:
        engine.close()
    return folder / "ws"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The app on one project of each kind."""
    terminal = Terminal(projects(tmp_path, KINDS), 24, 100)
    yield terminal
    terminal.close()


def lives(terminal: Terminal) -> None:
    """The app answers keys."""
    terminal.keys("?")
    terminal.sees("Sync the project with its source")
    terminal.keys("q")


@pytest.mark.slow
def test_no_project_hangs_the_app_by_its_menu(idf: Path, terminal: Terminal) -> None:
    terminal.sees("projects 6")
    for place, name in enumerate(KINDS):
        terminal.keys("g" + "j" * place)
        terminal.sees(f"builds of {name}")
        terminal.keys("M")
        terminal.sees("Invalid value" if name == "wrong-manifest" else "only projects of ESP-IDF")
        lives(terminal)


def open_menu(terminal: Terminal) -> None:
    terminal.sees("projects 1")
    terminal.sees("never built")
    terminal.keys("M")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "said", "close"),
    [("change\n", "changed, not written", "q"), ("nothing\n", "nothing changed", "")],
)
def test_the_app_comes_back_from_the_menu(
    idf: Path, tmp_path: Path, typed: str, said: str, close: str
) -> None:
    terminal = Terminal(projects(tmp_path, {"fw": IDF}), 24, 100)
    open_menu(terminal)
    terminal.sees("this is the menu")
    terminal.keys(typed)
    terminal.sees(said)
    terminal.keys(close)
    lives(terminal)
    terminal.close()


@pytest.mark.slow
def test_the_app_comes_back_from_what_cannot_be_configured(idf: Path, tmp_path: Path) -> None:
    terminal = Terminal(projects(tmp_path, {"fw": {**IDF, "broken": "1"}}), 24, 100)
    open_menu(terminal)
    terminal.sees("it cannot be configured")
    lives(terminal)
    terminal.close()


def test_the_app_goes_on_while_a_project_is_configured_and_the_key_gives_up(
    idf: Path, tmp_path: Path
) -> None:
    terminal = Terminal(projects(tmp_path, {"fw": {**IDF, "slow": "1"}}), 24, 100)
    open_menu(terminal)
    terminal.sees("configuring fw for linux")
    lives(terminal)
    terminal.keys("M")
    terminal.sees("not configured")
    lives(terminal)
    terminal.close()


def test_ctrl_c_ends_the_menu_and_not_the_app(idf: Path, tmp_path: Path) -> None:
    terminal = Terminal(projects(tmp_path, {"fw": IDF}), 24, 100)
    open_menu(terminal)
    terminal.sees("this is the menu")
    terminal.process.send_signal(signal.SIGINT)
    terminal.sees("menuconfig was interrupted")
    lives(terminal)
    terminal.close()


def test_without_an_esp_idf_the_screen_never_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDF_PATH", str(tmp_path / "nowhere"))
    terminal = Terminal(projects(tmp_path, {"fw": IDF}), 24, 100)
    open_menu(terminal)
    terminal.sees("correct it")
    assert b"configuring" not in terminal.output
    lives(terminal)
    terminal.close()


@pytest.mark.slow
def test_an_app_that_no_shell_started_is_not_stopped(terminal: Terminal) -> None:
    terminal.sees("projects 6")
    terminal.keys("\x1a")
    terminal.sees("no shell started espdeck here")
    lives(terminal)


@pytest.mark.slow
@pytest.mark.parametrize("script", ['"$@"', 'sh -c \'"$@"; true\' job "$@"'], ids=["app", "script"])
def test_a_shell_gets_the_whole_job_back(tmp_path: Path, script: str) -> None:
    shell = f"set -m; {script}; echo it is stopped; read line; fg; echo it has ended"
    workspace = projects(tmp_path, {"fw": IDF})
    terminal = Terminal(workspace, 24, 100, under=["bash", "-c", shell, "bash"])
    terminal.sees("never built")
    terminal.keys("\x1a")
    terminal.sees("it is stopped")
    terminal.keys("\n")
    terminal.sees("projects 1")
    lives(terminal)
    terminal.keys("q")
    terminal.sees("it has ended")
    assert terminal.close() in (0, -signal.SIGTERM)


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "stalled"])
def test_the_app_ends_when_its_terminal_is_gone(tmp_path: Path, *, is_read: bool) -> None:
    terminal = Terminal(projects(tmp_path, {"fw": IDF}), 24, 100)
    terminal.sees("projects 1")
    if not is_read:
        terminal.keys("?q" * 200)  # draws more than the terminal holds, and Textual queues
    os.close(terminal.fd)  # it controls no session: no signal tells the app
    try:
        assert terminal.process.wait(20) == 0
    finally:
        terminal.process.kill()
