"""Panics decoded with a real ELF of the real compiler."""

from __future__ import annotations

import importlib.util
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats.elf import open_elf
from engine.monitor.panic import decode
from engine.monitor.program import call_before, frame, place
from engine.monitor.symbols import Symbols, load_symbols
from engine.processes.bounded_child import answer

SOURCE = """\
volatile int readings[4];

__attribute__((noinline)) void write_reading(int *where, int value) {
    *(volatile int *)where = value;
}

__attribute__((noinline)) int update_sensor(int count) {
    write_reading((int *)0xdead0000, count);
    readings[0] = count;
    return count + 1;
}

int main(void) {
    int sum = update_sensor(3);
    for (;;) readings[1] += sum;
}

void abort(void) { for (;;) readings[2]++; }
"""


@dataclass(frozen=True)
class Program:
    """A linked program and where its calls return to."""

    elf: Path
    root: Path
    symbols: Symbols

    def start(self, function: str) -> int:
        return next(at for at in self._addresses() if self.symbols.function(at) == function)

    def return_address(self, caller: str) -> int:
        """The address after the first call in a function."""
        return next(
            at
            for at in self._addresses()
            if self.symbols.function(at - 2) == caller and self.symbols.call_before(at)[0]
        )

    def _addresses(self) -> list[int]:
        return [at for at in range(0x40380000, 0x40380400, 2) if self.symbols.is_code(at - 2)]


