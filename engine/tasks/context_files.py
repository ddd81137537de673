"""Files of a repository that a task's models are shown: which, why, and how much of each.

Files that a person named come first, then those that a diff touches, then those that fit the task:
sources before build configuration, the app's own folder before what apps share, one README and
short. Folders of other apps, generated files and tables are passed over. A word in a path counts
more than one in a text, and one that few files have more than one that all have; a header that the
app includes counts as well. A file is taken whole where the room allows it, else the parts of it
that matter. What was left out though it was named, changed or generated is written down with its
reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.source.diffs import lines_changed
from engine.source.file_kinds import (
    FileKind,
    is_below,
    kind_of,
    other_apps,
)
from engine.source.file_policy import GENERATED, NOT_OWN, exposure_refusal
from engine.tasks import bulk_data, diff_excerpts
from engine.tasks.excerpts import Excerpt, Lines, excerpt, shown, told
from engine.tasks.file_ranking import ranked
from engine.tasks.readmes import MOST as README_MOST
from engine.tasks.readmes import first_part, readme_of
from engine.tasks.search_words import places_in, wanted_in
from engine.tasks.worktree_texts import Texts
from engine.text import clean, count

MAX_FILES = 4000
"""Files that are looked at."""

MAX_CHOSEN = 24
"""Sources that are taken without being named."""

MAX_CONFIGURATION = 6
"""Files of build configuration that are taken without being named."""

MAX_OTHERS = 6
"""Files that are neither, taken for the task's words."""

LISTED = 200
"""Paths of the repository that models are told."""

PART = 3
"""A file that nobody named gets at most this part of the room while others want theirs."""

SMALL_PART = 8
"""And this part, where that is not less than :data:`ENOUGH`."""

ENOUGH = 12_000
"""Characters of one file that say what it does about the task."""

