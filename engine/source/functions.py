"""Functions of a source file: where each begins and ends.

C, C++, Arduino and Rust are read by their braces, after comments and strings are masked; Python by
its own parser. Each branch of an ``#if`` begins with the braces that were open before it, as for
ctags, so that a brace which stands in several branches is counted once. Nothing is compiled: a
macro that hides a brace hides a function.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath

from engine.source.c_source import C_SUFFIXES, masked

_BRACED = (C_SUFFIXES - {".s"}) | {".ino", ".pde", ".inl", ".ipp", ".tpp"}
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)(?:\\\r?\n|[^\n])*", re.MULTILINE)
_MARKS = re.compile(f"{_DIRECTIVE.pattern}|[{{}};]", re.MULTILINE)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\([^)]{0,200}\)\)|\[\[[^\]]{0,200}\]\]")
_CONTAINER = re.compile(
    r"\s*(?:template\s*<[^{;]{0,300}>\s*)?(?:typedef\s+|static\s+|const\s+|inline\s+)*"
    r"(?:namespace|class|struct|union|enum|extern)\b[^(=]*\Z"
)
_LABELS = re.compile(r"\A(?:\s|(?:public|private|protected|signals)\s*:(?!:))*")
_SOLID = re.compile(r"\S")
_RUST_CONTAINER = re.compile(
    r"(?:\s|#!?\[[^\]\n]{0,200}\])*(?:pub(?:\([^)]{0,40}\))?\s+)?(?:unsafe\s+|default\s+)*"
    r"(?:impl|mod|trait|extern)\b"
)
_RUST_FUNCTION = re.compile(r"\bfn\s+([A-Za-z_]\w*)")
_RUST_LENGTH = re.compile(r"\[[^\[\];{}\n]{0,80};[^\[\];{}\n]{0,80}\]")
_RUST_OPAQUE = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|\br(\#{0,3})".*?(?:"\1|\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)"""
    r"""|'(?:\\[^\n]{1,10}?|[^'\\\n])'""",
    re.DOTALL,
)
_NAMED = re.compile(
    r"((?:\b[A-Za-z_]\w*(?:<[^<>();]{0,80}>)?::)*(?:operator\b[^(]{0,12}|~?\b[A-Za-z_]\w*))\s*\("
)
MAX_FUNCTIONS = 3000
"""Functions of one file that are found."""

_STATEMENTS = frozenset({"if", "for", "while", "switch"})  # outermost by an odd brace
_MAX_HEAD_CHARACTERS = 800  # what is looked at of a head; initialisers may make it longer
_FILE = "<shown>"
warnings.filterwarnings("ignore", module=_FILE)  # what the parser thinks of others' escapes


@dataclass(frozen=True, slots=True)
class Function:
    """A function with a body; lines are from 1.

    Args:
        name: as it is defined, with its class where that stands before it.
        first: where its head begins; comments above do not count.
        head: the last line of its head: in C the one with the opening brace.
        last: the line on which its body ends.
    """

    name: str
    first: int
    head: int
    last: int


