"""esptool itself, in this process, on an emulated board of every family."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import esptool
import pytest
from esp_pylib.logger import EspLog
from esptool import cmds
from esptool.bin_image import ESPLoader
from esptool.targets import CHIP_DEFS
from esptool.util import FatalError, UnsupportedCommandError

from engine.boards.virtual.child import Board
from engine.boards.virtual.chips import CHIPS, RUNNABLE, parse_options
from engine.boards.virtual.registers import mac_of, registers

Start = Callable[..., str]

# Lowest revision that a default image of ESP-IDF 6 asks for (ESP*_REV_MIN in Kconfig.hw_support).
NEEDED = {"esp32c2": 100, "esp32c3": 3, "esp32c5": 100, "esp32c61": 100, "esp32p4": 301}

PACKAGES = [(chip, name) for chip in CHIPS for name in CHIPS[chip].packages]

# What esptool calls packages that it does not call by the names of their parts.
DESCRIBED = {
    "ESP32-S3FH4R2": "ESP32-S3 (QFN56)",
    "ESP32-S3R8": "ESP32-S3 (QFN56)",
    "ESP32-C3FH4": "ESP32-C3 (QFN32)",
    "ESP32-C3-AZ": "ESP32-C3 AZ",
    "unknown": "Unknown ESP32",
}


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Serve a board from a thread of this process; gives its URL."""
    # The log of Espressif's tools is one for all of a process: who reads a map silences it.
    EspLog().set_verbosity("normal")
    EspLog().set_console_options()
    # Esptool and pyserial wait for what a board on a wire would need.
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with contextlib.ExitStack() as stack:

        def serve(chip: str, options: str = "", name: str = "") -> str:
            folder = tmp_path / (name or f"virtual-{chip}")
            folder.mkdir(exist_ok=True)
            board = Board(chip, parse_options(chip, options), folder / "flash.bin")
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        client, _ = server.accept()
                        with contextlib.suppress(OSError):
                            board.serve(client)

            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            return f"socket://127.0.0.1:{server.getsockname()[1]}"

        yield serve


@contextlib.contextmanager
def connected(url: str, *, stub: bool = True) -> Iterator[Any]:
    """A chip as esptool has it before a command on its flash."""
    esp = cmds.detect_chip(url, connect_attempts=1)
    with esp:
        if stub:
            esp = cmds.run_stub(esp)
        cmds.attach_flash(esp)
        yield esp


def console(url: str) -> bytes:
    host, port = url.removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        said = b""
        while b"\n" not in said[-1:]:
            said += client.recv(4096)
        return said


