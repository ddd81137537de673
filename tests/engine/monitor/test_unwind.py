"""Callers of a RISC-V panic where registers or stack are not what they should be.

Whole chains of calls are cases in ``tests/field/cases/panic``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.monitor.symbols import Symbols, load_symbols
from engine.monitor.unwind import MAX_FRAMES, REGISTERS, FrameSource, unwind
from tests.field.case import CASES

CHAIN = CASES.with_name("programs") / "chain.elf"
STACK = 0x3FC90000
WORDS = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0x42000020, 0x420002D0),
    st.integers(STACK, STACK + 256),
)


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    found = load_symbols(CHAIN)
    assert found is not None
    return found


def addresses(symbols: Symbols, function: str) -> list[int]:
    return [at for at in range(0x42000020, 0x42000400, 2) if symbols.function(at) == function]


def return_address(symbols: Symbols, caller: str, callee: str) -> int:
    """Where a call of ``callee`` in ``caller`` returns to."""
    for at in addresses(symbols, caller):
        _is_call, target = symbols.call_before(at + 2)
        if target is not None and symbols.function(target) == callee:
            return at + 2
    raise LookupError(f"{caller} does not call {callee}")


def chain(symbols: Symbols, registers: dict[str, int], stack: dict[int, int]) -> list[object]:
    steps = list(unwind(symbols, registers, stack))
    return [item for step in steps for item in (symbols.function(step.address), step.how)]


def test_without_a_stack_the_register_tells_the_caller_of_a_leaf(symbols: Symbols) -> None:
    registers = {
        "MEPC": addresses(symbols, "leaf_write")[0],
        "RA": return_address(symbols, "many_saved", "leaf_write"),
        "SP": STACK,
    }

    assert chain(symbols, registers, {}) == [
        *("leaf_write", FrameSource.PROGRAM_COUNTER),
        *("many_saved", FrameSource.UNWOUND),
    ]


def test_a_return_address_in_rom_is_no_reason_to_invent_a_caller(symbols: Symbols) -> None:
    registers = {"MEPC": 0x40000358, "RA": 0x40001236, "SP": STACK}
    back = return_address(symbols, "app_main", "many_saved")

    assert chain(symbols, registers, {STACK: back}) == [
        *("strlen_rom", FrameSource.PROGRAM_COUNTER),
        *(None, FrameSource.REGISTER),
    ]


def test_what_is_found_on_the_stack_alone_is_a_guess(symbols: Symbols) -> None:
    registers = {"MEPC": 0x3FC80000, "RA": 0, "SP": STACK}
    back = return_address(symbols, "_start", "app_main")
    inner = return_address(symbols, "app_main", "rom_tail")
    stack = {STACK: 7, STACK + 4: inner, STACK + 8: 0x1234, STACK + 12: back}

    assert chain(symbols, registers, stack)[1::2] == [FrameSource.PROGRAM_COUNTER]
    registers["MEPC"] = addresses(symbols, "rom_tail")[0]
    assert chain(symbols, registers, stack) == [
        *("rom_tail", FrameSource.PROGRAM_COUNTER),
        *("app_main", FrameSource.GUESS),
        *("_start", FrameSource.GUESS),
    ]


@pytest.mark.slow
@given(
    st.fixed_dictionaries({"MEPC": WORDS, "RA": WORDS, "SP": WORDS, "S0/FP": WORDS}),
    st.dictionaries(st.integers(0, 63).map(lambda index: STACK + 4 * index), WORDS),
)
def test_any_registers_and_stack_end(registers: dict[str, int], stack: dict[int, int]) -> None:
    found = load_symbols(CHAIN)
    assert found is not None

    steps = list(unwind(found, registers, stack))

    assert 1 <= len(steps) <= MAX_FRAMES
    assert set(registers) - {"MEPC"} <= set(REGISTERS)


def test_code_in_rom_that_moved_the_stack_pointer_does_not_invent_a_caller(
    symbols: Symbols,
) -> None:
    registers = {
        "MEPC": 0x40000358,
        "RA": return_address(symbols, "rom_user", "strlen_rom"),
        "SP": STACK,
    }
    stale = return_address(symbols, "app_main", "tail_caller")
    back = return_address(symbols, "app_main", "rom_user")

    steps = chain(symbols, registers, {STACK + 12: stale, STACK + 28: back})

    assert steps[:4] == [
        "strlen_rom",
        FrameSource.PROGRAM_COUNTER,
        "rom_user",
        FrameSource.REGISTER,
    ]
    assert steps[4:] == ["app_main", FrameSource.GUESS]
    assert list(unwind(symbols, registers, {STACK + 12: stale, STACK + 28: back}))[-1].address == (
        back - 1
    )


class Maze:
    """A program of functions of 16 KiB, every instruction of which jumps to another."""

    is_riscv = True
    size = 0x4000

    def __init__(self) -> None:
        self.read = 0

    def is_rom(self, address: int) -> bool:
        return False

    def frame(self, address: int) -> None:
        return None

    def start(self, address: int) -> tuple[int, int] | None:
        return address // self.size * self.size, 0

    def extent(self, address: int) -> tuple[int, int] | None:
        begin = address // self.size * self.size
        return begin, begin + self.size

    def call_before(self, address: int) -> tuple[bool, int | None]:
        return True, 40 * self.size

    def jumps(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        for at in range(begin, end, 4):
            self.read += 4
            yield at, (at * 7919) % 1000 * self.size


def test_the_ways_of_a_tail_call_are_looked_for_within_bounds() -> None:
    maze = Maze()

    steps = list(
        unwind(cast("Symbols", maze), {"MEPC": 0x1234567, "RA": 0x2345678, "SP": STACK}, {})
    )

    assert steps[0].how is FrameSource.PROGRAM_COUNTER
    assert 0 < maze.read <= 1 << 16
