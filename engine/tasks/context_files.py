"""Files of a repository that a task's models are shown: which, why, and how much of each.

Files that a person named come first, then those that a diff touches, then those that fit the task
and those that say how it is built and tested: sources before build configuration, the product
before what it runs on, the app's own folder before what apps share, one README and
short. Folders of other apps, generated files and tables are passed over. A word in a path counts
more than one in a text, and one that few files have more than one that all have; a header that the
app includes counts as well. A file is taken whole where the room allows it, else the parts of it
that matter. What was left out though it was named, changed or generated is written down with its
reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.source import bulk_data, diff_excerpts
from engine.source.diffs import lines_changed
from engine.source.excerpts import Excerpt, excerpt, shown
from engine.source.file_kinds import (
    FileKind,
    is_below,
    kind_of,
    other_apps,
)
from engine.source.file_policy import GENERATED, NOT_OWN, exposure_refusal
from engine.source.search_words import lines_named, search_words_of
from engine.tasks.build_and_test_files import build_files, test_files
from engine.tasks.context_selection import (
    MAX_LISTED_PATHS,
    SelectedContext,
    SelectedFile,
    SelectionReason,
    text_of,
)
from engine.tasks.file_ranking import ranked
from engine.tasks.readmes import MAX_CHARACTERS as README_CHARACTERS
from engine.tasks.readmes import first_part, readme_of
from engine.tasks.worktree_texts import Texts
from engine.text import clean, count

MAX_READ_FILES = 4000
"""Files whose text is read to rank them."""

MAX_SOURCES = 24
"""Sources that are taken without being named."""

MAX_CONFIGURATION_FILES = 6
"""Files of build configuration that are taken beside those that say how the app is built."""

MAX_OTHER_FILES = 6
"""Files that are neither, taken for the task's words."""

FILE_DIVISOR = 3
"""A file that nobody named gets at most this part of the room while others want theirs."""

SHARE_DIVISORS = (4, 4, 6, 10, 10, 10, 10, 10)
"""The best source has first this part of the room, the next the next."""

SMALL_FILE_DIVISOR = 8
"""Or this part, where that is more than :data:`ENOUGH_CHARACTERS`."""

ENOUGH_CHARACTERS = 12_000
"""Characters of one file that say what it does about the task: in a large room a share is no
more."""

_MIN_CHARACTERS = 120  # characters: less of a file says nothing
_MIN_SHARE_CHARACTERS = 1500  # characters that each of several named or changed files gets at least
_CHANGED_FRACTION = 0.75  # part of the room that changed files have together
_BUILD_DIVISOR = 8  # likewise those that say how it is built and tested, a part of this many
_BUILD_FILE_DIVISOR = 20  # and each of them
_CONFIGURATION_DIVISOR = 6  # likewise
_README_DIVISOR = 8
_NONE = frozenset[int]()
_MAX_GENERATED_LINES = 10  # generated files that are told one by one


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


def select(tree: Path, tracked: Sequence[str], query: ContextQuery) -> SelectedContext:
    """Select files of a worktree. Reads texts as :class:`engine.tasks.worktree_texts.Texts` does.

    Args:
        tree: its folder.
        tracked: paths of its tracked files, links and submodules not among them.
        query: what they are for.
    """
    return _Selector(tree, tracked, query).select()


