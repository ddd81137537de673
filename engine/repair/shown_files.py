"""Which files of a project a model is shown of a failure, why, and how much of each.

The order is that of how likely a line of it must change: what errors name; what defines the names
in them; what prints what a test waits for; what is called there, included there, and who calls it;
what changed since it last worked; how it is built; then everything else, the app's own before what
starts it up. A small project is shown whole in that order; of a large one, until the room is full.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.findings import Finding
from engine.llm.chat import CHARACTERS_A_TOKEN
from engine.llm.fences import fenced
from engine.repair.case import RepairCase
from engine.repair.source_index import SourceIndex
from engine.source.c_source import C_SUFFIXES
from engine.source.diff_excerpts import sections_of
from engine.source.excerpts import describe_lines, excerpt
from engine.source.file_kinds import FileKind, base_score, is_below, is_beneath, kind_of
from engine.source.functions import Function
from engine.source.search_words import search_words_of

MAX_FILES = 60
"""Files that are shown."""

_MAX_PLACES = 40
_MAX_NAMES = 60
_MAX_OF_ONE_REASON = 8
_MAX_PRINTING = 5
_LINES_AROUND = 20  # lines before and after one that an error names
_MIN_ROOM = 300  # characters: less of a file says nothing
_WHOLE_CHARACTERS = 6000  # a file of at most so many is shown whole where there is room
_NAMED_SHARE, _SHARE = 0.6, 0.35  # parts of the room that is left for one file
_PLACE = re.compile(r"([\w./+-]{1,300}\.\w{1,8})(?::|\"?,? line )(\d{1,7})")
"""Compilers' ``a.c:3``, and Python's ``File "a.py", line 3`` as generators of code say it too."""

_SYMBOL = re.compile(
    r"['‘`\"](?:(?:struct|union|enum|class)\s)?([A-Za-z_]\w{2,127})['’\"]"
    r"|(?:symbol|reference to|definition of)[: ]+[`'‘]?([A-Za-z_]\w{1,127})"
)
_FRAME = re.compile(r"\b([A-Za-z_]\w{2,127})\(?\)? (?:at|in) ")
_LINKING = re.compile(
    r"undefined (?:symbol|reference)|multiple definition|duplicate symbol|linker"
    r"|No such file or directory|file not found"
)
_TASK = re.compile(r"\btask '?([A-Za-z_][\w -]{0,30}?)'? (?:has|caused|did|on CPU)")
_LOG_LINE = re.compile(r"(?:\x1b\[[0-9;]*m)?[EWIDV] \(\d{1,12}\) ([^:\s]{1,40}): (.*)")
_REGEX_SIGNS = re.compile(r"\\[A-Za-z]|\[[^\]]{0,80}\]|[\\^$.|?*+(){}]|%[-+0-9.]*[a-z]{1,3}|\d+")
_QUOTED = re.compile(r"saw '([^']{3,200})'")
_LETTERS = re.compile(r"[A-Za-z]{3,40}")
_CMAKE_INCLUDE = re.compile(
    r"^[ \t]*(include|add_subdirectory)[ \t]*\([ \t]*\"?(?:\$\{\w{1,60}\}/)?([\w./+-]{1,200})",
    re.IGNORECASE | re.MULTILINE,
)
"""https://cmake.org/cmake/help/latest/command/include.html"""

