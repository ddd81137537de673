"""Crashes of ESP-IDF's ``linux`` target: a real program prints its backtrace as ESP-IDF's does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.images.image import Image
from engine.monitor.panic import decode
from engine.simulators.linux import LinuxHost

SOURCE = """\
#include <execinfo.h>
#include <signal.h>
#include <unistd.h>
static void on_fault(int number)
{
    void *frames[20];
    static const char text[] = "ERROR: Segmentation Fault, here's your backtrace:\\n";
    (void) number;
    (void) !write(2, text, sizeof(text));
    backtrace_symbols_fd(frames, backtrace(frames, 20), 2);
    _exit(1);
}
__attribute__((noinline)) int write_sensor(volatile int *sensor)
{
    *sensor = 1;
    return *sensor;
}
int main(void)
{
    signal(SIGSEGV, on_fault);
    return write_sensor((volatile int *) 8) + 1;
}
"""

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="no compiler of this machine"
)


@pytest.mark.slow
@needs_compiler
def test_a_segmentation_fault_is_told_with_its_line_and_caller(tmp_path: Path) -> None:
    source, elf = tmp_path / "main.c", tmp_path / "firmware.elf"
    source.write_text(SOURCE)
    subprocess.run(["cc", "-g", "-O0", "-pie", "-fPIE", "-o", elf, source], check=True, timeout=60)
    output = bytearray()
    LinuxHost().run(
        Image(target="linux", elf=elf, parts=()),
        seconds=30,
        on_output=output.extend,
        until=lambda _passed: False,
        cancel=CancelToken(),
    )

    (finding,) = decode(output.decode(), elf, tmp_path)

    assert finding.code == "panic.segmentation-fault"
    assert finding.message == (
        "Segmentation Fault in write_sensor() (main.c:15), called from main() (main.c:21)"
    )
    assert (finding.file, finding.line) == ("main.c", 15)
    assert "null" in (finding.hint or "")


def test_an_abort_prints_no_addresses(tmp_path: Path) -> None:
    (finding,) = decode("Hello world!\nERROR: Aborted\n\0", tmp_path / "absent.elf", tmp_path)

    assert (finding.code, finding.message) == ("panic.aborted", "Aborted")
