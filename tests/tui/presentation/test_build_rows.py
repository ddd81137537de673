"""Builds as rows of home."""

from __future__ import annotations

from engine.enums import RunStatus
from tests.tui.lab import build
from tui.presentation.build_rows import BuildTable
from tui.theme import Glyphs


def test_a_head_is_whole_above_short_names() -> None:
    builds = [build(1, RunStatus.SUCCESS, 5, target="linux")]
    table = BuildTable(builds, Glyphs(), 120, has_variants=True)
    assert "variant" in "".join(text for text, _ in table.head())
