"""A program as a build leaves it: the memory that it takes, and what is alarming in it."""

from __future__ import annotations

from engine.images.memory import memory_regions
from engine.quality.performance import tight
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``regions`` of a program, by the map beside it if the case is a folder; ``alarms``."""
    elf = case.path / "hub.elf" if case.path.is_dir() else case.path
    regions = memory_regions(elf, case.options["target"])
    return {"regions": regions, "alarms": [finding.message for finding in tight(regions)]}
