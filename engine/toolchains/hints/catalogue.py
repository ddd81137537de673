"""What a person might do about well-known build errors.

The hints themselves are data, in tables by what they are about: the machine, ESP-IDF, PlatformIO
and Arduino, plain CMake, the code. A hint that names one build system's files or commands is given
only for builds of that system.
"""

from __future__ import annotations

from engine.toolchains.hints import cmake, code, host, idf, platformio_arduino
from engine.toolchains.hints.hint import BuildSystem, Hint

HINTS: tuple[Hint, ...] = (
    *host.FIRST,
    *idf.HINTS,
    *host.NETWORK,
    *platformio_arduino.HINTS,
    *cmake.HINTS,
    *host.HINTS,
    *code.HINTS,
)
"""The first that fits is taken."""


def hint_for(text: str, system: BuildSystem | None = None) -> str | None:
    """The hint for a problem, None when it is not a well-known one.

    Args:
        text: the finding's message, and its evidence behind it.
        system: what the build was done with; None where nobody knows, which rules out none.
    """
    return next((each.text for each in HINTS if each.fits(text, system)), None)
