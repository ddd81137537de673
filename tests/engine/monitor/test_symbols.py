"""Addresses to functions and lines; programs that lie cost no more than they may."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.monitor.program import demangle
from engine.monitor.symbols import Place, Symbols, load_symbols
from tests.field.case import CASES

CHAIN = CASES.with_name("programs") / "chain.elf"
ROOT = Path("/w")


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    found = load_symbols(CHAIN)
    assert found is not None
    return found


def start(symbols: Symbols, function: str) -> int:
    return next(at for at in range(0x42000020, 0x42000400, 2) if symbols.function(at) == function)


@pytest.mark.slow
def test_an_inlined_function_has_its_own_name_and_line(symbols: Symbols) -> None:
    found = symbols.place(start(symbols, "with_inlined") + 14, ROOT)

    assert str(found) == (
        "inner(int) (chain.cpp:12), inlined by middle(int) (chain.cpp:13), "
        "inlined by with_inlined() (chain.cpp:14)"
    )


def test_code_in_rom_has_the_name_that_the_linker_was_told(symbols: Symbols) -> None:
    assert str(symbols.place(0x4000035A, ROOT)) == "strlen_rom() in ROM"
    assert symbols.place(0x40002000, ROOT) == Place(0x40002000, None, None, None, in_rom=True)
    assert not symbols.is_rom(0x42000020)
    assert not symbols.is_rom(0x3FC80000)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("app_main", "app_main"),
        ("_ZN3lab5Radio5beginEi", "lab::Radio::begin(int)"),
        ("_ZN12_GLOBAL__N_15blinkEv.constprop.0", "(anonymous namespace)::blink() (.constprop.0)"),
        ("_ZN4core9panicking9panic_fmt17h0123456789abcdefE", "core::panicking::panic_fmt"),
        ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
        ("_Read", "_Read"),
    ],
)
def test_names_are_as_the_source_has_them(name: str, told: str) -> None:
    assert demangle(name) == told


def test_a_name_that_would_grow_without_end_stays_as_it_is() -> None:
    doubling = "_Z1f1AIiiE" + "".join(f"S_IS{n}_S{n}_E" for n in range(40))

    assert demangle(doubling) == doubling
    assert demangle("_Z1f" + "P" * 100_000 + "i").startswith("_Z1fPPP")


def test_a_line_without_a_number_has_none() -> None:
    assert str(Place(1, "setup()", "node.cpp", None)) == "setup() (node.cpp)"


def test_the_program_knows_the_file_of_a_name_without_folder(symbols: Symbols) -> None:
    assert symbols.source("chain.cpp") == "/w/chain.cpp"
    assert symbols.source("other.cpp") is None
