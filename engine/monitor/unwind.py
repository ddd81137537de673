"""From the registers and the dumped stack of a RISC-V panic to the calls that led there.

The calls are found as gdb finds them: by the program's call frame information (DWARF 5, 6.4), from
function to function. Where a function has none (code of the ROM, assembler), its caller is the
return address register, if it is the innermost; further out, the words of the stack that follow a
call instruction are taken for return addresses, and each such frame says that it is a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.monitor.symbols import Symbols

MAX_FRAMES = 32
"""Frames of one panic that are told."""

_MAX_GUESSES = 12
_MAX_TAIL_CALLS = 3
_MAX_CODE = 1 << 16  # bytes in which the ways of one tail call are looked for

RA, SP = 1, 2
REGISTERS = {
    name: number
    for number, name in enumerate(
        (
            *("", "RA", "SP", "GP", "TP", "T0", "T1", "T2", "S0/FP", "S1"),
            *("A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7"),
            *("S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11"),
            *("T3", "T4", "T5", "T6"),
        )
    )
    if name
}
"""Numbers of registers by the names that ESP-IDF's panic handler prints."""


class FrameSource(StrEnum):
    """How a frame is known, as people are told."""

    PROGRAM_COUNTER = "program counter"
    REGISTER = "return address register"
    UNWOUND = "unwound"
    TAIL_CALL = "tail call"
    BACKTRACE = "backtrace"
    ABORTED = "caller of abort()"
    CHECKED = "printed with the error"
    GUESS = "guess: from the stack"


@dataclass(frozen=True, slots=True)
class StackFrame:
    """A frame on the way to a panic: where it was.

    Args:
        address: of the instruction that failed, or inside the one that called.
        how: how it is known.
        callee: where the call there goes, None where that is not known.
    """

    address: int
    how: FrameSource
    callee: int | None = None


def unwind(
    symbols: Symbols, registers: Mapping[str, int], stack: Mapping[int, int]
) -> Iterator[StackFrame]:
    """The frames of a panic, innermost first, at most :data:`MAX_FRAMES`.

    Args:
        symbols: of the program that ran.
        registers: as the panic handler prints them: MEPC, RA, SP and so on.
        stack: the dumped words, by their addresses.
    """
    for number, step in enumerate(_steps(symbols, registers, stack)):
        if number == MAX_FRAMES:
            return
        yield step


def _steps(
    symbols: Symbols, registers: Mapping[str, int], stack: Mapping[int, int]
) -> Iterator[StackFrame]:
    at = registers["MEPC"]
    yield StackFrame(at, FrameSource.PROGRAM_COUNTER)
    known = {number: registers[name] for name, number in REGISTERS.items() if name in registers}
    current, how = at, FrameSource.UNWOUND
    innermost = True
    # Code without rules may have moved the stack pointer: then the next frame is read askew.
    askew = False
    while SP in known:
        rules = symbols.frame(current)
        if rules is None:
            if not innermost:
                break
            # Without rules: a function that has not moved the stack pointer, or one in ROM.
            outer, how = dict(known), FrameSource.REGISTER
        else:
            register, offset = rules.cfa
            if register not in known:
                break
            cfa = (known[register] + offset) & 0xFFFFFFFF
            outer, how = _restore(rules.saved, known, cfa, stack), FrameSource.UNWOUND
            if not innermost and RA not in rules.saved:
                break
            outer[SP] = cfa
        back = outer.get(RA)
        if back == 0 and rules is not None:
            # Nobody has called where a task begins; or the stack was written over.
            yield from _guesses(symbols, current, known[SP], stack, only_direct=True)
            return
        if back is None or not _is_return(symbols, back, None if rules else current):
            break
        if not innermost and outer[SP] <= known[SP]:
            break
        _is_call, callee = symbols.call_before(back)
        jumped = list(_tail_calls(symbols, callee, current))
        is_other = callee is not None and symbols.start(callee) != symbols.start(current)
        if askew and is_other and not jumped:
            break
        yield from jumped
        yield StackFrame(back - 1, how, callee)
        askew = rules is None or (askew and callee is None)
        known, current, innermost = outer, back - 1, False
    # Where the frames that were found do not fit the stack, all of it may hold the caller.
    for begin in dict.fromkeys((known.get(SP, 0), 0)):
        guesses = list(_guesses(symbols, current, begin, stack, only_direct=False))
        if guesses:
            yield from guesses
            return


