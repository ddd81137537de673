"""What PlatformIO, arduino-cli, esptool and make print as their last word, as data.

Taken from PlatformIO's ``tools/pioutil``/``pioplatform`` ("size check"), arduino-cli's
``internal/arduino/builder/sizer.go``, ``internal/cli/compile`` and ``commands/cmderrors``, and
esptool's ``FatalError``. PlatformIO's exceptions: :mod:`engine.toolchains.diagnostics.pio_output`.
"""

from __future__ import annotations

import re

from engine.enums import Severity
from engine.toolchains.diagnostics.idf_output import ProblemLine

LINES = (
    ProblemLine(
        re.compile(
            r".{0,99}?Error: (?P<message>The (?:program|data) size \(\d+ bytes\) is greater than "
            r"maximum allowed \(\d+ bytes\))"
        ),
        "size.error",
    ),
    ProblemLine(
        re.compile(
            r".{0,99}?Warning! (?P<message>The (?:program|data) size \(\d+ bytes\) is greater than "
            r"maximum allowed \(\d+ bytes\))"
        ),
        "size.warning",
        Severity.WARNING,
    ),
    ProblemLine(
        re.compile(
            r"(?:(?:Error during build|Compilation error): )?"
            r"(?P<message>(?:text|data) section exceeds available space in board)"
        ),
        "size.error",
    ),
    ProblemLine(
        re.compile(r"(?:Error during build|Compilation error): (?!exit status )(?P<message>.*)"),
        "arduino.error",
    ),
    ProblemLine(
        re.compile(
            r"(?P<message>(?:Error (?:resolving FQBN|opening sketch|creating instance|loading"
            r"|downloading|reading sketch)|Can't open sketch|(?:Unknown|Invalid) FQBN"
            r"|Profile '[^']{1,100}' not found): .*"
            r"|Missing FQBN \(Fully Qualified Board Name\)"
            r"|Profile '[^']{1,100}' not found|main file missing from sketch: .*"
            r"|no valid sketch found in .*|You cannot use the \S{1,40} flag while compiling .*)"
        ),
        "arduino.error",
    ),
    ProblemLine(
        re.compile(r"(?P<message>Please specify `board` in `platformio\.ini` to use with .*)"),
        "platformio.error",
    ),
    ProblemLine(re.compile(r"A fatal error occurred: (?P<message>.*)"), "esptool.error"),
)
"""The first that fits is taken."""

SKETCH_SIZE = re.compile(
    r"(?:Sketch uses|Global variables use) (?P<used>\d{1,12}) bytes .{0,200}?"
    r"Maximum is (?P<most>\d{1,12}) bytes\."
)
"""What arduino-cli says of sizes before it says that one is too large."""

INSTANCE = re.compile(r"Error initializing instance: (?P<message>\S.*)")
"""What arduino-cli could not load, such as an index or a platform of a profile; it goes on all the
same (``internal/cli/instance/instance.go``), and may fail for want of it."""

WANTS_INSTANCE = re.compile(
    r"Platform '[^']{1,100}' not found|Library '[^']{1,100}' not found|(?:Unknown|Invalid) FQBN"
    r"|Profile '[^']{1,100}' not found"
)
"""What it then fails with."""
