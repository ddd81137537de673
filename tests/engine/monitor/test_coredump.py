"""Which gdb decodes a core dump: ESP-IDF's commands have had other names over the years."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import MissingToolError, ToolError
from engine.monitor import coredump

XTENSA, RISCV, ARM = 0x5E, 0xF3, 0x28


def program(folder: Path, machine: int) -> Path:
    """The begin of an ELF of some machine."""
    elf = folder / "app.elf"
    elf.write_bytes(b"\x7fELF\x01\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little"))
    return elf


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is on PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(tools: Path, name: str) -> None:
    """A gdb that says its name and gives up."""
    tool = tools / name
    tool.write_text(f"#!/bin/sh\necho {name} >&2\nexit 1\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (XTENSA, "xtensa-esp32-elf-gdb"),
        (XTENSA, "xtensa-esp32s2-elf-gdb"),
        (XTENSA, "xtensa-esp32s3-elf-gdb"),
        (XTENSA, "xtensa-esp-elf-gdb"),
        (RISCV, "riscv32-esp-elf-gdb"),
        (RISCV, "gdb-multiarch"),
    ],
)
def test_a_gdb_of_any_esp_idf_is_found(
    tools: Path, tmp_path: Path, machine: int, name: str
) -> None:
    install(tools, name)

    assert coredump.gdb_for(program(tmp_path, machine)) == str(tools / name)


@pytest.mark.parametrize("machine", [XTENSA, RISCV])
def test_without_one_a_line_says_which_are_meant(tools: Path, tmp_path: Path, machine: int) -> None:
    with pytest.raises(MissingToolError, match=r"no .*-gdb.* on PATH"):
        coredump.decode(
            tmp_path / "dump", program(tmp_path, machine), tmp_path, cancel=CancelToken()
        )


def test_a_gdb_of_the_other_family_is_not_taken(tools: Path, tmp_path: Path) -> None:
    install(tools, "riscv32-esp-elf-gdb")

    with pytest.raises(MissingToolError, match="xtensa-esp32-elf-gdb"):
        coredump.gdb_for(program(tmp_path, XTENSA))


def test_a_program_of_another_machine_is_named(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no program of an ESP32"):
        coredump.gdb_for(program(tmp_path, ARM))
