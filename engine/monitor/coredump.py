"""Core dumps that ESP-IDF prints to the console: collected, kept, decoded by Espressif's own tool.

A dump is base64 between two marks (ESP-IDF Programming Guide, "Core Dump", "Core Dump to UART").
``esp-coredump`` reads it with a gdb for the chip.
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.enums import Severity
from engine.errors import BoardError, MissingToolError, ToolError
from engine.files import open_file
from engine.findings import Finding
from engine.monitor.panic import is_runtime
from engine.monitor.symbols import relative
from engine.processes import limited

START = "================= CORE DUMP START ================="
END = "================= CORE DUMP END ================="

MAX_BYTES = 16 << 20
"""A dump holds at most what a chip has of memory, a third more in base64."""

MAX_DUMPS = 20
"""Core dumps that are kept of a session: a board that panics all night must not fill the disk."""

DECODE_SECONDS = 60.0
"""How long gdb may take."""

_MAX_REPORT_CHARACTERS = 24 << 10
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_XTENSA = tuple(f"xtensa-{chip}-elf-gdb" for chip in ("esp32", "esp32s3", "esp32s2", "esp"))
_GDBS = {0xF3: ("riscv32-esp-elf-gdb", "gdb-multiarch"), 0x5E: _XTENSA}
"""Programs by the machine of the ELF: EM_RISCV and EM_XTENSA, the first that is there is taken.

Each Xtensa chip has its own: before ESP-IDF 5.1 in the package of its compiler, since then as a
command that tells the common ``xtensa-esp-elf-gdb`` about the chip. As esp-coredump does, that of
the ESP32 is taken for all.
"""

_STACK = "CURRENT THREAD STACK"
_TASK = re.compile(r"^Crashed task handle: [^\n]{1,60}?name: '([^'\n]{1,40})'", re.MULTILINE)
_REASON = re.compile(
    r"^Panic reason: ([^\n]{1,200})"
    r"|^(?:exccause|mcause)[ \t]+0x[0-9a-f]+[ \t]+\(?([^)\n]{1,200})",
    re.MULTILINE,
)
_FRAME = re.compile(
    r"^#\d+ +(?:0x[0-9a-f]{1,16} in )?([^ \n]{1,200}) [^\n]{0,1000} at ([^ \n]{1,1000}):(\d{1,7})$",
    re.MULTILINE,
)


class Collector:
    """Takes the lines of a dump, from the one after its first mark on."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self.problem = ""
        """Why it cannot be used, empty when it can."""

    def feed(self, line: str) -> bool:
        """Take a line; whether the dump is over."""
        if END in line:
            if not self._lines and not self.problem:
                self.problem = "empty"
            return True
        line = line.strip()
        if not line:
            return False
        self._size += len(line) + 1
        if _BASE64.fullmatch(line) is None:
            self.problem = "cut short: something else was printed before its end"
        elif self._size > MAX_BYTES:
            self.problem = f"larger than {MAX_BYTES >> 20} MiB"
        else:
            self._lines.append(line)
        return bool(self.problem)

    def save(self, session: Path) -> Path:
        """Write it beside the log of a session, under a name of its own.

        Raises:
            BoardError: it cannot be written.
        """
        try:
            for number in range(1, MAX_DUMPS + 1):
                path = session.with_suffix(f".core{number}.b64")
                if not path.exists():
                    path.write_text("\n".join(self._lines) + "\n", "ascii")
                    return path
        except OSError as error:
            raise BoardError(f"{path}: {error.strerror}") from error
        raise BoardError(f"{session}: has {MAX_DUMPS} core dumps already; no more are kept")


def decode(dump: Path, program: Path | None, root: Path, *, cancel: CancelToken) -> Finding:
    """Say what a core dump shows.

    Args:
        dump: as :meth:`Collector.save` wrote it. Untrusted.
        program: ELF of the program that ran, None when nobody knows.
        root: root of its sources; files inside it are given relative to it.
        cancel: ends it early.

    Raises:
        MissingToolError: esp-coredump or a gdb is not installed; one line.
        ToolError: they cannot read it.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    if program is None:
        raise ToolError(f"{dump.name}: not decoded: which program ran is not known (--build N)")
    gdb = gdb_for(program)
    if find_spec("esp_coredump") is None:
        raise MissingToolError(f"{dump.name}: not decoded: pip install 'espdeck[coredump]'")
    done = process.run(
        [
            *limited.command("esp_coredump"),
            *("info_corefile", "--debug", "0", "--gdb", gdb),
            *("--core", str(dump), "--core-format", "b64", str(program)),
        ],
        timeout=DECODE_SECONDS,
        cancel=cancel,
        on_output=lambda data: None,
        cwd=dump.parent,
        env={"COLUMNS": "120", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
        clean_env=True,
    )
    report = done.tail.partition("Traceback (most recent call last)")[0]
    # With Debian's gdb, which names threads in another way than Espressif's, the tool gives up
    # after the stack: what it said until then is what matters.
    if done.returncode and _STACK not in report:
        last = next(iter(reversed(done.tail.strip().splitlines())), "no reason given")
        raise ToolError(f"{dump.name}: esp-coredump cannot read it: {last[:300]}")
    return read_report(report, root)


def read_report(text: str, root: Path) -> Finding:
    """Read what ``esp-coredump info_corefile`` printed.

    Args:
        text: its output. Untrusted.
        root: root of the sources; files inside it are given relative to it.
    """
    text = text[:_MAX_REPORT_CHARACTERS]
    stack = text.partition(_STACK)[2].partition("\n=====")[0]
    frames = [match.groups() for match in _FRAME.finditer(stack)]
    at = next((frame for frame in frames if not is_runtime(frame[0])), None)
    task, reason = _TASK.search(text), _REASON.search(text)
    message = f"core dump of task {task[1]}" if task else "core dump"
    if reason is not None:
        message += f": {(reason[1] or reason[2]).strip()}"
    file = relative(at[1], root) if at else None
    if at is not None:
        message += f" in {at[0]}() ({file}:{at[2]})"
    return Finding(
        severity=Severity.ERROR,
        code="panic.core-dump",
        message=message,
        file=file,
        line=int(at[2]) if at else None,
        evidence=text.strip(),
    )


def gdb_for(program: Path) -> str:
    """The gdb that reads a program's core dumps.

    Raises:
        MissingToolError: none is on PATH.
        ToolError: the program cannot be read, or is of no ESP32.
    """
    try:
        with open_file(program) as file:
            machine = int.from_bytes(file.read(20)[18:20], "little")
    except OSError as error:
        raise ToolError(f"{program}: {error.strerror}") from error
    names = _GDBS.get(machine, ())
    if not names:
        raise ToolError(f"{program.name}: no program of an ESP32")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise MissingToolError(
            f"core dump not decoded: no {' or '.join(names)} on PATH (ESP-IDF's export.sh has it)"
        )
    return found
