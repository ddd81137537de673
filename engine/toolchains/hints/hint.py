"""A hint for a well-known build error, and the build systems that hints are for."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class BuildSystem(enum.StrEnum):
    """What a build is done with, as far as it matters to what a person can do about its errors."""

    IDF = "idf"
    PLATFORMIO = "platformio"
    PLATFORMIO_IDF = "platformio-espidf"
    """PlatformIO with ``framework = espidf``: components and options are ESP-IDF's, tools are
    PlatformIO's."""
    ARDUINO = "arduino"
    CMAKE = "cmake"
    """With a compiler of the project's choice."""
    CMAKE_ZIG = "cmake-zig"
    """With the compiler of the ``lab`` extra, which brings no C library."""


IDF = frozenset({BuildSystem.IDF})
COMPONENTS = frozenset({BuildSystem.IDF, BuildSystem.PLATFORMIO_IDF})
"""What has ESP-IDF's components, options and partition tables."""
PLATFORMIO = frozenset({BuildSystem.PLATFORMIO, BuildSystem.PLATFORMIO_IDF})
PLATFORMIO_ARDUINO = frozenset({BuildSystem.PLATFORMIO})
PLATFORMIO_IDF = frozenset({BuildSystem.PLATFORMIO_IDF})
ARDUINO = frozenset({BuildSystem.ARDUINO})
SKETCH = frozenset({BuildSystem.PLATFORMIO, BuildSystem.ARDUINO})
"""What calls ``setup()`` and ``loop()``."""
CMAKE = frozenset({BuildSystem.CMAKE, BuildSystem.CMAKE_ZIG})
OWN_COMPILER = frozenset({BuildSystem.CMAKE})
ZIG = frozenset({BuildSystem.CMAKE_ZIG})


@dataclass(frozen=True, slots=True)
class Hint:
    """What to do about a problem.

    Args:
        pattern: found in a finding's message or evidence; its repeats are bounded.
        text: what to do, in one line.
        systems: the builds that it is said for; empty for all.
    """

    pattern: re.Pattern[str]
    text: str
    systems: frozenset[BuildSystem] = frozenset()

    def fits(self, text: str, system: BuildSystem | None) -> bool:
        """Whether it is for such a problem of such a build; None is any build."""
        if system is not None and self.systems and system not in self.systems:
            return False
        return self.pattern.search(text) is not None
