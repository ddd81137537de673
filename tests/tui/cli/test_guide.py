"""The manual, as it is read on the command line."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands import Here
from tui.presentation import manual
from tui.presentation.manual import Match, Topic, parse, search

PAGE = """\
# Consoles

How to read consoles.

<!-- keys: monitor -->

## Lines

Output of a board is cut
into lines; a *very* long [one](boards.md#locks) is cut too.

![A picture](a.png)

| key | what |
| --- | --- |
| `p` | pause the output |

- an item
  of two lines

```sh
espdeck monitor desk   # its Output
```
"""


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path / "workspace")


@pytest.fixture
def topic() -> Topic:
    return parse("monitor", PAGE)


def test_pages_are_listed_with_the_sentence_that_says_what_they_are_about(
    here: Here, tmp_path: Path
) -> None:
    said = here.says("guide")
    for topic in manual.topics().values():
        assert re.search(rf"^{topic.name} +{re.escape(topic.summary)}$", said, re.MULTILINE)
    assert not (tmp_path / "workspace").exists()  # reading makes nothing


def test_a_page_is_printed_as_markdown_where_no_terminal_is(here: Here) -> None:
    said = here.says("guide", "boards")
    assert said.startswith("# Boards\n\n")
    assert said == manual.topics()["boards"].text


def test_comments_and_pictures_are_not_for_readers(topic: Topic) -> None:
    for each in (topic, *manual.topics().values()):
        assert "\n<!--" not in each.text
        assert "\n![" not in each.text


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("bords", "no page 'bords': did you mean boards?"),
        ("gate", "no page 'gate': did you mean quality-gate?"),
        ("Boards", "no page 'Boards': did you mean boards?"),
        ("../security", "no page '../security': did you mean security?"),
    ],
)
def test_a_page_that_is_not_there_is_said_with_those_that_are_like_it(
    here: Here, wanted: str, told: str
) -> None:
    assert here.refuses("guide", wanted) == told


def test_where_no_page_is_like_it_all_are_named(here: Here) -> None:
    assert here.refuses("guide", "zzz").startswith(
        "no page 'zzz' (pages: agents, api, architecture, artifacts, boards, "
    )


def test_a_text_is_found_with_its_page_and_heading(topic: Topic) -> None:
    assert search("OUTPUT", [topic]) == [
        Match(
            "monitor", "Lines", "Output of a board is cut into lines; a *very* long one is cut too."
        ),
        Match("monitor", "Lines", "`p` | pause the output"),
        Match("monitor", "Lines", "espdeck monitor desk   # its Output"),
    ]


@pytest.mark.parametrize("wanted", ["cut into", "cut   into", "item of two"])
def test_a_text_is_found_across_wrapped_lines(topic: Topic, wanted: str) -> None:
    assert len(search(wanted, [topic])) == 1


def test_of_a_long_line_the_part_around_the_text_is_shown() -> None:
    page = parse("long", "# Long\n\nA.\n\n" + "before " * 40 + "here it is " + "after " * 40)
    (match,) = search("here it is", [page])
    assert "here it is" in match.line
    assert match.line.startswith("…before")
    assert match.line.endswith("after…")
    assert len(match.line) < 130


def test_the_command_line_prints_what_was_found(here: Here) -> None:
    head, *rows = here.says("guide", "--search", "efuses").splitlines()
    assert head.split() == ["TOPIC", "UNDER", "LINE"]
    assert {row.split()[0] for row in rows} >= {"boards", "security"}
    rows = here.says("guide", "boards", "--search", "efuses").splitlines()[1:]
    assert {row.split()[0] for row in rows} == {"boards"}


def test_nothing_found_is_exit_code_1_and_an_empty_text_a_mistake(here: Here) -> None:
    assert here.says("guide", "--search", "no such words", code=1) == ""
    assert here.refuses("guide", "--search", " ") == "nothing to search for: --search needs a text"


def on_a_terminal(folder: Path, **env: str) -> bytes:
    """What ``espdeck guide`` shows of a page on a terminal, its pager left with q."""
    leader, follower = pty.openpty()
    shown = b""
    base = {
        name: value for name, value in os.environ.items()
        if name not in ("PAGER", "LESS", "NO_COLOR", "COLUMNS", "LINES")
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli.main", "guide", "development"],
        stdin=follower, stdout=follower, stderr=follower, cwd=Path(__file__).parents[3],
        env={**base, "TERM": "xterm-256color", "HOME": str(folder), **env},
    )  # fmt: skip
    os.close(follower)
    with process:
        try:
            os.write(leader, b"q")
            while select.select([leader], [], [], 60)[0]:
                shown += os.read(leader, 1 << 16)
        except OSError:  # all of it was read
            pass
    os.close(leader)
    assert process.returncode == 0
    return shown


def pager(folder: Path) -> str:
    """A pager that is no terminal's: it hands on what it gets."""
    path = folder / "pager"
    path.write_text("#!/bin/sh\nprintf 'PAGED\\n'\nexec cat\n")
    path.chmod(0o755)
    return str(path)


def no_pager(folder: Path) -> dict[str, str]:
    return {"PATH": str(folder)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "choice",
    [pytest.param(lambda folder: {"PAGER": pager(folder)}, id="PAGER"), pytest.param(no_pager)],
)
def test_on_a_terminal_a_page_is_laid_out_and_paged(
    tmp_path: Path, choice: Callable[[Path], dict[str, str]]
) -> None:
    chosen = choice(tmp_path)
    shown = on_a_terminal(tmp_path, **chosen)
    assert b"Development" in shown
    assert b"# Development" not in shown
    assert b"\x1b[" not in shown  # nobody said that it shows colours
    assert (b"PAGED" in shown) is ("PAGER" in chosen)


@pytest.mark.slow
@pytest.mark.parametrize(("less", "is_coloured"), [(None, True), ("-FRX", True), ("-S", False)])
def test_less_gets_colours_where_it_shows_them(
    tmp_path: Path, less: str | None, is_coloured: bool
) -> None:
    """A stand-in says what less would be told: its options, and whether colours come."""
    program = tmp_path / "less"
    program.write_text('#!/bin/sh\nprintf "LESS=%s\\n" "$LESS"\nexec cat\n')
    program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **({"LESS": less} if less else {})}
    shown = on_a_terminal(tmp_path, **env)
    assert f"LESS={less or '-FR'}".encode() in shown
    assert (b"\x1b[1;36m" in shown or b"\x1b[1m" in shown) is is_coloured
