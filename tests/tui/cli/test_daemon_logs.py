"""``espdeck daemon logs``: what it prints, which records it takes, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import CancelledError
from tests.tui.commands import Here


def record(message: str, *, hours: float = 0, level: str = "INFO", **extra: object) -> str:
    at = datetime.now(UTC) - timedelta(hours=hours)
    fields = {"time": at.isoformat(), "level": level, "logger": "espdeck.events"}
    return json.dumps({**fields, "message": message, "pid": 7, **extra}) + "\n"


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_no_log_prints_nothing(here: Here) -> None:
    assert here.says("daemon", "logs") == ""


def test_the_log_is_there_when_the_settings_make_no_sense(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is where that is told."""
    (tmp_path / "espdeck.log").write_text(record("the settings from before stay in force"))
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "many")
    assert "stay in force" in here.says("daemon", "logs")


def test_a_record_is_a_line_that_steers_no_terminal(here: Here, tmp_path: Path) -> None:
    (tmp_path / "espdeck.log").write_text(
        '{"time": "2026-11-28T10:00:00.250Z", "level": "ERROR", "logger": "espdeck.runner", '
        '"message": "a\\u001b[2Jb", "pid": 7, "run": 12, "traceback": "T\\n  \\u001b[1mE"}\n'
        "2026-11-28T11:00:00.000Z INFO espdeck.daemon[8]: started\n"
    )
    assert here.says("daemon", "logs").splitlines() == [
        "2026-11-28 10:00:00 ERROR   espdeck.runner[7]: ab (run=12)",
        "    T",
        "      E",
        "2026-11-28 11:00:00 INFO    espdeck.daemon[8]: started",
    ]


def test_both_forms_are_printed_as_json(here: Here, tmp_path: Path) -> None:
    (tmp_path / "espdeck.log").write_text(
        record("of JSON", run=3) + "2026-11-28T11:00:00.000Z INFO espdeck.daemon[8]: of text\n"
    )
    first, second = map(json.loads, here.says("daemon", "logs", "--json").splitlines())
    assert (first["message"], first["run"]) == ("of JSON", 3)
    assert second == {
        "time": "2026-11-28T11:00:00.000Z",
        "level": "INFO",
        "logger": "espdeck.daemon",
        "message": "of text",
        "pid": 8,
    }


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ((), ["a", "b", "c"]),
        (("-n", "1"), ["c"]),
        (("--level", "warning"), ["a", "c"]),
        (("--since", "90m"), ["b", "c"]),
        (("--since", "30s"), ["c"]),
        (("--since", "999999w"), ["a", "b", "c"]),
        (("--since", "2020-01-01"), ["a", "b", "c"]),
        (("--since", "2999-01-01T08:00+01:00"), []),
        (("--since", "90m", "--level", "ERROR"), []),
    ],
)
def test_options_select(
    words: tuple[str, ...], messages: list[str], here: Here, tmp_path: Path
) -> None:
    (tmp_path / "espdeck.log").write_text(
        record("a", hours=2, level="ERROR") + record("b", hours=1) + record("c", level="WARNING")
    )
    said = here.says("daemon", "logs", "--json", *words)
    assert [json.loads(line)["message"] for line in said.splitlines()] == messages


@pytest.mark.parametrize("since", ["yesterday", "1y", "-1h", "", "٣h", "2026-13-01"])
def test_an_age_that_makes_no_sense_is_refused(since: str, here: Here) -> None:
    if not since:
        assert here.says("daemon", "logs", "--since", since) == ""
        return
    assert "an age, such as 30m, 1h or 2d" in here.refuses("daemon", "logs", "--since", since)


def test_a_level_that_makes_no_sense_is_refused(here: Here) -> None:
    line = here.refuses("daemon", "logs", "--level", "loud")
    assert line == "--level loud: one of debug, info, warning, error, critical"


def test_following_goes_on_until_it_is_ended(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "espdeck.log"
    log.write_text(record("old"))
    coming = ["first", "second"]

    def wait(token: CancelToken, _seconds: float) -> None:
        if not coming:
            token.cancel()
            raise CancelledError
        with log.open("a") as file:
            file.write(record(coming.pop(0)))

    monkeypatch.setattr(CancelToken, "wait", wait)
    said = here.says("daemon", "logs", "-f", "-n", "1", "--json")
    assert [json.loads(line)["message"] for line in said.splitlines()] == ["old", "first", "second"]
