"""What of a document's words are names of code: rules on spans, commands and listings.

A word is only a candidate here. What becomes of it is asked of the repository, which knows its own
names from those of ESP-IDF, of the C library and of the reader.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from engine.checks.documentation.document import Name, NameKind
from engine.source.file_kinds import SOURCES

DEFINED, RUN = "defined", "run"
"""Owners of names, see :class:`Name`."""

MAX_NAMES = 4000
"""Names of one document that are looked at."""

_MAX_LINE_CHARACTERS = 2000
_MAX_SPAN_CHARACTERS = 200

_FILE_SUFFIXES = SOURCES | {
    *(".sh", ".bash", ".bat", ".ps1", ".cmake", ".mk", ".yml", ".yaml", ".json", ".toml", ".ini"),
    *(
        ".csv",
        ".ld",
        ".lf",
        ".proto",
        ".md",
        ".rst",
        ".txt",
        ".dox",
        ".cfg",
        ".conf",
        ".go",
        ".toit",
    ),
    *(".html", ".css", ".dts", ".dtsi", ".keymap", ".overlay", ".projbuild"),
}
_READERS_OWN = re.compile(
    r"(?:sdkconfig.*|main\.(?:c|cc|cpp|h|py|ino)|config\.h|CMakeLists\.txt|Makefile|makefile|package\.json"
    r"|component\.mk|idf_component\.yml|platformio\.ini|settings\.json|Kconfig(?:\.projbuild)?|index\.html"
    r"|project_description\.json|compile_commands\.json|partitions?\w*\.csv|dependencies\.lock|export\.sh"
    r"|setup\.(?:cfg|py)|tox\.ini|pyproject\.toml|requirements\.txt|\w+_override\.ini|\.clang-format"
    r"|install\.sh|README(?:\.md)?|launch\.json|tasks\.json|app_main\.c|test\.\w+|example\.\w+|foo\.\w+)",
)
"""Names of files that a reader may have, whatever this repository has."""

_PATH = re.compile(r"(?:\.{1,2}/)*[\w+@-][\w.+@-]*(?:/[\w.+@-]+)*/?|\.[\w.+@-]+/[\w.+@/-]+")
_PLACEHOLDER = re.compile(
    r"x{3,}|your|\bpath/to|<|>|\*|\.\.\.|\$|(?:^|/)(?:foo|bar|my)[\w.]*", re.IGNORECASE
)
_FUNCTION = re.compile(r"(?<![\w.>:#$-])([A-Za-z_]\w{3,})\s?\(")
_CALL = re.compile(r"(?<![\w.>:#$/-])([A-Za-z_]\w{3,})\(\)")
_OPTION = re.compile(r"(?<![\w$-])CONFIG_([A-Z][A-Z0-9_]{2,})(?![\w*<-])")
_C_LANGUAGES = frozenset({"c", "cpp", "c++", "cc", "h", "hpp", "arduino", "ino", "objc"})
_SHELL_LANGUAGES = frozenset(
    {"sh", "bash", "shell", "console", "shell-session", "zsh", "cmd", "bat", "none", "text", ""}
)
_PROMPT = re.compile(r"^\s*(?:\(\w[\w.-]*\)\s*)?(?:[\w.@:~/-]{0,40}[$>%#]\s+)?")
_COMMAND = re.compile(
    r"(?:^|[\s;&|])(?:(?:idf\.py|make|pio|platformio|cd)\s|[\w./-]{1,100}\.(?:py|sh|bash|js|bat|ps1)(?:\s|$))"
)
"""What a line must have to be read as a command of interest."""

_INTERPRETERS = frozenset({"python", "python3", "bash", "sh", "source", ".", "zsh", "node"})
_LISTING = re.compile(r"(?P<indent>[│|\s\xa0]*)(?:├|└|╰|\|--|`--|\+--)[─-]*\s*(?P<name>[^\s#<←(]+)")
_IDF_ACTIONS = re.compile(
    r"all|app|app-flash|bootloader.*|build|build-system-targets|clean|confserver|coredump-.*|create-.*"
    r"|delete-.*|dfu.*|docs|efuse-.*|encrypted-.*|erase.*|flash|fullclean|gdb.*|menuconfig|merge-bin|monitor"
    r"|openocd|partition.*|post.*|python-clean|qemu|read_otadata|reconfigure|save-defconfig|secure-.*"
    r"|set-target|show-.*|show_.*|size.*|uf2.*|uftp|add-dependency|update-dependencies|diag.*|mcp.*"
)
_IDF_PLAIN = re.compile(
    r"all|app|build|clean|fullclean|flash|monitor|menuconfig|erase[-_]flash|reconfigure|size"
)
"""Actions after which another one may stand; others have arguments of their own."""

_DEFINED = re.compile(
    r"^(?!\s*(?:return|else|case)\b)\s*[A-Za-z_][\w\s*&:<>,]*[\s*&](\w+)\s*\([^;]*\)?[^;]*$"
)
_MAKE_TARGETS = re.compile(
    r"all|clean|install|test|tests|check|flash|monitor|menuconfig|build|html|distclean|defconfig|help"
)
_PIO = frozenset({"pio", "platformio"})


def names_in_span(text: str, line: int) -> Iterator[Name]:
    """Names in a piece of inline code."""
    if len(text) > _MAX_SPAN_CHARACTERS:
        return
    word = text.strip()
    yield from _options(word, line)
    if is_path(word):
        yield Name(NameKind.PATH, word, line)
    elif " " in word and not word.endswith(")"):
        yield from names_in_command(word, line)
    yield from _functions(word, line, _FUNCTION)


def names_in_prose(text: str, line: int) -> Iterator[Name]:
    """Names in running text: only what cannot be anything else."""
    if "CONFIG_" in text:
        yield from _options(text, line)
    if "()" in text:
        yield from _functions(text, line, _CALL)


def names_in_block(language: str, text: str, line: int) -> Iterator[Name]:
    """Names in a block of code.

    Args:
        language: as the fence or directive says it, empty for none.
        text: the block.
        line: of its first line.
    """
    word = language.strip().lower().partition(" ")[0].strip("{}.")
    lines = text.split("\n")
    folders: list[tuple[int, str]] = []
    for number, each in enumerate(lines, line):
        if len(each) > _MAX_LINE_CHARACTERS:
            continue
        yield from _options(each, number)
        if word in _C_LANGUAGES:
            own = (
                _DEFINED.match(each.partition("//")[0])
                if len(each) < _MAX_SPAN_CHARACTERS
                else None
            )
            if own:
                yield Name(NameKind.FUNCTION, own[1], number, owner=DEFINED)
            else:
                yield from _functions(each.partition("//")[0], number, _FUNCTION)
        elif word in _SHELL_LANGUAGES or word == "tree":
            found = _LISTING.match(each)
            if found:
                yield from _listed(found, number, folders)
            elif word != "tree":
                yield from names_in_command(each, number)


def names_in_command(text: str, line: int) -> Iterator[Name]:
    """Names in a command line: a script of the project, its flags, a target of a build tool."""
    if not _COMMAND.search(text):
        return
    for part in re.split(r"&&|\|\||;|\|", _PROMPT.sub("", text, count=1)):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quote that is not closed
            continue
        while words and re.fullmatch(r"[A-Z_]\w*=\S*|sudo|env|time", words[0]):
            words = words[1:]
        if words:
            yield from _of_command(words, line)


def without_own(names: list[Name]) -> list[Name]:
    """Names without those of functions that the document itself defines, as an example."""
    own = {name.text for name in names if name.owner == DEFINED}
    return [name for name in names if name.kind is not NameKind.FUNCTION or name.text not in own]


def is_bare_setting(word: str) -> bool:
    """Whether a path is only the name of a file of settings, which any reader has too."""
    suffixes = (".ini", ".cfg", ".json", ".yml", ".yaml", ".toml", ".txt", ".conf", ".csv", ".html")
    return "/" not in word.strip("/") and PurePosixPath(word).suffix.lower() in suffixes


def is_readers_own(path: str) -> bool:
    """Whether a file has a name that every project has, and that its reader edits."""
    return bool(_READERS_OWN.fullmatch(PurePosixPath(path).name))


def is_path(word: str) -> bool:
    """Whether a word may be a path of this repository: it has a folder in it, or an ending."""
    if not _PATH.fullmatch(word) or _PLACEHOLDER.search(word):
        return False
    pure = PurePosixPath(word)
    if re.fullmatch(r"[\d.]+(?:/[\d.]+)*", word) or ".." in pure.parts[1:-1]:
        return False  # 1.0/2.0, a version
    if pure.suffix.lower() in _FILE_SUFFIXES:
        return "/" in word.strip("/") or not _READERS_OWN.fullmatch(pure.name)
    return word.count("/") > 1 or (word.endswith("/") and len(word) > 3)


def _of_command(words: list[str], line: int) -> Iterator[Name]:
    tool = words[0]
    if tool in _INTERPRETERS and len(words) > 1:
        words = [word for word in words[1:] if word not in ("-u", "-e", "-x")]
        tool = words[0] if words else ""
        if not PurePosixPath(tool).suffix:
            return
    if tool in ("idf.py", "make") or tool in _PIO:
        yield from _targets(words, line)
    elif (
        tool == "cd" and len(words) == 2 and is_path(f"{words[1].rstrip('/')}/") and "/" in words[1]
    ):
        yield Name(NameKind.PATH, words[1], line)
    elif is_path(tool) and PurePosixPath(tool).suffix in (
        ".py",
        ".sh",
        ".bash",
        ".js",
        ".bat",
        ".ps1",
    ):
        yield Name(NameKind.PATH, tool, line, owner=RUN)
        for word in words[1:]:
            found = re.fullmatch(r"(--[a-z][\w-]{2,})(?:=.*)?", word)
            if found:
                yield Name(NameKind.FLAG, found[1], line, owner=tool)


def _targets(words: list[str], line: int) -> Iterator[Name]:
    tool, rest = words[0], words[1:]
    if tool in _PIO:
        for flag, value in itertools.pairwise(rest):
            if flag in ("-e", "--environment") and re.fullmatch(r"[\w.-]+", value):
                yield Name(NameKind.TARGET, value, line, owner="pio")
        return
    skipped = False
    for word in rest:
        if word.startswith("-"):
            skipped = word in ("-C", "-B", "-p", "-b", "-D", "-G", "-f", "-j", "-E", "--port")
        elif skipped:
            skipped = False
        elif not re.fullmatch(r"[a-z][\w-]{2,40}", word) or word == "set-target":
            return
        elif tool == "idf.py" and _IDF_ACTIONS.fullmatch(word):
            if not _IDF_PLAIN.fullmatch(word):
                return
        elif not (_IDF_ACTIONS if tool == "idf.py" else _MAKE_TARGETS).fullmatch(word):
            yield Name(NameKind.TARGET, word, line, owner=tool)
            if tool == "idf.py":
                return  # what follows may be its argument


def _listed(found: re.Match[str], line: int, folders: list[tuple[int, str]]) -> Iterator[Name]:
    """A line of a listing as tree(1) draws it; ``folders`` are those that are open."""
    depth, name = len(found["indent"]), found["name"].strip("`*")
    while folders and folders[-1][0] >= depth:
        folders.pop()
    path = "/".join([*(folder for _depth, folder in folders), name.rstrip("/")])
    if name.endswith("/") or not PurePosixPath(name).suffix:
        folders.append((depth, name.rstrip("/")))
    if _PATH.fullmatch(path) and not _PLACEHOLDER.search(path) and PurePosixPath(path).suffix:
        yield Name(NameKind.PATH, path, line, listed=True)


def _options(text: str, line: int) -> Iterator[Name]:
    for found in _OPTION.finditer(text):
        yield Name(NameKind.OPTION, found[1], line)


def _functions(text: str, line: int, pattern: re.Pattern[str]) -> Iterator[Name]:
    for found in pattern.finditer(text):
        name = found[1]
        if "_" in name.strip("_") or re.search(r"[a-z][A-Z]", name):
            yield Name(NameKind.FUNCTION, name, line)