def image(chip: str, *, lowest: int = 0, code: bytes = bytes(range(64))) -> bytes:
    """A small image without a digest (esptool documentation, "Firmware Image Format")."""
    rom = CHIP_DEFS[chip]
    address = next(start for start, _end, kind in rom.MEMORY_MAP if kind == "IRAM") + 0x4000
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, address)
    header += struct.pack("<B3xHBHH4xB", 0xEE, rom.IMAGE_CHIP_ID, 0, lowest, 0xFFFF, 0)
    body = header + struct.pack("<II", address, len(code)) + code
    body = body.ljust(len(body) // 16 * 16 + 15, b"\0")
    return body + bytes([ESPLoader.checksum(code)])


@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_knows_writes_verifies_reads_and_erases_each_family(
    chip: str, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    noise, text = os.urandom(300), b"the same again " * 300
    with connected(start(chip)) as esp:
        assert esp.CHIP_NAME.lower().replace("-", "") == chip
        assert f"v{esp.get_major_chip_version()}.{esp.get_minor_chip_version()}" == (
            CHIPS[chip].revision
        )
        assert esp.get_chip_revision() >= NEEDED.get(chip, 0)
        assert bytes(esp.read_mac("BASE_MAC")) == mac_of(f"virtual-{chip}")
        assert cmds.detect_flash_size(esp) == "4MB"
        assert esp.get_crystal_freq() == (32 if chip == "esp32h2" else CHIPS[chip].crystal)

        cmds.write_flash(esp, [(0x10000, noise), (0x20000, text)])
        cmds.verify_flash(esp, [(0x10000, noise), (0x20000, text)])
        assert cmds.read_flash(esp, 0x20000, 32) == text[:32]
        cmds.erase_region(esp, 0x20000, 0x1000)
        assert cmds.read_flash(esp, 0x20FF0, 32) == b"\xff" * 16 + text[0x1000:0x1010]
    assert "Hash of data verified" in capfd.readouterr().out


@pytest.mark.parametrize("chip", CHIPS)
def test_the_bootloader_in_rom_does_the_same_without_the_stub(chip: str, start: Start) -> None:
    noise, text = os.urandom(300), b"the same again " * 300
    with connected(start(chip), stub=False) as esp:
        cmds.write_flash(esp, [(0x10000, noise)])
        cmds.write_flash(esp, [(0x3F0000, text)], compress=True)
        cmds.verify_flash(esp, [(0x10000, noise), (0x3F0000, text)])
        assert cmds.read_flash(esp, 0x3F0000, 100) == text[:100]
        cmds.erase_region(esp, 0x3F0000, 0x1000)
        assert cmds.read_flash(esp, 0x3F0FF0, 32) == b"\xff" * 16 + text[0x1000:0x1010]
        with pytest.raises(FatalError, match="does not support"):
            esp.erase_flash()


@pytest.mark.parametrize("chip", CHIPS)
def test_the_command_line_names_chip_package_revision_and_flash(
    chip: str, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    package = list(CHIPS[chip].packages)[-2]
    url = start(chip, f"package={package}&revision=v1.3&flash=8MB")

    esptool.main(["--port", url, "flash-id"])

    said = capfd.readouterr().out
    expected = re.escape(DESCRIBED.get(package, package))
    assert re.search(rf"Chip type: +{expected}.* \(revision v1\.3\)", said)
    assert "Detected flash size: 8MB" in said


@pytest.mark.parametrize(("chip", "package"), PACKAGES)
def test_esptool_calls_each_package_by_its_name(chip: str, package: str) -> None:
    options = parse_options(chip, f"package={package}")
    words = registers(chip, options, mac_of("any"))

    class Read(CHIP_DEFS[chip]):  # type: ignore[misc] # the library is untyped
        def __init__(self) -> None:
            self.secure_download_mode = False

        def read_reg(self, addr: int, timeout: float = 0) -> int:
            return words.get(addr, 0)

    described = Read().get_chip_description()
    assert described.startswith(DESCRIBED.get(package, package))
    assert described.endswith(f"(revision v{options.revision[0]}.{options.revision[1]})")


def test_boards_of_one_chip_have_addresses_of_their_own() -> None:
    names = [f"virtual-{chip}{number}" for chip in CHIPS for number in ("", "-2", "-3")]

    assert len({mac_of(name) for name in names}) == len(names)
    assert mac_of(names[0]) == mac_of(names[0])


@pytest.mark.parametrize("chip", sorted(set(CHIPS) - RUNNABLE))
def test_a_board_that_cannot_run_firmware_says_so_once_there_is_some(
    chip: str, start: Start
) -> None:
    url = start(chip)
    assert CHIPS[chip].erased.encode() in console(url)
    with connected(url) as esp:
        cmds.write_flash(esp, [(esp.BOOTLOADER_FLASH_OFFSET, image(chip))])

    said = console(url)

    assert b"(SPI_FAST_FLASH_BOOT)" in said
    assert f"an emulated {chip} cannot run firmware".encode() in said


@pytest.mark.parametrize("chip", ["esp32", "esp32c3", "esp32s3"])
def test_an_image_for_another_chip_is_refused(chip: str, start: Start) -> None:
    other = image("esp32c6")
    with connected(start(chip)) as esp:
        place = esp.BOOTLOADER_FLASH_OFFSET
        before = esp.flash_md5sum(place, 0x1000)
        with pytest.raises(FatalError, match="Use --force to flash anyway"):
            cmds.write_flash(esp, [(place, other)])
        assert esp.flash_md5sum(place, 0x1000) == before


def test_a_chip_of_another_family_than_was_asked_for_is_refused(start: Start) -> None:
    with (
        CHIP_DEFS["esp32c3"](start("esp32s3")) as esp,
        pytest.raises(FatalError, match="This chip is ESP32-S3, not ESP32-C3"),
    ):
        esp.connect(attempts=1)


def test_the_revision_that_an_image_asks_for_is_compared_with_the_one_chosen(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = image("esp32c3", lowest=4)
    with connected(start("esp32c3", "revision=v0.3", "old")) as esp:
        refused = ""
        try:
            cmds.write_flash(esp, [(0, wanted)])
        except FatalError as error:  # some versions of esptool say so and write it
            refused = str(error)
    assert "requires chip revision" in refused + "".join(capfd.readouterr())
    with connected(start("esp32c3")) as esp:
        cmds.write_flash(esp, [(0, wanted)])
    assert "requires chip revision" not in "".join(capfd.readouterr())


# A program that prints bits [20:18] of 0x60008850 (eFuse WAFER_VERSION_MINOR_LO) as a digit:
# lui t0, 0x60009; lw t1, -0x7b0(t0); srli t1, t1, 18; andi t1, t1, 7; addi t1, t1, '0';
# lui t2, 0x60000; sw t1, 0(t2); li t1, 10; sw t1, 0(t2); j .
PRINTS_REVISION = struct.pack(
    "<10I",
    *(0x600092B7, 0x8502A303, 0x01235313, 0x00737313, 0x03030313),
    *(0x600003B7, 0x0063A023, 0x00A00313, 0x0063A023, 0x0000006F),
)


@pytest.mark.parametrize(("revision", "printed"), [("v0.3", b"3\n"), ("v0.4", b"4\n")])
def test_firmware_reads_the_revision_that_esptool_reads(
    revision: str, printed: bytes, start: Start
) -> None:
    url = start("esp32c3", f"revision={revision}")
    with connected(url) as esp:
        cmds.write_flash(esp, [(0, image("esp32c3", code=PRINTS_REVISION))])

    assert console(url) == printed


ENCRYPTED = [(chip, "encryption") for chip in CHIPS] + [
    (chip, "encryption-release") for chip in CHIPS
]


@pytest.mark.parametrize(("chip", "state"), ENCRYPTED)
def test_a_chip_with_flash_encryption_says_so(chip: str, state: str, start: Start) -> None:
    with connected(start(chip, f"security={state}"), stub=False) as esp:
        assert esp.get_flash_encryption_enabled()
        assert esp.is_flash_encryption_key_valid()
        assert bool(esp.get_encrypted_download_disabled()) == (state == "encryption-release")
        if esp.SECURITY_INFO_SUPPORTED:
            assert esp.get_security_info()["flash_crypt_cnt"] == (1 if state == "encryption" else 7)
        with pytest.raises(FatalError, match="Active security features"):
            cmds.erase_region(esp, 0, 0x1000)
        if state == "encryption-release":
            with pytest.raises(FatalError, match="must be encrypted"):
                cmds.write_flash(esp, [(0x10000, b"plain")])


@pytest.mark.parametrize("chip", CHIPS)
def test_a_chip_with_secure_boot_says_so_and_takes_the_stub_where_its_rom_does(
    chip: str, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(start(chip, "security=secure-boot")) as esp:
        assert esp.get_secure_boot_enabled()
        assert (chip != "esp32c3") == esp.IS_STUB
        if esp.SECURITY_INFO_SUPPORTED:
            assert esp.get_security_info()["parsed_flags"]["SECURE_BOOT_EN"]
        cmds.write_flash(esp, [(0x10000, b"data")])
    assert "Hash of data verified" in capfd.readouterr().out


def test_secure_boot_v1_keeps_the_bootloader_of_an_esp32(start: Start) -> None:
    with connected(start("esp32", "security=secure-boot-v1"), stub=False) as esp:
        assert esp.get_secure_boot_v1_enabled()
        with pytest.raises(FatalError, match="Secure Boot V1"):
            cmds.write_flash(esp, [(0x1000, image("esp32"))])


@pytest.mark.parametrize("chip", [chip for chip in CHIPS if chip != "esp32"])
def test_secure_download_mode_writes_and_answers_nothing_else(
    chip: str, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(start(chip, "security=secure-download+secure-boot")) as esp:
        assert esp.secure_download_mode
        assert not esp.IS_STUB
        cmds.write_flash(esp, [(0x10000, b"data")])
        with pytest.raises(UnsupportedCommandError):
            esp.read_reg(0x60000000)
        with pytest.raises(UnsupportedCommandError):
            cmds.read_flash(esp, 0x10000, 4)


@pytest.mark.slow
def test_a_plain_image_bricks_a_chip_that_encrypts_and_one_it_encrypts_does_not(
    start: Start,
) -> None:
    url = start("esp32s2", "security=encryption")
    with connected(url) as esp:
        cmds.write_flash(esp, [(0x1000, image("esp32s2"))], encrypt=False, force=True)
    assert b"invalid header" in console(url)
    with connected(url) as esp:
        cmds.write_flash(esp, [(0x1000, image("esp32s2"))], encrypt=True)
        assert cmds.read_flash(esp, 0x1000, 16) != image("esp32s2")[:16]
    assert b"cannot run firmware" in console(url)


def test_a_flash_on_other_pins_is_not_there(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(start("esp32c3")) as esp:
        cmds.attach_flash(esp, (0, 1, 2, 3, 4))
        assert "Failed to communicate with the flash chip" in "".join(capfd.readouterr())
        with pytest.raises(FatalError, match="Failed SPI operation"):
            esp.flash_md5sum(0, 16)
        cmds.attach_flash(esp, (15, 17, 16, 12, 14))
        assert esp.flash_md5sum(0, 16)
        assert "Failed" not in "".join(capfd.readouterr())


def test_status_registers_of_the_flash_are_written_for_now_or_for_good(start: Start) -> None:
    url = start("esp32c3")
    with connected(url, stub=False) as esp:
        cmds.write_flash_status(esp, 0x1234, 2, non_volatile=True)
        cmds.write_flash_status(esp, 0x55, 1)
        assert esp.read_status(3) == 0x001255
        esp.run_spiflash_command(0x66)
        esp.run_spiflash_command(0x99)
        assert esp.read_status(2) == 0x1234


def test_the_flash_is_described_by_its_sfdp(start: Start) -> None:
    with connected(start("esp32", "flash=16MB")) as esp:
        assert esp.read_spiflash_sfdp(0, 32).to_bytes(4, "little") == b"SFDP"
        assert esp.read_spiflash_sfdp(1, 24).to_bytes(3, "little") == b"FDP"
        assert esp.read_spiflash_sfdp(0x34, 32) == (16 << 20) * 8 - 1  # its bits, less one


def test_memory_is_read_as_it_was_written(start: Start) -> None:
    with connected(start("esp32c3"), stub=False) as esp:
        esp.mem_begin(8, 1, 8, 0x3FC90000)
        esp.mem_block(b"\x01\x02\x03\x04\x05\x06\x07\x08", 0)
        esp.write_reg(0x3FC90004, 0xFFFF0000, mask=0x00FF0000)
        assert cmds.dump_mem(esp, 0x3FC90000, 8) == b"\x01\x02\x03\x04\x05\x06\xff\x08"


def test_a_stub_that_is_told_to_leave_leaves_the_chip_in_its_bootloader(start: Start) -> None:
    url = start("esp32c6")
    with connected(url) as esp:
        cmds.reset_chip(esp, "no-reset")
        esp.sync()
        assert not esp.sync_stub_detected
    host, port = url.removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.settimeout(0.3)
        with pytest.raises(TimeoutError):
            silent.recv(1)
    with connected(url):
        pass
    assert b"invalid header" in console(url)


def test_a_stub_that_ends_a_compressed_write_so_answers_that_command(start: Start) -> None:
    with connected(start("esp32")) as esp:
        esp.flash_defl_begin(0, 0, 0)
        esp.flash_defl_finish(reboot=True)


@pytest.mark.parametrize("command", ["run", "watchdog"])
def test_a_chip_that_is_told_to_leave_its_bootloader_starts_at_once(
    command: str, start: Start
) -> None:
    with connected(start("esp32s3"), stub=False) as esp:
        if command == "run":
            esp.run()
        else:
            esp.watchdog_reset()
        esp._port.timeout = 5
        assert b"ESP-ROM:esp32s3" in esp._port.read(40)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("checksum", "Bad data checksum"),
        ("length", "Bad data length"),
        ("deflate", "Inflate error"),
        ("more", "Too much data"),
        ("less", "Not enough data"),
        ("unbegun", "Not in flash mode"),
    ],
)
def test_damaged_writes_are_refused(damage: str, said: str, start: Start) -> None:
    packed = zlib.compress(bytes(8192))
    with connected(start("esp32")) as esp:
        if damage != "unbegun":
            esp.flash_defl_begin(4096 if damage == "more" else 8192, len(packed), 0)
        block = packed if damage != "deflate" else b"no zlib stream"
        head = struct.pack("<IIII", len(block) + (damage == "length"), 0, 0, 0)
        check = esp.checksum(block) ^ (damage == "checksum")
        with pytest.raises(FatalError, match=said):
            if damage != "less":
                esp.check_command("write", esp.ESP_CMDS["FLASH_DEFL_DATA"], head + block, check)
            esp.flash_defl_finish()
        assert esp.flash_md5sum(0x2000, 16)  # it goes on answering


def test_noise_around_commands_does_no_harm(start: Start) -> None:
    host, port = start("esp32h2").removeprefix("socket://").split(":")
    sync = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(sync + b"\xc0\x01\x08\xc0\xc0\x00\x0a\xc0" + os.urandom(200_000))
        client.sendall(b"\xc0\x00\x0a\x04\x00\x00\x00\x00\x00" + b"\x78\x00\x00\x60\xc0")
        said = b""
        while b"\xc0\x01\x0a" not in said:
            said += client.recv(4096)
    assert said.count(b"\xc0\x01\x08") >= 8
