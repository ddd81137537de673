"""Files out of a model's answer: the fenced blocks of its Markdown.

A block becomes a file. Its path is named as :mod:`engine.tasks.file_names` has it: in the fence, in
a comment on top of the block, or before it. A block with several such comments is as many files. A
block without a name, or with one that may not be made here (absolute, with ``..``, hidden, or with
signs that a terminal or a shell would take for something else), is called ``STEP_KIND_N.EXT`` until
the model is asked for its name.

A block without a name counts only if it is of a kind that files have: what a shell is told, and
what a program printed, are part of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.enums import ArtifactKind
from engine.llm.fences import fenced
from engine.llm.written_calls import as_blocks
from engine.tasks.answer_blocks import Block, blocks
from engine.tasks.answer_versions import left_out, loss
from engine.tasks.file_names import (
    DOCUMENTS,
    HASH_COMMENTS,
    SLASH_COMMENTS,
    TEXT,
    FileKind,
    bare_name,
    comment_sign,
    fits,
    is_citation,
    is_foreign,
    kind_of_info,
    kind_of_name,
    name_at,
    name_in_info,
    name_on_top,
    plain_path,
)
from engine.text import first_lines

MAX_FILES = 64
"""Files of one answer."""

MAX_VERSIONS = 16
"""How often a file may come in one answer."""

_LANGUAGES = {"header": "c", "hpp": "cpp", "assembly": "asm", "linker": "text"}
_EDGE_LINES = 2
"""Lines of text around a block that is still all of the answer."""


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file that a model made.

    Args:
        path: relative, safe to make below a folder.
        kind: the word of its kind, such as ``c`` or ``cmake``; ``text`` for none.
        text: all of it. Untrusted.
        whole: whether its block was closed; else the answer was cut, or the model forgot.
        named: whether the model named it; else ``path`` is ours.
    """

    path: str
    kind: str
    text: str
    whole: bool = True
    named: bool = True

    @property
    def language(self) -> str:
        """What a fence around it says."""
        return _LANGUAGES.get(self.kind, self.kind)

    @property
    def artifact_kind(self) -> ArtifactKind:
        """What it is among the artifacts of a run."""
        if self.kind == "diff":
            return ArtifactKind.PATCH
        return ArtifactKind.DOCUMENT if self.kind in DOCUMENTS else ArtifactKind.SOURCE


@dataclass(frozen=True, slots=True)
class ExtractedFiles:
    """What was found.

    Args:
        files: in order; of several with one path, the last that lost nothing.
        prose: the answer, where each file's block is a line that names it.
        problems: what could not be taken, one line each.
    """

    files: tuple[GeneratedFile, ...]
    prose: str
    problems: tuple[str, ...] = ()

    @property
    def nameless(self) -> tuple[GeneratedFile, ...]:
        """Files that the model gave no name."""
        return tuple(made for made in self.files if not made.named)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the files, one line each: what was not taken, and what they lack."""
        found = list(self.problems)
        for made in self.files:
            line = left_out(made.text, made.kind)
            found += [f"{made.path} is not whole"] * (not made.whole)
            found += [f"{made.path} leaves lines out: {line[:60]}"] * bool(line)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a block is one file: its name as the model gave it, empty for none, and its lines."""

    name: str
    kind: FileKind | None
    lines: tuple[str, ...]
    whole: bool


def extract(answer: str, step: str, names: Mapping[str, str] | None = None) -> ExtractedFiles:
    """The files of an answer. Every line is looked at a few times, whatever it is.

    Args:
        answer: untrusted text of a model.
        step: key of the step, for files without a name.
        names: what the model said when it was asked for the names of nameless files: by the path
            that such a file has here, its name, or an empty one for a block that is no file.
    """
    lines = [line.removesuffix("\r") for line in as_blocks(answer).split("\n")]
    found = list(blocks(lines))
    if inner := _all_of_it(lines, found):
        lines = list(inner)
        found = list(blocks(lines))
    taken = _Taken(step, names or {})
    prose: list[str] = []
    at = 0
    for block in found:
        marks = [taken.take(part) for part in _parts(block)]
        if taken.is_full:
            break
        if any(marks):
            prose += [*lines[at : block.begin], *filter(None, marks)]
            at = block.end + 1
    return ExtractedFiles(
        tuple(taken.files.values()),
        "\n".join([*prose, *lines[at:]]),
        first_lines(taken.problems),
    )


class _Taken:
    """The files of an answer until now."""

    def __init__(self, step: str, names: Mapping[str, str]) -> None:
        self.files: dict[str, GeneratedFile] = {}
        self.problems: list[str] = []
        self.is_full = False
        self._step, self._names = step, names
        self._counts: dict[str, int] = {}
        self._versions: dict[str, int] = {}

    def take(self, part: _Part) -> str:
        """Take what is a file; the line that stands for it, empty for what stays text."""
        path = self._path(part.name) if part.name else None
        if path is None and part.kind is None:
            return ""  # a command or an output: part of the text
        kind = (kind_of_name(path) if path else None) or part.kind or TEXT
        named = path is not None
        if path is None:
            self._counts[kind.name] = self._counts.get(kind.name, 0) + 1
            path = f"{self._step}_{kind.name}_{self._counts[kind.name]}.{kind.ending}"
            told = self._names.get(path)
            if told == "":
                return ""
            if told and (given := self._path(told)) is not None:
                path, named = given, True
        if path not in self.files and len(self.files) == MAX_FILES:
            self.problems.append(f"more than {MAX_FILES} files")
            self.is_full = True
            return ""
        self._versions[path] = self._versions.get(path, 0) + 1
        if self._versions[path] > MAX_VERSIONS:
            self.problems.append(f"{path} comes more than {MAX_VERSIONS} times")
            return ""
        text = "\n".join(part.lines) + "\n" if part.lines else ""
        made = GeneratedFile(path, kind.name, text, part.whole, named)
        kept, problems = keep_fuller(self.files, [made])
        self.problems += problems
        self.files.update({each.path: each for each in kept})
        return f"[file {path}, {len(part.lines)} lines]"

    def _path(self, name: str) -> str | None:
        path = plain_path(name)
        if path is None:
            self.problems.append(f"{name[:80]!r} is not a file name")
        elif clashes(path, self.files):
            self.problems.append(f"{path} is a file and a folder")
            return None
        return path


