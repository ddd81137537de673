"""Rows of details end in a sign where they go on beyond what is seen."""

from __future__ import annotations

from tests.tui.widgets.test_panes import shown
from tui.widgets.details import Details


async def test_what_is_cut_says_so() -> None:
    details = Details()
    async with shown(details, (20, 3)):
        details.show([("check", "older than what they describe"), ("runs", "now"), ("says", "no")])
        seen = [details.render_line(y).text.rstrip() for y in range(2)]
        assert seen == [" check   older than…", " runs    now"]


async def test_rows_below_the_last_are_hinted_at() -> None:
    details = Details()
    async with shown(details, (20, 2)):
        details.styles.height = 2
        details.show([("about", "How often"), ("", "it is sent"), ("", "back")])
        seen = [details.render_line(y).text.rstrip() for y in range(2)]
        assert seen == [" about   How often", "         it is sent…"]