def _compile(folder: Path, *flags: str) -> Program:
    spec = importlib.util.find_spec("ziglang")
    assert spec is not None
    assert spec.submodule_search_locations
    (folder / "src").mkdir()
    (folder / "src/main.c").write_text(SOURCE)
    (folder / "link.ld").write_text(
        "SECTIONS { . = 0x40380000; .text : { *(.text*) } .bss 0x3FCA0000 : { *(.*bss*) } }"
    )
    elf = folder / "app.elf"
    subprocess.run(
        [
            Path(spec.submodule_search_locations[0]) / "zig",
            *("cc", "-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
            *("-O1", "-ffreestanding", "-fno-sanitize=undefined", "-nostdlib", *flags),
            *("-Wl,-e,main", "-T", folder / "link.ld"),
            *(folder / "src/main.c", "-o", elf),
        ],
        check=True,
        timeout=120,
    )
    symbols = load_symbols(elf)
    assert symbols is not None
    return Program(elf, folder / "src", symbols)


@pytest.fixture(scope="module", params=["-gdwarf-4", "-gdwarf-5"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return _compile(tmp_path_factory.mktemp("program"), request.param)


def dump(mepc: int, ra: int, stack: list[int], reason: str = "Store access fault") -> str:
    words = (stack + [0] * 16)[:16]
    rows = [
        f"{0x3FCA0000 + 32 * row:08x}: "
        + " ".join(f"0x{word:08x}" for word in words[8 * row : 8 * row + 8])
        for row in range(2)
    ]
    return (
        f"I (21) main: hello\r\n"
        f"Guru Meditation Error: Core  0 panic'ed ({reason}). Exception was unhandled.\r\n\r\n"
        f"Core  0 register dump:\r\n"
        f"MEPC    : 0x{mepc:08x}  RA      : 0x{ra:08x}  SP      : 0x3fca0000  GP      : 0x0\r\n"
        f"MCAUSE  : 0x00000007  MTVAL   : 0xdead0000\r\n\r\nStack memory:\r\n"
        + "\r\n".join(rows)
        + "\r\n\r\nRebooting...\r\n"
    )


def test_a_panic_is_decoded_to_function_file_line_and_callers(program: Program) -> None:
    text = dump(
        program.start("write_reading"),
        program.return_address("update_sensor"),
        [0, 0x1234, program.return_address("main")],
    )

    (finding,) = decode(text, program.elf, program.root)

    assert finding.code == "panic.store-access-fault"
    assert (finding.file, finding.line) in (("main.c", 3), ("main.c", 4))
    assert finding.message == (
        f"Store access fault in write_reading() (main.c:{finding.line}), "
        "called from update_sensor() (main.c:8)"
    )
    assert "pointer" in (finding.hint or "")
    lines = (finding.evidence or "").splitlines()
    assert lines[0].startswith("Guru Meditation Error")
    assert "MTVAL 0xdead0000" in lines
    assert lines[-1].endswith("main() (main.c:14) [guess: from the stack]")


def test_words_left_on_the_stack_are_not_taken_for_callers(program: Program) -> None:
    stale = program.return_address("update_sensor")  # called write_reading, which has returned
    text = dump(program.start("update_sensor"), 0, [stale, program.return_address("main")])

    (finding,) = decode(text, program.elf, program.root)

    assert finding.message.endswith("; by a guess from the stack, under main() (main.c:14)")
    assert "called from" not in finding.message


def test_a_jump_into_nowhere_is_told_by_its_caller(program: Program) -> None:
    text = dump(0x00000004, program.return_address("main"), [], "Instruction access fault")

    (finding,) = decode(text, program.elf, program.root)

    assert finding.message.startswith("Instruction access fault at 0x00000004")


def test_a_backtrace_line_is_decoded(program: Program) -> None:
    first, second = program.start("write_reading"), program.return_address("update_sensor") - 2
    text = (
        "Guru Meditation Error: Core  1 panic'ed (StoreProhibited). Exception was unhandled.\n"
        f"PC      : 0x{first:08x}  PS      : 0x00060830\nEXCVADDR: 0xdead0000\n"
        f"Backtrace: 0x{first:08x}:0x3ffb1f60 0x{second:08x}:0x3ffb1f80 |<-CORRUPTED\n"
    )

    (finding,) = decode(text, program.elf, program.root)

    assert finding.code == "panic.storeprohibited"
    assert "in write_reading()" in finding.message
    assert "called from update_sensor() (main.c:8)" in finding.message


def test_an_abort_points_at_who_gave_up(program: Program) -> None:
    caller = program.return_address("update_sensor")
    text = (
        f"assert failed: update_sensor main.c:8 (count < 3)\n"
        f"abort() was called at PC 0x{caller:08x} on core 0\nCore  0 register dump:\n"
        f"MEPC    : 0x{program.start('abort'):08x}  RA      : 0x00000000\nRebooting...\n"
    )

    (finding,) = decode(text, program.elf, program.root)

    assert finding.code == "panic.assert"
    assert finding.message.startswith("assert failed: update_sensor main.c:8 (count < 3)")
    assert (finding.file, finding.line) == ("main.c", 8)


def test_the_same_panic_again_and_again_is_one_finding(program: Program) -> None:
    text = dump(program.start("write_reading"), 0, [])

    assert len(decode(text * 50, program.elf, program.root)) == 1


def test_without_debug_information_the_function_is_still_known(tmp_path: Path) -> None:
    stripped = _compile(tmp_path, "-g0")
    text = dump(stripped.start("write_reading"), 0, [])

    (finding,) = decode(text, stripped.elf, stripped.root)

    assert finding.message == "Store access fault in write_reading()"
    assert finding.file is None


def test_without_an_elf_addresses_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.elf"
    broken.write_bytes(b"\x7fELF nonsense")

    for elf in (broken, tmp_path / "absent.elf"):
        (finding,) = decode(dump(0x40380010, 0, []), elf, tmp_path)
        assert finding.message == "Store access fault at 0x40380010"
        assert "could not be read" in (finding.evidence or "")


def test_output_without_a_panic_has_no_findings(program: Program) -> None:
    assert decode("I (21) main: MEPC    : 0x40380000\n", program.elf, program.root) == ()


@pytest.fixture(scope="module")
def broken_elf(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    program = _compile(tmp_path_factory.mktemp("broken"), "-gdwarf-5")
    return program.elf.read_bytes(), program.elf.with_name("broken.elf")


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_elf_that_lies_raises_nothing(
    broken_elf: tuple[bytes, Path], data: st.DataObject
) -> None:
    whole, path = broken_elf
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(changed[: data.draw(st.integers(len(whole) // 2, len(whole)))])

    # What the child process does for each question: to start a hundred of them takes a while.
    with path.open("rb") as file:
        for question in (place, frame, call_before):
            assert answer(question, file, [0x40380010], 2.0)


@pytest.mark.slow
def test_an_elf_is_not_unpacked_beyond_its_own_size(broken_elf: tuple[bytes, Path]) -> None:
    whole, path = broken_elf
    # Elf32_Shdr: sh_flags is the third word; SHF_COMPRESSED is 0x800 (gABI, "Section Header").
    table, count = int.from_bytes(whole[32:36], "little"), int.from_bytes(whole[48:50], "little")
    for number in range(1, count):
        changed = bytearray(whole)
        changed[table + number * 40 + 9] |= 0x08
        path.write_bytes(changed)
        with path.open("rb") as file, pytest.raises(ValueError, match="compressed"):
            open_elf(file)
    assert load_symbols(path) is None


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    start = "Guru Meditation Error: Core  0 panic'ed (x)\n"
    decode(text, Path("/nowhere"), Path("/"))
    decode(start + text, Path("/nowhere"), Path("/"))
