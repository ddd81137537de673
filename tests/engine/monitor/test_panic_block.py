"""Which lines of a console are one panic, told as they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.monitor.panic import MAX_BLOCK_LINES, SIGNS, Block, begins, gives_up
from tests.field.case import cases

WATCHDOG = """\
E (5314) task_wdt: Task watchdog got triggered. The following tasks did not reset it:
E (5314) task_wdt:  - IDLE1 (CPU 1)
E (5314) task_wdt: Tasks currently running:
E (5314) task_wdt: CPU 0: IDLE0
E (5314) task_wdt: CPU 1: gfx
E (5314) task_wdt: Print CPU 1 backtrace


Backtrace: 0x42000260:0x3FC9E1D0

"""
CHECK = """\
ESP_ERROR_CHECK_WITHOUT_ABORT failed: esp_err_t 0x105 (ESP_ERR_NOT_FOUND) at 0x420002ba
file: "./main/node.cpp" line 13
func: begin
expression: nvs_open("lab")
"""
GURU = """\
Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.

Backtrace: 0x420002f0:0x3ffb4550

Rebooting...
"""


def blocks(text: str) -> list[list[str]]:
    """The panics of a text, each as its lines, as a monitor cuts them."""
    found: list[list[str]] = []
    block: Block | None = None
    for line in text.splitlines():
        if block is not None and not block.add(line):
            found.append(block.lines)
            block = None
        if block is None and begins(line):
            block = Block(line)
        if block is not None and block.is_over:
            found.append(block.lines)
            block = None
    return found + ([block.lines] if block is not None else [])


def test_a_watchdog_is_over_with_the_next_line_of_the_firmware() -> None:
    text = WATCHDOG + "I (5400) app: goes on\n" * 3 + GURU

    assert blocks(text) == [WATCHDOG.splitlines(), GURU.splitlines()]


def test_an_error_that_was_only_printed_is_over_with_its_expression() -> None:
    text = CHECK + "I (5400) app: goes on\n" + GURU

    assert blocks(text) == [CHECK.splitlines(), GURU.splitlines()]


def test_a_panic_ends_where_another_begins() -> None:
    cut = GURU.replace("Rebooting...\n", "")

    assert blocks(cut + GURU) == [cut.splitlines(), GURU.splitlines()]


def test_a_failed_check_of_the_heap_does_not_swallow_the_log() -> None:
    first = "CORRUPT HEAP: Bad tail at 0x3ffb8a2c. Expected 0xbaad5678 got 0x0\n"

    assert len(blocks(first + "I (1) a: b\n" * 99)[0]) < 20


@pytest.mark.slow
def test_each_first_line_has_one_of_the_words() -> None:
    texts = [case.text for case in cases() if case.kind == "panic"]
    first = [line for text in texts for line in text.splitlines() if begins(line)]

    assert first
    assert all(any(sign in line for sign in SIGNS) for line in first)


def test_what_the_firmware_survives_is_no_end_of_it() -> None:
    assert gives_up(GURU.splitlines()[0])
    assert gives_up("assert failed: f a.c:1 (x)")
    for line in (WATCHDOG.splitlines()[0], CHECK.splitlines()[0], "CORRUPT HEAP: Bad head at 1"):
        assert begins(line)
        assert not gives_up(line)
    assert not gives_up("I (1) app: hello")


@given(
    st.lists(st.sampled_from([*(WATCHDOG + CHECK + GURU).splitlines(), "I (1) a: b"]), max_size=40)
)
def test_any_lines_make_blocks_with_a_bound(lines: list[str]) -> None:
    for block in blocks("\n".join(lines)):
        assert begins(block[0])
        assert len(block) <= MAX_BLOCK_LINES + 1
