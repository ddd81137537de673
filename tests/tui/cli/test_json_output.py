"""JSON has the fields that the manual names, times in UTC, and nothing beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tui.commands import Here
from tests.tui.workspaces import fill, fill_audit

PAGE = Path("tui/guide/command-line.md").read_text("utf-8")
FIELDS = {
    command: set(re.findall(r"\w+", fields.replace("; with a result also", "")))
    for command, fields in re.findall(r"^\| `espdeck ([a-z -]+)` \| (.*) \|$", PAGE, re.M)
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("json")
    fill(made)
    fill_audit(made)
    return made


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def test_the_manual_has_the_lists() -> None:
    assert {"projects", "builds", "boards", "checks", "token list", "audit"} <= FIELDS.keys()


@pytest.mark.parametrize("command", [each for each in FIELDS if each != "doctor"])
def test_fields_are_those_of_the_manual(
    workspace: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_BOARDS", "virtual:esp32c3")
    lines = Here(workspace).says(*command.split(), "--json").splitlines()
    rows = [json.loads(line) for line in lines]

    assert rows
    for row in rows:
        if "variable" not in row:  # of those that are no settings
            optional = {"message", "details", "timestamp", "duration_seconds", "confirmed_at",
                        "triggered_by"} if command == "checks" else set()  # fmt: skip
            assert FIELDS[command] - optional <= row.keys() <= FIELDS[command]
        for text in texts(row):
            if re.match(r"\d{4}-\d\d-\d\dT", text):
                assert TIME.fullmatch(text), text
                assert datetime.fromisoformat(text).tzinfo is not None


def test_times_in_json_are_utc_wherever_one_is(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Here(workspace)
    before = here.says("builds", "--json")
    monkeypatch.setenv("ESPDECK_UTC", "true")

    assert here.says("builds", "--json") == before


def test_nothing_of_anything_is_nothing(tmp_path: Path) -> None:
    here = Here(tmp_path)
    for command in ("projects", "builds", "token list", "audit", "task list", "notify mutes"):
        assert here.says(*command.split(), "--json") == "", command
