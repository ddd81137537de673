"""Boards that say the same on any machine, and a console that does what a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.boards.board_info import BoardInfo
from engine.boards.service import Boards
from engine.monitor.crash_watcher import CrashWatcher
from tui.state import board_console

Watch = Callable[[dict[str, Any]], None]

UNTIL = datetime(2099, 1, 31, 16, 0, tzinfo=UTC)


def board(name: str, **known: Any) -> BoardInfo:
    texts = (
        "label", "remark", "kind", "chip", "revision", "mac", "features", "reserved", "holder",
        "doing", "url", "last_line",
    )  # fmt: skip
    nothing = dict.fromkeys(texts, "")
    numbers = {"flash_size": None, "brownouts": 0, "watchdog_resets": 0}
    return BoardInfo(name, **{"state": "free", **nothing, **numbers, **known})


BOARDS = (
    board(
        "/dev/ttyACM0", label="desk", chip="esp32c3", revision="v0.4", url="/dev/ttyACM0",
        mac="84:f7:03:12:34:56", flash_size=4 << 20, features="Wi-Fi, BLE", crystal=40,
        state="busy", holder="build 3", doing="flash 43 %", remark="left of the scope",
    ),
    board(
        "usb-303a-1001-7C:DF:A1:00:11:22", label="rack-2", chip="esp32s3", revision="v0.2",
        url="/dev/ttyACM1", package="QFN56", flash_size=8 << 20, features="Wi-Fi, BLE",
        runs="sensor-hub #2 0000000", last_line="I (3120) sensor: 21.4 C", brownouts=2,
    ),
    board(
        "/dev/ttyUSB0", url="/dev/ttyUSB0", state="reserved", reserved="ada until 2099-01-31",
        reserved_by="ada", reserved_until=UNTIL, reserved_why="scope attached",
    ),
    board(
        "/dev/ttyUSB1", url="/dev/ttyUSB1", chip="esp32", out_of_pool="blink #12 printed nothing"
    ),
    board("virtual:esp32c3", kind="virtual", chip="esp32c3", state="off"),
)  # fmt: skip

HOSTILE = (
    board(
        "/dev/serial/by-id/usb-Silicon_Labs_CP2102N_USB_to_UART_Bridge_0001-if00-port0",
        label="会議室のボード-\u202e-" + "x" * 30, chip="esp32c3", state="busy",
        holder="monitor of \x1b[31mеve" + "\u200f" * 3 + " (process 7)", runs="[bold]markup[/bold]",
        last_line="\x1b]0;owned\x07" + "喂" * 80, remark="a\tb",
    ),
    board("socket://[2001:db8::1]:4000", state="reserved", reserved_by="ada [b]", chip="?" * 40,
          reserved_until=UNTIL, reserved_why="because " * 40),
)  # fmt: skip

BOOT = b"""ESP-ROM:esp32s3-20210327
rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)
I (24) boot: ESP-IDF v5.2 2nd stage bootloader
\x1b[0;32mI (301) main_task: Calling app_main()\x1b[0m
I (310) sensor: heap 180432 bytes free
W (1320) wifi: reconnecting to a network whose name is much longer than this pane is wide, again
\x1b[0;35m== menu of the firmware, in magenta ==\x1b[0m
I (2330) sensor: heap 96512 bytes free
"""

TESTS = b"""test/test_sensor.c:12:test_reads_humidity:PASS
test/test_sensor.c:31:test_rejects_noise:FAIL: Expected 1 Was 0
test/test_sensor.c:40:test_sleeps:IGNORE: no RTC here
3 Tests 1 Failures 1 Ignored
FAIL
E (2500) sensor: gave up
"""

PANIC = b"""I (2410) sensor: heap 88320 bytes free
Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.
MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0
Rebooting...
"""

GARBAGE = bytes(range(256)) * 3 + b"\n\x1b[2J\x1b]0;owned\x07\xff\xfe\n" + "喂".encode() * 60

PLACES = (
    "0x403802a8: write_reading() (main/main.c:21)",
    "0x40380296: update_sensor() (main/main.c:30)",
)


def use(monkeypatch: pytest.MonkeyPatch, boards: Sequence[BoardInfo], says: Watch) -> None:
    """Have the lab have these boards, and their consoles do what ``says`` does."""

    def watch(_boards: Boards, _name: str, **rest: Any) -> None:
        rest.get("on_presence", print)(True)
        rest["on_note"]("kept in sessions/2026-01-31/rack-2.log")
        says(rest)
        rest["cancel"].wait(60)

    def resolve(_crashes: CrashWatcher, lines: Sequence[str], tell: Any) -> bool:
        tell([PLACES if line.startswith("MEPC") else () for line in lines])
        return True

    monkeypatch.setattr(Boards, "list_all", lambda _boards: boards)
    monkeypatch.setattr(
        Boards, "called", lambda _boards, name: {b.name: b.label for b in boards}[name] or name
    )
    monkeypatch.setattr(Boards, "watch", watch)
    monkeypatch.setattr(CrashWatcher, "resolve", resolve)
    monkeypatch.setattr(board_console, "clock", lambda _at, **_seconds: "12:00:00Z")