def keep_fuller(
    before: Mapping[str, GeneratedFile], files: Sequence[GeneratedFile]
) -> tuple[tuple[GeneratedFile, ...], tuple[str, ...]]:
    """Of files that come again, those that lost nothing; and why the others are not taken.

    Args:
        before: what there is, by path.
        files: what comes now, each path once.
    """
    taken, problems = list[GeneratedFile](), list[str]()
    for new in files:
        old = before.get(new.path)
        lost = ""
        if old is not None and old.whole and not new.whole:
            lost = "comes again not whole"
        elif old is not None:
            others = (each.text for each in files if each is not new)
            lost = loss(old.text, new.text, new.kind, others)
        if lost:
            problems.append(f"{new.path} {lost}: the fuller one is kept")
        else:
            taken.append(new)
    return tuple(taken), tuple(problems)


def assembled_code(files: Sequence[GeneratedFile]) -> str:
    """The text of all files, each headed by its path, as Markdown."""
    parts = (f"## {each.path}\n\n{fenced(each.text.rstrip(), each.language)}\n" for each in files)
    return "\n".join(parts)


def _all_of_it(lines: Sequence[str], found: Sequence[Block]) -> Sequence[str]:
    """The lines of a document around a whole answer whose own blocks are files; else nothing."""
    if not found:
        return ()
    block = found[0]
    kind = kind_of_info(block.info)
    if kind is None or kind.name not in DOCUMENTS or block.before or name_in_info(block.info):
        return ()
    around = [*lines[: block.begin], *lines[block.end + 1 :]]
    if len(found) > 1 or sum(bool(line.strip()) for line in around) > _EDGE_LINES:
        return ()
    parts = (part for inner in blocks(block.lines) for part in _parts(inner))
    return block.lines if any(part.name for part in parts) else ()


def _parts(block: Block) -> Iterator[_Part]:
    """The files of a block: one, or as many as comments in it begin one."""
    kind = kind_of_info(block.info)
    top, at = name_on_top(block.lines)
    if top and not fits(top, block.info):
        top = ""
    starts = _starts(block.lines, at) if top and not _is_text(kind, top) else []
    if len(starts) > 1:
        ends = [start for start, _ in starts[1:]] + [len(block.lines)]
        for (start, name), end in zip(starts, ends, strict=True):
            lines = block.lines[start:end]
            whole = block.closed or end < len(block.lines)
            yield _Part(name, kind, _without_name(_ending(lines), name, kind), whole)
        return
    lines = block.lines
    if top:
        lines = (*lines[:at], *_without_name(lines[at:], top, kind))
    elif kind is not None and kind.name in SLASH_COMMENTS | HASH_COMMENTS:
        bare = bare_name(lines)
        if bare and fits(bare, block.info):
            top, lines = bare, lines[1:]
    given = [name for name in (name_in_info(block.info), top, block.before) if name]
    # Of names that mean the same file, the one that knows its folder.
    name = next(
        (each for each in given if each.endswith(f"/{given[0]}")), given[0] if given else ""
    )
    if is_citation(block.info):
        name, kind = "", None
    yield _Part(name, kind, lines, block.closed)


def _starts(lines: Sequence[str], first: int) -> list[tuple[int, str]]:
    """Where files begin in a block: comments like the first one, after an empty line."""
    sign = comment_sign(lines[first])
    found = [(0, name_at(lines, first))]
    for at in range(first + 1, len(lines)):
        if lines[at - 1].strip() or comment_sign(lines[at]) != sign:
            continue
        name = name_at(lines, at)
        if name and all(name != known for _, known in found) and len(found) < MAX_FILES:
            found.append((at, name))
    return found


def _ending(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Lines without empty ones at their end."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _without_name(lines: tuple[str, ...], name: str, kind: FileKind | None) -> tuple[str, ...]:
    """Lines without the first, where that names the file and can be no part of it."""
    kind = kind_of_name(name) or kind
    return lines[1:] if kind is not None and is_foreign(lines[0], kind) else lines


def _is_text(kind: FileKind | None, name: str) -> bool:
    """Whether comments in a file are headings and words of its own."""
    kind = kind_of_name(name) or kind
    return kind is not None and kind.name in DOCUMENTS | {"text", "diff"}


def clashes(path: str, found: Mapping[str, GeneratedFile]) -> bool:
    """Whether a path would have to be a file and a folder."""
    above = {str(parent) for parent in PurePosixPath(path).parents}
    return not above.isdisjoint(found) or any(each.startswith(f"{path}/") for each in found)