def functions_of(path: str, text: str) -> tuple[Function, ...]:
    """The functions of a source, in order, at most :data:`MAX_FUNCTIONS`; none of a new language.

    Args:
        path: tells the language by its ending.
        text: all of the file. Untrusted: time and memory are linear in it.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _BRACED:
        return tuple(islice(_braced(masked(text), rust=False), MAX_FUNCTIONS))
    if suffix == ".rs":
        return tuple(islice(_braced(_rust_code(text), rust=True), MAX_FUNCTIONS))
    if suffix == ".py":
        return tuple(islice(_of_python(text), MAX_FUNCTIONS))
    return ()


def _rust_code(text: str) -> str:
    def blank(match: re.Match[str]) -> str:
        return _blank(match[0])

    return _RUST_LENGTH.sub(blank, _RUST_OPAQUE.sub(blank, text))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


@dataclass(slots=True)
class _Scan:
    """Where a scan stands.

    Args:
        start: behind what ended last.
        body: the brace that what began there opens, -1 while it has none.
        depth: braces that are open since.
        begin: where text follows behind ``start``; less than that while it was not looked for.
    """

    start: int = 0
    body: int = -1
    depth: int = 0
    begin: int = -1


@dataclass(slots=True)
class _Branch:
    """An ``#if`` that is open.

    Args:
        before: where the scan stood before it.
        begun: whether something had begun there.
        first: where the scan stood after its first branch, None in that.
    """

    before: _Scan
    begun: bool
    first: _Scan | None = None


def _braced(code: str, *, rust: bool) -> Iterator[Function]:
    """Functions outside of all braces but those of classes, namespaces and the like."""
    scan, branches = _Scan(), list[_Branch]()
    bare = code if rust else _DIRECTIVE.sub(lambda match: _blank(match[0]), code)
    lines = _Lines(code)
    for match in _MARKS.finditer(code):
        at, sign = match.start(), match[0]
        if match[1] is not None:
            if not rust:
                scan = _branched(match, bare, scan, branches)
        elif sign == "{":
            if scan.depth == 0 and scan.body < 0:
                begin = _begin(bare, scan, at)
                if _is_container(bare[begin : min(at, begin + _MAX_HEAD_CHARACTERS)], rust):
                    scan.start = at + 1
                    continue
                scan.body = at
            scan.depth += 1
        elif sign == "}" and scan.depth:
            scan.depth -= 1
            if scan.depth:
                continue
            begin = _begin(bare, scan, scan.body)
            head = bare[begin : min(scan.body, begin + _MAX_HEAD_CHARACTERS)]
            begin += len(head) - len(head := _LABELS.sub("", head, count=1))
            name = _name(head, rust)
            follows = bare[at + 1 : at + 200].lstrip()[:1]
            if name and not rust and follows and follows in ",{)":
                scan.body = -1  # Foo(int x = {}) : a{1}, b{2} { ... }: its body comes yet
                continue
            if name:
                yield Function(name, lines.of(begin), lines.of(scan.body), lines.of(at))
            elif not rust:
                continue  # after an initialiser there is more, up to its semicolon
            scan = _Scan(at + 1)
        elif not scan.depth:
            scan = _Scan(at + 1)


def _begin(bare: str, scan: _Scan, end: int) -> int:
    """Where what a brace belongs to begins: behind blanks, which comments are as well."""
    if scan.begin < scan.start:
        found = _SOLID.search(bare, scan.start, end)
        if found is None:
            return end
        scan.begin = found.start()
    return scan.begin


def _branched(directive: re.Match[str], bare: str, scan: _Scan, branches: list[_Branch]) -> _Scan:
    """Where a scan stands behind a directive."""
    word = directive[1]
    if word.startswith("if"):
        at = directive.start()
        begun = scan.body >= 0 or bool(
            bare[max(scan.start, at - _MAX_HEAD_CHARACTERS) : at].strip()
        )
        branches.append(_Branch(replace(scan), begun))
    elif word.startswith("el") and branches:
        branch = branches[-1]
        branch.first = branch.first or scan
        # What another branch declared is nothing of this one's.
        start = branch.before.start if branch.begun else directive.end()
        return replace(branch.before, start=start)
    elif word == "endif" and branches:
        first = branches.pop().first
        if first is not None and first.depth != scan.depth:
            return first
    return scan


class _Lines:
    """Numbers of lines, for places that mostly come in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at, self._line = 0, 1

    def of(self, at: int) -> int:
        """The line of a place, from 1."""
        if at >= self._at:
            self._line += self._text.count("\n", self._at, at)
        else:
            self._line -= self._text.count("\n", at, self._at)
        self._at = at
        return self._line


def _is_container(head: str, rust: bool) -> bool:
    if rust:
        return bool(_RUST_CONTAINER.match(head)) and not _RUST_FUNCTION.search(head)
    return bool(_CONTAINER.match(_ATTRIBUTE.sub(" ", head)))


def _name(head: str, rust: bool) -> str:
    """The function that a head begins, empty for anything else."""
    if rust:
        found = _RUST_FUNCTION.search(head)
        return found[1] if found else ""
    plain = _ATTRIBUTE.sub(" ", head).strip()
    named = _NAMED.search(plain)
    if named is None or plain.startswith("typedef"):
        return ""
    if "=" in plain[: named.start()] or named[1] in _STATEMENTS:
        return ""
    return " ".join(named[1].split())


def _of_python(text: str) -> Iterator[Function]:
    try:
        module = ast.parse(text, _FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _of_body(module.body, "")


def _of_body(body: list[ast.stmt], prefix: str) -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not prefix:
            yield from _of_body(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            head = max(node.lineno, node.body[0].lineno - 1)
            yield Function(prefix + node.name, first, head, node.end_lineno or head)
