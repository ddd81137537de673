"""Panics of another program than the one at hand: said, and decoded with a kept one."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.monitor.observer import Observer
from engine.monitor.panic import CrashedProgram, decode
from tests.field.case import CASES

PROGRAMS = CASES.with_name("programs")
NODE, CHAIN = PROGRAMS / "node.elf", PROGRAMS / "chain.elf"
ROOT = Path("/w")
PANIC = """\
Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.

Backtrace: 0x420002f0:0x3ffb4550 0x42000286:0x3ffb4570

ELF file SHA256: {}

Rebooting...
"""


def digits(elf: Path) -> str:
    return hashlib.sha256(elf.read_bytes()).hexdigest()[:9]


def test_the_program_that_ran_is_told_nothing_about() -> None:
    (finding,) = decode(PANIC.format(digits(NODE)), NODE, ROOT, lambda _sha: None)

    assert finding.message.startswith("LoadProhibited in smash() (node.cpp:16)")
    assert "program" not in (finding.hint or "")
    assert "program" not in (finding.evidence or "")


@pytest.mark.slow
def test_a_kept_build_with_that_program_decodes_it() -> None:
    asked: list[str] = []

    def find(sha: str) -> CrashedProgram | None:
        asked.append(sha)
        return CrashedProgram(NODE, ROOT, "build 7")

    for elf in (CHAIN, None):
        (finding,) = decode(PANIC.format(digits(NODE)), elf, Path("/elsewhere"), find)

        assert finding.message.startswith("LoadProhibited in smash() (node.cpp:16)")
        assert "addresses may be wrong" not in (finding.hint or "")
        assert f"decoded with the program of build 7 (ELF {digits(NODE)})" in (
            finding.evidence or ""
        )
    assert asked == [digits(NODE)] * 2


def test_where_no_build_has_it_the_addresses_are_doubted() -> None:
    def fail(_sha: str) -> CrashedProgram | None:
        raise UsageError("runs.db: locked")

    for find in (None, lambda _sha: None, fail):
        (finding,) = decode(PANIC.format(digits(CHAIN)), NODE, ROOT, find)

        assert (finding.hint or "").startswith(
            f"the panic is of another program (ELF {digits(CHAIN)}, decoding with "
        )


@pytest.mark.slow
def test_a_program_that_changed_on_disk_is_read_again(tmp_path: Path) -> None:
    elf = tmp_path / "app.elf"
    shutil.copy(CHAIN, elf)
    decode(PANIC.format(digits(CHAIN)), elf, ROOT)
    shutil.copy(NODE, elf)

    (finding,) = decode(PANIC.format(digits(NODE)), elf, ROOT)

    assert "addresses may be wrong" not in (finding.hint or "")


def test_the_boot_before_names_the_program_of_a_panic_that_does_not() -> None:
    boot = f"I (52) app_init: ELF file SHA256:  {digits(CHAIN)}...\n"
    told: list[str] = []
    observer = Observer(on_panic=told.append)

    for line in (boot + PANIC.replace("ELF file SHA256: {}\n", "")).splitlines():
        if line:
            observer.add(line)
    (finding,) = decode(told[0], NODE, ROOT)

    assert (finding.hint or "").startswith("the panic is of another program")
