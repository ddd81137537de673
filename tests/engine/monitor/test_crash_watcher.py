"""What goes wrong while a console is watched: findings, dumps, counts."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.findings import Finding
from engine.images.image import Image
from engine.monitor import coredump
from engine.monitor.coredump import Collector, read_report
from engine.monitor.crash_watcher import CrashCounts, CrashWatcher
from engine.monitor.sessions import SessionInfo
from engine.simulators.labwired import LabWired

BOOT = "ESP-ROM:esp32c3-api1-20210207\r\nrst:0x{} ({}),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"
PANIC = (
    "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
    "MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0  GP      : 0x00000000\r\n"
    "Rebooting...\r\n"
)
REPORT = """\
===============================================================
==================== ESP32 CORE DUMP START ====================

Crashed task handle: 0x3fc8e8d0, name: 'sensor', GDB name: 'process 1070131408'

================== CURRENT THREAD REGISTERS ===================
mcause         0x5	(Load access fault)

==================== CURRENT THREAD STACK =====================
#0  0x42008a1e in read_sensor (address=0x0) at /src/main/sensor.c:31
#1  0x42008a40 in sensor_task (unused=<optimized out>) at /src/main/sensor.c:44
"""


class Desk:
    """Incidents of one console, and what they told."""

    def __init__(self, folder: Path, program: Path | None = None, root: Path = Path("/")) -> None:
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.incidents = CrashWatcher(
            program=program,
            root=root,
            on_finding=self.findings.append,
            on_note=self.notes.append,
        )
        raw = folder / "20260101T000000.000Z-board.raw"
        session = SessionInfo(
            "board", datetime(2026, 1, 1, tzinfo=UTC), raw, raw.with_suffix(".log")
        )
        self.incidents.begin(session)

    def feed(self, text: str, size: int = 1 << 16) -> None:
        data = text.encode()
        for start in range(0, len(data), size):
            self.incidents.feed(data[start : start + size])


@pytest.mark.slow
def test_a_panic_is_decoded_by_the_program_that_ran(
    tmp_path: Path, built_sample: Callable[[str], Image]
) -> None:
    image = built_sample("crash")
    printed = bytearray()
    LabWired().run(
        image,
        seconds=5,
        on_output=printed.extend,
        until=lambda _seconds: b"Rebooting" in printed,
        cancel=CancelToken(),
    )
    desk = Desk(tmp_path, image.elf)
    desk.feed(printed.decode(), size=7)
    desk.incidents.close()

    (finding,) = desk.findings
    assert finding.code.startswith("panic.")
    assert finding.file is not None
    assert finding.file.endswith("main.c")
    assert finding.line


@pytest.mark.slow
@given(st.integers(1, 400), st.lists(st.sampled_from(["", "x\n", "hello ", "\r\n"]), max_size=5))
def test_counts_are_the_same_however_the_bytes_are_cut(size: int, between: list[str]) -> None:
    desk = Desk(Path("/nowhere"))
    noise = "".join(between) + "\n"
    desk.feed(
        noise
        + BOOT.format(1, "POWERON")
        + noise
        + PANIC
        + BOOT.format(3, "RTC_SW_SYS_RST")
        + BOOT.format("f", "BROWNOUT_RST")
        + BOOT.format("f", "RTCWDT_BROWN_OUT_RESET")
        + BOOT.format(7, "TG0WDT_SYS_RST")
        + PANIC,
        size,
    )
    desk.incidents.close()
    assert desk.incidents.counts == CrashCounts(resets=5, panics=2, brownouts=2, watchdogs=1)
    assert [finding.code for finding in desk.findings] == [
        "panic.load-access-fault",
        "boot.brownout",
        "boot.watchdog-reset",
    ]
    assert "which program ran is not known" in (desk.findings[0].evidence or "")


def test_a_boot_loop_that_is_too_quick_is_counted_and_never_waited_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    told, go_on = threading.Event(), threading.Event()

    def slow(finding: Finding) -> None:
        told.set()
        assert go_on.wait(20)

    desk.incidents = CrashWatcher(
        program=None, root=tmp_path, on_finding=slow, on_note=desk.notes.append
    )
    desk.feed(PANIC)
    assert told.wait(20)
    desk.feed("".join(PANIC.replace("403802a8", f"{0x40380300 + each:x}") for each in range(50)))
    counts = desk.incidents.counts
    assert (counts.panics, counts.undecoded) == (51, 34)
    assert str(counts) == "panics 51, not decoded 34"
    go_on.set()
    desk.incidents.close()


def test_a_core_dump_is_kept_beside_the_session(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    lines = [base64.b64encode(bytes([number]) * 48).decode() for number in range(40)]
    desk.feed("I (3) x: y\r\n" + PANIC.replace("Rebooting...\r\n", ""))
    desk.feed("\r\n".join([coredump.START, *lines, coredump.END, "Rebooting..."]) + "\r\n", 11)
    desk.incidents.close()

    kept = tmp_path / "20260101T000000.000Z-board.core1.b64"
    assert kept.read_text().split() == lines
    assert [finding.code for finding in desk.findings] == ["panic.load-access-fault"]
    assert desk.notes[0] == f"core dump kept in {kept}"
    assert "which program ran is not known" in desk.notes[1]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["AAAA", "I (3) main: hello"], "cut short"),
        ([coredump.END], "empty"),
        (["A" * (1 << 20)] * 16, "larger than 16 MiB"),
    ],
)
def test_a_dump_that_cannot_be_used_says_why(lines: list[str], problem: str) -> None:
    collector = Collector()
    ends = [collector.feed(line) for line in lines]
    assert ends[-1]
    assert not any(ends[:-1])
    assert problem in collector.problem


@pytest.mark.slow
@given(st.lists(st.text(max_size=80), max_size=30))
def test_whatever_follows_the_mark_ends_or_is_bounded(lines: list[str]) -> None:
    collector = Collector()
    for line in lines:
        if collector.feed(line):
            break


def test_a_dump_goes_to_a_name_of_its_own(tmp_path: Path) -> None:
    collector = Collector()
    collector.feed("AAAA")
    assert collector.save(tmp_path / "s.log").name == "s.core1.b64"
    assert collector.save(tmp_path / "s.log").name == "s.core2.b64"
    with pytest.raises(BoardError, match="nowhere"):
        collector.save(tmp_path / "nowhere" / "s.log")


def test_a_report_names_task_reason_and_place() -> None:
    finding = read_report(REPORT, Path("/src"))
    assert finding.message == (
        "core dump of task sensor: Load access fault in read_sensor() (main/sensor.c:31)"
    )
    assert (finding.file, finding.line) == ("main/sensor.c", 31)


def test_where_esp_idf_itself_stands_is_not_the_place() -> None:
    report = REPORT.replace(
        "#0  0x42008a1e",
        "#0  panic_abort (details=0x3f) at /idf/components/esp_system/panic.c:472\n#1  0x42008a1e",
    ).replace("Crashed task handle", "Panic reason: abort() was called\nCrashed task handle")
    finding = read_report(report, Path("/elsewhere"))
    assert "abort() was called in read_sensor() (/src/main/sensor.c:31)" in finding.message


@given(st.text(max_size=300))
def test_a_report_of_anything_is_a_finding(text: str) -> None:
    assert read_report(text, Path("/")).message.startswith("core dump")