_CMAKE_CHARACTERS = 100_000
_SETTINGS = re.compile(r"(?:^|/)(?:sdkconfig\.defaults[^/]*|platformio\.ini)\Z")
_BUILD_FILES = (
    *("CMakeLists.txt", "platformio.ini", "sdkconfig.defaults", "idf_component.yml"),
    *("Kconfig.projbuild", "Kconfig", "component.mk", "Makefile"),
)


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that a model is shown.

    Args:
        path: from the root of the tree.
        why: in words of ours.
        part: which of its lines: ``whole``, or ``lines 1-20, 40 of 90``.
        text: those lines.
    """

    path: str
    why: str
    part: str
    text: str

    @property
    def tokens(self) -> int:
        """Tokens that it may take: an estimate."""
        return -(-len(self.text) // CHARACTERS_A_TOKEN)

    @property
    def section(self) -> str:
        """How a question shows it."""
        return f"{self.path}, {self.part} ({self.why}):\n{fenced(self.text.removesuffix(chr(10)))}"


def shown_files(case: RepairCase, index: SourceIndex, room: int) -> tuple[ShownFile, ...]:
    """The files that a model is shown, in the order of their worth.

    Args:
        case: what is to be repaired.
        index: of its tree.
        room: characters that their sections may take, with an empty line after each.
    """
    named = _places(case.findings, index)
    printing = _printing(case, index, with_console=not named)
    places = {**printing, **named, **{path: [*at] for path, at in case.requested.items()}}
    words = search_words_of(_said(case))
    shown: list[ShownFile] = []
    for path, why in _ranked(case, index, named, printing).items():
        if room < _MIN_ROOM or len(shown) == MAX_FILES:
            break
        if path not in places and not index.is_written(path):
            continue
        found = _excerpt(index, path, why, room, words, places.get(path))
        if found is not None and len(found.section) + 2 <= room:
            shown.append(found)
            room -= len(found.section) + 2
    return tuple(shown)


def _excerpt(
    index: SourceIndex,
    path: str,
    why: str,
    room: int,
    words: frozenset[str],
    named: Sequence[int] | None,
) -> ShownFile | None:
    """As much of a file as it may take of the room; None where that says nothing.

    Args:
        named: lines that an error or the model names; None where neither names the file.
    """
    text = index.read(path)
    if not text or not text.strip():
        return None
    room -= len(fenced("")) + len(path) + len(why) + 100
    if len(text) <= min(room, max(_WHOLE_CHARACTERS, int(room * _SHARE))):
        return ShownFile(path, why, "whole", text)
    share = int(room * (_SHARE if named is None else _NAMED_SHARE))
    around = {
        line
        for each in named or ()
        for line in range(each - _LINES_AROUND, each + _LINES_AROUND + 1)
        if line > 0
    }
    found = excerpt(path, text, share, words, around, fill=named is not None)
    if found.taken < _MIN_ROOM:
        return None
    return ShownFile(path, why, describe_lines(found.parts, found.lines), found.text)


def _ranked(
    case: RepairCase,
    index: SourceIndex,
    places: Mapping[str, Sequence[int]],
    printing: Mapping[str, Sequence[int]],
) -> dict[str, str]:
    """Every file that may be shown with why, the likeliest first."""
    found: dict[str, str] = {}

    def add(paths: Iterable[str], why: str) -> None:
        for path in paths:
            found.setdefault(path, why)

    def add_all(pairs: Iterable[tuple[str, str]]) -> None:
        for path, why in pairs:
            found.setdefault(path, why)

    defining = dict(_definitions(index, _symbols(case.findings)))
    build_files = _build_files(case, index, (*places, *defining))
    add(case.requested, "you asked for it")
    add(places, "an error names it")
    if _is_of_the_build(case):
        add(build_files, "says how it is built")
    add_all(defining.items())
    add(printing, "prints what is waited for or came last, or nearly so")
    if not places:  # a stack that is too small, a watchdog: the cause may be the configuration
        add((path for path in build_files if _SETTINGS.search(path)), "configures the chip")
    spots = [(path, line) for path, lines in (*places.items(), *printing.items()) for line in lines]
    functions = dict.fromkeys(
        (path, function)
        for path, line in spots[:_MAX_PLACES]
        if (function := index.function_at(path, line)) is not None
    )
    likely = frozenset(found)
    near = list(found)
    add_all(_called(index, functions, near))
    add_all(_included(index, near))
    add_all(_callers(index, functions))
    add(_changed(case, index), "changed since it was last built with success")
    for _ in range(2):  # what those include and call
        near = [path for path in found if path in index.sources]
        add_all(_included(index, near))
        add_all(_called(index, {}, near))
    add(build_files, "says how it is built")
    # What starts the chip up and prints is used by everything, and seldom what must change.
    late = {path: found.pop(path) for path in [*found] if is_beneath(path) and path not in likely}
    found.update(late)
    add(_rest(case, index), "of the project")
    return found


def _places(findings: Sequence[Finding], index: SourceIndex) -> dict[str, list[int]]:
    """Lines of the tree's files that findings name, in the order of their files."""
    places: dict[str, list[int]] = {}
    count = 0
    for finding in findings:
        named = [(finding.file or "", finding.line or 1)]
        text = f"{finding.message}\n{finding.evidence or ''}"
        named += [(m[1], int(m[2])) for m in _PLACE.finditer(text)]
        for name, line in named:
            path = index.resolve(name)
            if path and count < _MAX_PLACES:
                count += 1
                places.setdefault(path, []).append(line)
    return places


