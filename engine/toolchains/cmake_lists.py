"""What a ``CMakeLists.txt`` says, read without running it.

Format: CMake, cmake-language(7). Its commands are taken one after another as they are written,
whatever conditions they stand in: what a project may be is asked for, not how one build goes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>[\s;]+)
    | \#\[(?P<remark>=*)\[
    | (?P<comment>\#[^\n]*)
    | \[(?P<bracket>=*)\[
    | (?P<paren>[()])
    | "(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"
    | (?P<plain>(?:[^\s;()\#"\\]|\\.)+)
    """,
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(.)", re.S)
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_./+-]{1,100})\}")
_CURRENT_FOLDER_VARIABLES = frozenset(
    {
        *("CMAKE_CURRENT_LIST_DIR", "CMAKE_CURRENT_SOURCE_DIR"),
        *("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR", "CMAKE_HOME_DIRECTORY"),
    }
)
_PATH_SUBCOMMANDS = frozenset({"TO_NATIVE_PATH", "TO_CMAKE_PATH", "REAL_PATH"})
_MAX_FILE_CHARACTERS = 256 << 10
_MAX_VALUE_CHARACTERS = 2000
_MAX_INCLUDES = 20

ReadText = Callable[[str], str]
"""Gives the text of a file by its path from the folder of the ``CMakeLists.txt``, else nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name in lower case, and its arguments without quotes."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """What a file and those of the project that it includes say.

    Args:
        commands: names of all that are called, in lower case.
        includes: what is included, variables of the file replaced.
        packages: what is looked for with ``find_package``.
        variables: what is set, the last value of each; of a list, with ``;``.
    """

    commands: frozenset[str]
    includes: tuple[str, ...]
    packages: frozenset[str]
    variables: Mapping[str, str]


def commands(text: str) -> Iterator[Command]:
    """Every command of a file; one that is not well-formed ends where it stops making sense.

    Args:
        text: untrusted; no more than 256 Ki characters of it are read.
    """
    text = text[:_MAX_FILE_CHARACTERS]
    at, depth, name = 0, 0, ""
    arguments: list[str] = []
    while match := _TOKEN.match(text, at):
        at = match.end()
        kind = match.lastgroup
        word = match["quoted"] if kind == "quoted" else match["plain"]
        if kind in ("remark", "bracket"):
            closing = f"]{match[kind]}]"
            end = text.find(closing, at)
            if end < 0:
                return
            if kind == "bracket":
                arguments.append(text[at:end])
            at = end + len(closing)
        elif match["paren"] == "(":
            depth += 1
            if depth == 1:
                arguments = []
        elif match["paren"] == ")":
            depth -= 1
            if depth < 0:
                return
            if depth == 0 and name:
                yield Command(name.lower(), tuple(arguments))
                name = ""
        elif word is not None and depth:
            arguments.append(_ESCAPE.sub(r"\1", word))
        elif word is not None:
            name = word


def describe(text: str, read: ReadText = lambda _name: "") -> Description:
    """What a ``CMakeLists.txt`` says, with what it includes of its own repository.

    Args:
        text: the file. Untrusted.
        read: for files that it includes; at most 20 are asked for.
    """
    names: set[str] = set()
    included: list[str] = []
    packages: set[str] = set()
    variables: dict[str, str] = {}
    reading, seen = [("", commands(text))], {"CMakeLists.txt"}
    while reading:
        folder, rest = reading[-1]
        command = next(rest, None)
        if command is None:
            reading.pop()
            continue
        names.add(command.name)
        arguments = [_expand(each, variables, folder) for each in command.arguments]
        if command.name == "set" and len(arguments) > 1:
            variables[arguments[0]] = ";".join(_values(arguments[1:]))[:_MAX_VALUE_CHARACTERS]
        elif command.name == "file" and len(arguments) > 2 and arguments[0] in _PATH_SUBCOMMANDS:
            variables[arguments[2]] = arguments[1]
        elif command.name == "get_filename_component" and len(arguments) > 1:
            variables[arguments[0]] = arguments[1]
        elif command.name == "find_package" and arguments:
            packages.add(arguments[0])
        elif command.name == "include" and arguments:
            included.append(arguments[0])
            path = posixpath.normpath(arguments[0])
            if path.endswith(".cmake") and path not in seen and len(seen) < _MAX_INCLUDES:
                seen.add(path)
                reading.append((posixpath.dirname(path), commands(read(path))))
    return Description(frozenset(names), tuple(included), frozenset(packages), variables)


def _expand(argument: str, variables: Mapping[str, str], folder: str) -> str:
    """Replace variables that are known; folders of CMake's are relative to the project's."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in _CURRENT_FOLDER_VARIABLES:
            return (folder or ".") if name == "CMAKE_CURRENT_LIST_DIR" else "."
        return variables.get(name, match[0])

    return _REFERENCE.sub(value, argument)[:_MAX_VALUE_CHARACTERS] if "${" in argument else argument


def _values(arguments: list[str]) -> list[str]:
    for index, each in enumerate(arguments):
        if each in ("CACHE", "PARENT_SCOPE"):
            return arguments[:index]
    return arguments