def _restore(
    saved: Mapping[int, tuple[str, int]],
    known: Mapping[int, int],
    cfa: int,
    stack: Mapping[int, int],
) -> dict[int, int]:
    """Registers as they were before the call; what is not known any more is left out."""
    outer = dict(known)
    for register, (kind, number) in saved.items():
        value = None
        if kind == "offset":
            value = stack.get((cfa + number) & 0xFFFFFFFF)
        elif kind == "value":
            value = (cfa + number) & 0xFFFFFFFF
        elif kind == "register":
            value = known.get(number)
        if value is None:
            outer.pop(register, None)
        else:
            outer[register] = value
    return outer


def _is_return(symbols: Symbols, back: int, current: int | None) -> bool:
    """Whether an address can be one that code returns to.

    Args:
        current: where the code stands, if the address is only what a register happens to hold.
    """
    is_call, callee = symbols.call_before(back)
    if not is_call:
        return symbols.is_rom(back - 1)
    if current is None or callee is None:
        return True
    # A function that has called another has that call's return address in the register.
    begin, caller = symbols.start(current), symbols.start(back - 1)
    return begin is None or begin != caller or callee == begin[0]


def _tail_calls(symbols: Symbols, callee: int | None, current: int) -> Iterator[StackFrame]:
    """Functions between the one that was called and the one that runs: each jumped to the next.

    Found by their code, where jumps lead from the called function to the other in one way only.
    """
    extent = symbols.extent(current)
    if callee is None or symbols.start(callee) == symbols.start(current):
        return
    # Code in ROM has no known begin.
    in_rom = symbols.is_rom(current)
    ways = list(
        _ways(
            symbols,
            callee,
            symbols.is_rom if in_rom else lambda target: extent is not None and target == extent[0],
            _MAX_TAIL_CALLS,
            [_MAX_CODE],
        )
    )
    if len(ways) == 1:
        yield from (StackFrame(jump, FrameSource.TAIL_CALL) for jump in reversed(ways[0]))


def _ways(
    symbols: Symbols, begin: int, arrives: Callable[[int], bool], depth: int, left: list[int]
) -> Iterator[tuple[int, ...]]:
    """The jumps that lead from one function to where they shall arrive, for each way."""
    extent = symbols.extent(begin)
    if depth == 0 or left[0] <= 0 or extent is None or extent[0] != begin:
        return
    end = min(extent[1], begin + left[0])
    left[0] -= end - begin
    for jump, target in symbols.jumps(begin, end):
        if arrives(target):
            yield (jump,)
        elif not extent[0] <= target < extent[1]:
            for way in _ways(symbols, target, arrives, depth - 1, left):
                yield (jump, *way)


def _guesses(
    symbols: Symbols,
    current: int,
    begin: int,
    stack: Mapping[int, int],
    *,
    only_direct: bool,
) -> Iterator[StackFrame]:
    """Return addresses among the words of the stack, from the address ``begin`` outwards.

    Args:
        only_direct: whether a call through a register counts for nothing.
    """
    inside = symbols.start(current)
    found = 0
    for word in (stack[at] for at in sorted(stack) if at >= begin):
        is_call, callee = symbols.call_before(word)
        # A call of something else is left over from before.
        is_other = only_direct if callee is None else symbols.start(callee) != inside
        if not is_call or is_other:
            continue
        yield StackFrame(word - 1, FrameSource.GUESS, callee)
        inside, found = symbols.start(word - 1), found + 1
        if found == _MAX_GUESSES:
            return
