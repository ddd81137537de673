"""Doing something again on a board that does not answer, or vanished: which way helps when."""

from __future__ import annotations

import pytest

from engine.boards import reconnecting
from engine.boards.board_port import BoardPort
from engine.boards.reconnecting import Reconnector
from engine.cancel import CancelToken
from engine.errors import BoardError, BoardGoneError, BoardSilentError


class Switch:
    """Power that is only counted."""

    def __init__(self, *, is_switchable: bool = True) -> None:
        self.is_switchable = is_switchable
        self.cycles = 0

    def on(self) -> None:
        raise AssertionError

    def off(self) -> None:
        raise AssertionError

    def cycle(self) -> None:
        self.cycles += 1

    def restore(self) -> None:
        raise AssertionError


class Attempt:
    """Fails in some ways, then works."""

    def __init__(self, *problems: BoardError) -> None:
        self._problems = list(problems)

    def __call__(self) -> str:
        if self._problems:
            raise self._problems.pop(0)
        return "done"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def port(notes: list[str], monkeypatch: pytest.MonkeyPatch) -> BoardPort:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.001)
    return BoardPort("board", 0, lambda _cancel: "/dev/null", CancelToken(), notes.append)


def test_a_board_that_is_silent_is_switched_off_and_on_once(
    port: BoardPort, notes: list[str]
) -> None:
    power = Switch()
    reconnector = Reconnector(port, power)
    assert reconnector.run(Attempt(BoardSilentError("no answer"))) == "done"
    assert reconnector.was_reached
    assert (power.cycles, notes) == (1, ["no answer; switching it off and on"])
    with pytest.raises(BoardSilentError):
        reconnector.run(Attempt(BoardSilentError("no answer"), BoardSilentError("no answer")))
    assert power.cycles == 2


def test_a_silent_board_without_a_switch_is_told(port: BoardPort) -> None:
    power = Switch(is_switchable=False)
    with pytest.raises(BoardSilentError, match="no answer"):
        Reconnector(port, power).run(Attempt(BoardSilentError("no answer")))
    assert power.cycles == 0


def test_a_board_that_vanished_may_be_silent_as_it_comes_back(
    port: BoardPort, notes: list[str]
) -> None:
    power = Switch()
    attempt = Attempt(BoardGoneError("it vanished"), BoardSilentError("no answer"))
    assert Reconnector(port, power).run(attempt) == "done"
    assert power.cycles == 0
    assert notes == ["it vanished; waiting up to 30 s for it"]
