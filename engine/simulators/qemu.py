"""Espressif's QEMU: boots a whole flash as the chip does, ROM and bootloader first.

Command lines are those of ``idf.py qemu`` (ESP-IDF, "Tools", "QEMU Emulator", and its
``tools/idf_py_actions/qemu_ext.py``). The console's UART is a Unix socket in a folder that only
this user can enter; QEMU's own messages stay apart from it. Firmware time is the wall's.
"""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.images.image import Image
from engine.last_line import last_line
from engine.simulators import flash_image, programs
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions, Stop

_START_STOP_SECONDS = 30.0  # seconds to start and to end, before the process counts as hung
_POLL_SECONDS = 0.1  # seconds between two looks at the clock
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Chip:
    """A machine of QEMU.

    Args:
        memory: its ``-m``, the size of PSRAM; empty where it has none to choose.
        efuses: bytes of the file with its eFuses, and words in it that are not 0.
    """

    memory: str
    efuses: tuple[int, dict[int, int]]


# A chip that is delivered has its revision burned: without it QEMU's ESP32 is of revision 0, for
# which ESP-IDF does not build. ESP32 TRM, "eFuse Controller": CHIP_VER_REV1 is bit 15 of
# EFUSE_BLK0_RDATA3, CHIP_VER_REV2 bit 20 of EFUSE_BLK0_RDATA5. ESP32-C3 and -S3 TRM:
# WAFER_VERSION_MINOR is at bit 18 of EFUSE_RD_MAC_SPI_SYS_3, the fourth word of block 1, which
# begins behind the six words of block 0.
_REVISION_0_3 = (1024, {24 + 12: 3 << 18})
_CHIPS = {
    "esp32": _Chip("4M", (124, {12: 1 << 15, 20: 1 << 20})),
    "esp32s3": _Chip("32M", _REVISION_0_3),
    "esp32c3": _Chip("", _REVISION_0_3),
}


class Qemu:
    """One of QEMU's programs, which knows the chips of one architecture.

    Args:
        name: how people call it.
        program: the executable.
        tool: how ESP-IDF's ``idf_tools.py`` calls what has it.
        chips: those of :data:`_CHIPS` that it may have.
    """

    bare = False

    def __init__(self, name: str, program: str, tool: str, chips: frozenset[str]) -> None:
        self.name = name
        self._program = program
        self._tool = tool
        self._chips = chips

    @property
    def targets(self) -> frozenset[str]:
        """Chips of the installed one; of none that is right, those of Espressif's newest."""
        path = programs.find(self._program, self._tool)
        return (self._chips & _machines(path) if path else frozenset()) or self._chips

    def missing(self) -> str | None:
        """One line that says what to install, or None when it is ready to run."""
        path = programs.find(self._program, self._tool)
        install = f"idf_tools.py install {self._tool}"
        if path is None:
            return f"{self._program}: {install} (ESP-IDF), or put Espressif's on PATH"
        if not self._chips & _machines(path):
            # Debian's, or one built from QEMU's own sources.
            return f"{path} is not Espressif's QEMU, it has no ESP32: {install} (ESP-IDF)"
        return None

    def run(
        self,
        image: Image,
        *,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        cancel: CancelToken,
        console_input: ConsoleInput | None = None,
        options: ChipOptions = DEFAULT_OPTIONS,
    ) -> Stop | None:
        """Run an image as :meth:`engine.simulators.base.Simulator.run` says."""
        missing = self.missing()
        if missing:
            raise MissingToolError(missing)
        if image.target not in self.targets:
            raise ToolError(f"{self.name}: cannot simulate {image.target}")
        program = programs.find(self._program, self._tool)
        assert program is not None
        with tempfile.TemporaryDirectory(prefix="espdeck-") as name:
            folder = Path(name)
            flash_image.merge(image, folder / "flash.bin", cancel)
            _write_efuses(folder / "efuse.bin", image.target, options.efuse)
            enough = CancelToken()
            typed = console_input or ConsoleInput()
            with _Uart(folder / "uart", seconds, on_output, until, typed, enough) as uart:
                done = _run(program, image.target, options, folder, seconds, cancel, enough)
            uart.check()
        if done is None or done.returncode == 0:
            return None
        raise ToolError(f"{self.name}: {last_line(done.tail) or f'exit code {done.returncode}'}")


def xtensa() -> Qemu:
    """``qemu-system-xtensa``: ESP32 and ESP32-S3."""
    chips = frozenset({"esp32", "esp32s3"})
    return Qemu("qemu-xtensa", "qemu-system-xtensa", "qemu-xtensa", chips)


