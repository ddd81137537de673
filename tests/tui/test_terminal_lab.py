"""Boards, repairs and leaving in a real terminal, key by key: each story is of one app."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.builds import fix_patch
from engine.enums import ProjectStatus, RunStatus, Severity, StageStatus
from engine.findings import Finding
from engine.store import projects as project_rows
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run, StageRow
from tests.forked import run_espdeck
from tests.tui.screens.test_monitor import know
from tests.tui.test_hostile import Terminal
from tests.tui.test_terminal import IDF, idf, projects
from tests.tui.workspaces import WAIT, fill

pytestmark = [pytest.mark.xdist_group("terminal"), pytest.mark.slow]

__all__ = ["idf"]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A board behind a socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)
        yield server


Open = Callable[..., Terminal]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens terminals, which end with the test."""
    with contextlib.ExitStack() as stack:

        def open_terminal(*arguments: Any, **options: Any) -> Terminal:
            terminal = Terminal(*arguments, **options)
            stack.callback(terminal.process.send_signal, signal.SIGTERM)
            return terminal

        yield open_terminal


def colour(terminal: Terminal, text: str) -> str:
    """The colour in which a text begins on the screen."""
    display = terminal.screen.display
    row = next(number for number, line in enumerate(display) if text in line)
    return terminal.screen.buffer[row][display[row].index(text)].fg


