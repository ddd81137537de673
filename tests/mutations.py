"""Changes of files as AFL makes them ("havoc" and "splice"; AFL's technical details, 5.)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_NUMBERS = (
    0,
    1,
    2,
    4,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
_MAX_BLOCK = 4096
_HEAD, _TAIL = 256, 2048  # headers of programs stand at the beginning, tables at the end


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the files, changed in one to sixteen ways."""
    data = bytearray(chance.choice(seeds))
    if chance.randrange(8) == 0:
        other = chance.choice(seeds)
        data = data[: _place(chance, data)] + other[_place(chance, other) :]
    for _ in range(1 << chance.randrange(5)):
        chance.choice(_CHANGES)(chance, data)
    return bytes(data)


def _place(chance: random.Random, data: bytes | bytearray) -> int:
    if not data:
        return 0
    match chance.randrange(4):
        case 0:
            return chance.randrange(min(len(data), _HEAD))
        case 1:
            return len(data) - 1 - chance.randrange(min(len(data), _TAIL))
    return chance.randrange(len(data))


def _size(chance: random.Random) -> int:
    return 1 << chance.randrange(13) if chance.randrange(4) == 0 else chance.randrange(1, 33)


def _flip(chance: random.Random, data: bytearray) -> None:
    if data:
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    data[at : at + 1] = bytes([chance.randrange(256)])


def _number(chance: random.Random, data: bytearray) -> None:
    at, width = _place(chance, data), chance.choice((1, 2, 4, 8))
    value = chance.choice(_NUMBERS) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, chance.choice(("little", "little", "big")))


def _add(chance: random.Random, data: bytearray) -> None:
    """Change a number a little, such as a length or an offset."""
    at, width = _place(chance, data) & ~3, chance.choice((1, 2, 4))
    value = int.from_bytes(data[at : at + width], "little") + chance.randrange(-40, 41)
    data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")


def _copy(chance: random.Random, data: bytearray) -> None:
    """Write one block over another."""
    at, to, size = _place(chance, data), _place(chance, data), _size(chance)
    data[to : to + size] = data[at : at + size]


def _repeat(chance: random.Random, data: bytearray) -> None:
    at, size = _place(chance, data), _size(chance)
    times = min(chance.randrange(1, 9), max(1, _MAX_BLOCK // size))
    data[at:at] = data[at : at + size] * times


def _delete(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    del data[at : at + _size(chance)]


def _fill(chance: random.Random, data: bytearray) -> None:
    at, size = _place(chance, data), _size(chance)
    data[at : at + size] = bytes([chance.choice((0, 0xFF, 0x80, 0x41))]) * size


def _cut(chance: random.Random, data: bytearray) -> None:
    if chance.randrange(4) == 0:
        del data[_place(chance, data) :]


_CHANGES: tuple[Callable[[random.Random, bytearray], None], ...] = (
    *(_flip, _set, _number, _number, _add, _add, _copy, _repeat, _delete, _fill, _cut),
)
