from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from engine.builds.agents import simulator_stops
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, Interrupted, ToolError
from engine.images.image import Image
from engine.simulators.base import Stop, find_simulators
from engine.simulators.labwired import LabWired

pytestmark = pytest.mark.slow

BuildSample = Callable[[str], Image]


def simulate(
    image: Image, seconds: float = 0.2, until: str | None = None, typed: bytes = b""
) -> tuple[str, str | None, float]:
    output, console_input = bytearray(), ConsoleInput()
    console_input.send(typed)
    started = time.monotonic()
    stop = LabWired().run(
        image,
        seconds=seconds,
        on_output=output.extend,
        until=lambda _passed: until is not None and until.encode() in output,
        cancel=CancelToken(),
        console_input=console_input,
    )
    return output.decode(), stop.reason if stop else None, time.monotonic() - started


def test_it_is_registered_and_installed() -> None:
    assert "labwired" in [simulator.name for simulator in find_simulators()]
    assert LabWired().missing() is None


def test_hello_boots_and_its_tests_pass(built_sample: BuildSample) -> None:
    output, reason, _ = simulate(built_sample("hello"), until="OK\r\n")

    lines = output.splitlines()
    assert re.fullmatch(r"I \(\d+\) boot: rst:0x[0-9a-f]+ \(\w+\)", lines[0])
    assert re.fullmatch(r"I \(\d+\) main: hello from espdeck", lines[2])
    assert re.fullmatch(r"test/test_math\.c:\d+:test_addition:PASS", lines[3])
    assert lines[-3:] == ["-----------------------", "3 Tests 0 Failures 0 Ignored ", "OK"]
    assert reason is None


