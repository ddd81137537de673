"""Files out of a model's answer: the fenced blocks of its Markdown.

A block becomes a file. Its path is named in the fence (```` ```c main/main.c ````,
```` ```c:main/main.c ````, ``title="main/main.c"``), in a comment that is the block's first line
(``// main/main.c``), or in a line right before the fence that has nothing else; else it is called
``STEP_KIND_N.EXT``. So is a block whose name is not one that may be made here: absolute, with
``..``, hidden, or with signs that a terminal or a shell would take for something else.

A block without a name counts only if it is of a kind that files have: what a shell is told, and
what a program printed, are part of the text.

Fences are CommonMark's (https://spec.commonmark.org, "Fenced code blocks"), with two allowances
for what models write: in a Markdown block, a fence that names a language opens a block inside it;
in any other block it begins the next one, as the first was never closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.enums import ArtifactKind
from engine.llm.fences import fenced
from engine.text import first_lines

MAX_FILES = 64
"""Files of one answer."""

_OPENS = re.compile(r"[ ]{0,3}(`{3,}|~{3,})(.*)")
_SEPARATORS = re.compile(r"[\s,;{}:]+")
_PLAIN = re.compile(r"[A-Za-z0-9_][\w.@+-]{0,99}", re.ASCII)
_COMMENT = re.compile(r"//+|/\*+|#+|--+|;+|<!--|%+|\{/\*")
_COMMENT_END = re.compile(r"(?:\*/\}?|-->)\Z")
_LONGEST_COMMENT = 600
_LABEL = re.compile(r"(?:(?:file(?:name)?|path|title)[ \t]*[:=][ \t]*)", re.IGNORECASE)
_DECORATION = re.compile(r"#{1,6} +|[-*] +|\d{1,2}[.)] +")
_LOOKS_BACK = 2
_MAX_PARTS = 8
_MAX_PATH = 240


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

_TEXT = FileKind("text", "txt")
_NAMES = {"cmakelists.txt": "cmake", "kconfig": "kconfig", "kconfig.projbuild": "kconfig"}
_NAMES |= {"makefile": "makefile", "dockerfile": "dockerfile"}
_OTHER_ENDINGS = {"txt", "sh", "bat", "ps1", "rst", "defaults", "in", "proto", "def", "inc", "go"}
_OTHER_ENDINGS |= {"java", "kt", "swift", "lua", "pl", "rb", "conf", "lock", "toml", "ipp", "tpp"}
_DOCUMENTS = {"markdown", "mermaid"}
_LANGUAGES = {"header": "c", "hpp": "cpp", "assembly": "asm", "linker": "text"}


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file that a model made.

    Args:
        path: relative, safe to make below a folder.
        kind: the word of its kind, such as ``c`` or ``cmake``; ``text`` for none.
        text: all of it. Untrusted.
        whole: whether its block was closed; else the answer was cut, or the model forgot.
    """

    path: str
    kind: str
    text: str
    whole: bool = True

    @property
    def language(self) -> str:
        """What a fence around it says."""
        return _LANGUAGES.get(self.kind, self.kind)

    @property
    def artifact_kind(self) -> ArtifactKind:
        """What it is among the artifacts of a run."""
        if self.kind == "diff":
            return ArtifactKind.PATCH
        return ArtifactKind.DOCUMENT if self.kind in _DOCUMENTS else ArtifactKind.SOURCE


