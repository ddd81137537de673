"""What compilers, linkers, CMake, ninja and idf.py print, as findings.

Formats read: GCC and clang diagnostics (GCC manual, "Diagnostic Message Formatting Options";
clang manual, "Formatting of Diagnostics"), GNU ld and ld.lld errors, the message blocks of CMake's
``message()``, ninja's ``FAILED:`` and the hints that ``idf.py`` adds at the end. Everything in the
text is untrusted: a line costs linear time, and what is kept of it is bounded.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.findings import Finding
from engine.text import clean
from engine.toolchains import idf_output
from engine.toolchains.hints import hint_for
from engine.words import Severity

MAX_FINDINGS = 200
"""Findings that one text gives at most; the rest is a cascade that nobody reads."""

_MAX_LINE = 2000
_MAX_EVIDENCE = 24
_MAX_EVIDENCE_LINE = 300
_MAX_MESSAGE = 400
_MAX_HINTS = 32

_LOCATED = re.compile(
    r"(?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?::(?P<column>\d{1,7}))?: "
    r"(?P<kind>fatal error|error|warning|note): (?P<message>.*)"
)
_CONTEXT = re.compile(
    r"(In file included from |\s+from |\S.{0,400}: [Ii]n function |\S.{0,400}: At top)"
)
_SNIPPET = re.compile(r"(\s*\d* \||\.{3,}$|\s+[\^~]|>>> )")
_FLAG = re.compile(r" \[(?:-Werror,|-Werror=)?(?:-W)?([\w+=-]{1,60})\]$")
_BARE = re.compile(r"(?:([\w.+/-]{1,200}): )?(?:fatal )?(error|warning): (.*)")
_GNU_LD_PLACE = re.compile(
    r"(?:\S{0,300}\bld(?:\.\w{1,9})?: )?(?:\S{1,300}\(\.\S{1,200}\): )?"
    r"(?:(?P<file>[^:\s]{1,400}):(?:(?P<line>\d{1,7})|\(\S{1,200}\)): )"
    r"(?P<message>(?:undefined reference to|multiple definition of) .*)"
)
_GNU_LD = re.compile(
    r"\S{0,300}\bld(?:\.\w{1,9})?: (?P<message>.*(?:"
    r"will not fit in region|overflowed by \d|undefined reference to|multiple definition of|"
    r"cannot (?:find|open)|syntax error|No such file).*)"
)
_LLD_PLACE = re.compile(r">>> (?:referenced by|defined at) .{1,400}\((.{1,400}):(\d{1,7})\)$")
_CMAKE = re.compile(
    r"CMake (?P<kind>Error|Warning|Deprecation Warning)(?: \(dev\))?"
    r"(?: at (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7})(?: \((?P<command>[\w:]{1,80})\))?"
    r"| in (?P<in>[^:\n]{1,400}))?:(?P<message>.*)"
)
_CMAKE_CALL = re.compile(r"  (?P<file>[^:\n]{1,400}):(?P<line>\d{1,7}) \(\w{1,80}\)$")
_IDF_HINT = re.compile(r"HINT: (.*)|(Compilation failed because .*)")
_FAILED = re.compile(r"FAILED: (?:\[code=\d+\] )?(?P<message>\S.*)")
_NINJA = re.compile(r"ninja: (?:error|fatal): (?P<message>.*)")

# They follow an error that was said already.
_ECHO = re.compile(
    r"ld returned \d+ exit status|some warnings being treated as errors|linker command failed|"
    r"too many errors emitted|\d+ errors? generated"
)


@dataclass(slots=True)
class _Draft:
    """A finding whose evidence is still coming in."""

    severity: Severity
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    evidence: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        if len(self.evidence) < _MAX_EVIDENCE:
            self.evidence.append(line[:_MAX_EVIDENCE_LINE])

    @property
    def key(self) -> tuple[object, ...]:
        return (self.severity, self.code, self.message, self.file, self.line, self.column)


def parse(text: str, *, root: Path, project: Path | None = None) -> tuple[Finding, ...]:
    """Read what the tools of a build printed.

    Args:
        text: their output, standard output and error merged in the order in which they came.
        root: root of the source tree, absolute; paths inside it become relative to it.
        project: folder of CMake's project in it, where its own messages begin their paths.

    Returns:
        Errors first, then warnings, each in the order in which it came, duplicates folded, at most
        :data:`MAX_FINDINGS` and one more that says how many were left out.
    """
    reader = _Reader(_Paths(root, project or root))
    lines = [clean(line[:_MAX_LINE]) for line in text.split("\n")]
    reader.read([line.rstrip("\r") for line in lines])
    drafts = sorted(reader.found.values(), key=lambda draft: draft.severity is not Severity.ERROR)
    findings = [_finish(draft) for draft in drafts[:MAX_FINDINGS]]
    left_out = len(drafts) - len(findings) + reader.left_out
    if left_out:
        more = f"{left_out} more errors and warnings in the log"
        findings.append(Finding(Severity.INFO, "diagnostics.more", more))
    return tuple(findings)


class _Paths:
    """Makes paths relative to the source tree, by their text alone."""

    def __init__(self, root: Path, project: Path) -> None:
        self._project = project
        self._roots = {f"{root}{os.sep}", f"{os.path.realpath(root)}{os.sep}"}

    def shorten(self, path: str) -> str:
        if not path.startswith(os.sep):
            return path
        path = os.path.normpath(path)
        for root in self._roots:
            if path.startswith(root):
                return path[len(root) :]
        return path

    def of_cmake(self, path: str) -> str:
        """A path as CMake says it, from the folder of its project."""
        return self.shorten(os.path.normpath(self._project / path))

    def inside(self, path: str) -> bool:
        short = self.of_cmake(path)
        return not short.startswith((os.sep, ".."))


class _Reader:
    """Goes over the lines once; ``found`` is what it saw, by what makes a finding the same.

    At most :data:`MAX_FINDINGS` errors and as many warnings are kept, the others only counted.
    """

    def __init__(self, paths: _Paths) -> None:
        self.found: dict[tuple[object, ...], _Draft] = {}
        self._paths = paths
        self._kept: Counter[Severity] = Counter()
        self._beyond: set[int] = set()
        self._hints: dict[str, int] = {}
        self._last: _Draft | None = None
        self._context: list[str] = []
        self._failed: list[_Draft] = []
        self._goes_on: re.Pattern[str] | None = None
        self._readers: tuple[Callable[[str], bool], ...] = (
            self._located,
            self._continued,
            self._linker,
            self._ninja,
            self._idf,
            self._bare,
        )

    @property
    def left_out(self) -> int:
        """How many errors and warnings were seen and not kept."""
        return len(self._beyond)

    def read(self, lines: Sequence[str]) -> None:
        """Read every line."""
        index = 0
        while index < len(lines):
            block = _cmake_block(lines, index) if lines[index].startswith("CMake ") else 0
            if block:
                self._cmake(lines[index : index + block])
                index += block
                continue
            if lines[index] and not any(reader(lines[index]) for reader in self._readers):
                self._last = None
                self._context.clear()
            index += 1
        self._give_hints()
        if not self._kept[Severity.ERROR]:
            for draft in self._failed:
                self._keep(draft)

    def _keep(self, draft: _Draft) -> None:
        draft.message = draft.message.strip()[:_MAX_MESSAGE]
        for line in self._context:
            draft.add(line)
        self._context.clear()
        key = draft.key
        if key not in self.found and self._kept[draft.severity] < MAX_FINDINGS:
            self.found[key] = self._last = draft
            self._kept[draft.severity] += 1
            return
        if key not in self.found:
            self._beyond.add(hash(key))
        # What follows belongs to it. When it is the same again, as another file includes the same
        # header, its evidence is there.
        self._last = _Draft(draft.severity, draft.code, draft.message)

    def _located(self, line: str) -> bool:
        match = _LOCATED.match(line, idf_output.after_prefix(line))
        if match is None:
            if _CONTEXT.match(line) and len(self._context) < _MAX_EVIDENCE:
                self._context.append(line)
                return True
            return False
        if match["kind"] == "note":
            if self._last is not None:
                self._last.add(line)
            return True
        severity = Severity.WARNING if match["kind"] == "warning" else Severity.ERROR
        message, code = match["message"], f"compiler.{severity}"
        if Path(match["file"]).name.startswith("Kconfig"):
            code = f"kconfig.{severity}"
        flag = _FLAG.search(message)
        if flag:
            message, code = message[: flag.start()], f"-W{flag[1]}"
        draft = _Draft(
            severity,
            code,
            message,
            self._paths.shorten(match["file"]),
            int(match["line"]),
            int(match["column"]) if match["column"] else None,
        )
        self._keep(draft)
        if self._last is draft:
            draft.add(line)
        return True

    def _continued(self, line: str) -> bool:
        if self._last is None or not _SNIPPET.match(line):
            return False
        self._last.add(line)
        place = _LLD_PLACE.match(line)
        if place and self._last.file is None:
            self._last.file, self._last.line = self._paths.shorten(place[1]), int(place[2])
        return True

    def _linker(self, line: str) -> bool:
        match = _GNU_LD_PLACE.match(line)
        if match:
            number = int(match["line"]) if match["line"] else None
            file = self._paths.shorten(match["file"])
            draft = _Draft(Severity.ERROR, "linker.error", match["message"], file, number)
        else:
            match = _GNU_LD.match(line)
            if match is None:
                return False
            message = match["message"].removeprefix("error: ")
            draft = _Draft(Severity.ERROR, "linker.error", message)
        self._keep(draft)
        draft.add(line)
        return True

    def _bare(self, line: str) -> bool:
        match = _BARE.match(line)
        if match is None or _ECHO.search(line):
            return False
        tool, kind, message = match.groups()
        severity = Severity.WARNING if kind == "warning" else Severity.ERROR
        linker = tool is not None and tool.rpartition("/")[2].removesuffix(".lld").endswith("ld")
        draft = _Draft(severity, f"{'linker' if linker else 'compiler'}.{severity}", message)
        self._keep(draft)
        draft.add(line)
        return True

    def _ninja(self, line: str) -> bool:
        failed = _FAILED.match(line)
        if failed:
            draft = _Draft(Severity.ERROR, "ninja.failed", f"{failed['message'].strip()}: failed")
            self._fail(draft)
            self._last = draft
            return True
        match = _NINJA.match(line)
        if match:
            self._fail(_Draft(Severity.ERROR, "ninja.error", match["message"]))
            return True
        if self._last is not None and self._last in self._failed[-1:]:
            self._last.add(line)  # What the command printed that failed.
        return False

    def _fail(self, draft: _Draft) -> None:
        if len(self._failed) < MAX_FINDINGS:
            self._failed.append(draft)

    def _idf(self, line: str) -> bool:
        hint = _IDF_HINT.match(line)
        if hint:
            self._note_hint((hint[1] or hint[2] or "").strip())
            return True
        if line.startswith("To fix this, "):
            self._note_hint(line)
            return True
        if self._goes_on is not None and self._last is not None and self._goes_on.match(line):
            self._last.add(line)
            if self._last.file is None and idf_output.IS_PATH.match(line):
                self._last.file = self._paths.shorten(line.strip())
            return True
        self._goes_on = None
        found = idf_output.problem(line)
        if found is None:
            return False
        known, match = found
        place = match.groupdict()
        if not place.get("file"):
            at = idf_output.DEFINED_AT.search(match["message"])
            place = at.groupdict() if at else {}
        draft = _Draft(
            known.severity,
            known.code,
            match["message"],
            self._paths.shorten(place["file"]) if place.get("file") else None,
            int(place["line"]) if place.get("line") else None,
        )
        self._keep(draft)
        draft.add(line)
        self._goes_on = known.goes_on
        return True

    def _note_hint(self, hint: str) -> None:
        """``idf.py`` explains at the end, once: what it says is about the errors before."""
        if hint and (hint in self._hints or len(self._hints) < _MAX_HINTS):
            self._hints[hint] = self._kept[Severity.ERROR]

    def _give_hints(self) -> None:
        errors = [draft for draft in self.found.values() if draft.severity is Severity.ERROR]
        for index, draft in enumerate(errors):
            for hint, before in self._hints.items():
                # The component manager explains first: then it is about the first error.
                if index < max(1, before) and len(draft.hint or "") < _MAX_MESSAGE:
                    draft.hint = f"{draft.hint} {hint}" if draft.hint else hint

    def _cmake(self, block: Sequence[str]) -> None:
        block = _innermost(block)
        head = _CMAKE.match(block[0])
        assert head is not None
        severity = Severity.ERROR if head["kind"] == "Error" else Severity.WARNING
        words = [head["message"].strip()]
        places = [(head["file"] or head["in"], head["line"])] if head["file"] or head["in"] else []
        in_calls = False
        for line in block[1:]:
            call = _CMAKE_CALL.match(line) if in_calls else None
            in_calls = in_calls or line.startswith("Call Stack")
            if call:
                places.append((call["file"], call["line"]))
            elif not in_calls:
                words.append(line.strip())
        # A library's macro complains, the project's call is what a person can change.
        mine = [place for place in places if self._paths.inside(place[0])]
        file, number = (mine or places or [(None, None)])[0]
        message, code = " ".join(word for word in words if word), f"cmake.{severity}"
        if message.startswith(idf_output.MANAGER):
            # Where CMake ran the component manager says nothing.
            message, code = message.removeprefix(idf_output.MANAGER), f"component.{severity}"
            file = number = None
        draft = _Draft(
            severity,
            code,
            message,
            self._paths.of_cmake(file) if file else None,
            int(number) if number else None,
        )
        if idf_output.CASCADE.search(message):
            self._fail(draft)
        else:
            self._keep(draft)
        for line in block:
            draft.add(line)


def _innermost(block: Sequence[str]) -> Sequence[str]:
    """The error of another CMake that a message quotes, indented; else the message itself."""
    for index, line in enumerate(block[1:], 1):
        if line.startswith("  CMake Error at "):
            quoted = [each.removeprefix("  ") for each in block[index:]]
            if _CMAKE.match(quoted[0]):
                return quoted
    return block


def _cmake_block(lines: Sequence[str], start: int) -> int:
    """How many lines a CMake message takes, 0 when this is none (cmake-developer: ``message``)."""
    if not _CMAKE.match(lines[start]):
        return 0
    end = start + 1
    while end < len(lines) and (
        not lines[end] or lines[end].startswith(("  ", "Call Stack", "CMake Generate step failed"))
    ):
        end += 1
    return end - start


def _finish(draft: _Draft) -> Finding:
    evidence = "\n".join(_trimmed(draft.evidence)) or None
    return Finding(
        severity=draft.severity,
        code=draft.code,
        message=draft.message or draft.code,
        file=draft.file,
        line=draft.line,
        column=draft.column,
        hint=draft.hint or hint_for(f"{draft.message}\n{evidence or ''}"),
        evidence=evidence,
    )


def _trimmed(lines: Sequence[str]) -> Iterator[str]:
    last = max((index for index, line in enumerate(lines) if line.strip()), default=-1)
    yield from (line.rstrip() for line in lines[: last + 1])