@pytest.mark.slow
def test_python_files_of_the_current_folder_are_not_run(
    built_sample: BuildSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = built_sample("hello")
    (tmp_path / "engine.py").write_text("raise SystemExit('foreign code')\n")
    monkeypatch.chdir(tmp_path)

    output, _, _ = simulate(image, until="OK\r\n")

    assert "hello from espdeck" in output


@pytest.mark.slow
def test_flaky_tests_names_the_line_that_fails(built_sample: BuildSample) -> None:
    output, _, _ = simulate(built_sample("flaky-tests"), until="FAIL\r\n")

    assert "test/test_sensor.c:27:test_range:FAIL: Expected 42 Was 41.\r\n" in output
    assert "3 Tests 1 Failures 0 Ignored \r\nFAIL\r\n" in output


@pytest.mark.slow
def test_broken_works_once_its_semicolon_is_there(built_sample: BuildSample) -> None:
    output, _, _ = simulate(built_sample("broken"), until="OK\r\n")

    assert "main: repaired: every statement has its semicolon\r\n" in output


@pytest.mark.slow
def test_crash_dumps_its_registers_and_the_addresses_decode_to_the_bad_store(
    built_sample: BuildSample,
) -> None:
    image = built_sample("crash")
    output, reason, _ = simulate(image, seconds=10)

    head = "Guru Meditation Error: Core  0 panic'ed (Store access fault). Exception was unhandled."
    assert head in output
    registers = dict(re.findall(r"([A-Z][A-Z0-9/]*) *: 0x([0-9a-f]{8})", output))
    assert int(registers["MCAUSE"], 16) == 7
    assert int(registers["MTVAL"], 16) == 0xDEAD0010
    assert len(registers) == 37
    assert "\r\nStack memory:\r\n" in output
    assert functions(image, registers["MEPC"], registers["RA"]) == [
        "write_reading",
        "update_sensor",
    ]
    assert reason is None


def test_a_program_that_waits_for_nothing_ends_its_run_early(built_sample: BuildSample) -> None:
    output, reason, took = simulate(built_sample("flaky-tests"), seconds=60)

    assert output.endswith("FAIL\r\n")
    assert reason is None
    assert took < 10


def test_a_program_with_no_trap_handler_says_where_it_stopped(
    built_sample: BuildSample, tmp_path: Path
) -> None:
    image = built_sample("hello")
    elf = bytearray(image.elf.read_bytes())
    offset = symbol_offset(image.elf, "call_start")
    elf[offset : offset + 8] = bytes.fromhex("b70200f0") + bytes.fromhex("23a00200")  # sw to 0xf0…
    bad = tmp_path / "bad.elf"
    bad.write_bytes(elf)

    output, reason, _ = simulate(replace(image, elf=bad))

    assert output == ""
    assert reason is not None
    assert "0xf0000000" in reason


def test_no_program_at_all_is_an_error(built_sample: BuildSample, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.elf"
    nothing.write_bytes(b"this is no program")

    with pytest.raises(ToolError, match="labwired"):
        simulate(replace(built_sample("hello"), elf=nothing))


def test_another_chip_is_an_error(built_sample: BuildSample) -> None:
    with pytest.raises(ToolError, match="esp32s3"):
        simulate(replace(built_sample("hello"), target="esp32s3"))


@pytest.mark.parametrize("how, error", [("cancel", CancelledError), ("interrupt", Interrupted)])
def test_it_ends_at_once_when_told(
    how: str, error: type[BaseException], built_sample: BuildSample
) -> None:
    cancel, printed = CancelToken(), threading.Event()
    stopper = threading.Thread(target=lambda: (printed.wait(20), getattr(cancel, how)()))
    stopper.start()

    with pytest.raises(error):
        LabWired().run(
            built_sample("hello"),
            seconds=60,
            on_output=lambda data: printed.set(),
            until=lambda _passed: False,
            cancel=cancel,
        )
    stopper.join()


C6_PROGRAM = """
#define REG(address) (*(volatile unsigned *)(address))
int main(void) {
    for (const char *c = "hello from an ESP32-C6\\n"; *c; c++) {
        REG(0x60000000) = *c; /* UART0 FIFO */
    }
    for (;;) {
        if (REG(0x6000001C) & 0xFF) { /* UART0 STATUS, RXFIFO_CNT */
            REG(0x60000000) = (unsigned char)REG(0x60000000) - 32;
        }
    }
}
__attribute__((naked)) void _start(void) { __asm__("la sp, 0x40840000\\n j main"); }
"""

C6_LAYOUT = """
MEMORY { ram (rwx) : ORIGIN = 0x40800000, LENGTH = 128K }
SECTIONS { .text : { *(.text*) } > ram .data : { *(.rodata*) *(.data*) } > ram }
"""


def test_an_esp32c6_runs_too(tmp_path: Path) -> None:
    source, layout, elf = tmp_path / "c6.c", tmp_path / "c6.ld", tmp_path / "c6.elf"
    source.write_text(C6_PROGRAM)
    layout.write_text(C6_LAYOUT)
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none",
         "-mcpu=generic_rv32+m+a+c", "-Os", "-nostdlib", "-fno-sanitize=undefined",
         f"-Wl,-T,{layout}", "-o", elf, source],
        check=True, timeout=60,
    )  # fmt: skip

    image = Image(target="esp32c6", elf=elf, parts=())
    output, reason, _ = simulate(image, until="TYPED", typed=b"typed")

    assert output == "hello from an ESP32-C6\nTYPED"
    assert reason is None


def functions(image: Image, *addresses: str) -> list[str]:
    with image.elf.open("rb") as file:
        table = symbols(ELFFile(file))
        found = [
            (entry["st_value"], entry["st_value"] + entry["st_size"], entry.name)
            for entry in table.iter_symbols()
            if entry["st_info"]["type"] == "STT_FUNC"
        ]
    return [
        name for address in addresses for low, high, name in found if low <= int(address, 16) < high
    ]


def symbol_offset(path: Path, name: str) -> int:
    with path.open("rb") as file:
        elf = ELFFile(file)
        found = symbols(elf).get_symbol_by_name(name)
        assert found
        return next(iter(elf.address_offsets(found[0]["st_value"])))


