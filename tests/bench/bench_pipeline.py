"""The whole pipeline on the ``hello`` sample against the same raw commands in a shell script.

Both are warm (nothing to compile) and use one virtual board. The script does what a person would
do by hand, its flashing and its simulation at once as the pipeline's: the ratio is what espdeck's
bookkeeping costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import Engine, Settings
from engine.boards.virtual.board import VirtualBoard
from engine.enums import RunStatus
from engine.samples import demo
from engine.toolchains.cmake import BUILTIN_TOOLCHAIN
from tests.bench.table import median, show

RUNS = 7

SCRIPT = """
set -e
cmake --build "$BUILD"
"$PYTHON" -m esptool --chip esp32c3 elf2image --flash-size 4MB -o "$APP" "$ELF"
(
  "$PYTHON" -m esptool --chip esp32c3 --port "$PORT" --baud 460800 write-flash 0x0 "$APP"
  "$PYTHON" -c "$LISTEN" "$PORT" board
) &
"$PYTHON" -c "$LISTEN" "$ELF" simulator
wait
"""

LISTEN = """
import subprocess, sys
import serial
done = b'0 Failures'
seen = b''
if sys.argv[2] == 'board':
    with serial.serial_for_url(sys.argv[1], baudrate=921600, timeout=10) as port:
        while done not in seen:
            seen += port.read(max(1, port.in_waiting))
else:
    child = subprocess.Popen(
        [sys.executable, '-m', 'engine.simulators.labwired_child', sys.argv[1], 'esp32c3'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    grant = bytes(4)  # a frame without text: nothing is typed, one slice runs
    while done not in seen:
        child.stdin.write(grant)
        child.stdin.flush()
        head = child.stdout.read(4)
        if len(head) < 4 or head == b'\\xff' * 4:
            sys.exit('the simulator stopped')
        seen += child.stdout.read(int.from_bytes(head, 'little'))
    child.kill()
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = _raw(folder)
        ours, stages, queued = _ours(folder)
    rows: list[tuple[object, ...]] = [
        ("shell script (baseline)", f"{raw:.2f}", "1.00"),
        ("espdeck build", f"{ours:.2f}", f"{ours / raw:.2f}"),
    ]
    show(f"hello, warm, median of {RUNS}", ("", "seconds", "ratio"), rows)
    show(
        "where espdeck's time goes",
        ("", "seconds"),
        [("wait in the queue", f"{queued:.2f}")]
        + [(key, f"{seconds:.2f}") for key, seconds in stages.items()],
    )


def _ours(folder: Path) -> tuple[float, dict[str, float], float]:
    settings = Settings(workspace=folder / "workspace", boards=(demo.DEMO_BOARD,))
    totals, queued = [], []
    stages: dict[str, list[float]] = {}
    with Engine(settings) as engine:
        project = demo.prepare_demo(engine)
        for run in range(RUNS + 1):
            started = time.perf_counter()
            build = engine.builds.wait(engine.builds.start(project.id).number)
            seconds = time.perf_counter() - started
            assert build.status is RunStatus.SUCCESS, build.error
            if run == 0:
                continue
            totals.append(seconds)
            assert build.started_at is not None
            queued.append((build.started_at - build.created_at).total_seconds())
            for row in engine.builds.stages(build.number):
                if row.started_at and row.completed_at:
                    took = (row.completed_at - row.started_at).total_seconds()
                    stages.setdefault(row.key, []).append(took)
    return median(totals), {key: median(each) for key, each in stages.items()}, median(queued)


def _raw(folder: Path) -> float:
    source = demo.make_repository("hello", folder / "hello")
    build = folder / "build"
    subprocess.run(
        [
            *("cmake", "-S", source, "-B", build, "-G", "Ninja"),
            f"-DCMAKE_TOOLCHAIN_FILE={BUILTIN_TOOLCHAIN}",
            f"-DESPDECK_PYTHON={sys.executable}",
        ],
        check=True,
        capture_output=True,
    )
    subprocess.run(["cmake", "--build", build], check=True, capture_output=True)
    (elf,) = [path for path in build.glob("hello*") if path.read_bytes()[:4] == b"\x7fELF"]
    board = VirtualBoard(chip="esp32c3", folder=folder / "board")
    board.start()
    try:
        times = []
        for run in range(RUNS + 1):
            started = time.perf_counter()
            subprocess.run(
                ["bash", "-c", SCRIPT],
                check=True,
                capture_output=True,
                env={
                    **os.environ,
                    "BUILD": str(build),
                    "PYTHON": sys.executable,
                    "APP": str(folder / "app.bin"),
                    "ELF": str(elf),
                    "PORT": board.url,
                    "LISTEN": LISTEN,
                },
            )
            if run:
                times.append(time.perf_counter() - started)
    finally:
        board.stop()
    return median(times)


if __name__ == "__main__":
    main()
