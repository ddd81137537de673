"""Hints for what is wrong in the code: what a compiler and a linker say, whoever runs them."""

from __future__ import annotations

import re

from engine.toolchains.hints.hint import Hint

HINTS: tuple[Hint, ...] = (
    Hint(
        re.compile(r"^The data size \(|^data section exceeds available space"),
        "static data is larger than the memory: make buffers smaller, or allocate them when they "
        "are needed",
    ),
    Hint(
        re.compile(r"^[\w.+-]{0,80}(?:gcc|g\+\+|clang): .{1,400}: No such file or directory"),
        "a file that the compiler was given is not there; a folder with a space in its name is cut "
        "at the space: move the project to a path without one",
    ),
    Hint(
        re.compile(r"Partitions tables occupies"),
        "make the partitions smaller, or choose the flash size that the board has",
    ),
    Hint(
        re.compile(r"First partition offset|invalid: Offset 0x"),
        "leave the offset empty, and it is placed behind the partition table at a multiple of "
        "0x1000, an app's of 0x10000",
    ),
    Hint(
        re.compile(r"partitions? (?:is|are) too small for binary"),
        "the program is larger than its partition: enlarge it in the partition table, or take "
        "something out",
    ),
    Hint(
        re.compile(r"^(?:CSV )?Error at line \d"),
        "correct this line of the partition table; an empty offset is filled in automatically",
    ),
    Hint(
        re.compile(r"call target out of range|R_XTENSA_SLOT0_OP"),
        "compile what calls from so far with -mlongcalls; rebuild libraries with it too",
    ),
    Hint(
        re.compile(r"literal target out of range|l32r: "),
        "compile this file with -mtext-section-literals",
    ),
    Hint(
        re.compile(r"relocation truncated to fit"),
        "what is called or read lies too far away: keep both in the same memory, or compile with "
        "-mcmodel=medany (RISC-V) or -mlongcalls (Xtensa)",
    ),
    Hint(
        re.compile(r"^section \S{1,200} [VL]MA .{1,200} overlaps section "),
        "these sections share one memory and together they are too large: move code out of IRAM, "
        "or make static data smaller",
    ),
    Hint(
        re.compile(
            r"ABI is incompatible with that of the selected emulation"
            r"|file class ELFCLASS\d\d incompatible with|[Cc]an't link \S{1,40} modules with"
        ),
        "this library is for another -march or -mabi: GCC takes others where it has none for the "
        "options of the link (gcc -print-multi-lib lists them, such as -march=rv32imc -mabi=ilp32)",
    ),
    Hint(
        re.compile(r"error adding symbols: file in wrong format|incompatible with .{1,99} output"),
        "this library was built for another processor: link the one that is for this chip",
    ),
    Hint(
        re.compile(r"(?:will not fit in|^) ?region [`']iram0\w{0,20}'"),
        "the program is larger than its memory: remove IRAM_ATTR from functions that do not need "
        "it",
    ),
    Hint(
        re.compile(
            r"segment data does not fit|will not fit in region|is not within region"
            r"|discards section |Total discarded sections"
            r"|overflowed by \d|region .{1,99} overflowed"
        ),
        "the program is larger than its memory: remove data or code, or change the linker script",
    ),
    Hint(
        re.compile(r"undefined (reference to|symbol: )"),
        "declared but never defined: add the source file that defines it to the target, or the "
        "library to its link line",
    ),
    Hint(
        re.compile(r"missing and no known rule to make it"),
        "a file that the build needs does not exist, and no rule makes it: add or generate it",
    ),
    Hint(
        re.compile(r"multiple definition of .{1,400}; first defined here: \S{1,400}\.h(?:pp)?:"),
        "a header is in several files: let it declare this `extern` and one source file define it",
    ),
    Hint(
        re.compile(r"multiple definition of|duplicate symbol: "),
        "defined twice: keep one definition and declare it `extern` elsewhere, or make it static",
    ),
    Hint(
        re.compile(r"implicit declaration of function|call to undeclared function"),
        "include the header that declares this function, or correct its name",
    ),
    Hint(
        re.compile(r"unknown type name|undeclared"),
        "include the header that declares this name, or correct its spelling",
    ),
    Hint(
        re.compile(r"skipping incompatible "),
        "this library was built for another processor: link the one that is for this chip",
    ),
    Hint(
        re.compile(r"cannot find linker script|cannot open linker script|cannot find -l"),
        "correct the path in the target's link options",
    ),
)