def symbols(elf: ELFFile) -> SymbolTableSection:
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    return table


def test_what_is_typed_is_answered(built_sample: BuildSample) -> None:
    console_input, output = ConsoleInput(), bytearray()

    def answer(data: bytes) -> None:
        output.extend(data)
        if output.endswith(b"try help\r\n> "):
            console_input.send(b"led on\nled\n")

    LabWired().run(
        built_sample("console"),
        seconds=1,
        on_output=answer,
        until=lambda _passed: b"is on" in output,
        cancel=CancelToken(),
        console_input=console_input,
    )

    assert re.search(rb"> led on\r\nI \(\d+\) led: switched\r\n> led\r\nthe led is on", output)


@pytest.mark.slow
def test_a_panic_while_something_is_typed_is_a_panic(built_sample: BuildSample) -> None:
    console_input, output = ConsoleInput(), bytearray()

    def crash(data: bytes) -> None:
        if b"ready" in data:
            console_input.send(b"crash\nled\n")
        output.extend(data)

    LabWired().run(
        built_sample("console"),
        seconds=1,
        on_output=crash,
        until=lambda _passed: b"CPU halted" in output,
        cancel=CancelToken(),
        console_input=console_input,
    )

    assert b"panic'ed (Store access fault)" in output
    assert b"MTVAL   : 0xdead0000" in output


@pytest.mark.slow
def test_what_nobody_reads_is_forgotten(built_sample: BuildSample) -> None:
    console_input, output = ConsoleInput(), bytearray()
    console_input.send(b"x" * 300)

    LabWired().run(
        built_sample("crash"),
        seconds=1,
        on_output=output.extend,
        until=lambda _passed: b"CPU halted" in output,
        cancel=CancelToken(),
        console_input=console_input,
    )

    assert b"CPU halted" in output


def test_the_clock_that_is_asked_is_the_chips(built_sample: BuildSample) -> None:
    asked: list[float] = []

    def until(passed: float) -> bool:
        asked.append(passed)
        return len(asked) == 5

    LabWired().run(
        built_sample("crash"),
        seconds=1,
        on_output=lambda _data: None,
        until=until,
        cancel=CancelToken(),
    )

    assert asked == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.010])


STOPS = r"""
#define REG(address) (*(volatile unsigned *)(address))
void ets_delay_us(unsigned us);
static void (*volatile callback)(void);
void say(const char *c) { for (; *c; c++) REG(0x60000000) = *c; }
__attribute__((noinline)) void wait_a_little(void) { ets_delay_us(10); say("after"); }
__attribute__((noinline)) void read_radio(void) { REG(0x600FE000); say("after"); }
__attribute__((noinline)) void call_back(void) { callback(); say("after"); }
__attribute__((noinline)) void write_far(void) { REG(0xF0000000) = 1; say("after"); }
__attribute__((noinline)) void give_up(void) { __asm__ volatile("ebreak"); say("after"); }
__attribute__((noinline)) void ask(void) { __asm__ volatile("ecall"); say("after"); }
__attribute__((noinline)) void undefined(void) { __asm__ volatile(".word 0"); say("after"); }
__attribute__((noinline)) int recurse(int depth) {
    volatile char room[512];
    room[depth & 511] = (char)depth;
    return recurse(depth + 1) + room[0];
}
void overflow(void) { recurse(1); }
__attribute__((naked, aligned(256)))
void handler(void) { __asm__("addi sp, sp, -64\n sw ra, 0(sp)\n mret"); }
void overflow_again(void) { __asm__ volatile("csrw mtvec, %0" ::"r"(handler)); recurse(1); }
void write_null(void) { *(volatile int *)4 = 5; for (;;) ; }
int main(void) { say("before\n"); CALL(); for (;;) { } }
__attribute__((naked)) void _start(void) { __asm__("j main"); }
"""

