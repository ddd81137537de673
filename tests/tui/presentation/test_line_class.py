"""Colours of lines, by what tools and firmware print."""

from __future__ import annotations

import pytest

from tui.presentation.line_class import console_class, log_class


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("E (312) wifi: no", "error"),
        ("E (00:00:01.234) wifi: no", "error"),
        ("E wifi: no", "error"),
        ("main.c:3:1: error: expected ';'", "error"),
        ("Guru Meditation Error: Core  0 panic'ed (Store access fault)", "error"),
        ("test.c:3:test_a:FAIL: Expected 1", "error"),
        ("FAIL", "error"),
        ("3 Tests 1 Failures 0 Ignored", "error"),
        ("FAILED test_blink.py::test_led - AssertionError", "error"),
        ("test_blink.py::test_led FAILED [ 50%]", "error"),
        ("==== 1 failed, 2 passed in 3.01s ====", "error"),
        ("E       assert 1 == 2", "error"),
        ("W (12) sensor: cold", "warning"),
        ("main.c:3:1: warning: unused", "warning"),
        ("test.c:9:test_b:IGNORE", "warning"),
        ("test.c:3:test_a:PASS", "good"),
        ("test.c:3:test_error_path:PASS", "good"),
        ("3 Tests 0 Failures 0 Ignored", "good"),
        ("==== 2 passed in 3.01s ====", "good"),
        ("I (0) main: hello", "text"),
        ("I (5) wifi: error handler registered", "text"),
        ("D (5) wifi: no warning", "text"),
        ("$ cmake -S .", "note"),
    ],
)
def test_lines_have_their_colours(line: str, expected: str) -> None:
    assert log_class(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--- 0x403802a8: main() (main.c:3)", "place"),
        ("--- error: Load access fault in main()", "error"),
        ("--- desk: the board vanished; check its cable and power; waiting for it", "warning"),
        ("--- desk: back after 1.5 s", "note"),
        ("12:30:05.250 E (1) main: bad", "error"),
        ("\x1b[31mred by the firmware's own choice", "error"),
        ("\x1b[32m12:30:05.250Z I (1) main: fine", "good"),
        ("\x1b[35mmenu", "note"),
        ("\x1b[37mwhite", "text"),
        ("\x1b[32mE (1) main: bad", "error"),
    ],
)
def test_a_console_has_notes_places_and_colours_of_firmware(line: str, expected: str) -> None:
    assert console_class(line) == expected
