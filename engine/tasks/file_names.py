"""Names of files as models write them beside the blocks of their answers, and kinds of files.

A name stands in the fence (```` ```c main/main.c ````, ```` ```c:main/main.c ````,
``title="main/main.c"``), in a comment that begins the block (``// main/main.c``, ``@file main.c``,
with rulers around it or a remark behind it), in a line before the block that says no more than what
file it is (``### 1. main/main.c``, ``**Header file: led.h**``, ``led.h – API``,
``Save this as main/main.c:``), or in the heading of its section. A line that speaks of a file
(``Add this to main.c:``) names none: what follows is a part of that file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: its word, and how such a file ends."""

    name: str
    ending: str


_KINDS = {
    "c": ("c", ("c",)),
    "header": ("h", ("h", "header")),
    "cpp": ("cpp", ("cpp", "c++", "cc", "cxx", "arduino", "ino")),
    "hpp": ("hpp", ("hpp", "hh", "hxx")),
    "cmake": ("cmake", ("cmake", "cmakelists", "cmakelists.txt")),
    "python": ("py", ("python", "py", "python3")),
    "jsx": ("jsx", ("jsx",)),
    "tsx": ("tsx", ("tsx",)),
    "javascript": ("js", ("javascript", "js", "mjs")),
    "typescript": ("ts", ("typescript", "ts")),
    "css": ("css", ("css", "scss")),
    "html": ("html", ("html", "htm")),
    "xml": ("xml", ("xml", "svg")),
    "yaml": ("yaml", ("yaml", "yml")),
    "json": ("json", ("json", "json5", "jsonc")),
    "toml": ("toml", ("toml",)),
    "ini": ("ini", ("ini", "cfg", "properties")),
    "csv": ("csv", ("csv",)),
    "markdown": ("md", ("markdown", "md")),
    "diff": ("diff", ("diff", "patch", "udiff")),
    "kconfig": ("kconfig", ("kconfig", "kconfig.projbuild")),
    "makefile": ("mk", ("makefile", "make", "mk")),
    "assembly": ("S", ("asm", "s", "assembly", "nasm", "riscv", "xtensa")),
    "linker": ("ld", ("ld", "linker", "lds", "lf")),
    "sql": ("sql", ("sql",)),
    "rust": ("rs", ("rust", "rs")),
    "dockerfile": ("dockerfile", ("dockerfile", "docker")),
    "mermaid": ("mmd", ("mermaid", "mmd")),
}
KINDS: Mapping[str, FileKind] = {
    word: FileKind(name, ending) for name, (ending, words) in _KINDS.items() for word in words
}
"""Kinds of files by the words that name them after a fence, and by their endings."""

TEXT = FileKind("text", "txt")
"""The kind of a named file that has no other."""

DOCUMENTS = frozenset({"markdown", "mermaid"})
"""Kinds that are read, not built."""

SLASH_COMMENTS = frozenset(
    {
        *("c", "header", "cpp", "hpp", "javascript", "typescript", "jsx", "tsx", "css", "rust"),
        "linker",
    }
)
"""Kinds whose comments begin with ``//`` or ``/*``."""

HASH_COMMENTS = frozenset(
    {"cmake", "python", "yaml", "toml", "ini", "kconfig", "makefile", "dockerfile"}
)
"""Kinds whose comments begin with ``#``."""

_NO_COMMENTS = frozenset({"json", "csv"})
_ALIKE = ({"c", "header", "cpp", "hpp"}, {"javascript", "typescript", "jsx", "tsx"})
_COMMENT_SIGNS = {
    **dict.fromkeys(SLASH_COMMENTS, "/{"),
    **dict.fromkeys(HASH_COMMENTS, "#;"),
    **dict.fromkeys(_NO_COMMENTS, ""),
    **dict.fromkeys(("html", "xml"), "<{"),
}

