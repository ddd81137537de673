"""Files of a repository that a task's models are shown: which, why, and how much of each.

Files that a person named come first, then those that a diff touches, then those that the task's
words fit best: a word in a path counts more than one in a text, and one that few files have more
than one that all have. Each is taken whole where the room allows it, else up to the end of a line.
Nothing is passed over in silence: what was left out is written down with its reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from engine.files import read_file
from engine.quality.tree import FOREIGN
from engine.repair.paths import SECRETS
from engine.text import clean, count

MAX_BYTES = 256 << 10
"""The largest file that is looked at."""

MAX_TOTAL = 16 << 20
"""Bytes of files that are looked at in all."""

MAX_FILES = 4000
"""Files that are looked at."""

MAX_CHOSEN = 24
"""Files that are taken without being named."""

LISTED = 200
"""Paths of the repository that models are told."""

PART = 3
"""A file that nobody named gets at most this part of the room."""

_LONGEST_NAME = 200
_WORTHWHILE = 200  # characters: less of a file says nothing
SECRET_FILES = (
    *SECRETS,
    *(".env*", ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".htpasswd"),
)
"""Names, in lower case, of files that no model is ever shown, nor what changed in them."""

_GENERATED = ("*.lock", "package-lock.json", "*.min.js", "*.min.css", "*.map", "*.svg", "sdkconfig")
_ALWAYS = {"readme.md": 1.0, "readme.rst": 1.0, "cmakelists.txt": 0.6, "idf_component.yml": 0.4}
_SOURCES = frozenset({".c", ".cpp", ".cc", ".h", ".hpp", ".py", ".ino", ".rs", ".js", ".ts"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """the and for with that this from into are not but has have when then than its was were
        does please should would could must can will make use used all any which what where how
        why file files code function add new get set int void char static const return include""",
    )
)


class Why(StrEnum):
    """Why a file was chosen, spelled as people see it."""

    NAMED = "named"
    CHANGED = "in the diff"
    FITS = "fits the task"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file that models are shown.

    Args:
        path: from the root of the repository.
        why: why it was chosen.
        size: characters that it has.
        taken: characters of its beginning that are shown.
    """

    path: str
    why: Why
    size: int
    taken: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What models are shown of a repository.

    Args:
        files: the most important first.
        left_out: what was named or touched and is not shown, with the reason, one line each.
        listing: paths of the repository, at most :data:`LISTED`.
        unlisted: how many paths are not in the listing.
        diff: the diff, as far as it is shown.
        diff_size: characters of the whole diff.
    """

    files: tuple[Chosen, ...] = ()
    left_out: tuple[str, ...] = ()
    listing: tuple[str, ...] = ()
    unlisted: int = 0
    diff: str = ""
    diff_size: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What models are to be shown.

    Args:
        words: the task, in a person's words.
        paths: files and folders that a person named.
        diff: a unified diff; it may take half of the room.
        changed: the files that it touches.
        room: characters for all of it.
    """

    words: str
    paths: tuple[str, ...] = ()
    diff: str = ""
    changed: tuple[str, ...] = ()
    room: int = 0


