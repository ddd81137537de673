"""Lines of GNU ld, gold and lld, each by itself.

Formats read: GNU ld (``ld/ldmisc.c`` for the places; messages of ``ldmain.c``, ``ldlang.c``,
``ldfile.c``, ``ldexp.c`` and of BFD's back ends), lld's ``>>>`` lines.
"""

from __future__ import annotations

import re

from engine.enums import Severity
from engine.toolchains.diagnostics.diagnostic import Diagnostic, SourcePaths

_LD = re.compile(r"(?:[A-Za-z]:)?(?:[^\s:]{0,400}[/-])?ld(?:\.\w{1,9})?(?:\.exe)?: ?(?=\S)")
# In a library (lib.a(member.o)) or an object file; then in a source file; then in a section.
_PLACE = re.compile(
    r"(?:[^\s:]{1,400}(?:\([^\s()]{1,200}\)|\.(?:o|obj)):\s?)?"
    r"(?:(?P<file>[^\s:()]{1,400})(?::(?P<line>\d{1,7}))?:\s?)?"
    r"(?:\(\.?[^\s()]{1,300}\):\s)?"
)
_KNOWN = re.compile(
    r"undefined reference to |multiple definition of |first defined here|dangerous relocation: "
    r"|relocation truncated to fit: |reloc refers to symbol |error adding symbols: "
    r"|hidden symbol |.{0,200} referenced in section .{0,400}: defined in discarded section "
)
_CONTEXT = re.compile(
    r"in function `|Relocations in generic ELF|DWARF error|skipping incompatible |BFD \(|note[: ]"
    r"|Disabling relaxation|supported (?:targets|emulations): |Please report this bug"
)
_ECHO = re.compile(
    r"more undefined references to |lto-wrapper failed|failed to merge target specific "
    r"|additional relocation overflows omitted"
    r"|final link failed: (?:bad value|nonrepresentable section|symbol needs debug)"
)
_NOT_FITTING = re.compile(
    r"section [`'](?P<section>.{1,200})' (?:will not fit in|is not within) region [`'](.{1,99})'"
)
_ROOM_FOR_CODE = ".dram0.dummy"
"""ESP-IDF's section that leaves room among the data for what the code takes of the same memory."""
_OVERFLOWED = re.compile(r"region [`'](.{1,99})' (overflowed by \d{1,12} bytes?)")
_DISCARDED = re.compile(r"--enable-non-contiguous-regions discards section ")
_DISCARDED_IN_ALL = re.compile(r"Total discarded sections size is \d{1,12} bytes")
_UNDEFINED = re.compile(r"undefined reference to [`'](.{1,400})'$")
_MULTIPLE = re.compile(r"(multiple definition of .{1,400}); (\S{1,400}): (first defined here)$")
_LLD_PLACE = re.compile(r">>> (?:referenced by|defined at) .{1,400}\((.{1,400}):(\d{1,7})\)$")
_SCRIPT = re.compile(r"[^\s:]{1,400}\.(?:ld|lds|lf|in):\d{1,7}: ")
_GENERIC = re.compile(r"Relocations in generic ELF \(EM: (\d{1,5})\)")
_MACHINES = {"94": "Xtensa", "243": "RISC-V", "40": "Arm", "183": "AArch64", "62": "x86-64"}
"""ELF machine numbers (ELF gABI, ``e_machine``) of libraries that come to be linked by mistake."""