def test_a_board_is_watched_searched_unplugged_and_plugged_in_again(
    opened: Open, tmp_path: Path, server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.getsockname()[1]
    url = know(tmp_path, f"socket://127.0.0.1:{port}")[0]
    monkeypatch.setenv("ESPDECK_BOARDS", json.dumps([url]))
    terminal = opened(tmp_path, 24, 100)
    terminal.sees("boards 1 of 1 free")
    terminal.keys("B")
    terminal.sees("nobody: it is free")
    terminal.keys("\r")
    board, _ = server.accept()
    board.sendall(b"I (1) main: hello\nE (2) wifi: lost\ntest_math.c:7:test_sum:FAIL\n")
    terminal.sees("test_sum:FAIL")
    assert colour(terminal, "test_math.c:7") == colour(terminal, "E (2)")
    assert colour(terminal, "test_math.c:7") != colour(terminal, "I (1)")
    terminal.keys("/WIFI\r")
    terminal.sees("match 1 of 1")
    terminal.keys("\x1b")
    terminal.sees("/ search")  # the search has ended, the console stays
    server.close()
    board.close()
    terminal.sees("VANISHED at ")
    with socket.create_server(("127.0.0.1", port)) as replugged:
        replugged.settimeout(WAIT)
        board, _ = replugged.accept()
        board.sendall(b"I (1) main: again\n")
        terminal.sees("main: again")
        display = "\n".join(terminal.screen.display)
        assert "the board vanished" in display
        assert "back after " in display
        assert "VANISHED at " not in display
        board.close()
    terminal.close()


def test_boards_of_espdeck_lab_stay_when_an_app_that_showed_them_quits(
    opened: Open, tmp_path: Path
) -> None:
    lab = opened(tmp_path, 24, 100, words=("lab", "--boards", "1"))
    lab.sees("1 board until Ctrl-C")
    terminal = opened(tmp_path, 24, 100)
    terminal.sees("boards 1 of 1 free")
    terminal.keys("B")
    terminal.sees("nobody: it is free")
    terminal.keys("\r")
    terminal.sees("invalid header: 0xffffffff")
    terminal.keys("qqq")
    assert terminal.ends() == 0
    listed = run_espdeck("--workspace", tmp_path, "boards", "--json").stdout.decode()
    assert json.loads(listed)["name"] == "virtual:esp32c3"
    url = next(word for line in lab.screen.display for word in line.split() if "://" in word)
    host, port = url.removeprefix("socket://").split(":")
    socket.create_connection((host, int(port)), timeout=WAIT).close()
    lab.close()


def test_what_a_repair_broke_is_never_the_headline(opened: Open, tmp_path: Path) -> None:
    fill(tmp_path)
    store = Store(tmp_path / "espdeck.db")
    for stage, status in (("build", StageStatus.FAILED), ("repair", StageStatus.FAILED)):
        row = StageRow(
            run_id=3, key=stage, agent="BUILDER", phase="build", attempt=2, status=status,
            summary="attempt 2 was worse and is taken back",
        )  # fmt: skip
        runs.put_stage(store, row)
    own = Finding(severity=Severity.ERROR, code="compiler.error", message="made by a repair")
    info = Finding(severity=Severity.INFO, code="plan.untested", message="no board to test on")
    runs.put_findings(store, 3, "build", 2, [own])
    runs.put_findings(store, 3, "plan", 1, [info])
    store.close()

    terminal = opened(tmp_path, 24, 120)
    terminal.sees("broken for ")
    terminal.sees("Store access fault in write_reading()")
    assert "made by a repair" not in "\n".join(terminal.screen.display)
    terminal.keys("l\r")
    terminal.sees("FINDINGS 2")  # an info is none
    head = "\n".join(terminal.screen.display[:3])
    assert "Store access fault in write_reading()" in head
    assert "made by a repair" not in head
    terminal.keys("9z")
    terminal.sees("made by a repair")
    display = "\n".join(terminal.screen.display)
    assert display.index("Store access fault in") < display.index("made by a repair")
    terminal.close()


def test_the_git_command_of_a_committed_repair_stays_and_is_copied(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tmp_path / "gitconfig"
    known.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(known))
    workspace = projects(tmp_path, {"fw": {"main.c": "x\n"}})
    store = Store(workspace / "espdeck.db")
    project = project_rows.all_projects(store)[0]
    assert project.status is ProjectStatus.ACTIVE
    folder = workspace / "artifacts" / "1"
    folder.mkdir(parents=True)
    with store.write() as session:
        session.add(
            Run(
                id=1,
                project_id=project.id,
                commit_sha=project.tip,
                branch="main",
                target="esp32c3",
                status=RunStatus.FAILED,
                error="x is not declared",
                artifacts_path=str(folder),
            )
        )
    for attempt, status in ((1, StageStatus.SUCCESS), (2, StageStatus.FAILED)):
        row = StageRow(
            run_id=1, key="repair", agent="DEVELOPER", phase="feedback", attempt=attempt,
            status=status, summary="the best is attempt 2",
        )  # fmt: skip
        runs.put_stage(store, row)
    store.close()
    diff = "diff --git a/main.c b/main.c\n--- a/main.c\n+++ b/main.c\n@@ -1 +1 @@\n-x\n+int x;\n"
    fix_patch.write(folder / fix_patch.NAME, ["a rule: declared x"], diff)

    terminal = opened(workspace, 30, 120)
    terminal.sees("x is not declared")
    terminal.keys("l\rd")
    terminal.sees("a commit   e export   x discard")
    terminal.keys("a")
    terminal.sees("To get it, in your repository:")
    terminal.sees("Y copy git command   e export   esc back")
    terminal.keys("Y")
    command = "git fetch "
    copied = b"\x1b]52;c;" + base64.b64encode(command.encode())[:12]
    terminal.sees("copied")
    assert copied in terminal.output
    terminal.keys("\x1b")
    terminal.sees("fix committed on espdeck/fix-1: d shows how to get it")
    terminal.close()


def test_the_question_before_leaving_counts_what_runs_now(
    opened: Open, idf: Path, tmp_path: Path
) -> None:
    workspace = projects(tmp_path, {"fw": {**IDF, "slow": "1"}})
    terminal = opened(workspace, 24, 100)
    terminal.sees("never built")
    terminal.keys("b")
    terminal.sees("this takes long")
    terminal.keys("q")
    terminal.sees("builds of fw")
    terminal.keys("q")
    terminal.sees("Quit? 1 build runs.")
    assert run_espdeck("--workspace", workspace, "cancel", "1").returncode == 0
    terminal.sees("Quit? nothing runs any more.")
    terminal.keys("\x1b")
    terminal.sees("⊘ cancelled")
    assert "before it began" not in "\n".join(terminal.screen.display)
    terminal.close()
