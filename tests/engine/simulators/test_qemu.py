from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.enums import ArtifactKind
from engine.errors import CancelledError, MissingToolError, ToolError
from engine.images.image import FlashPart, Image
from engine.simulators import qemu
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions
from tests.engine.simulators import standins

BuildSample = Callable[[str], Image]

real = pytest.mark.skipif(
    qemu.riscv32().missing() is not None, reason="Espressif's QEMU is not installed"
)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    app, table = tmp_path / "app.bin", tmp_path / "table.bin"
    app.write_bytes(b"\xe9" + b"app" * 100)
    table.write_bytes(b"table")
    parts = (
        FlashPart(0x8000, table, ArtifactKind.PARTITION_TABLE),
        FlashPart(0x10000, app, ArtifactKind.APP),
    )
    return Image("esp32c3", tmp_path / "app.elf", parts, flash_size=2 << 20)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("IDF_TOOLS_PATH", str(tmp_path / "tools"))
    return tmp_path / "bin"


def simulate(
    image: Image,
    simulator: qemu.Qemu | None = None,
    *,
    seconds: float = 30,
    until: bytes = b"OK\r\n",
    options: ChipOptions = DEFAULT_OPTIONS,
) -> bytes:
    output = bytearray()
    reason = (simulator or qemu.riscv32()).run(
        image,
        seconds=seconds,
        on_output=output.extend,
        until=lambda _passed: until in output,
        cancel=CancelToken(),
        options=options,
    )
    assert reason is None
    return bytes(output)


def test_what_is_not_installed_says_how_to_get_it(path: Path) -> None:
    assert qemu.riscv32().missing() == (
        "qemu-system-riscv32: idf_tools.py install qemu-riscv32 (ESP-IDF),"
        " or put Espressif's on PATH"
    )
    assert qemu.xtensa().targets == {"esp32", "esp32s3"}


def test_a_qemu_that_is_not_espressifs_is_told_apart(path: Path, image: Image) -> None:
    program = standins.qemu(path, "qemu-system-riscv32", standins.TALKS, machines=("virt", "spike"))
    missing = f"{program} is not Espressif's QEMU, it has no ESP32"
    assert (qemu.riscv32().missing() or "").startswith(missing)
    with pytest.raises(MissingToolError, match="not Espressif's"):
        simulate(image)


def test_the_newest_that_esp_idf_installed_is_found(path: Path, tmp_path: Path) -> None:
    for version in ("esp_develop_9.0.0_20240606", "esp_develop_10.1.0_20260101"):
        folder = tmp_path / "tools" / "tools" / "qemu-xtensa" / version / "qemu" / "bin"
        machines = ("esp32",) if version.startswith("esp_develop_10") else ("esp32s3",)
        standins.qemu(folder, "qemu-system-xtensa", standins.TALKS, machines)
    assert qemu.xtensa().missing() is None
    assert qemu.xtensa().targets == {"esp32"}


@pytest.mark.slow
def test_a_stand_in_is_given_a_whole_flash_and_heard_on_its_uart(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)

    assert simulate(image) == b"I (1) boot: up\r\nOK\r\n"

    flash = (path / "notes.flash").read_bytes()
    assert len(flash) == 2 << 20
    assert flash[:0x8000] == b"\xff" * 0x8000
    assert flash[0x8000:0x8005] == b"table"
    assert flash[0x10000:0x10004] == b"\xe9app"
    words = (path / "notes").read_text().split("\n")
    assert words[:2] == ["-machine", "esp32c3"]
    assert "user,model=open_eth,restrict=on" in words
    efuses = (path / "notes.efuse").read_bytes()
    assert (len(efuses), efuses[38]) == (1024, 0x0C)


@pytest.mark.slow
def test_nobody_else_can_reach_its_uart(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.SHOWS_MODE)

    assert simulate(image) == b"700 OK\r\n"


@pytest.mark.slow
def test_a_project_may_open_the_network_and_bring_efuses(
    path: Path, image: Image, tmp_path: Path
) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)
    burned = tmp_path / "burned.bin"
    burned.write_bytes(b"\x07" * 336)

    simulate(image, options=ChipOptions(network=True, efuse=burned))

    assert "user,model=open_eth" in (path / "notes").read_text().split("\n")
    assert (path / "notes.efuse").read_bytes() == b"\x07" * 336 + bytes(1024 - 336)
    assert burned.read_bytes() == b"\x07" * 336


@pytest.mark.slow
def test_an_esp32_has_the_revision_of_one_that_is_delivered(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-xtensa", standins.TALKS, machines=("esp32",))
    simulate(replace(image, target="esp32"), qemu.xtensa())
    efuses = (path / "notes.efuse").read_bytes()
    assert len(efuses) == 124
    assert {at: each for at, each in enumerate(efuses) if each} == {13: 0x80, 22: 0x10}


@pytest.mark.slow
def test_what_is_typed_reaches_its_uart(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.ECHOES)
    console_input, output = ConsoleInput(), bytearray()
    console_input.send(b"led on\n")
    reason = qemu.riscv32().run(
        image,
        seconds=30,
        on_output=output.extend,
        until=lambda _passed: b"\n" in output,
        cancel=CancelToken(),
        console_input=console_input,
    )
    assert (reason, bytes(output)) == (None, b"led on\n")


@pytest.mark.slow
def test_time_ends_a_run(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)
    # How much was said by then is the machine's affair; without an end it would be a minute's.
    assert b"I (1) boot: up\r\nOK\r\n".startswith(simulate(image, seconds=0.05, until=b"never"))


@pytest.mark.slow
def test_all_that_was_said_before_the_end_is_heard(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS_AND_ENDS)
    output = simulate(image, until=b"never")
    assert (len(output), output[-7:]) == (300_007, b"the end")


@pytest.mark.slow
def test_a_qemu_that_does_not_start_says_why(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.FAILS)
    with pytest.raises(ToolError, match="qemu-riscv32: qemu: -drive: could not open flash"):
        simulate(image)


@pytest.mark.slow
def test_it_ends_when_told(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        qemu.riscv32().run(
            image,
            seconds=60,
            on_output=lambda _data: cancel.cancel(),
            until=lambda _passed: False,
            cancel=cancel,
        )
    assert not [each for each in threading.enumerate() if each.name == "qemu-uart"]


@pytest.mark.slow
def test_what_listens_may_fail(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)

    def full(_data: bytes) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        qemu.riscv32().run(
            image, seconds=60, on_output=full, until=lambda _passed: False, cancel=CancelToken()
        )


def test_another_chip_and_a_huge_image_are_errors(path: Path, image: Image) -> None:
    standins.qemu(path, "qemu-system-riscv32", standins.TALKS)
    with pytest.raises(ToolError, match="cannot simulate esp32c6"):
        simulate(replace(image, target="esp32c6"))
    with pytest.raises(ToolError, match="32 MB: simulated flash has 16 MB at the most"):
        simulate(replace(image, flash_size=32 << 20))


@real
def test_the_real_one_boots_a_sample_from_its_rom(built_sample: BuildSample) -> None:
    output = simulate(replace(built_sample("hello"), flash_size=4 << 20)).decode()
    assert "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)" in output
    assert "hello from espdeck" in output
    assert "3 Tests 0 Failures 0 Ignored" in output
