"""Boards by hand on the command line: the real esptool on virtual boards of ``espdeck lab``."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.enums import ArtifactKind
from engine.images.image import FlashPart, Image
from tests.engine.toolchains.tables import entry, whole
from tests.tui.commands import Shell
from tests.tui.workspaces import fill, keep_image

pytestmark = [pytest.mark.xdist_group("bench-commands"), pytest.mark.slow]

MOVED_TABLE = whole(
    entry(1, 2, 0x11000, 0x3000, "nvs"),
    entry(1, 4, 0x14000, 0x1000, "keys", 1),
    entry(0, 0, 0x20000, 0x100000, "factory"),
)
FIRST, SECOND = "virtual:esp32c3", "virtual:esp32c3-2"


@pytest.fixture(scope="module")
def shell(
    tmp_path_factory: pytest.TempPathFactory, built_sample: Callable[[str], Image]
) -> Iterator[Shell]:
    workspace = tmp_path_factory.mktemp("lab")
    fill(workspace, count=3)
    hello = built_sample("hello")
    keep_image(workspace, 1, hello)
    table = workspace / "partition-table.bin"
    table.write_bytes(MOVED_TABLE)
    moved = FlashPart(0x10000, table, ArtifactKind.PARTITION_TABLE)
    keep_image(workspace, 3, replace(hello, parts=(*hello.parts, moved)))
    shell = Shell(workspace, ESPDECK_BOARDS=json.dumps([]))
    with shell.start("lab", "--boards", "2") as lab:
        lines = [lab.stdout.readline() for _line in range(5)]
        assert lines[-2].startswith("2 boards until Ctrl-C")
        assert "for you alone" in lines[-1]
        yield shell
        lab.terminate()


def test_boards_of_the_lab_are_listed(shell: Shell) -> None:
    said = shell.says("boards")
    assert f"\n{FIRST} " in said
    assert f"\n{SECOND} " in said
    assert said.count("socket://127.0.0.1:") == 2


def test_several_boards_are_flashed_at_once_and_verified(shell: Shell) -> None:
    said = shell.says("flash", "1", FIRST, SECOND)
    assert f"{FIRST}: flashed and verified in " in said
    assert f"{SECOND}: flashed and verified in " in said
    assert f"{SECOND}: holds build 1" in shell.says("verify", "1", SECOND)


def test_a_table_that_is_not_at_its_usual_place_is_found(shell: Shell, tmp_path: Path) -> None:
    shell.says("flash", "3", SECOND)
    found = shell.says("partitions", SECOND)
    assert found.splitlines()[0] == "partition table at 0x10000"
    assert any(
        line.split() == ["keys", "data", "nvs_keys", "0x14000", "0x1000", "4", "encrypted"]
        for line in found.splitlines()
    )
    assert shell.says("partitions", "3") == found
    read = shell.says("read-flash", SECOND, str(tmp_path / "nvs.bin"), "--partition", "nvs")
    assert "12288 bytes from 0x11000" in read
    assert "erased 0x1000 from 0x14000" in shell.says(
        "erase", SECOND, "--yes", "--partition", "keys"
    )
    said = shell.says("partitions", SECOND, "--offset", "0x9000", code=1)
    assert "no partition table at 0x9000" in said


def test_a_table_of_text_is_shown_with_what_is_wrong(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "sdkconfig").write_text(
        'CONFIG_PARTITION_TABLE_OFFSET=0x10000\nCONFIG_ESPTOOLPY_FLASHSIZE="2MB"\n'
    )
    table = tmp_path / "partitions.csv"
    table.write_text("nvs,data,nvs,,24K\nfactory,app,factory,,1M\n")
    assert "factory  app   factory  0x20000  0x100000" in shell.says("partitions", str(table))
    table.write_text("nvs,data,nvs,,24K\nfactory,app,factory,,3M\n")
    assert "factory goes up to 0x320000, the flash has 0x200000 bytes" in shell.says(
        "partitions", str(table), code=1
    )
    table.write_text("nvs,data,nvs,,24K\nfactory,app,ota_77,,3M\n")
    said = shell.says("partitions", str(table), code=2)
    assert said.startswith("espdeck: partitions.csv: line 2: 'ota_77' is not a number")


def test_erasing_asks_for_the_boards_name(shell: Shell) -> None:
    shell.says("flash", "1", SECOND)
    assert "nothing was erased" in shell.says("erase", SECOND, typed=f"{FIRST}\n", code=2)
    shell.says("verify", "1", SECOND)
    assert "erased" in shell.says("erase", SECOND, typed=f"{SECOND}\n")
    assert "the flash holds something else" in shell.says("verify", "1", SECOND, code=1)


def test_a_region_is_read_and_erased(shell: Shell, tmp_path: Path) -> None:
    shell.says("flash", "1", FIRST)
    file = tmp_path / "flash.bin"
    region = ("--offset", "0x0", "--size", "0x1000")
    assert "4096 bytes from 0x0" in shell.says("read-flash", FIRST, str(file), *region)
    assert file.read_bytes()[0] == 0xE9
    assert "already exists" in shell.says("read-flash", FIRST, str(file), *region, code=2)
    assert "erased 0x1000 from 0x0" in shell.says("erase", FIRST, "--yes", *region)
    file.unlink()
    shell.says("read-flash", FIRST, str(file), *region)
    assert file.read_bytes() == b"\xff" * 4096


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("flash", "2", FIRST), 2, "build 2 kept no image"),
        (("flash", "99", FIRST), 2, "no build 99"),
        (("erase", "nonsense"), 2, "give a port"),
        (("erase", FIRST), 2, "nothing was erased"),
        (("read-flash", FIRST, "/nowhere/flash.bin"), 1, "/nowhere/flash.bin: cannot be written"),
        (("monitor", FIRST, "--highlight", "("), 2, "highlight '(': missing ): ("),
        (("flash", "x", FIRST), 2, "'x' is not the number of a build"),
        (("flash", "1", "nonsense"), 2, "give a port"),
        (("flash", "1", "/dev/ttyUSB77"), 1, "no such port"),
        (("flash", "1", FIRST, "--before", "magic"), 2, "esptool knows default-reset"),
        (("erase", FIRST, "--yes", "--offset", "1", "--size", "4096"), 1, "in sectors of 0x1000"),
        (("erase", FIRST, "--yes", "--offset", "1"), 2, "give --offset and --size"),
        (("erase", FIRST, "--yes", "--partition", "nvs"), 1, "no partition nvs"),
        (("partitions", FIRST), 1, "no partition table at 0x8000"),
        (("partitions", "virtual:esp32s3?security=encryption"), 2, "hides its partition table"),
        (("power", FIRST), 2, "no power_command"),
        (("name", FIRST, "a b"), 2, "make a name"),
        (("lab", "--chip", "esp8266"), 2, "no virtual esp8266"),
        (("lab", "--chip", "esp32s3?flash=3MB"), 2, "flash=3MB: give one of 1MB, 2MB"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(
    shell: Shell, words: tuple[str, ...], code: int, reason: str
) -> None:
    assert reason in shell.says(*words, code=code)


def test_waiting_for_a_board_ends_with_the_session(shell: Shell) -> None:
    with shell.start("monitor", FIRST) as monitor:
        assert any(line.startswith("--- kept in") for line in monitor.stdout)
        with shell.start("flash", "1", FIRST) as flash:
            assert "waiting for" in flash.stdout.readline()
            flash.terminate()
            assert flash.wait(timeout=20) == 128 + signal.SIGTERM
        monitor.terminate()


def test_a_board_is_called_by_a_name(shell: Shell) -> None:
    said = shell.says("name", SECOND, "desk", "--note", "left of the scope")
    assert f"{SECOND} is called desk" in said
    assert "desk: reset" in shell.says("reset", "desk")
    assert "GROUP" in shell.says("efuses", "desk")
    shell.says("name", "desk", "")
    assert "give a port" in shell.says("reset", "desk", code=2)
