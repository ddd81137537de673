"""The rules, as data, and what each does.

Messages read: those of GCC and clang, in C and C++ (quotes plain or typographic).
"""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.findings import Finding
from engine.repair.headers import FREESTANDING, HEADERS, STANDARD
from engine.repair.sources import Sources, TextEdit
from engine.source.c_source import ends_of, offset_of
from engine.toolchains.cmake_project_kind import ProjectKind, kind_of_text

_NAME = r"['‘`](?P<name>[A-Za-z_]\w{0,127})['’]"
_UNDECLARED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"use of undeclared identifier {_NAME}",
        rf"unknown type name {_NAME}",
        rf"call to undeclared (?:library )?function {_NAME}",
        rf"implicit declaration of function {_NAME}",
        rf"implicitly declaring library function {_NAME}",
        rf"{_NAME} undeclared",
        rf"{_NAME} was not declared in this scope",
        rf"{_NAME} does not name a type",
    )
)
_NO_MEMBER = re.compile(rf"no member named {_NAME}")
_MEANT = re.compile(r"did you mean ['‘`](?P<meant>[A-Za-z_]\w{0,127})['’]\?")
_SEMICOLON = re.compile(r"expected (?:['‘`],['’] or )?['‘`];['’] (?:after|at end of|before)")
_REQUIRES = re.compile(
    r"add (?P<component>[\w-]{1,80}) to (?P<list>PRIV_REQUIRES|REQUIRES) list of "
    r"idf_component_register call in (?P<file>\S{1,400}CMakeLists\.txt)"
)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w+)[ \t]*(\w*)", re.M)
_REGISTER = re.compile(r"\bidf_component_register[ \t\r\n]*\(([^)]*)(?:(\))|\Z)")
_WORD = re.compile(r"[A-Za-z_]\w*")

_MIN_SIMILARITY = 0.75
"""How alike two names must be (:class:`difflib.SequenceMatcher`) to be one misspelled."""

_MIN_LEAD = 0.08
"""By how much the nearest name must beat the next one."""

_MAX_NAMES = 5000
_MAX_COMPARED = 20
_MAX_GUESSED_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of repair.

    Args:
        name: stable, for logs.
        edits: what it would change for these errors, nothing when it does not fit.
    """

    name: str
    edits: Callable[[Sequence[Finding], Sources], Iterator[TextEdit]]


def _undeclared(finding: Finding) -> str | None:
    for pattern in _UNDECLARED:
        match = pattern.search(finding.message)
        if match:
            return match["name"]
    return None


def _known_headers(findings: Sequence[Finding], sources: Sources) -> Iterator[TextEdit]:
    for finding in findings:
        name = _undeclared(finding)
        text = sources.read(finding.file) if finding.file else None
        if name is None or text is None or finding.file is None:
            continue
        headers = [each for each in HEADERS.get(name, ()) if _is_to_be_had(each, sources)]
        if headers and headers[-1] == HEADERS[name][-1]:
            yield from _include(finding.file, sources, headers)


def _is_to_be_had(header: str, sources: Sources) -> bool:
    """Whether including it can work: bare-metal compilers come without a C library."""
    if (
        header in FREESTANDING
        or kind_of_text(sources.read("CMakeLists.txt") or "") is ProjectKind.APP
    ):
        return True
    return header in sources.included


def _own_headers(findings: Sequence[Finding], sources: Sources) -> Iterator[TextEdit]:
    """A function that exactly one header of the project declares."""
    for finding in findings:
        name = _undeclared(finding)
        text = sources.read(finding.file) if finding.file else None
        if name is None or text is None or finding.file is None:
            continue
        found = [file for file in sources.declaring.get(name, ()) if file != finding.file]
        if len(found) == 1:
            header = sources.spelling(found[0])
            yield from _include(finding.file, sources, [header], own=True)


def _include(
    file: str, sources: Sources, headers: Sequence[str], *, own: bool = False
) -> Iterator[TextEdit]:
    text = sources.read(file) or ""
    there = {include.header for include in sources.includes(file)}
    wanted = [header for header in headers if header not in there]
    for header in wanted:
        quoted = f"<{header}>" if header in STANDARD and not own else f'"{header}"'
        at = _place_for_include(file, sources, system=quoted.startswith("<"))
        end = "\r\n" if "\r\n" in text else "\n"
        start = end if at == len(text) and text and not text.endswith("\n") else ""
        yield TextEdit(file, at, at, f"{start}#include {quoted}{end}", f"include {quoted}")


def _place_for_include(file: str, sources: Sources, *, system: bool) -> int:
    """After the last include of its kind that no condition guards, else before all code."""
    code = sources.code(file)
    includes = {include.start: include for include in sources.includes(file)}
    depth = guard = 0
    directives = list(_DIRECTIVE.finditer(code))
    if len(directives) > 1 and directives[0][1] == "ifndef" and directives[1][1] == "define":
        guard = int(directives[0][2] == directives[1][2])
    after: dict[bool, int] = {}
    first: int | None = None
    for directive in directives:
        word = directive[1]
        depth += word.startswith("if") - (word == "endif")
        include = includes.get(directive.start()) if word == "include" else None
        if include and depth == guard:
            first = directive.start() if first is None else first
            after[include.system] = _next_line(code, include.end)
    found = after.get(True, first) if system else after.get(False, after.get(True))
    if found is not None:
        return found
    if guard:
        return _next_line(code, directives[1].end())
    pragma = next((each for each in directives if each[1] == "pragma" and each[2] == "once"), None)
    if pragma is not None:
        return _next_line(code, pragma.end())
    code_starts = len(code) - len(code.lstrip())
    return code.rfind("\n", 0, code_starts) + 1


def _next_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _semicolons(findings: Sequence[Finding], sources: Sources) -> Iterator[TextEdit]:
    """A semicolon after the token before the place that the compiler names.

    clang names the end of that token; GCC names it too, or the start of the next one.
    """
    # A name that is not known makes a semicolon seem to be missing after it.
    unknown = {(each.file, each.line) for each in findings if _undeclared(each)}
    for finding in findings:
        text = sources.read(finding.file) if finding.file else None
        if text is None or finding.file is None or not _SEMICOLON.search(finding.message):
            continue
        if (finding.file, finding.line) in unknown:
            continue
        offset = offset_of(text, finding.line, finding.column)
        if offset is None:
            continue
        code = sources.code(finding.file)
        at = len(code[:offset].rstrip())
        line = code[code.rfind("\n", 0, at) + 1 : at]
        if line and not line.lstrip().startswith("#") and line[-1] not in ";{}\\,(":
            yield TextEdit(
                finding.file, at, at, ";", f"add the missing ; in line {_line(text, at)}"
            )


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _misspelled(findings: Sequence[Finding], sources: Sources) -> Iterator[TextEdit]:
    """A name that is not declared, where the compiler, the file or its headers have a near one."""
    unknown = {name for each in findings if (name := _undeclared(each))}
    for finding in findings:
        member = _NO_MEMBER.search(finding.message)
        name = member["name"] if member else _undeclared(finding)
        text = sources.read(finding.file) if finding.file else None
        if name is None or text is None or finding.file is None:
            continue
        code = sources.code(finding.file)
        meant = _MEANT.search(finding.message)
        right = meant["meant"] if meant else None
        if right is None:
            right = _nearest(name, _names((code, *_included(finding.file, sources))) - unknown)
        if right is not None and right != name:
            yield from _rename(finding, text, code, name, right)


def _included(file: str, sources: Sources) -> Iterator[str]:
    """Code of the project's own headers that a file includes, without theirs in turn."""
    wanted = {each.path for each in sources.includes(file) if not each.system}
    for header in sources.c_files:
        if any(end in wanted for end in ends_of(header)):
            yield sources.code(header)


