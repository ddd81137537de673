"""What PlatformIO, arduino-cli, esptool and make print as their last word, as data.

Taken from PlatformIO's ``tools/pioutil``/``pioplatform`` ("size check"), arduino-cli's
``internal/arduino/builder/sizer.go`` and ``internal/cli/compile``, and esptool's ``FatalError``.
"""

from __future__ import annotations

import re

from engine.toolchains.idf_output import Line
from engine.words import Severity

LINES = (
    Line(
        re.compile(
            r".{0,99}?Error: (?P<message>The (?:program|data) size \(\d+ bytes\) is greater than "
            r"maximum allowed \(\d+ bytes\))"
        ),
        "size.error",
    ),
    Line(
        re.compile(
            r".{0,99}?Warning! (?P<message>The (?:program|data) size \(\d+ bytes\) is greater than "
            r"maximum allowed \(\d+ bytes\))"
        ),
        "size.warning",
        Severity.WARNING,
    ),
    Line(
        re.compile(
            r"(?:(?:Error during build|Compilation error): )?"
            r"(?P<message>(?:text|data) section exceeds available space in board)"
        ),
        "size.error",
    ),
    Line(
        re.compile(r"(?:Error during build|Compilation error): (?!exit status )(?P<message>.*)"),
        "arduino.error",
    ),
    Line(
        re.compile(
            r"(?P<message>(?:Error (?:resolving FQBN|opening sketch|initializing instance|loading"
            r"|downloading|reading sketch)|Can't open sketch|Unknown FQBN): .*)"
        ),
        "arduino.error",
    ),
    Line(
        re.compile(
            r"(?P<message>(?:Unknown(?:Package|Platform|Board|Framework)\w{0,20}|Undefined\w{1,40}"
            r"|\w{1,40}(?:Package|Platform|Manifest|Env)\w{0,20}Error|Invalid\w{1,30}Error"
            r"|InternetConnectionError|HTTPClientError): \S.*)"
        ),
        "platformio.error",
    ),
    Line(re.compile(r"A fatal error occurred: (?P<message>.*)"), "esptool.error"),
)
"""The first that fits is taken."""

SKETCH_SIZE = re.compile(
    r"(?:Sketch uses|Global variables use) (?P<used>\d{1,12}) bytes .{0,200}?"
    r"Maximum is (?P<most>\d{1,12}) bytes\."
)
"""What arduino-cli says of sizes before it says that one is too large."""
