"""A console with where its addresses lie: nothing lost, nothing out of order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.images.image import Image
from engine.monitor.decoded_console import DecodedConsole
from engine.monitor.symbols import load_symbols


@given(st.lists(st.binary(max_size=60), max_size=30), st.binary(max_size=9000))
def test_all_of_it_is_given_on_where_nothing_can_be_decoded(
    pieces: list[bytes], long: bytes
) -> None:
    taken = bytearray()
    with DecodedConsole(taken.extend, Path("/nowhere.elf"), Path("/")) as console:
        for piece in (*pieces, b"MEPC : 0x40380", b"2a8\r\n", long):
            console.feed(piece)
    assert bytes(taken) == b"".join((*pieces, b"MEPC : 0x403802a8\r\n", long))


@pytest.mark.slow
def test_an_address_of_code_is_told_below_its_line(built_sample: Callable[[str], Image]) -> None:
    elf = built_sample("crash").elf
    symbols = load_symbols(elf)
    assert symbols is not None
    code = next(at for at in range(0x40380000, 0x40390000, 4) if symbols.is_code(at))
    taken = bytearray()
    with DecodedConsole(taken.extend, elf, Path("/")) as console:
        for piece in (f"MEPC : 0x{code:08x}", "  A0 : 0x3fcbffe0\r\nafter", " it\r\n> "):
            console.feed(piece.encode())
    first, place, *rest = taken.decode().split("\n")
    assert first == f"MEPC : 0x{code:08x}  A0 : 0x3fcbffe0\r"
    assert place.startswith(f"--- 0x{code:08x}: ")
    assert (symbols.function(code) or "?") in place
    assert rest == ["after it\r", "> "]