def _names(codes: Iterable[str]) -> set[str]:
    names: set[str] = set()
    for code in codes:
        for match in _WORD.finditer(code):
            names.add(match[0])
            if len(names) >= _MAX_NAMES:
                return names
    return names


def _nearest(name: str, names: set[str]) -> str | None:
    if not 2 < len(name) <= _MAX_GUESSED_CHARACTERS:
        return None
    close = difflib.get_close_matches(name, _likely(name, names), n=2, cutoff=_MIN_SIMILARITY)
    if len(close) == 2:
        first, second = (difflib.SequenceMatcher(None, each, name).ratio() for each in close)
        if first - second < _MIN_LEAD:
            return None
    return close[0] if close else None


def _likely(name: str, names: set[str]) -> list[str]:
    """The few names that may be near it: to compare two takes the square of their length."""
    matcher = difflib.SequenceMatcher(None, b=name)
    bounds = []
    for each in names - {name}:
        matcher.set_seq1(each)
        if matcher.real_quick_ratio() >= _MIN_SIMILARITY:
            bounds.append((matcher.quick_ratio(), each))
    return [each for _bound, each in heapq.nlargest(_MAX_COMPARED, bounds)]


def _rename(finding: Finding, text: str, code: str, name: str, right: str) -> Iterator[TextEdit]:
    """At the place, and in the rest of that function: GCC reports a name once a function."""
    assert finding.file is not None
    start = offset_of(text, finding.line, 1)
    if start is None:
        return
    end = code.find("\n}", start)
    for match in re.compile(rf"\b{name}\b").finditer(code, start, len(code) if end < 0 else end):
        yield TextEdit(
            finding.file, match.start(), match.end(), right, f"{name} is spelled {right}"
        )


def _requires(findings: Sequence[Finding], sources: Sources) -> Iterator[TextEdit]:
    """What ``idf.py`` itself says to add (ESP-IDF, ``tools/idf_py_actions/hint_modules``)."""
    for finding in findings:
        match = _REQUIRES.search(finding.hint or "")
        file = sources.relative(match["file"]) if match else ""
        text = sources.read(file) if match else None
        if match is None or text is None:
            continue
        call = _REGISTER.search(text)
        if call is None or call[2] is None or re.search(rf"\b{match['component']}\b", call[1]):
            continue
        keyword = re.search(rf"\b{match['list']}\b", call[1])
        at = call.start(1) + keyword.end() if keyword else call.end(1)
        added = f" {match['component']}" if keyword else f" {match['list']} {match['component']}"
        yield TextEdit(file, at, at, added, f"add {match['component']} to {match['list']}")


RULES: tuple[Rule, ...] = (
    Rule("missing-requires", _requires),
    Rule("missing-include", _known_headers),
    Rule("missing-own-include", _own_headers),
    Rule("missing-semicolon", _semicolons),
    Rule("misspelled-name", _misspelled),
)
"""In the order in which they are tried: the ones first whose errors make others follow."""
