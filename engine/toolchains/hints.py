"""What a person might do about well-known build errors, as data."""

from __future__ import annotations

import re

HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"No space left on device|\bENOSPC\b|NoSpaceLeft"),
        "the disk is full: make room where the workspace is",
    ),
    (
        re.compile(r"is not a full path and was not found in the PATH|compiler .{0,99}not found"),
        "the chip's compiler is not installed: run $IDF_PATH/install.sh for this chip, then "
        "source $IDF_PATH/export.sh before starting espdeck",
    ),
    (
        re.compile(r"Failed to resolve component '"),
        "no component has this name: correct it in REQUIRES, or add it to idf_component.yml",
    ),
    (
        re.compile(r"No such file or directory|file not found"),
        "correct the include path, or add the component that has this header to REQUIRES",
    ),
    (
        re.compile(r"Cannot find source file"),
        "CMakeLists.txt names a source file that is not there: add the file or correct its name",
    ),
    (
        re.compile(r"CMakeLists\.txt not found|does not contain a CMakeLists\.txt"),
        "add a CMakeLists.txt at the root of the repository",
    ),
    (
        re.compile(r"is not one of 'esp32|Invalid value for '\{esp32|[Uu]nsupported target"),
        "choose a chip that this project and this ESP-IDF can build for",
    ),
    (
        re.compile(r"will not fit in region|overflowed by \d|region .{1,99} overflowed"),
        "the program is larger than its memory: remove data or code, or change the linker script",
    ),
    (
        re.compile(r"undefined (reference to|symbol: )"),
        "declared but never defined: add the source file that defines it to the target, or the "
        "library to its link line",
    ),
    (
        re.compile(r"multiple definition of|duplicate symbol: "),
        "defined twice: keep one definition and declare it `extern` elsewhere, or make it static",
    ),
    (
        re.compile(r"implicit declaration of function|call to undeclared function"),
        "include the header that declares this function, or correct its name",
    ),
    (
        re.compile(r"unknown type name|undeclared"),
        "include the header that declares this name, or correct its spelling",
    ),
    (
        re.compile(r"cannot find linker script|cannot open linker script|cannot find -l"),
        "correct the path in the target's link options",
    ),
    (
        re.compile(r"IDF_PATH|project\.cmake"),
        "set IDF_PATH to the folder of ESP-IDF, or source its export.sh",
    ),
)
"""Pattern in a finding's message or evidence, and what to do; the first that fits is taken."""


def hint_for(text: str) -> str | None:
    """The hint for a message, None when it is not a well-known one."""
    return next((hint for pattern, hint in HINTS if pattern.search(text)), None)
