"""Programs that stand in for simulators which CI cannot install.

They speak to us as the real ones do, and simulate nothing: what is tested with them is how we find,
start, hear, end and explain a process. The real ones are tried in test_qemu.py where installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

_QEMU = """
import os, pathlib, socket, sys, time
words = sys.argv[1:]
if words == ["-machine", "help"]:
    print("Supported machines are:\\n{machines}none                 empty machine")
    sys.exit()
pathlib.Path({notes!r}).write_text("\\n".join(words))
pathlib.Path({notes!r} + ".efuse").write_bytes(pathlib.Path("efuse.bin").read_bytes())
pathlib.Path({notes!r} + ".flash").write_bytes(pathlib.Path("flash.bin").read_bytes())
print("a message of its own", file=sys.stderr)
console = socket.socket(socket.AF_UNIX)
{behaviour}
"""

TALKS = """
console.connect("uart")
console.sendall(b"I (1) boot: up\\r\\n")
console.sendall(b"OK\\r\\n")
time.sleep(60)
"""
"""Says something, then runs on."""

TALKS_AND_ENDS = """
console.connect("uart")
console.sendall(b"x" * 300_000 + b"the end")
"""
SHOWS_MODE = """
console.connect("uart")
console.sendall(f"{os.stat('.').st_mode & 0o777:o} OK\\r\\n".encode())
"""
"""Says who may enter the folder of its UART's socket."""

ECHOES = """
console.connect("uart")
while data := console.recv(100):
    console.sendall(data)
"""
FAILS = """
print("qemu: -drive: could not open flash", file=sys.stderr)
sys.exit(1)
"""
"""Ends before it connected."""


def qemu(
    folder: Path, program: str, behaviour: str, machines: tuple[str, ...] = ("esp32c3",)
) -> Path:
    """Write a stand-in for one of QEMU's programs; beside it, in ``notes``, it says what it got."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name:20} Espressif machine\\n" for name in machines)
    script = _QEMU.format(machines=lines, notes=str(folder / "notes"), behaviour=behaviour)
    return _write(folder / program, script)


def esp_emu(folder: Path, behaviour: str) -> Path:
    """Write a stand-in for esp-emu, which says on its console what it got."""
    folder.mkdir(parents=True, exist_ok=True)
    return _write(folder / "esp-emu", f"import sys, time\nprint(*sys.argv[1:])\n{behaviour}")


def _write(path: Path, script: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{script}", "utf-8")
    path.chmod(0o755)
    return path