_WORTHWHILE = 120  # characters: less of a file says nothing
_LEAST = 1500  # characters that each of several named or changed files gets at least
_OF_CHANGED = 0.75  # part of the room that changed files have together
_OF_CONFIGURATION = 6  # likewise, a part of this many
_OF_README = 8
_MAX_PLACES = 200
_NONE = frozenset[int]()
_TOLD = 10  # generated files that are told one by one


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
        taken: characters of it that are shown.
        lines: that it has.
        parts: first and last of the lines that are shown, from 1, in order.
    """

    path: str
    why: Why
    size: int
    taken: int
    lines: int
    parts: tuple[Lines, ...]

    @property
    def part(self) -> str:
        """Which of its lines are shown, as people read it; empty for all."""
        return told(self.parts, self.lines) if self.taken < self.size else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What models are shown of a repository.

    Args:
        files: the most important first.
        left_out: what was named, touched or generated and is not shown, with the reason, one line
            each.
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
class ContextQuery:
    """What models are to be shown.

    Args:
        words: the task, in a person's words.
        log: material that comes with it, which may name places of files.
        paths: files and folders that a person named.
        diff: a unified diff; it may take half of the room.
        changed: the files that it touches.
        app: folder of the project's app, empty for the root.
        apps: folders of all apps of the repository; those of others are not shown.
        room: characters for all of it.
    """

    words: str
    log: str = ""
    paths: tuple[str, ...] = ()
    diff: str = ""
    changed: tuple[str, ...] = ()
    app: str = ""
    apps: tuple[str, ...] = ()
    room: int = 0


def choose(tree: Path, tracked: Sequence[str], query: ContextQuery) -> Choice:
    """Choose files of a worktree. Reads texts as :class:`engine.tasks.worktree_texts.Texts` does.

    Args:
        tree: its folder.
        tracked: paths of its tracked files, links and submodules not among them.
        wish: what for.
    """
    return _Chooser(tree, tracked, query).choose()


def table(choice: Choice) -> str:
    """What was chosen, as Markdown for people."""
    lines = ["# Context", ""]
    if choice.diff_size:
        lines += [f"Diff: {len(choice.diff)} of {count(choice.diff_size, 'character')}", ""]
    lines += ["| file | why | shown |", "| --- | --- | --- |"]
    for each in choice.files:
        part = f"{each.part}, {each.taken} of {each.size}" if each.part else "all"
        lines.append(f"| {_cell(each.path)} | {each.why} | {part} characters |")
    if not choice.files:
        lines.append("| none | | |")
    if choice.left_out:
        lines += ["", "Left out:", "", *(f"- {_cell(line)}" for line in choice.left_out)]
    return "\n".join(lines) + "\n"


def text_of(text: str, chosen: Chosen) -> str:
    """What is shown of a file: its parts, with a mark for each gap.

    Args:
        text: all of it, as it was when it was chosen.
    """
    return shown(text, chosen.parts).text if chosen.taken < chosen.size else text


class _Chooser:
    """Chooses once: takes files one after the other, as long as there is room."""

    def __init__(self, tree: Path, tracked: Sequence[str], query: ContextQuery) -> None:
        self._wish = query
        self._tracked, self._known = tracked, frozenset(tracked)
        self._texts = Texts(tree)
        self._words = wanted_in(query.words)
        self._named = _below(query.paths, tracked)
        self._sections = {each.path: each for each in diff_excerpts.sections_of(query.diff)}
        self._touched = lines_changed(query.diff)
        self._lines = _lines_named(f"{query.words}\n{query.log}", tracked)
        self._is_other = other_apps(query.app, query.apps)
        self._chosen: dict[str, Chosen] = {}
        self._left_out: list[str] = []
        self._room = query.room

    def choose(self) -> Choice:
        query = self._wish
        for path in query.paths:
            if not _below((path,), self._tracked):
                self._left_out.append(f"{clean(path)[:100]}: no such file")
        sections = tuple(self._sections.values())
        diff, missing = diff_excerpts.fitted(sections, query.room // 2, self._change_refusal)
        self._left_out += missing
        self._room -= len(diff)
        self._take_all(tuple(self._named), Why.NAMED, self._room)
        self._take_all(self._changed(), Why.CHANGED, int(self._room * _OF_CHANGED))
        self._take_fitting()
        order = list(Why)
        files = sorted(
            self._chosen.values(),
            key=lambda each: (order.index(each.why), each.why is Why.FITS and kind_of(each.path)),
        )
        listing = [path for path in self._seen() if path not in self._texts.generated]
        return Choice(
            files=tuple(files),
            left_out=(*self._left_out, *self._of_generated()),
            listing=tuple(clean(path) for path in listing[:LISTED]),
            unlisted=max(0, len(listing) - LISTED),
            diff=diff,
            diff_size=len(query.diff),
        )

    def _take(self, path: str, why: Why, most: int) -> None:
        """Take a file, or as much of it as there is room for."""
        text, reason = self._texts.read(path)
        if text is None:
            self._leave(path, reason)
            return
        most, lines, fill = min(most, self._room), self._lines_of(path), why is Why.NAMED
        self._keep(path, why, text, excerpt(path, text, most, self._words, lines, fill=fill))

    def _keep(self, path: str, why: Why, text: str, found: Excerpt) -> None:
        least = 1 if _is_readme(path) else max(_WORTHWHILE, self._wish.room // 100)
        if found.taken < min(found.whole, least):
            if why is not Why.FITS:
                self._leave(path, f"no room for it ({why})")
            return
        if found.whole < len(text) and (reason := bulk_data.exposure_refusal(path, text)):
            self._leave(path, f"{reason}: the rest of it is shown")
        self._chosen[path] = Chosen(path, why, len(text), found.taken, found.lines, found.parts)
        self._room -= len(found.text)

    def _take_all(self, paths: Sequence[str], why: Why, room: int) -> None:
        """Take files that all matter: what small ones leave is the large ones'."""
        sizes = [len(self._texts.read(path)[0] or "") for path in paths]
        for path, share in zip(paths, _shares(sizes, room), strict=True):
            self._take(path, why, share)

    def _take_fitting(self) -> None:
        """Take what fits the task. Configuration and the README have their part before sources."""
        texts, room = self._candidates(), self._room
        readme = readme_of(tuple(texts), self._wish.app)
        if readme is not None and not any(map(_is_readme, self._chosen)):
            parts = first_part(texts[readme], min(README_MOST, room // _OF_README))
            self._keep(readme, Why.FITS, texts[readme], shown(texts[readme], parts))
        found = ranked(
            texts,
            self._words,
            mentioned=frozenset(self._lines),
            is_near=self._is_near,
            including=self._including(texts),
        )
        end = self._room - room // _OF_CONFIGURATION
        sources = _first(found, FileKind.SOURCE, MAX_CHOSEN)
        near = {_folder(path) for path in (*sources, *self._chosen)}
        near |= {_folder(folder) for folder in near}  # an app's is above its main/
        near |= {"", "main", self._wish.app, f"{self._wish.app}/main"}
        configuration = (path for path in found if _folder(path) in near)
        for path in _first(configuration, FileKind.CONFIGURATION, MAX_CONFIGURATION):
            self._take(path, Why.FITS, self._room - end)
        most = min(self._wish.room // PART, max(ENOUGH, self._wish.room // SMALL_PART))
        for path in (*sources, *_first(found, FileKind.OTHER, MAX_OTHERS)):
            self._take(path, Why.FITS, most)
        self._fill()

    def _fill(self) -> None:
        """Show more of files that are shown in part, as long as there is room."""
        for each in list(self._chosen.values()):
            text, _ = self._texts.read(each.path)
            if text is None or not each.part or _is_readme(each.path):
                continue
            used = len(text_of(text, each))
            most, lines = used + self._room, self._lines_of(each.path)
            found = excerpt(each.path, text, most, self._words, lines)
            if len(found.text) > used:
                more = replace(each, taken=found.taken, parts=found.parts)
                self._chosen[each.path] = more
                self._room -= len(found.text) - used

    def _candidates(self) -> dict[str, str]:
        """What a person wrote and nobody named, with the texts; what is near is read first."""
        paths = [path for path in self._seen() if path not in self._chosen]
        paths.sort(key=lambda path: (not self._is_near(path), kind_of(path)))
        found: dict[str, str] = {}
        for path in paths[:MAX_FILES]:
            text, _ = self._texts.read_written(path)
            if text is not None:
                found[path] = text
        return found

    def _including(self, texts: Mapping[str, str]) -> Iterator[str]:
        """Texts of the files that matter most: what they include matters as well."""
        for path in self._chosen:
            yield self._texts.read(path)[0] or ""
        for path, text in texts.items():
            if path in self._lines or (self._wish.app and self._is_near(path)):
                yield text

    def _seen(self) -> list[str]:
        """Paths that a model may see without their being named, the app's own first."""
        found = [
            path
            for path in self._tracked
            if exposure_refusal(path) is None and not self._is_other(path)
        ]
        return sorted(found, key=lambda path: not self._is_near(path))

    def _is_near(self, path: str) -> bool:
        return is_below(path, self._wish.app)

    def _changed(self) -> list[str]:
        """The files that a diff touches, sources first; those of which it shows nothing are not."""
        found: list[str] = []
        for path in self._wish.changed:
            if path not in self._known or path in self._chosen or _is_readme(path):
                continue
            reason = self._change_refusal(path)
            if reason is None:
                found.append(path)
            elif path not in self._sections:
                self._leave(path, reason)
        return sorted(found, key=kind_of)

    def _change_refusal(self, path: str) -> str | None:
        """Why nothing is shown of a file that a diff touches."""
        if path in self._named:
            return None
        if self._is_other(path):
            return "of another app"
        reason = exposure_refusal(path)
        if reason in (GENERATED, NOT_OWN):
            return reason
        if path in self._known:
            self._texts.read_written(path)
        return self._texts.generated.get(path)

    def _lines_of(self, path: str) -> Collection[int]:
        return self._lines.get(path, _NONE) | self._touched.get(path, _NONE)

    def _leave(self, path: str, reason: str) -> None:
        self._left_out.append(f"{clean(path)[:200]}: {reason}")

    def _of_generated(self) -> Iterator[str]:
        """What was passed over as nobody wrote it, a line each as long as they are few."""
        found = {
            path: reason
            for path, reason in self._texts.generated.items()
            if path not in self._chosen and path not in self._sections
        }
        for path, reason in list(found.items())[:_TOLD]:
            yield f"{clean(path)[:200]}: {reason}"
        if len(found) > _TOLD:
            yield f"{count(len(found) - _TOLD, 'more file')} of tables and generated code"


def _lines_named(text: str, tracked: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """The tracked files that a text names, each with the lines that it names."""
    by_name: dict[str, list[tuple[str, int]]] = {}
    for name, line in islice(places_in(text), _MAX_PLACES):
        by_name.setdefault(name.rpartition("/")[2], []).append((name, line))
    found: dict[str, set[int]] = {}
    for path in tracked if by_name else ():
        for name, line in by_name.get(path.rpartition("/")[2], ()):
            # A log names a file from where it was built, a person by its last folders.
            if f"/{path}".endswith(f"/{name}") or f"/{name}".endswith(f"/{path}"):
                found.setdefault(path, set()).update({line} - {0})
    return {path: frozenset(lines) for path, lines in found.items()}


def _below(paths: Sequence[str], tracked: Sequence[str]) -> dict[str, None]:
    """The tracked files that were named, or lie in a folder that was; of a folder sources first."""
    found: dict[str, None] = {}
    for path in (str(PurePosixPath(each.strip())) for each in paths):
        exact = [each for each in tracked if each == path]
        inside = [
            each
            for each in tracked
            if (path == "." or each.startswith(f"{path}/")) and exposure_refusal(each) is None
        ]
        found.update(dict.fromkeys(exact or sorted(inside, key=kind_of)))
    return found


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Room for each of some texts: all of it for small ones, and as much for each of the others.

    Where there are too many, the last ones get what the first leave.
    """
    many = max(1, min(len(sizes), room // _LEAST))
    shares, left = [room] * len(sizes), room
    for done, place in enumerate(sorted(range(len(sizes[:many])), key=lambda each: sizes[each])):
        shares[place] = max(_WORTHWHILE, left // (many - done))
        left -= min(sizes[place], shares[place])
    return shares


def _first(paths: Iterable[str], kind: FileKind, most: int) -> list[str]:
    return list(islice((path for path in paths if kind_of(path) is kind), most))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_readme(path: str) -> bool:
    return kind_of(path) is FileKind.README


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("`", "'")