_NAMES = {"cmakelists.txt": "cmake", "kconfig": "kconfig", "kconfig.projbuild": "kconfig"}
_NAMES |= {"makefile": "makefile", "dockerfile": "dockerfile"}
_SCRIPTS = {"sh", "bash", "bat", "ps1"}
_OTHER_ENDINGS = {"txt", "rst", "defaults", "in", "proto", "def", "inc", "go", *_SCRIPTS}
_OTHER_ENDINGS |= {"java", "kt", "swift", "lua", "pl", "rb", "conf", "lock", "ipp", "tpp"}
_SHELLS = {
    "sh",
    "bash",
    "zsh",
    "shell",
    "console",
    "powershell",
    "cmd",
    "output",
    "log",
    "terminal",
}
_SHELLS |= {"shell-session", "shellsession", "bat"}

_PLAIN = re.compile(r"[A-Za-z0-9_][\w.@+-]{0,99}", re.ASCII)
_SEPARATORS = re.compile(r"[\s,;{}:]+")
_CITATION = re.compile(r"\d{1,7}:\d{1,7}:")
_COMMENT = re.compile(r"//+!?|/\*+!?|#+|--+|;+|<!--|%+|\{/\*")
_COMMENT_END = re.compile(r"(?:\*/\}?|-->)\Z")
_RULER = "=-*~#+ \t"
_DOC_FILE = re.compile(r"[@\\]file(?:name)?[ \t]+(\S+)")
_BEFORE_NAMES = ("#!", "<?xml", "# -*-", "#pragma once", "// SPDX", "/* SPDX", "# SPDX")
_LABEL = re.compile(r"(?:file(?:[ _-]?name)?|path|title|name|src)[ \t]*[:=][ \t]*", re.IGNORECASE)
_DECORATION = re.compile(r"#{1,6}[ \t]+|[-*+>][ \t]+|(?:\d{1,2}|[A-Za-z])[.)][ \t]+|//[ \t]*")
_LINK = re.compile(r"\[([^][\n]{0,240})\]\(([^()\n]{0,240})\)")
_WORD = re.compile(r"[^\s<>\"'`()\[\]{}|*?=,;]+")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,15}>|^<[a-z]{1,12}(?= )|/?>$")
_QUOTES = "`'\"()[]{}<>,;:*|"
_REMARK = ("–", "—", "-", ":", "(", "|")
_SPEAKS_OF = frozenset(
    {
        *("in", "inside", "into", "to", "from", "with", "using", "by", "within", "at", "see"),
        *("than", "like", "and", "or", "via", "both", "between", "through", "against"),
    }
)
"""Words right before a path that make a line speak of a file without giving it."""

_GIVES_CONTENT = frozenset(
    {
        *("file", "with", "the", "following", "content", "contents", "code", "should", "look"),
        *("like", "this", "is", "as", "follows", "be", "now", "below", "source", "header", "in"),
        *("full", "complete", "updated", "then", "looks", "becomes", "module"),
    }
)
"""Words behind a path, up to a colon, that give the file itself."""

_DOES_WITH = frozenset(
    {
        *("run", "running", "build", "building", "compile", "compiling", "execute", "output"),
        *(
            "prints",
            "flash",
            "delete",
            "remove",
            "rename",
            "move",
            "usage",
            "using",
            "calling",
            "example",
        ),
    }
)
"""Words anywhere before a path that make a line speak of what is done with a file."""

_LONGEST_COMMENT = 600
_MAX_PARTS = 8
_MAX_PATH = 240
_MAX_WORDS_BEFORE = 8
_COMMENT_LINES = 10
"""Lines of a comment that are looked through for ``@file``."""

_LINES_ON_TOP = 4

LOOKS_BACK = 30
"""Lines before a block that are looked through for its section's heading."""


def plain_path(name: str) -> str | None:
    """A name as a path that is safe to make below a folder, None when it is not.

    Args:
        name: untrusted.
    """
    name = name.removeprefix("./")
    parts = PurePosixPath(name).parts
    if not 0 < len(parts) <= _MAX_PARTS or len(name) > _MAX_PATH or "/".join(parts) != name:
        return None
    plain = all(_PLAIN.fullmatch(part) and not part.endswith(".") for part in parts)
    return name if plain else None