C3_LAYOUT = """
MEMORY { ram (rwx) : ORIGIN = 0x40380000, LENGTH = 64K
         dram (rw) : ORIGIN = 0x3FC80000, LENGTH = 64K }
ets_delay_us = 0x40000050;
ENTRY(_start)
SECTIONS { .text : { *(.text*) } > ram
           .data : { *(.rodata*) *(.data*) *(.sdata*) *(.bss*) *(.sbss*) } > dram }
"""


def stop_of(call: str, folder: Path) -> tuple[str, Stop | None]:
    source, layout, elf = folder / "stops.c", folder / "stops.ld", folder / "stops.elf"
    source.write_text(STOPS)
    layout.write_text(C3_LAYOUT)
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none",
         "-mcpu=generic_rv32+m+c", "-Os", "-g", "-nostdlib", "-fno-sanitize=undefined",
         f"-DCALL={call}", f"-Wl,-T,{layout}", "-o", elf, source],
        check=True, timeout=60,
    )  # fmt: skip
    output = bytearray()
    stop = LabWired().run(
        Image(target="esp32c3", elf=elf, parts=()),
        seconds=0.02,
        on_output=output.extend,
        until=lambda _passed: False,
        cancel=CancelToken(),
    )
    return output.decode(), stop


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            "wait_a_little",
            r"LabWired has no ROM: call of 0x40000050 \(ets_delay_us\(\)\) in the chip's ROM, "
            r"from 0x\w{8} \(wait_a_little\(\)\)",
        ),
        (
            "read_radio",
            r"LabWired has no peripheral at 0x600fe000, which is accessed at 0x\w{8} "
            r"\(read_radio\(\)\)",
        ),
    ],
)
def test_what_the_simulator_lacks_is_not_the_firmwares_fault(
    call: str, reason: str, tmp_path: Path
) -> None:
    output, stop = stop_of(call, tmp_path)

    assert output == "before\n"  # what its UART still held, too
    assert stop is not None
    assert re.match(reason, simulator_stops.named(stop, tmp_path / "stops.elf"))
    assert stop.limit
    assert "no fault of the firmware: run it on a board" in stop.hint


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            "call_back",
            r"jump to 0x00000000, which is not code, from 0x\w{8} \(call_back",
        ),
        (
            "write_far",
            r"access to 0xf0000000, which is outside all memory, at 0x\w{8} "
            r"\(write_far\(\)\), and ",
        ),
        ("give_up", r"breakpoint \(ebreak\) at 0x\w{8} \(give_up\(\)\), and the program has no "),
        ("ask", r"environment call \(ecall\) at 0x\w{8} \(ask\(\)\), and the program has no "),
        ("undefined", r"illegal instruction at 0x\w{8} \(undefined\(\)\), and the program has no "),
    ],
)
def test_what_the_firmware_does_wrong_is_said_with_its_function(
    call: str, reason: str, tmp_path: Path
) -> None:
    output, stop = stop_of(call, tmp_path)

    assert output == "before\n"
    assert stop is not None
    assert re.match(reason, simulator_stops.named(stop, tmp_path / "stops.elf"))
    assert not stop.limit
    assert stop.addresses


@pytest.mark.parametrize("call", ["overflow", "overflow_again"])
def test_a_stack_that_overflows_is_called_so_with_and_without_a_trap_handler(
    call: str, tmp_path: Path
) -> None:
    _output, stop = stop_of(call, tmp_path)

    assert stop is not None
    assert "the stack pointer is 0x" in stop.reason
    assert "the stack overflowed" in stop.hint
    assert not stop.limit


def test_a_write_through_a_null_pointer_is_a_fault_though_labwired_has_memory_there(
    tmp_path: Path,
) -> None:
    _output, stop = stop_of("write_null", tmp_path)

    assert stop is not None
    assert stop.reason == "0x00000004 was written, which is outside all memory"
    assert not stop.limit
