"""The manual, as it is read on the command line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from tests.tui.commands import Here


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path / "workspace")


def test_pages_are_listed_with_their_titles(here: Here, tmp_path: Path) -> None:
    said = here.says("guide")
    for page in files("tui").joinpath("guide").iterdir():
        assert page.read_text("utf-8").partition("\n")[0].removeprefix("# ") in said
    assert not (tmp_path / "workspace").exists()  # reading makes nothing


def test_a_page_is_printed_as_it_is_where_no_terminal_is(here: Here) -> None:
    page = files("tui").joinpath("guide", "security.md").read_text("utf-8")
    assert here.says("guide", "security") == page


def test_a_page_that_is_not_there_is_said(here: Here) -> None:
    assert here.refuses("guide", "../security").startswith("no page '../security' (pages: ")