def _is_of_the_build(case: RepairCase) -> bool:
    """Whether the build files may be the cause: a linker says so, or no source is named."""
    built = [each for each in case.failures if each.stage == "build"]
    return any(
        _LINKING.search(f"{finding.message}\n{finding.evidence or ''}") is not None
        or PurePosixPath(finding.file or "").suffix.lower() not in C_SUFFIXES
        for failure in built
        for finding in failure.findings
    )


def _symbols(findings: Sequence[Finding]) -> list[str]:
    """Names of code in what findings say."""
    found: dict[str, None] = {}
    for finding in findings:
        for match in _SYMBOL.finditer(finding.message[:2000]):
            found[match[1] or match[2]] = None
        for match in _FRAME.finditer((finding.evidence or "")[:8000]):
            found[match[1]] = None
    return list(found)[:_MAX_NAMES]


def _definitions(index: SourceIndex, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        for path in index.defining.get(name, ())[:_MAX_OF_ONE_REASON]:
            yield path, f"defines {name}"


def _printing(case: RepairCase, index: SourceIndex, *, with_console: bool) -> dict[str, list[int]]:
    """The files whose strings are most like what a test waits for and what came, with the lines.

    Args:
        with_console: whether the last lines of the console count too, and the name of the task that
            failed: where nothing else names a place, they say where the firmware was.
    """
    said = [*case.awaited, *(m[1] for f in case.findings for m in _QUOTED.finditer(f.message))]
    tasks = {m[1] for f in case.findings for m in _TASK.finditer(f.message)}
    if with_console:
        said += [" ".join(m.groups()) for line in case.console[-6:] if (m := _LOG_LINE.match(line))]
        created = {
            path: lines
            for path in index.sources
            if (lines := [line for line, string in index.strings(path) if string in tasks])
        }
        if created:
            return created
    split = (piece.strip() for text in said for piece in _REGEX_SIGNS.split(text))
    pieces = [*dict.fromkeys(piece for piece in split if len(piece) >= 4)][:_MAX_NAMES]
    words = {word.lower() for text in said for word in _LETTERS.findall(text)}
    if not words:
        return {}
    hits: dict[str, dict[int, tuple[int, set[str]]]] = {}
    for path in index.sources:
        for line, string in index.strings(path):
            low = {word.lower() for word in _LETTERS.findall(string)} & words
            whole = sum(piece in string for piece in pieces) if low else 0
            if low:
                hits.setdefault(path, {})[line] = (whole, low)
    users = {
        word: sum(any(word in low for _, low in lines.values()) for lines in hits.values())
        for word in words
    }

    def worth(hit: tuple[int, set[str]]) -> float:
        return 3 * hit[0] + sum(1 / users[word] for word in hit[1])

    scores = {path: max(map(worth, lines.values())) for path, lines in hits.items()}
    # What starts the chip up says much that came last, as its boot, and is seldom the cause.
    own = [score for path, score in scores.items() if not is_beneath(path)]
    best = max(own or scores.values(), default=0.0)
    order = sorted(scores, key=lambda path: (is_beneath(path), -scores[path], path))
    return {
        path: [line for line, hit in hits[path].items() if worth(hit) >= best / 3]
        for path in order[:_MAX_PRINTING]
        if scores[path] >= best / 3
    }


def _called(
    index: SourceIndex, functions: Iterable[tuple[str, Function]], near: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What defines the names that functions use, or files where no function is known.

    A name that few files use comes before one that all have, such as a log macro.
    """
    inside = [(path, index.names_in(path, function)) for path, function in functions]
    known = {path for path, _ in inside}
    inside += [(path, index.names(path)) for path in near if path not in known]
    names = {
        name
        for path, used in inside
        for name in used
        if name in index.defining and path not in index.defining[name]
    }
    for name in sorted(names, key=lambda name: (len(index.using.get(name, ())), name))[:_MAX_NAMES]:
        if len(index.defining[name]) <= 3:
            for path in index.defining[name]:
                yield path, f"defines {name}, which is used there"


def _included(index: SourceIndex, near: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Headers that files include, and the sources beside headers."""
    for path in near:
        for header in index.includes(path):
            yield header, f"included by {path}"
            for source in index.implementing(header)[:3]:
                yield source, f"implements {header}"
        for source in index.implementing(path)[:3]:
            yield source, f"belongs to {path}"


def _callers(
    index: SourceIndex, functions: Iterable[tuple[str, Function]]
) -> Iterator[tuple[str, str]]:
    for own, function in functions:
        name = function.name.rpartition("::")[2]
        users = [path for path in index.using.get(name, ()) if path != own]
        for path in users[:_MAX_OF_ONE_REASON]:
            yield path, f"uses {name}"


def _changed(case: RepairCase, index: SourceIndex) -> list[str]:
    known = frozenset(index.paths)
    return [each.path for each in sections_of(case.diff) if each.path in known]


def _build_files(case: RepairCase, index: SourceIndex, places: Iterable[str]) -> list[str]:
    """The files that say how it is built: the app's, those of the folders of files that matter,
    and what they include.

    Args:
        places: files that errors name, or that define what errors name.
    """
    folders = {case.app, f"{case.app}/main".removeprefix("/")}
    for path in places:
        folders |= {"" if str(each) == "." else str(each) for each in PurePosixPath(path).parents}
    found = [
        path
        for path in index.paths
        if kind_of(path) is FileKind.CONFIGURATION
        and path.rpartition("/")[0] in folders
        and not path.endswith(".ld")
        and not _is_of_another_board(path, case.target)
    ]

    def order(path: str) -> tuple[bool, int, int, str]:
        name = path.rpartition("/")[2]
        known = _BUILD_FILES.index(name) if name in _BUILD_FILES else len(_BUILD_FILES)
        return not is_below(path, case.app), path.count("/"), known, path

    found = sorted(found, key=order)
    more = [part for path in found[:_MAX_OF_ONE_REASON] for part in _included_in_cmake(index, path)]
    more.sort(key=is_beneath)
    return list(dict.fromkeys((*found, *more)))[:_MAX_OF_ONE_REASON]


def _included_in_cmake(index: SourceIndex, path: str) -> Iterator[str]:
    """The tree's files that a CMake file includes, or that say how a folder in it is built."""
    folder = PurePosixPath(path).parent
    for match in _CMAKE_INCLUDE.finditer((index.read(path) or "")[:_CMAKE_CHARACTERS]):
        name = match[2].rstrip("/")
        if match[1].lower() != "include":
            name = f"{name}/CMakeLists.txt"
        elif not PurePosixPath(name).suffix:  # a module, found by CMAKE_MODULE_PATH
            name = f"{name}.cmake"
        found = index.resolve(str(folder / name)) or index.resolve(name)
        if found is not None:
            yield found


def _is_of_another_board(path: str, target: str) -> bool:
    """Whether a file has defaults for a chip or board that is not the case's."""
    _, mark, which = path.rpartition("/")[2].partition("sdkconfig.defaults.")
    return bool(mark) and which != target


def _rest(case: RepairCase, index: SourceIndex) -> list[str]:
    """Everything else, the app's own first, what starts the chip up last."""
    kinds = (FileKind.SOURCE, FileKind.CONFIGURATION)
    paths = [path for path in index.paths if kind_of(path) in kinds]
    return sorted(
        paths,
        key=lambda path: (
            not is_below(path, case.app),
            is_beneath(path),
            kind_of(path),
            -base_score(path),
            path,
        ),
    )


def _said(case: RepairCase) -> str:
    """All that is said of the failure, bounded."""
    texts = [text for f in case.findings for text in (f.message, f.evidence or "")]
    return "\n".join((*texts, *case.awaited))[:20_000]