@dataclass(frozen=True, slots=True)
class ExtractedFiles:
    """What was found.

    Args:
        files: in order; of several with one path, the last.
        prose: the answer, where each file's block is a line that names it.
        problems: what could not be taken, one line each.
    """

    files: tuple[GeneratedFile, ...]
    prose: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block: its first and last line (the fences), what its fence says, its lines."""

    begin: int
    end: int
    info: str
    lines: tuple[str, ...]
    closed: bool


def extract(answer: str, step: str) -> ExtractedFiles:
    """The files of an answer. Every line is looked at a few times, whatever it is.

    Args:
        answer: untrusted text of a model.
        step: key of the step, for files without a name.
    """
    lines = [line.removesuffix("\r") for line in answer.split("\n")]
    found: dict[str, GeneratedFile] = {}
    counts: dict[str, int] = {}
    prose: list[str] = []
    problems: list[str] = []
    at = 0
    for block in _blocks(lines):
        name, kind = _named(block, lines[max(at, block.begin - _LOOKS_BACK) : block.begin])
        path = plain_path(name) if name else None
        if name and path is None:
            problems.append(f"{name[:80]!r} is not a file name")
        if path is not None and _clashes(path, found):
            problems.append(f"{path} is a file and a folder")
            path = None
        if path is None and kind is None:
            continue  # a command or an output: part of the text
        kind = kind or _TEXT
        if path is None:
            counts[kind.name] = counts.get(kind.name, 0) + 1
            path = f"{step}_{kind.name}_{counts[kind.name]}.{kind.ending}"
        if path not in found and len(found) == MAX_FILES:
            problems.append(f"more than {MAX_FILES} files")
            break
        text = "\n".join(block.lines) + "\n" if block.lines else ""
        found[path] = GeneratedFile(path, kind.name, text, block.closed)
        prose += [*lines[at : block.begin], f"[file {path}, {len(block.lines)} lines]"]
        at = block.end + 1
    return ExtractedFiles(
        tuple(found.values()), "\n".join([*prose, *lines[at:]]), first_lines(problems)
    )


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


def assembled_code(files: Sequence[GeneratedFile]) -> str:
    """The text of all files, each headed by its path, as Markdown."""
    parts = (f"## {each.path}\n\n{fenced(each.text.rstrip(), each.language)}\n" for each in files)
    return "\n".join(parts)


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    at = 0
    while at < len(lines):
        opened = _OPENS.fullmatch(lines[at])
        if not opened or _is_inline(opened):
            at += 1
            continue
        block, at = _block(lines, at, opened[1], opened[2].strip())
        yield block


def _block(lines: Sequence[str], begin: int, fence: str, info: str) -> tuple[_Block, int]:
    """The block that begins there, and the line after it."""
    kind = _kind_of(info)
    nests = kind is not None and kind.name == "markdown"
    depth = 0
    for at in range(begin + 1, len(lines)):
        found = _OPENS.fullmatch(lines[at])
        if not found or found[1][0] != fence[0] or _is_inline(found):
            continue
        bare = not found[2].strip()
        if bare and (depth or len(found[1]) >= len(fence)):
            if not depth:
                return _Block(begin, at, info, tuple(lines[begin + 1 : at]), True), at + 1
            depth -= 1
        elif not bare and nests:
            depth += 1
        elif not bare and len(found[1]) == len(fence):
            # The one before was never closed.
            return _Block(begin, at - 1, info, tuple(lines[begin + 1 : at]), False), at
    return _Block(begin, len(lines) - 1, info, tuple(lines[begin + 1 :]), False), len(lines)


def _is_inline(fence: re.Match[str]) -> bool:
    """Whether this is code in a line: backticks may not be closed in the line of a fence."""
    return fence[1][0] == "`" and "`" in fence[2]


def _named(block: _Block, before: Sequence[str]) -> tuple[str, FileKind | None]:
    """The path that a block is given, empty for none, and its kind, None for none."""
    name = _in_info(block.info) or _in_comment(block.lines) or _in_line_before(before)
    return name, (_kind_by_name(name) if name else None) or _kind_of(block.info)


def _in_info(info: str) -> str:
    words = [word.strip("\"'()[]") for word in _SEPARATORS.split(_LABEL.sub(" ", info[:500]))]
    # The first word is a language, such as makefile, unless it can only be a path.
    named = [word for word in words if _is_path(word)]
    if named and named[0] == words[0] and not {".", "/"} & set(named[0]):
        named = named[1:]
    return named[0] if named else ""


def _in_comment(lines: Sequence[str]) -> str:
    line = lines[0][:_LONGEST_COMMENT].strip() if lines else ""
    begins = _COMMENT.match(line)
    if begins is None:
        return ""
    # No one pattern for all of it: blanks, text and blanks again would be tried in every way.
    text = _COMMENT_END.sub("", line[begins.end() :]).strip()
    label = _LABEL.match(text)
    text = text[label.end() :] if label else text
    return text if _is_path(text) else ""


def _in_line_before(lines: Sequence[str]) -> str:
    near = [line.strip() for line in lines if line.strip()]
    if not near or len(near[-1]) > _MAX_PATH:
        return ""
    text = near[-1]
    decoration = _DECORATION.match(text)
    text = text[decoration.end() :] if decoration else text
    text = text.strip("*` ").removesuffix(":").strip("*` ")
    label = _LABEL.match(text)
    text = (text[label.end() :] if label else text).strip("*` ")
    return text if _is_path(text) else ""


def _is_path(text: str) -> bool:
    """Whether a word is a path: it ends as files do, or is one of those without an ending."""
    if not text or len(text) > _MAX_PATH or any(sign.isspace() for sign in text):
        return False
    last = text.rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    if not dot:
        return last.lower() in _NAMES
    # A language by its own word, such as c++ or .py, is none.
    return bool(stem) and (ending.lower() in KINDS or ending.lower() in _OTHER_ENDINGS)


def _kind_of(info: str) -> FileKind | None:
    """The kind that the first word after a fence names; a path names it by its ending."""
    word = _SEPARATORS.split(info.strip()[:200])[0].strip("\"'").lower()
    return KINDS.get(word) or (_kind_by_name(word) if _is_path(word) else None)


def _kind_by_name(name: str) -> FileKind | None:
    last = name.rpartition("/")[2].lower()
    return KINDS.get(_NAMES.get(last, "") or last.rpartition(".")[2])


def _clashes(path: str, found: Mapping[str, GeneratedFile]) -> bool:
    """Whether a path would have to be a file and a folder."""
    above = {str(parent) for parent in PurePosixPath(path).parents}
    return not above.isdisjoint(found) or any(each.startswith(f"{path}/") for each in found)
