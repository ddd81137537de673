"""What is typed, without a board: order, bounds, pauses, the end."""

from __future__ import annotations

import select
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.console_input import (
    MAX_COMMANDS,
    MAX_WAITING_BYTES,
    ConsoleInput,
    Lines,
    ResetStep,
    Restart,
)
from engine.errors import BoardError, CancelledError


class Chip:
    """A console that takes so many bytes at a time, and says what was done to it in order."""

    def __init__(self, takes: Sequence[int] = (1 << 30,)) -> None:
        self.done: list[object] = []
        self.time = 0.0
        self._takes = [*takes]

    def now(self) -> float:
        return self.time

    def write(self, data: bytes) -> int:
        count = min(len(data), self._takes.pop(0) if len(self._takes) > 1 else self._takes[0])
        if count:
            self.done.append(data[:count])
        return count

    def set(self, lines: Lines) -> None:
        self.done.append(lines)

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        return (ResetStep(Lines(rts=True), 0.1), ResetStep(Lines(rts=False), 0.0))

    @property
    def got(self) -> bytes:
        return b"".join(each for each in self.done if isinstance(each, bytes))


@given(
    st.lists(st.binary(max_size=9000), max_size=7),
    st.lists(st.integers(0, 5000), max_size=30),
)
def test_what_is_typed_arrives_once_and_in_order(typed: list[bytes], takes: list[int]) -> None:
    chip, console_input = Chip([*takes, 999]), ConsoleInput()
    for data in typed:
        console_input.send(data)
    with console_input.reading() as wake:
        while console_input.pump(wake, chip.write, chip) is not None:
            pass
    assert chip.got == b"".join(typed)


def test_lines_change_between_what_was_typed_before_and_after() -> None:
    chip = Chip()
    console_input = ConsoleInput(now=chip.now)
    console_input.send(b"before")
    console_input.reset()
    console_input.send(b"after")
    console_input.set_lines(dtr=True)
    with console_input.reading() as wake:
        assert console_input.pump(wake, chip.write, chip) == 0
        assert console_input.pump(wake, chip.write, chip) == pytest.approx(0.1)
        assert console_input.pump(wake, chip.write, chip) == pytest.approx(0.1)
        assert chip.done == [b"before", Lines(rts=True)]
        chip.time = 0.2
        assert console_input.pump(wake, chip.write, chip) == 0
        assert console_input.pump(wake, chip.write, chip) is None
    assert chip.done[2:] == [Lines(rts=False), b"after", Lines(dtr=True)]


def test_a_console_without_lines_says_so_and_takes_the_rest() -> None:
    notes: list[str] = []
    chip, console_input = Chip(), ConsoleInput(notes.append)
    console_input.boot()
    console_input.send(b"after")
    with console_input.reading() as wake:
        assert console_input.pump(wake, chip.write) is None
    assert chip.got == b"after"
    assert notes == ["this console has no DTR and RTS lines: nothing can be reset here"]


def test_typing_wakes_who_reads() -> None:
    chip, console_input = Chip(), ConsoleInput()
    console_input.send(b"early")
    with console_input.reading() as wake:
        assert select.select([wake], [], [], 0)[0]
        console_input.pump(wake, chip.write)
        assert not select.select([wake], [], [], 0)[0]
        console_input.set_lines(rts=True)
        assert select.select([wake], [], [], 0)[0]


def test_a_board_that_takes_nothing_gets_no_more_than_may_wait() -> None:
    chip, console_input = Chip([0]), ConsoleInput()
    console_input.send(bytes(MAX_WAITING_BYTES))
    with pytest.raises(BoardError, match="has not yet taken 65536 bytes"):
        console_input.send(b"x")
    for _ in range(MAX_COMMANDS):
        console_input.reset()
    with pytest.raises(BoardError, match="still busy"):
        console_input.boot()
    with console_input.reading() as wake:
        assert console_input.pump(wake, chip.write) == 0


def test_a_file_waits_for_room_and_can_be_cancelled() -> None:
    chip, console_input, cancel = Chip(), ConsoleInput(), CancelToken()
    ended: list[type[BaseException]] = []
    whole = bytes(range(256)) * 2048

    def send() -> None:
        console_input.send_all(whole, cancel)
        try:
            console_input.send_all(whole, cancel)
        except CancelledError as error:
            ended.append(type(error))

    thread = threading.Thread(target=send)
    with console_input.reading() as wake:
        thread.start()
        while len(chip.got) < len(whole):
            select.select([wake], [], [], 10)
            while console_input.pump(wake, chip.write) is not None:
                pass
        cancel.cancel()
        thread.join(10)
    assert chip.got[: len(whole)] == whole
    assert ended == [CancelledError]


def test_what_waited_for_a_board_that_vanished_is_dropped() -> None:
    chip, console_input = Chip([0]), ConsoleInput()
    with console_input.reading() as wake:
        console_input.send(b"rm -r /\n")
        console_input.reset()
        console_input.pump(wake, chip.write, chip)
    chip = Chip()
    with console_input.reading() as wake:
        console_input.send(b"hello\n")
        while console_input.pump(wake, chip.write, chip) is not None:
            pass
    assert chip.done == [b"hello\n"]