class _Selector:
    """Selects once: takes files one after the other, as long as there is room."""

    def __init__(self, tree: Path, tracked: Sequence[str], query: ContextQuery) -> None:
        self._query = query
        self._tracked, self._known = tracked, frozenset(tracked)
        self._texts = Texts(tree)
        self._words = search_words_of(query.words)
        self._named = _below(query.paths, tracked)
        self._sections = {each.path: each for each in diff_excerpts.sections_of(query.diff)}
        self._touched = lines_changed(query.diff)
        self._lines = lines_named(f"{query.words}\n{query.log}", tracked)
        self._is_other = other_apps(query.app, query.apps)
        self._selected: dict[str, SelectedFile] = {}
        self._left_out: list[str] = []
        self._room = query.room

    def select(self) -> SelectedContext:
        query = self._query
        for path in query.paths:
            if not _below((path,), self._tracked):
                self._left_out.append(f"{clean(path)[:100]}: no such file")
        sections = tuple(self._sections.values())
        diff, missing = diff_excerpts.fitted(sections, query.room // 2, self._change_refusal)
        self._left_out += missing
        self._room -= len(diff)
        self._take_all(tuple(self._named), SelectionReason.NAMED, self._room)
        self._take_all(
            self._changed_files(), SelectionReason.CHANGED, int(self._room * _CHANGED_FRACTION)
        )
        texts = self._candidates()
        self._take_build_and_tests(texts)
        self._take_fitting(texts)
        files = sorted(self._selected.values(), key=_place)
        listing = [path for path in self._visible() if path not in self._texts.generated]
        return SelectedContext(
            files=tuple(files),
            left_out=(*self._left_out, *self._generated_lines()),
            listing=tuple(clean(path) for path in listing[:MAX_LISTED_PATHS]),
            unlisted=max(0, len(listing) - MAX_LISTED_PATHS),
            diff=diff,
            diff_size=len(query.diff),
        )

    def _take(self, path: str, why: SelectionReason, most: int) -> None:
        """Take a file, or as much of it as there is room for."""
        text, reason = self._texts.read(path)
        if text is None:
            self._leave_out(path, reason)
            return
        most, lines, fill = (
            min(most, self._room),
            self._lines_of(path),
            why is SelectionReason.NAMED,
        )
        self._keep(path, why, text, excerpt(path, text, most, self._words, lines, fill=fill))

    def _keep(self, path: str, why: SelectionReason, text: str, found: Excerpt) -> None:
        least = 1 if _is_readme(path) else max(_MIN_CHARACTERS, self._query.room // 100)
        if found.taken < min(found.whole, least):
            if why not in (SelectionReason.FITS, SelectionReason.BUILD):
                self._leave_out(path, f"no room for it ({why})")
            return
        if found.whole < len(text) and (reason := bulk_data.exposure_refusal(path, text)):
            self._leave_out(path, f"{reason}: the rest of it is shown")
        self._selected[path] = SelectedFile(
            path, why, len(text), found.taken, found.lines, found.parts
        )
        self._room -= len(found.text)

    def _take_all(self, paths: Sequence[str], why: SelectionReason, room: int) -> None:
        """Take files that all matter: what small ones leave is the large ones'."""
        sizes = [len(self._texts.read(path)[0] or "") for path in paths]
        for path, share in zip(paths, _shares(sizes, room), strict=True):
            self._take(path, why, share)

    def _take_build_and_tests(self, texts: dict[str, str]) -> None:
        """Take what says how it is built and tested, out of the texts that fit the task."""
        room = self._room
        end = room - room // _BUILD_DIVISOR
        tests = test_files(texts)
        self._lines = {
            **self._lines,
            **{path: tests[path] | self._lines_of(path) for path in tests},
        }
        for path in (*build_files(tuple(texts), self._query.app), *tests):
            most = min(self._room - end, room // _BUILD_FILE_DIVISOR)
            self._take(path, SelectionReason.BUILD, most)
            if path in self._selected:
                del texts[path]

    def _take_fitting(self, texts: dict[str, str]) -> None:
        """Take what fits the task. Configuration and the README have their part before sources."""
        room = self._room
        readme = readme_of(tuple(texts), self._query.app)
        if readme is not None and not any(map(_is_readme, self._selected)):
            parts = first_part(texts[readme], min(README_CHARACTERS, room // _README_DIVISOR))
            self._keep(readme, SelectionReason.FITS, texts[readme], shown(texts[readme], parts))
        found = ranked(
            texts,
            self._words,
            mentioned=frozenset(self._lines),
            is_near=self._is_near,
            including=self._including(texts),
        )
        end = self._room - room // _CONFIGURATION_DIVISOR
        sources = _first(found, FileKind.SOURCE, MAX_SOURCES)
        near = {_folder(path) for path in (*sources, *self._selected)}
        near |= {_folder(folder) for folder in near}  # an app's is above its main/
        near |= {"", "main", self._query.app, f"{self._query.app}/main"}
        configuration = (path for path in found if _folder(path) in near)
        for path in _first(configuration, FileKind.CONFIGURATION, MAX_CONFIGURATION_FILES):
            self._take(path, SelectionReason.FITS, self._room - end)
        room = self._query.room
        enough = max(ENOUGH_CHARACTERS, room // SMALL_FILE_DIVISOR)
        shares = [min(enough, max(_MIN_SHARE_CHARACTERS, room // each)) for each in SHARE_DIVISORS]
        # Each of the best has its share before one of them has more.
        for path, share in zip(sources, shares, strict=False):
            self._take(path, SelectionReason.FITS, share)
        self._fill(room // FILE_DIVISOR)
        others = _first(found, FileKind.OTHER, MAX_OTHER_FILES)
        for path in (*sources[len(shares) :], *others):
            self._take(path, SelectionReason.FITS, room // FILE_DIVISOR)
        self._fill(room)

    def _fill(self, most: int) -> None:
        """Show more of files that are shown in part, as long as there is room.

        Args:
            most: characters that each may have in all.
        """
        for each in list(self._selected.values()):
            text, _ = self._texts.read(each.path)
            if text is None or not each.part or _is_readme(each.path):
                continue
            used = len(text_of(text, each))
            limit, lines = min(used + self._room, max(used, most)), self._lines_of(each.path)
            found = excerpt(each.path, text, limit, self._words, lines)
            if len(found.text) > used:
                more = replace(each, taken=found.taken, parts=found.parts)
                self._selected[each.path] = more
                self._room -= len(found.text) - used

    def _candidates(self) -> dict[str, str]:
        """What a person wrote and nobody named, with the texts; what is near is read first."""
        paths = [path for path in self._visible() if path not in self._selected]
        paths.sort(key=lambda path: (not self._is_near(path), kind_of(path)))
        found: dict[str, str] = {}
        for path in paths[:MAX_READ_FILES]:
            text, _ = self._texts.read_written(path)
            if text is not None:
                found[path] = text
        return found

    def _including(self, texts: Mapping[str, str]) -> Iterator[str]:
        """Texts of the files that matter most: what they include matters as well."""
        for path in self._selected:
            yield self._texts.read(path)[0] or ""
        for path, text in texts.items():
            if path in self._lines or (self._query.app and self._is_near(path)):
                yield text

    def _visible(self) -> list[str]:
        """Paths that a model may see without their being named, the app's own first."""
        found = [
            path
            for path in self._tracked
            if exposure_refusal(path) is None and not self._is_other(path)
        ]
        return sorted(found, key=lambda path: not self._is_near(path))

    def _is_near(self, path: str) -> bool:
        return is_below(path, self._query.app)

    def _changed_files(self) -> list[str]:
        """The files that a diff touches, sources first; those of which it shows nothing are not."""
        found: list[str] = []
        for path in self._query.changed:
            if path not in self._known or path in self._selected or _is_readme(path):
                continue
            reason = self._change_refusal(path)
            if reason is None:
                found.append(path)
            elif path not in self._sections:
                self._leave_out(path, reason)
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

    def _lines_of(self, path: str) -> frozenset[int]:
        return self._lines.get(path, _NONE) | self._touched.get(path, _NONE)

    def _leave_out(self, path: str, reason: str) -> None:
        self._left_out.append(f"{clean(path)[:200]}: {reason}")

    def _generated_lines(self) -> Iterator[str]:
        """What was passed over as nobody wrote it, a line each as long as they are few."""
        found = {
            path: reason
            for path, reason in self._texts.generated.items()
            if path not in self._selected and path not in self._sections
        }
        for path, reason in list(found.items())[:_MAX_GENERATED_LINES]:
            yield f"{clean(path)[:200]}: {reason}"
        if len(found) > _MAX_GENERATED_LINES:
            more = len(found) - _MAX_GENERATED_LINES
            yield f"{count(more, 'more file')} of tables and generated code"


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
    many = max(1, min(len(sizes), room // _MIN_SHARE_CHARACTERS))
    shares, left = [room] * len(sizes), room
    for done, place in enumerate(sorted(range(len(sizes[:many])), key=lambda each: sizes[each])):
        shares[place] = max(_MIN_CHARACTERS, left // (many - done))
        left -= min(sizes[place], shares[place])
    return shares


def _place(selected: SelectedFile) -> tuple[int, int, bool]:
    """Where a file stands: what was asked for, then sources, then how it is built, the README."""
    why = selected.why
    if why in (SelectionReason.NAMED, SelectionReason.CHANGED):
        return list(SelectionReason).index(why), 0, False
    kind = kind_of(selected.path)
    is_test_source = kind is FileKind.SOURCE and why is SelectionReason.BUILD
    last = is_test_source or (kind is not FileKind.SOURCE and why is not SelectionReason.BUILD)
    return len(SelectionReason), kind, last


def _first(paths: Iterable[str], kind: FileKind, most: int) -> list[str]:
    return list(islice((path for path in paths if kind_of(path) is kind), most))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_readme(path: str) -> bool:
    return kind_of(path) is FileKind.README