def kind_of_info(info: str) -> FileKind | None:
    """The kind that the first word after a fence names; a path names it by its ending."""
    if is_citation(info):
        return None
    words = _SEPARATORS.split(info.strip()[:200].lstrip("{. "))
    word = words[0].strip("\"'").lower()
    return KINDS.get(word) or (kind_of_name(word) if _is_path(word) else None)


def kind_of_name(name: str) -> FileKind | None:
    """The kind of a file by how its name ends, None for none of ours."""
    last = name.rpartition("/")[2].lower()
    return KINDS.get(_NAMES.get(last, "") or last.rpartition(".")[2])


def is_citation(info: str) -> bool:
    """Whether a fence says ``START:END:PATH``: lines of a file as it is, and no new file."""
    return bool(_CITATION.match(info.strip()))


def fits(name: str, info: str) -> bool:
    """Whether a block that says so after its fence can be a file of that name."""
    word = _SEPARATORS.split(info.strip()[:200])[0].lower()
    if word in _SHELLS:
        return name.rpartition(".")[2].lower() in _SCRIPTS
    said, named = kind_of_info(info), kind_of_name(name)
    if said is None or named is None or said == named:
        return True
    return any({said.name, named.name} <= alike for alike in _ALIKE)


def is_foreign(line: str, kind: FileKind) -> bool:
    """Whether a line with a file's name cannot be part of a file of that kind."""
    signs = _COMMENT_SIGNS.get(kind.name)
    return signs is not None and line.strip()[:1] not in (*signs, "")


def name_in_info(info: str) -> str:
    """The name in what stands after a fence, empty for none."""
    if is_citation(info):
        return ""
    words = [word.strip("\"'()[]") for word in _SEPARATORS.split(_LABEL.sub(" ", info[:500]))]
    # The first word is a language, such as makefile, unless it can only be a path.
    named = [path for word in words if (path := _path(word))]
    if named and named[0] == words[0] and not {".", "/"} & set(named[0]):
        named = named[1:]
    return named[0] if named else ""


def name_at(lines: Sequence[str], at: int) -> str:
    """The name in a comment that begins at a line, empty for none."""
    line = lines[at][:_LONGEST_COMMENT].strip()
    begins = _COMMENT.match(line)
    if begins is None or line.startswith("--- "):  # the latter is a diff's
        return ""
    # No one pattern for all of it: blanks, text and blanks again would be tried in every way.
    text = _COMMENT_END.sub("", line[begins.end() :]).strip(_RULER)
    if text or begins[0][0] != "/" or "*" not in begins[0]:
        return _name_in_comment(text)
    inner = [each[:_LONGEST_COMMENT].strip() for each in lines[at + 1 : at + 1 + _COMMENT_LINES]]
    told = [each.lstrip("*").strip(_RULER) for each in inner]
    for text, raw in zip(told, inner, strict=True):
        if found := _DOC_FILE.match(text):
            return _path(found[1])
        if raw.endswith("*/"):
            break
    return _name_in_comment(next(filter(None, told), ""))


def name_on_top(lines: Sequence[str]) -> tuple[str, int]:
    """The name in a comment on top of a block, empty for none, and the line where it begins."""
    for at, line in enumerate(lines[:_LINES_ON_TOP]):
        text = line[:_LONGEST_COMMENT].strip()
        if text.startswith(_BEFORE_NAMES):
            continue
        if name := name_at(lines, at):
            return name, at
        if text.strip("/*" + _RULER):
            break
    return "", 0


def bare_name(lines: Sequence[str]) -> str:
    """The name that is all of a block's first line, empty for none."""
    return _path(lines[0][: _MAX_PATH + 1].strip()) if lines else ""


def path_in(text: str) -> str:
    """The first path among the words of a line, empty for none."""
    return next(iter(_paths(text)), "")


def comment_sign(line: str) -> str:
    """How a line's comment begins, empty where it is none."""
    begins = _COMMENT.match(line[:_LONGEST_COMMENT].strip())
    return begins[0] if begins else ""