class LinkerLines:
    """Reads lines of a linker; what one failed link says of one cause becomes one draft."""

    def __init__(self, paths: SourcePaths) -> None:
        self._paths = paths
        self.forget()

    def forget(self) -> None:
        """Another command begins."""
        self._undefined: dict[str, Diagnostic] = {}
        self._full: dict[str, Diagnostic] = {}
        self._full_of_code: set[str] = set()
        self._machine: str | None = None
        self._multiple: Diagnostic | None = None
        self._discarded: Diagnostic | None = None

    def read(self, line: str) -> Diagnostic | bool:
        """What a line is: a new draft, ``True`` for more on a known one, ``False`` for nothing.

        Context (``in function``) is no part of it: see :meth:`is_context`.
        """
        prefix = _LD.match(line)
        rest = line[prefix.end() :] if prefix else line
        place = _PLACE.match(rest)
        message = (rest[place.end() :] if place else rest).removeprefix("error: ")
        if not prefix and not _KNOWN.match(message):
            return False
        if rest.startswith("warning: "):
            return Diagnostic(Severity.WARNING, "linker.warning", rest.removeprefix("warning: "))
        if place and (".elf: " in rest or not (_KNOWN.match(message) or _SCRIPT.match(rest))):
            place, message = None, rest.removeprefix("error: ")
        if _ECHO.match(message):
            return True
        file = self._paths.shorten(place["file"]) if place and place["file"] else None
        number = int(place["line"]) if place and place["line"] else None
        diagnostic = Diagnostic(
            Severity.ERROR, "linker.error", self._with_first_place(message), file, number
        )
        if message == "first defined here":
            # Before GNU ld 2.33 the other place had a line of its own.
            return self._defined_first(diagnostic, line)
        return self._merged(diagnostic, line)

    def is_context(self, line: str) -> bool:
        """Whether a line only says what the next one is about."""
        prefix = _LD.match(line)
        if not prefix:
            return False
        rest = line[prefix.end() :]
        generic = _GENERIC.search(rest)
        if generic:
            self._machine = _MACHINES.get(generic[1])
        place = _PLACE.match(rest)
        return any(_CONTEXT.match(rest, at) for at in {0, place.end() if place else 0})

    def _with_first_place(self, message: str) -> str:
        match = _MULTIPLE.match(message)
        if not match:
            return message
        place = _PLACE.match(f"{match[2]}: ")
        where = match[2]
        if place and place["file"] and place["line"]:
            where = f"{self._paths.shorten(place['file'])}:{place['line']}"
        return f"{match[1]}; {match[3]}: {where}"

    def _defined_first(self, first: Diagnostic, line: str) -> bool:
        again, self._multiple = self._multiple, None
        if again is not None:
            place = f": {first.file}:{first.line}" if first.file and first.line else ""
            again.message += f"; first defined here{place}"
            again.add(line)
        return again is not None

    def _merged(self, diagnostic: Diagnostic, line: str) -> Diagnostic | bool:
        undefined = _UNDEFINED.match(diagnostic.message)
        if undefined:
            return self._undefined_once(undefined[1], diagnostic, line)
        if _DISCARDED.match(diagnostic.message) or _DISCARDED_IN_ALL.match(diagnostic.message):
            return self._discarded_once(diagnostic, line)
        if diagnostic.message.startswith("multiple definition of "):
            self._multiple = diagnostic
        section = _NOT_FITTING.search(diagnostic.message)
        if section:
            return self._not_fitting(section["section"], section[2], diagnostic, line)
        region = _OVERFLOWED.match(diagnostic.message)
        if region and region[1] in self._full:
            full = self._full[region[1]]
            if not full.message.endswith(region[2]) and region[1] not in self._full_of_code:
                full.message += f": {region[2]}"
            full.add(line)
            return True
        if self._full and diagnostic.message.rstrip(".").endswith("does not fit"):
            # ESP-IDF's linker scripts assert what the region's own check says with numbers.
            next(iter(self._full.values())).add(line)
            return True
        if diagnostic.message.startswith("error adding symbols: file in wrong format"):
            machine = f"for {self._machine}" if self._machine else "for another kind of processor"
            diagnostic.hint = f"this file was built {machine}: link the one that is for this chip"
        return diagnostic

    def _not_fitting(
        self, section: str, region: str, diagnostic: Diagnostic, line: str
    ) -> Diagnostic | bool:
        if section == _ROOM_FOR_CODE and self._full:
            # The code has been told by the region of its own.
            self._full[region] = next(iter(self._full.values()))
            self._full[region].add(line)
            self._full_of_code.add(region)
            return True
        self._full[region] = diagnostic
        self._full_of_code.discard(region)
        return diagnostic

    def _discarded_once(self, diagnostic: Diagnostic, line: str) -> Diagnostic | bool:
        """ESP32-P4 spreads sections over two memories: hundreds are named when both are full."""
        if self._discarded is None:
            self._discarded = diagnostic
            return diagnostic
        if _DISCARDED_IN_ALL.match(diagnostic.message):
            self._discarded.message += f". {diagnostic.message}"
        self._discarded.add(line)
        return True

    def _undefined_once(self, name: str, diagnostic: Diagnostic, line: str) -> Diagnostic | bool:
        """A reference is told where the source is named; Xtensa's literals repeat it without."""
        known = self._undefined.get(name)
        if known is None:
            self._undefined[name] = diagnostic
            return diagnostic
        if diagnostic.line is None:
            known.add(line)
            return True
        if known.line is None:
            known.file, known.line = diagnostic.file, diagnostic.line
            known.add(line)
            return True
        return diagnostic


def lld_place(line: str) -> tuple[str, int] | None:
    """The file and line that lld names below its message."""
    match = _LLD_PLACE.match(line)
    return (match[1], int(match[2])) if match else None
