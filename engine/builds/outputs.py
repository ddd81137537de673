"""What the firmware agents hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.enums import VerdictWord
from engine.images.image import Image
from engine.manifest import Manifest
from engine.monitor.bootlog import BootLog
from engine.testing.results import TestReport


@dataclass(frozen=True, slots=True)
class Planned:
    """PROJECT_MANAGER's plan.

    Args:
        toolchain: name of the toolchain that fits the tree.
        manifest: what the project expects of its firmware.
        boards: names of the boards that may be flashed, the best first; empty for none.
        simulator: name of the simulator, None for none.
        untested: why there is no board or no simulator, one line each.
    """

    toolchain: str
    manifest: Manifest
    boards: tuple[str, ...]
    simulator: str | None
    untested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """BUILDER's image; its files lie among the build's artifacts.

    Args:
        image: what is flashed.
        warnings: of the compiler.
        seconds: that compiling took; less where little had changed.
    """

    image: Image
    warnings: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """A pattern that the firmware's output should have; ``line`` is the one that did."""

    pattern: str
    line: str | None


@dataclass(frozen=True, slots=True)
class Tested:
    """What TESTER saw of the firmware, on a board or in a simulator.

    Args:
        ran_on: the board's or the simulator's name.
        chip: the chip as the flasher found it, empty where nothing was flashed.
        flash_size: bytes of flash that it found, None where it did not say.
        expectations: the project's expectations.
        report: results of Unity and of the project's own tests, None where there are none.
        lines: how many lines it printed.
        fault: why the simulated chip stopped by itself, else empty.
        transcript: what it printed, as a person reads it, shortened in the middle.
        silent: whether nothing came of it: no line but those of ROM and bootloader, no test.
        boots: what its resets and boot messages tell; None where it was not looked at.
        panics: the lines of each of its panics.
        fault_hint: what to do about the fault; empty where that is not known.
        fault_addresses: where the program was then and who called that, as far as known.
        is_limit: whether it is the simulator that could not go on, where a chip could.
    """

    ran_on: str
    chip: str
    flash_size: int | None
    expectations: tuple[Expectation, ...]
    report: TestReport | None
    lines: int
    fault: str
    transcript: str
    silent: bool = False
    boots: BootLog | None = None
    panics: tuple[str, ...] = ()
    fault_hint: str = ""
    fault_addresses: tuple[int, ...] = ()
    is_limit: bool = False

    @property
    def expectations_met(self) -> int:
        """How many of the expectations came."""
        return sum(each.line is not None for each in self.expectations)

    @property
    def checks_passed(self) -> int:
        """How much of what was asked of the firmware was seen to hold: expectations and tests."""
        return self.expectations_met + (self.report.passed if self.report else 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """QA's word.

    Args:
        word: how far the firmware was tried, and what came of it.
        text: the same as a sentence, with where it ran.
        blockers: why it is not accepted, one line each.
        tests, failures: of all tests.
        warnings: of the compiler.
    """

    word: VerdictWord
    text: str
    blockers: tuple[str, ...]
    tests: int
    failures: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """DEVELOPER's repair of one attempt.

    Args:
        base: the attempt whose state it started from.
        by_rule: whether a rule made it, not a model.
        by: the rule or the model, for people.
        explanation: what it does, one line. Untrusted.
        change: unified diff of what it changed in that state.
        record: artifact that tells all of it; how it went is added in the next attempt.
    """

    base: int
    by_rule: bool
    by: str
    explanation: str
    change: str
    record: Path


OUTPUTS: Mapping[str, type] = {
    "planned": Planned,
    "compiled": Compiled,
    "tested": Tested,
    "verdict": Verdict,
    "repaired": Repaired,
}
"""What firmware agents hand on, by the words that it is kept under: these stay."""
