"""DOCTOR: what is said of firmware whose simulated chip stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from engine.builds import outputs
from engine.builds.agents import doctor
from engine.enums import Severity
from engine.images.image import Image

STOPPED = outputs.Tested(
    ran_on="labwired",
    chip="",
    flash_size=None,
    expectations=(),
    report=None,
    lines=2,
    fault="illegal instruction in update_sensor()",
    transcript="before\n",
    fault_hint="look there",
)


@pytest.fixture
def crash(built_sample: Callable[[str], Image]) -> tuple[Path, int]:
    """A program, and the address of one of its functions."""
    elf = built_sample("crash").elf
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        found = table.get_symbol_by_name("update_sensor")
        assert found
        return elf, found[0]["st_value"]


@pytest.mark.slow
def test_a_chip_that_stopped_is_a_finding_where_the_program_was(crash: tuple[Path, int]) -> None:
    elf, address = crash
    tested = replace(STOPPED, fault_addresses=(address, 0))

    (finding,) = doctor.diagnose(tested, elf, Path("/nowhere"))

    assert (finding.severity, finding.code) == (Severity.ERROR, "simulator.fault")
    assert finding.message == "labwired stopped: illegal instruction in update_sensor()"
    assert (finding.file or "").endswith("main.c")
    assert finding.hint == "look there"
    assert (finding.evidence or "").startswith(f"0x{address:08x} update_sensor() (")


def test_what_the_simulator_lacks_is_no_error_of_the_firmware(crash: tuple[Path, int]) -> None:
    tested = replace(STOPPED, fault="LabWired has no ROM", is_limit=True)

    (finding,) = doctor.diagnose(tested, crash[0], Path("/nowhere"))

    assert (finding.severity, finding.code) == (Severity.WARNING, "simulator.limit")
    assert finding.message == ("labwired cannot go on, where a chip could: LabWired has no ROM")


def test_a_chip_that_did_not_stop_is_none(crash: tuple[Path, int]) -> None:
    assert doctor.diagnose(replace(STOPPED, fault=""), crash[0], Path("/nowhere")) == []