def choose(tree: Path, tracked: Sequence[str], wish: Wish) -> Choice:
    """Choose files of a worktree. Reads up to :data:`MAX_TOTAL` bytes.

    Args:
        tree: its folder.
        tracked: paths of its tracked files, links and submodules not among them.
        wish: what for.
    """
    diff = _cut(wish.diff, wish.room // 2)
    reader, known = _Reader(tree), frozenset(tracked)
    room = wish.room - len(diff)
    chosen: dict[str, Chosen] = {}
    left_out = [f"{clean(path)[:100]}: no such file" for path in _unknown(wish.paths, tracked)]

    def take(path: str, why: Why, most: int) -> None:
        nonlocal room
        text, reason = reader.read(path)
        if text is None:
            left_out.append(f"{clean(path)[:200]}: {reason}")
            return
        shown = len(_cut(text, min(most, room)))
        if shown < min(len(text), _WORTHWHILE):
            left_out.append(f"{clean(path)[:200]}: no room for it ({why})")
            return
        chosen[path] = Chosen(path, why, len(text), shown)
        room -= shown

    for path in _below(wish.paths, tracked):
        take(path, Why.NAMED, room)
    for path in wish.changed:
        if path in known and path not in chosen:
            take(path, Why.CHANGED, room // 2)
    others = [path for path in tracked if path not in chosen]
    for path in _ranked(reader, others, wish.words)[:MAX_CHOSEN]:
        if room < _WORTHWHILE:
            break
        take(path, Why.FITS, max(_WORTHWHILE, wish.room // PART))
    listing = [path for path in tracked if why_not(path) is None]
    return Choice(
        files=tuple(chosen.values()),
        left_out=tuple(left_out),
        listing=tuple(clean(path) for path in listing[:LISTED]),
        unlisted=max(0, len(listing) - LISTED),
        diff=diff,
        diff_size=len(wish.diff),
    )


def why_not(path: str) -> str | None:
    """Why a file is not shown to a model that nobody named it for, None when nothing is against it.

    Args:
        path: from the root. Untrusted.
    """
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if is_secret(path):
        return "may hold a secret"
    if not path.isprintable() or len(path) > _LONGEST_NAME:
        return "an odd name"
    if any(part.startswith(".") for part in pure.parts):
        return "hidden"
    if not FOREIGN.isdisjoint(pure.parts[:-1]):
        return "not the project's own"
    if any(fnmatchcase(name, pattern) for pattern in _GENERATED):
        return "generated"
    return None


def is_secret(path: str) -> bool:
    """Whether a file's name says that it holds keys or passwords: no model is ever shown it."""
    name = PurePosixPath(path).name.lower()
    return any(fnmatchcase(name, pattern) for pattern in SECRET_FILES)


def words_of(text: str) -> frozenset[str]:
    """The words of a text that tell something; ``readADC_raw`` has ``read``, ``adc``, ``raw``."""
    found = (match[0].lower() for match in _WORD.finditer(text))
    return frozenset(word for word in found if 2 < len(word) < 40 and word not in _COMMON)


def table(choice: Choice) -> str:
    """What was chosen, as Markdown for people."""
    lines = ["# Context", ""]
    if choice.diff_size:
        lines += [f"Diff: {len(choice.diff)} of {count(choice.diff_size, 'character')}", ""]
    lines += ["| file | why | shown |", "| --- | --- | --- |"]
    for each in choice.files:
        part = "all" if each.taken == each.size else f"{each.taken} of {each.size}"
        lines.append(f"| {_cell(each.path)} | {each.why} | {part} characters |")
    if not choice.files:
        lines.append("| none | | |")
    if choice.left_out:
        lines += ["", "Left out:", "", *(f"- {_cell(line)}" for line in choice.left_out)]
    return "\n".join(lines) + "\n"


def text_of(tree: Path, chosen: Chosen) -> str:
    """What is shown of a file, as it now is; empty when it is gone."""
    text, _ = _Reader(tree).read(chosen.path)
    return _cut(text or "", chosen.taken) if chosen.taken < chosen.size else text or ""


def read_whole(tree: Path, path: str) -> str:
    """A text file of the tree as it now is; empty for what no model is shown."""
    return _Reader(tree).read(path)[0] or ""


class _Reader:
    """Reads texts of a tree, each once and :data:`MAX_TOTAL` in all."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._root = tree.resolve()
        self._room = MAX_TOTAL
        self._texts: dict[str, tuple[str | None, str]] = {}

    def read(self, path: str) -> tuple[str | None, str]:
        """A file's text, or None and the reason."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> tuple[str | None, str]:
        if is_secret(path):
            return None, "may hold a secret"
        if not path.isprintable() or len(path) > _LONGEST_NAME:
            return None, "an odd name"
        try:
            if (self._tree / path).resolve() != self._root / path:
                return None, "reached through a link"
            data = read_file(self._tree / path, min(MAX_BYTES, self._room))
        except (OSError, RuntimeError, ValueError) as error:
            return None, getattr(error, "strerror", None) or "cannot be read"
        self._room -= len(data)
        if b"\0" in data:
            return None, "binary"
        try:
            return data.decode("utf-8"), ""
        except UnicodeDecodeError:
            return None, "no UTF-8 text"


def _ranked(reader: _Reader, paths: Iterable[str], task: str) -> list[str]:
    """Paths that fit a task, the best first."""
    wanted = words_of(task)
    found: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for path in [path for path in paths if why_not(path) is None][:MAX_FILES]:
        text, _ = reader.read(path)
        if text is not None:
            found[path] = words_of(path) & wanted, words_of(text) & wanted
    rarity = _rarity(wanted, [inside | named for named, inside in found.values()])
    scores = {
        path: 3 * sum(rarity[word] for word in named)
        + sum(rarity[word] for word in inside)
        + _by_nature(path)
        for path, (named, inside) in found.items()
    }
    return sorted((path for path in scores if scores[path] > 0), key=lambda p: (-scores[p], p))


def _rarity(wanted: Collection[str], files: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """What a word is worth: the fewer files have it, the more (inverse document frequency)."""
    return {
        word: math.log(1 + len(files) / (1 + sum(word in words for words in files)))
        for word in wanted
    }


def _by_nature(path: str) -> float:
    """What a file is worth whatever the task is."""
    pure = PurePosixPath(path)
    if len(pure.parts) <= 2 and pure.name.lower() in _ALWAYS:
        return _ALWAYS[pure.name.lower()]
    if pure.suffix.lower() in _SOURCES:
        return 0.5 if "main" in (*pure.parts, pure.stem) else 0.2
    return 0.0


def _below(paths: Sequence[str], tracked: Sequence[str]) -> Iterable[str]:
    """The tracked files that were named, or lie in a folder that was."""
    found: dict[str, None] = {}
    for path in map(_normal, paths):
        exact = [each for each in tracked if each == path]
        inside = [
            each
            for each in tracked
            if (path == "." or each.startswith(f"{path}/")) and why_not(each) is None
        ]
        found.update(dict.fromkeys(exact or inside))
    return found


def _unknown(paths: Sequence[str], tracked: Sequence[str]) -> list[str]:
    return [path for path in paths if not any(True for _ in _below((path,), tracked))]


def _normal(path: str) -> str:
    return str(PurePosixPath(path.strip()))


def _cut(text: str, most: int) -> str:
    """The beginning of a text, up to the end of a line."""
    if len(text) <= most:
        return text
    end = text.rfind("\n", 0, max(0, most))
    return text[: end + 1]


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("`", "'")