def riscv32() -> Qemu:
    """``qemu-system-riscv32``: ESP32-C3."""
    return Qemu("qemu-riscv32", "qemu-system-riscv32", "qemu-riscv32", frozenset({"esp32c3"}))


class _Uart:
    """The other end of the console: a thread that hands on what QEMU's UART sends, and types.

    It ends when QEMU hangs up, or when ``until`` is true or ``seconds`` have passed since QEMU
    connected; then it sets ``enough``.
    """

    def __init__(
        self,
        path: Path,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        console_input: ConsoleInput,
        enough: CancelToken,
    ) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen(1)
        self._seconds = seconds
        self._on_output = on_output
        self._until = until
        self._console_input = console_input
        self._enough = enough
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="qemu-uart", daemon=True)

    def __enter__(self) -> _Uart:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        # What QEMU sent before it ended is still in the socket: the thread reads it to its end.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def check(self) -> None:
        """Raise what ``on_output`` or ``until`` raised."""
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        try:
            connection, _address = self._server.accept()
        except OSError:
            return  # it ended before it began
        try:
            with connection:
                self._talk(connection)
        except BaseException as error:
            self._error = error
            self._enough.cancel()

    def _talk(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        started = time.monotonic()
        with self._console_input.reading() as wake, selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            while True:
                more = self._console_input.pump(wake, lambda data: _type(connection, data)) == 0
                selector.modify(
                    connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if more else 0)
                )
                selector.select(_POLL_SECONDS)
                data = _received(connection)
                if data == b"":
                    return
                if data:
                    self._on_output(data)
                passed = time.monotonic() - started
                if self._until(passed) or passed >= self._seconds:
                    self._enough.cancel()
                    return


def _received(connection: socket.socket) -> bytes | None:
    """What came, empty when QEMU hung up, None when nothing did."""
    try:
        return connection.recv(_CHUNK_BYTES)
    except BlockingIOError:
        return None
    except ConnectionError:
        return b""


def _type(connection: socket.socket, data: bytes) -> int:
    """How much of it QEMU took."""
    try:
        return connection.send(data)
    except BlockingIOError:
        return 0
    except ConnectionError:
        return len(data)  # typed in vain


def _run(
    program: Path,
    target: str,
    options: ChipOptions,
    folder: Path,
    seconds: float,
    cancel: CancelToken,
    enough: CancelToken,
) -> process.Completed | None:
    """Run QEMU to its end; None when it was ended because it had shown enough."""
    forget = cancel.on_stop(enough.cancel)
    try:
        return process.run(
            _arguments(program, target, options),
            timeout=seconds + _START_STOP_SECONDS,
            cancel=enough,
            cwd=folder,
            clean_env=True,
        )
    except CancelledError:
        cancel.check()
        return None
    finally:
        forget()


def _arguments(program: Path, target: str, options: ChipOptions) -> list[str]:
    """The command line, in a folder that has the files that it names."""
    memory = _CHIPS[target].memory
    network = "user,model=open_eth" + ("" if options.network else ",restrict=on")
    return [
        *(str(program), "-machine", target, *(("-m", memory) if memory else ())),
        *("-drive", "file=flash.bin,if=mtd,format=raw"),
        *("-drive", "file=efuse.bin,if=none,format=raw,id=efuse"),
        *("-global", f"driver=nvram.{target}.efuse,property=drive,value=efuse"),
        # The watchdogs count the wall's time, of which a busy machine has more than the firmware.
        *("-global", f"driver=timer.{target}.timg,property=wdt_disable,value=true"),
        *("-nic", network),
        *("-display", "none", "-monitor", "none"),
        *("-chardev", "socket,id=console,path=uart", "-serial", "chardev:console"),
    ]


def _write_efuses(path: Path, target: str, source: Path | None) -> None:
    """A file that QEMU may write to."""
    size, words = _CHIPS[target].efuses
    if source is not None:
        with source.open("rb") as stream:
            path.write_bytes(stream.read(size).ljust(size, b"\0"))
        return
    data = bytearray(size)
    for offset, word in words.items():
        struct.pack_into("<I", data, offset, word)
    path.write_bytes(data)


def _machines(path: Path) -> frozenset[str]:
    """Machines that a QEMU has; none when it does not say."""
    try:
        return _asked_machines(path, path.stat().st_mtime_ns)
    except OSError:
        return frozenset()


@functools.lru_cache(maxsize=8)
def _asked_machines(path: Path, _mtime: int) -> frozenset[str]:
    try:
        done = process.run(
            [path, "-machine", "help"], timeout=10.0, cancel=CancelToken(), clean_env=True
        )
    except (MissingToolError, ToolError):
        return frozenset()
    return frozenset(line.split()[0] for line in done.tail.splitlines() if line.strip())
