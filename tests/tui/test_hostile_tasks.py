"""What models answer, and what tasks are called, cannot steer the terminal either."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.task_workspaces import fill_tasks
from tests.tui.test_hostile import MARK, Terminal, hostile
from tests.tui.test_hostile_bench import SIZES, nothing_got_through
from tests.tui.workspaces import fill

pytestmark = [pytest.mark.xdist_group("hostile"), pytest.mark.slow]

ENTITIES = f"&#27;[{MARK}m&#x9b;{MARK}m&#8238;&#x202e; <b>{MARK}</b> [x](http://a/{MARK}%1b)"
"""What a parser of Markdown makes of it comes after a text was cleaned."""


def evil(text: str) -> str:
    """A line that is hostile, and stays the beginning of Markdown that it was."""
    return hostile(text) if text[:1] not in "#>|`-1" else f"{text} {ENTITIES} {hostile('')}"


@SIZES
def test_workflows_and_tasks_let_nothing_through(tmp_path: Path, size: tuple[int, int]) -> None:
    fill(tmp_path, text=hostile)
    fill_tasks(tmp_path, text=evil)
    terminal = Terminal(tmp_path, *size)
    try:
        terminal.sees("sensor-hub")
        terminal.keys("w")
        terminal.sees("tasks")
        terminal.sees("#6")
        terminal.keys("lGgj")
        terminal.sees("asked ")
        terminal.keys("jj/hangs")
        terminal.sees("tasks 1")
        terminal.keys("\x1b")
        terminal.sees("tasks 3")
        terminal.keys("G\r")  # the review: laid out
        terminal.sees("1 main/main.c:21 blocker")
        terminal.keys("m")
        terminal.sees("> The datasheet")
        terminal.keys("m/findings\r")
        terminal.sees("match 1 of ")
        terminal.keys("q")
        terminal.sees("tasks")
        terminal.keys("g\r")  # what the gate did not let pass
        terminal.sees("QUALITY GATE failed")
        terminal.keys("\t" * 7)  # over revise and the consoles
        terminal.sees("FINDINGS 1", "FINDINGS  1 ")
        terminal.keys("\r")
        terminal.sees("j k scroll")
        terminal.keys("q\t")
        terminal.sees("changes.patch")
        terminal.keys("g\r")
        terminal.sees("w save as")
    finally:
        terminal.close()
    nothing_got_through(terminal.output)


def test_what_is_pasted_into_a_form_lets_nothing_through(tmp_path: Path) -> None:
    fill(tmp_path, text=hostile)
    terminal = Terminal(tmp_path, 24, 80)
    try:
        terminal.sees("sensor-hub")
        terminal.keys("w")
        terminal.sees("about ")
        terminal.keys("\r")
        terminal.sees("tip of its branch")
        # A terminal lets no escape through in what is pasted, but the rest.
        terminal.keys(f"\x1b[200~pasted \x9b{MARK}m\u202e[/b] [@click=app.exit]x[/]\x1b[201~")
        terminal.sees("pasted")
        terminal.keys("\t\t\x15")
        terminal.keys("nobody's\r")
        terminal.sees("no project nobody's")
    finally:
        terminal.close()
    nothing_got_through(terminal.output)
