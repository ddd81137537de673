"""History of tests: flips, new failures, what vanished, and its bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks.tests_of_source.history import MAX_RUNS, History
from engine.checks.tests_of_source.reports import Result
from engine.testing.results import Outcome

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OUTCOMES = {"P": Outcome.PASS, "F": Outcome.FAIL, "I": Outcome.IGNORE}


def history(letters: str, states: str = "") -> History:
    """One test with these results; a letter a run for the state of the sources, else all differ."""
    found = History()
    for index, letter in enumerate(letters):
        state = states[index] if states else str(index)
        results = [] if letter == "." else [Result("t", OUTCOMES[letter], "tests/test_t.py")]
        found.add(NOW, "c", state, {"s": results}, [] if letter == "." else ["s"])
    return found


@pytest.mark.parametrize(
    ("letters", "states", "flips"),
    [
        ("PF", "", False),
        ("PFFP", "", False),  # broken, then mended
        ("PFPF", "", True),
        ("PF", "aa", True),
        ("FP", "aa", True),
        ("FPP", "abb", False),
        ("PIF", "aab", False),
        ("P.F", "a.a", True),
        ("PFPFPPPPPPPPPP", "", False),  # long ago
        ("FFFF", "aaaa", False),
    ],
)
def test_a_test_flips_that_gives_both_results_of_the_same_sources_or_changes_often(
    letters: str, states: str, flips: bool
) -> None:
    assert bool(history(letters, states).flips()) is flips


def test_failures_are_new_once() -> None:
    assert history("PF").new_failures == ("t",)
    assert history("PFF").new_failures == ()
    assert history("F").new_failures == ("t",)
    assert history("PIF").new_failures == ("t",)
    assert history("PF.").new_failures == ()


def test_a_test_vanishes_that_a_whole_run_of_its_suite_does_not_have() -> None:
    found = history("P")

    found.add(NOW, "c", "b", {"s": [Result("other", Outcome.PASS)]}, [])
    assert (found.vanished, set(found.tests)) == ((), {"t", "other"})

    found.add(NOW, "c", "c", {"s": [Result("other", Outcome.PASS)]}, ["s"])
    assert (found.vanished, set(found.tests)) == (("t",), {"other"})


def test_runs_of_the_same_sources_are_counted_from_the_last_on() -> None:
    found = history("PFF", "abb")

    assert (found.runs_at("b"), found.runs_at("a")) == (2, 0)
    assert found.failed_at("b")
    assert not history("PP", "ab").failed_at("b")


def test_the_last_runs_are_kept_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.json"
    found = history("F" * 20 + "P" * 20)
    found.add(NOW, "c", "z", {"s": [Result("t", Outcome.FAIL, "x.py", 1.5, "x.py", 3, "no")]}, [])
    found.save(path)

    again = History.load(path)

    assert len(again.runs) == MAX_RUNS
    assert again.tests["t"].letters == "F" * 9 + "P" * 20 + "F"
    assert again.last_results() == found.last_results()
    assert [each.name for each in path.parent.iterdir()] == ["history.json"]


def test_a_test_that_no_kept_run_has_is_forgotten() -> None:
    found = history("P" + "." * MAX_RUNS)

    assert found.tests == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 1}', '{"version": 9, "runs": [], "tests": {}}', "[" * 9999]
)
def test_a_file_that_makes_no_sense_is_no_history(tmp_path: Path, text: str) -> None:
    (tmp_path / "h.json").write_text(text)

    assert History.load(tmp_path / "h.json").runs == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_no_value_in_the_file_is_trusted(value: object) -> None:
    said = {"version": 1, "runs": [["a", "b", "c", False]], "tests": {"t": value}}
    with TemporaryDirectory() as name:
        path = Path(name) / "h.json"
        path.write_text(json.dumps(said))

        assert History.load(path).tests.keys() <= {"t"}


@given(st.lists(st.sampled_from("PFI."), max_size=50))
def test_letters_are_as_many_as_runs(letters: list[str]) -> None:
    found = history("".join(letters))

    assert all(len(known.letters) == len(found.runs) for known in found.tests.values())
    assert len(found.runs) <= MAX_RUNS
