"""Checks that a person runs: at most so many at once, the rest waits, all can be stopped."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from engine import CancelToken
from engine.errors import UsageError
from tests.waits import wait_for
from tui.state.check_runs import CheckRuns

PROJECT = uuid.uuid4()


class Gate:
    """Checks that run until they are let go; the most that ran at once is known."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.began: list[str] = []
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def run(self, name: str, _project: uuid.UUID | None, *, cancel: CancelToken) -> None:
        with self._lock:
            self.began.append(name)
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            while not self.free.is_set():
                cancel.wait(0.01)
            if name == "refused":
                raise UsageError("refused is already running: wait for it")
            if name == "faulty":
                raise KeyError("x")
        finally:
            with self._lock:
                self._running -= 1


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def runs() -> Iterator[CheckRuns]:
    made = CheckRuns()
    yield made
    made.close()


def ask(runs: CheckRuns, gate: Gate, *names: str, at_once: int = 2) -> int:
    checks: Any = gate
    return runs.add(checks, [(name, PROJECT) for name in names], at_once=at_once)


def test_so_many_run_at_once_and_the_rest_waits_for_its_turn(runs: CheckRuns, gate: Gate) -> None:
    assert ask(runs, gate, *"abcde") == 5
    wait_for(lambda: len(gate.began) == 2)
    waiting = [runs.get((name, PROJECT)) for name in "cde"]
    assert [run is not None and run.seconds is None for run in waiting] == [True] * 3
    gate.free.set()
    wait_for(lambda: not len(runs))
    assert (sorted(gate.began), gate.most) == (list("abcde"), 2)


def test_what_is_asked_for_already_is_not_run_twice(runs: CheckRuns, gate: Gate) -> None:
    ask(runs, gate, "a", "b", "c")
    assert ask(runs, gate, "c", "a", "d") == 1
    gate.free.set()
    wait_for(lambda: not len(runs))
    assert sorted(gate.began) == list("abcd")


def test_one_that_runs_and_one_that_waits_are_stopped(runs: CheckRuns, gate: Gate) -> None:
    ask(runs, gate, "a", "b", at_once=1)
    wait_for(lambda: gate.began == ["a"])
    runs.cancel(("b", PROJECT))
    runs.cancel(("a", PROJECT))
    runs.cancel(("unknown", PROJECT))
    wait_for(lambda: not len(runs))
    assert (gate.began, runs.take_problems()) == (["a"], [])


def test_why_one_did_not_run_is_told_once_and_the_others_go_on(runs: CheckRuns, gate: Gate) -> None:
    gate.free.set()
    ask(runs, gate, "refused", "faulty", "a", at_once=1)
    wait_for(lambda: not len(runs))
    first, second = runs.take_problems()
    assert first == "refused is already running: wait for it"
    assert second.startswith("faulty: a fault of espdeck: KeyError")
    assert runs.take_problems() == []
    assert gate.began[-1] == "a"


def test_an_app_that_ends_stops_all(gate: Gate) -> None:
    runs = CheckRuns()
    ask(runs, gate, *"abc")
    wait_for(lambda: len(gate.began) == 2)
    runs.close()
    assert len(gate.began) == 2
