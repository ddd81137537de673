"""What a newcomer does in a real terminal, key by key: each story is of one app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.test_hostile import Terminal
from tests.tui.workspaces import fill, keep_fix

pytestmark = [pytest.mark.xdist_group("terminal"), pytest.mark.slow]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two projects, one that cannot be cloned, and three builds, the last with a repair."""
    fill(tmp_path)
    keep_fix(tmp_path, 3, str)
    return tmp_path


@pytest.fixture
def terminal(workspace: Path) -> Iterator[Terminal]:
    terminal = Terminal(workspace, 24, 80)
    yield terminal
    terminal.close()


def footer(terminal: Terminal) -> str:
    """The last row: the keys of a screen."""
    return terminal.screen.display[-1].rstrip()


def test_what_is_typed_before_the_first_screen_arrives_whole(terminal: Terminal) -> None:
    terminal.keys("ahttps:/non")  # a form and its first field, before there is a screen
    terminal.sees("source         https:/non ")
    terminal.keys("sense\x13")  # at once ctrl+s
    terminal.sees("https:/nonsense is not accepted: give https://")
    terminal.sees("user@host:path, file://")
    assert "source         https:/nonsense " in "\n".join(terminal.screen.display)
    terminal.keys("\x1b")
    terminal.sees("builds of sensor-hub")
    terminal.sees("projects 2")  # a bad URL leaves no project behind


def test_help_scrolls_by_j_and_is_searched(terminal: Terminal) -> None:
    terminal.sees("runs here")
    terminal.keys("?jj")
    terminal.sees("lines 3-17 of ")
    terminal.keys("/mark\r")
    terminal.sees("match 1 of ")
    terminal.keys("\x1b")
    terminal.sees("esc back")  # the search has ended, the help is still there
    terminal.sees("lines ")
    terminal.keys("\x1b")
    terminal.sees("builds of sensor-hub")


def test_messages_cover_no_keys_and_stay_in_a_list(terminal: Terminal) -> None:
    said = "broken-link cannot be built: e changes its source"
    terminal.sees("runs here")
    terminal.keys("gj")
    terminal.sees("builds of broken-link")
    terminal.keys("b")
    terminal.sees(said)
    assert footer(terminal).startswith(" enter open")
    terminal.keys("d")
    terminal.sees("Remove broken-link?")
    terminal.sees("y remove   n no")
    assert sum(said in row for row in terminal.screen.display) <= 1
    terminal.keys("n")
    terminal.sees("cannot be built: enter says why")
    terminal.keys("@")
    terminal.sees("messages")
    terminal.sees("broken-link cannot be built: e changes its")


def test_the_command_of_an_empty_lab_is_whole(terminal: Terminal) -> None:
    terminal.sees("runs here")
    terminal.keys("B")
    terminal.sees("no boards: plug one in, or run:  espdeck lab")
    terminal.sees("""espdeck config set boards '["/dev/ttyUSB0", "socket://host:4000"]'""")
    terminal.keys("q")
    terminal.sees("builds of sensor-hub")


def test_a_search_is_ended_by_esc_and_the_build_stays(terminal: Terminal) -> None:
    terminal.sees("runs here")
    terminal.keys("gl\r")
    terminal.sees("FINDINGS 2")
    terminal.keys("/log line\r")
    terminal.sees("match 1 of ")
    terminal.keys("\x1b")
    terminal.sees("lines 1-")
    terminal.sees("#3 ✗ failed")  # the reopened build says why, and what its repair came to
    terminal.sees("partly fixed: d shows how")
    terminal.keys("d")
    terminal.sees("FIX of build 3: 1 file, open, still failing")
    terminal.sees("a commit   e export   x discard")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "sensor-hup"), "did you mean sensor-hub?"),
        (("show", "99"), "no build 99 (the highest number is 3)"),
        (("boards", "--help"), "--json"),
        (("compare", "-h"), "Compare two builds: commits, findings, tests"),
    ],
    ids=["near-project", "near-number", "json", "short-help"],
)
def test_a_command_says_what_to_do(workspace: Path, words: tuple[str, ...], said: str) -> None:
    terminal = Terminal(workspace, 24, 80, words=words)
    terminal.sees(said)
    assert "Traceback" not in "\n".join(terminal.screen.display)
    terminal.close()


def test_a_misspelled_setting_of_a_table_is_named_with_its_line(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace / "espdeck.toml"
    monkeypatch.setenv("ESPDECK_CONFIG", str(file))
    file.write_text("mouse = true\n[notifications]\nrate_limitt = 3\n")
    terminal = Terminal(workspace, 24, 120, words=("builds",))
    terminal.sees("espdeck.toml:3")
    terminal.sees("rate_limit")
    terminal.close()


def test_a_terminal_of_another_encoding_gets_no_traceback(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    terminal = Terminal(workspace, 24, 120, words=("builds",))
    terminal.sees("Store access fault in write_reading()")
    assert "Traceback" not in "\n".join(terminal.screen.display)
    terminal.close()
