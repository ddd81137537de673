"""Public symbols of C and C++ headers and of Python modules, and which have a comment."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from engine.source.c_source import masked

HEADERS = (".h", ".hh", ".hpp", ".hxx")
"""Endings of headers, in lower case."""

_ENDS = re.compile(r"[{};]")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_OPENED = re.compile(r"(?:extern\s*\"[^\"]*\"|(?:inline\s+)?namespace\b[\w:\s]*)\s*\Z")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TYPE = re.compile(r"(?:struct|union|class|enum)\s+(?:class\s+|struct\s+)?([A-Za-z_]\w*)")
_POINTER = re.compile(r"\(\s*\*\s*([A-Za-z_]\w*)")
_FUNCTION = re.compile(r"([A-Za-z_]\w*)\s*\(")
_VARIABLE = re.compile(r"\bextern\b.*?([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*\Z", re.DOTALL)
_NO_SYMBOL = re.compile(r"(?:using|static_assert|_Static_assert|template|friend)\b")
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\([^)]*\)\)|\[\[[^\]]*\]\]|\b__declspec\s*\([^)]*\)")
_WRAPPED_TYPE = re.compile(r"[A-Z][A-Z0-9_]*\s*\([^()]{1,200}\)\s*(?=[A-Za-z_*])")
_UNIT_NAME = "<measured>"
# What the parser thinks of somebody's escape sequences is nothing for this process's terminal.
warnings.filterwarnings("ignore", module=_UNIT_NAME)
_MAX_HEAD_CHARACTERS = 1000  # longer than any declaration that a person wrote
_MAX_OPENING_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that others may use.

    Args:
        name: of the function, type or variable.
        line: where it is declared, from 1.
        documented: whether a comment is on the line above it, or beside its end; in Python, whether
            it has a docstring.
    """

    name: str
    line: int
    documented: bool


def of_header(text: str) -> tuple[Symbol, ...]:
    """Functions, named types and ``extern`` variables that a header declares outermost.

    Macros and declarations without a body are not counted, nor is what a macro declares.
    """
    plain = masked(text)
    code = _DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), plain)
    lines, bare = text.split("\n"), plain.split("\n")
    found: list[Symbol] = []
    for name, first, last in _declarations(code):
        above = first > 0 and _is_comment(lines[first - 1], bare[first - 1])
        beside = _has_comment(lines[last], bare[last])
        found.append(Symbol(name, first + 1, above or beside))
    return tuple(found)


def of_module(text: str) -> tuple[Symbol, ...]:
    """Public functions and classes of a Python module, with their public methods.

    Raises:
        ValueError: it is no Python that this interpreter reads.
    """
    try:
        module = ast.parse(text, _UNIT_NAME)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(repr(error)) from error
    return tuple(_of_body(module, ""))


def _of_body(body: ast.Module | ast.ClassDef, prefix: str) -> Iterator[Symbol]:
    for node in body.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        documented = ast.get_docstring(node, clean=False) is not None
        yield Symbol(prefix + node.name, node.lineno, documented)
        if isinstance(node, ast.ClassDef) and not prefix:
            yield from _of_body(node, f"{node.name}.")


def _declarations(code: str) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line (from 0) of each declaration outside of all braces."""
    start, depth, body, line, copy = 0, 0, -1, 0, 0

    def line_of(at: int) -> int:
        nonlocal line, copy
        line += code.count("\n", copy, at)
        copy = at
        return line

    for match in _ENDS.finditer(code):
        at, sign = match.start(), match[0]
        if sign == "{":
            if depth == 0 and _OPENED.search(code, max(start, at - _MAX_OPENING_CHARACTERS), at):
                start = at + 1
                continue
            if depth == 0 and body < 0:
                body = at
            depth += 1
            continue
        if sign == "}" and depth:
            depth -= 1
            if depth or not _is_function(code[start:body]):
                continue  # after a type there is more, up to its semicolon
        elif depth:
            continue
        stray = sign == "}" and body < 0  # ends what _OPENED began
        end = at if body < 0 else body
        name = "" if stray else _name(code[start:end], code[end:at])
        if name:
            begin = _WORD.search(code, start)
            assert begin is not None
            yield name, line_of(begin.start()), line_of(at)
        start, body = at + 1, -1


def _is_function(head: str) -> bool:
    plain = _ATTRIBUTE.sub(" ", head[:_MAX_HEAD_CHARACTERS]).strip()
    before, bracket, _ = plain.partition("(")
    return bool(bracket) and "=" not in before and not plain.startswith("typedef")


def _name(head: str, body: str) -> str:
    """What a declaration declares, empty for nothing that counts.

    Args:
        head: it, up to its braces where it has some.
        body: its braces, and what is behind them.
    """
    if len(head) > _MAX_HEAD_CHARACTERS:
        return ""
    plain = _ATTRIBUTE.sub(" ", head).strip()
    if not plain or _NO_SYMBOL.match(plain):
        return ""
    if plain.startswith("typedef"):
        pointer = _POINTER.search(plain)
        names = _WORD.findall(body.rpartition("}")[2][-_MAX_HEAD_CHARACTERS:] or plain)
        return pointer[1] if pointer else names[-1] if names else ""
    # A macro around the type, such as CJSON_PUBLIC(char *), says who may link to the function.
    plain = _WRAPPED_TYPE.sub("int ", plain) if _WRAPPED_TYPE.match(plain) else plain
    if _is_function(head):
        function = _FUNCTION.search(plain)
        # Without anything before the name it is a macro that declares something.
        return function[1] if function and plain[: function.start()].strip() else ""
    named = _TYPE.match(plain)
    if named is not None:
        return named[1] if body else ""
    variable = _VARIABLE.match(plain)
    return variable[1] if variable else ""


def _is_comment(line: str, bare: str) -> bool:
    return bool(line.strip()) and not bare.strip()


def _has_comment(line: str, bare: str) -> bool:
    return len(bare.rstrip()) < len(line.rstrip())