def name_before(lines: Sequence[str]) -> str:
    """The name that the lines before a block give, empty for none.

    Args:
        lines: those since the block before, at most :data:`LOOKS_BACK`, the nearest last.
    """
    # Without rulers, also those that make a heading of the line above.
    near = [text for line in lines if any(map(str.isalnum, text := line.strip()))]
    if not near:
        return ""
    name = _name_in_line(near[-1])
    if name or (near[-1].endswith(":") and _paths(near[-1])):
        return name
    for line in reversed(near):
        if _is_heading(line):
            if name := _name_in_line(line):
                return name
            if not _DOES_WITH.isdisjoint(_told(line.split())):
                break
    return ""


def _is_heading(line: str) -> bool:
    return bool(_DECORATION.match(line) or line.startswith("**") or _LABEL.match(line))


def _name_in_line(line: str) -> str:
    if len(line) > _MAX_PATH:
        return ""
    is_heading = line.startswith(("#", "*", "_"))
    text = line
    while decoration := _DECORATION.match(text):
        text = text[decoration.end() :]
    is_heading = is_heading or text.startswith(("*", "_"))
    if text.startswith("_") and text.endswith(("_", "_:")):
        text = text.strip("_:")
    text = _TAG.sub(" ", _LINK.sub(_of_link, text.replace("**", "")))
    # Signs by themselves, such as a box or an arrow, say nothing.
    words = [word for word in text.split() if any(map(str.isalnum, word)) or word in _REMARK]
    while words and words[0] in _REMARK:
        del words[0]
    at = next((at for at, word in enumerate(words) if _path(word)), None)
    if at is None:
        return ""
    name, before, after = _path(words[at]), words[:at], words[at + 1 :]
    remarked = not after or words[at][-1] in ":," or after[0].lstrip("*_").startswith(_REMARK)
    if not before and remarked:
        return name
    if len(set(_paths(text))) > 1 or len(before) > _MAX_WORDS_BEFORE:
        return ""
    told = _told(before)
    if (told and told[-1] in _SPEAKS_OF) or not _DOES_WITH.isdisjoint(told):
        return ""
    if is_heading:
        return name
    given = (
        text.endswith(":")
        or _LABEL.match(words[at])
        or "`" in words[at]
        or (before and before[-1].endswith((":", "=")))
    )
    follows = text.endswith(":") and _GIVES_CONTENT.issuperset(_told(after))
    return name if given and before and (remarked or follows) else ""


def _told(words: Sequence[str]) -> list[str]:
    return [word.strip(_QUOTES + ".").lower() for word in words]


def _of_link(link: re.Match[str]) -> str:
    """What a link calls a file; where it leads, when that knows more of the path."""
    text, target = _path(link[1]), _path(link[2])
    return target if target.endswith(f"/{text}") else link[1]


def _paths(text: str) -> list[str]:
    return [path for word in text.split() if (path := _path(word))]


def _name_in_comment(text: str) -> str:
    if found := _DOC_FILE.match(text):
        return _path(found[1])
    label = _LABEL.match(text)
    words = text[label.end() if label else 0 :].split(None, 2)
    remarked = len(words) < 2 or words[0].endswith(":") or words[1].startswith(_REMARK)
    return _path(words[0]) if words and remarked else ""


def _path(word: str) -> str:
    """A word as a path with ``/``, empty when it is none."""
    word = word.rpartition("：")[2]  # the colon of East Asian texts, which stand without blanks
    label = _LABEL.match(word)
    word = word[label.end() if label else 0 :].strip(_QUOTES).rstrip(".")
    if "://" in word:
        return ""
    # Markdown's escaped underscore is no separator of Windows.
    path = word.replace("\\_", "_").replace("\\", "/").removeprefix("./")
    return path if _is_path(path) else ""


def _is_path(text: str) -> bool:
    """Whether a word is a path: it ends as files do, or is one of those without an ending."""
    if len(text) > _MAX_PATH or not _WORD.fullmatch(text):
        return False
    last = text.rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    if not dot or last.lower() in _NAMES:
        return last.lower() in _NAMES
    # A language by its own word, such as c++ or .py, is none.
    return bool(stem) and (ending.lower() in KINDS or ending.lower() in _OTHER_ENDINGS)
