"""Collects the problems of a build: duplicates folded, bounded, hints given at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.enums import Severity
from engine.toolchains.diagnostics.diagnostic import Diagnostic
from engine.toolchains.diagnostics.idf_output import ProblemLine

MAX_FINDINGS = 200
"""Findings that one text gives at most; the rest is a cascade that nobody reads."""

MAX_MESSAGE_CHARACTERS = 400
INSTANCE_CODE = "arduino.instance"
"""Code of a platform or library index that arduino-cli could not load."""

_MAX_HINTS = 32


class DiagnosticCollector:
    """The problems of one output, in the order in which they came.

    At most :data:`MAX_FINDINGS` errors and as many warnings are kept, the others only counted.
    """

    def __init__(self) -> None:
        self.kept: Counter[Severity] = Counter()
        """How many of each severity are kept."""
        self.messages: set[str] = set()
        """Every message that was kept."""
        self._found: dict[tuple[object, ...], Diagnostic] = {}
        self._beyond: set[int] = set()
        self._hints: dict[str, int] = {}

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found.values())

    @property
    def left_out(self) -> int:
        """How many errors and warnings were seen and not kept."""
        return len(self._beyond)

    def add(self, diagnostic: Diagnostic) -> Diagnostic:
        """Keep a problem, unless it is known or there are too many.

        Returns:
            What takes the lines that follow as evidence. For a problem that is not kept it is one
            that nobody sees: as another file includes the same header, its evidence is there.
        """
        key = diagnostic.key
        if key not in self._found and self.kept[diagnostic.severity] < MAX_FINDINGS:
            self._found[key] = diagnostic
            self.messages.add(diagnostic.message)
            self.kept[diagnostic.severity] += 1
            return diagnostic
        if key not in self._found:
            self._beyond.add(hash(key))
        return Diagnostic(diagnostic.severity, diagnostic.code, diagnostic.message)

    def move(self, diagnostic: Diagnostic, place: Diagnostic) -> None:
        """Give a problem another place; what is the same then is folded."""
        known = self._found.get(diagnostic.key) is diagnostic
        if known:
            del self._found[diagnostic.key]
        diagnostic.file, diagnostic.line, diagnostic.column = place.file, place.line, place.column
        if known and diagnostic.key in self._found:
            self.kept[diagnostic.severity] -= 1
        elif known:
            self._found[diagnostic.key] = diagnostic

    def remove_placeless(self, known: ProblemLine, message: str, line: str | None) -> None:
        """Remove a problem without a file, which is told again with its file."""
        number = int(line) if line else None
        message = message.strip()[:MAX_MESSAGE_CHARACTERS]
        if self._found.pop((known.severity, known.code, message, None, number, None), None):
            self.kept[known.severity] -= 1

    def settle_instance(self) -> None:
        """Make what arduino-cli could not load warnings where it went on to another error."""
        errors = [each for each in self if each.severity is Severity.ERROR]
        if any(each.code != INSTANCE_CODE for each in errors):
            for diagnostic in errors:
                if diagnostic.code == INSTANCE_CODE:
                    diagnostic.severity = Severity.WARNING
                    self.kept[Severity.ERROR] -= 1

    def note_hint(self, hint: str) -> None:
        """Keep a hint that ``idf.py`` prints once, behind the errors that it is about."""
        if hint and (hint in self._hints or len(self._hints) < _MAX_HINTS):
            self._hints[hint] = self.kept[Severity.ERROR]

    def give_hints(self) -> None:
        """Add the hints of ``idf.py`` to the errors before each."""
        errors = [each for each in self if each.severity is Severity.ERROR]
        for index, diagnostic in enumerate(errors):
            for hint, before in self._hints.items():
                # The component manager explains first: then it is about the first error.
                if index < max(1, before) and len(diagnostic.hint or "") < MAX_MESSAGE_CHARACTERS:
                    diagnostic.hint = f"{diagnostic.hint} {hint}" if diagnostic.hint else hint
