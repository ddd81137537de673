"""Documents that are older than what they describe.

A document was looked at when a commit last changed it; what it names and what changed in later
commits may be described wrongly. That is told of

- a function whose declaration differs, and an option whose definition in Kconfig does,
- a file of which a tenth or more differs, or anything where it is short: blanks, comments and the
  order of its lines do not count,
- a folder in which a quarter or more of the sources came or went,
- a translation whose original changed.
"""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.checks.documentation.code import (
    Code,
    Declaration,
    changed_share,
    essence_of,
    option_of,
    signature_of,
)
from engine.checks.documentation.document import (
    HEADER_SUFFIXES,
    Document,
    LinkKind,
    NameKind,
    format_of,
    is_dated,
    is_vendored,
)
from engine.checks.documentation.history import UNCOMMITTED, Change, Commit, History
from engine.checks.documentation.links import leads_to
from engine.checks.documentation.names import RUN, is_readers_own
from engine.checks.documentation.places import places_of
from engine.checks.documentation.tree import Tree, suffix_of
from engine.source.file_kinds import FileKind, kind_of
from engine.text import count

_LEAST_SHARE = 0.1  # of the lines of a file
_LEAST_FOLDER_SHARE = 0.25  # of the sources that lie in a folder itself
_LEAST_COMMAND_SHARE = 0.3  # of the lines of a script whose options are the same
_MAX_VERSIONS = 30  # of a file that are looked through
_FLAG = re.compile(r"['\" ](--[a-z][a-z0-9-]+)\b")
_SHORT_LINES = 60  # of a file in which every change counts
_MAX_CONTENT_BYTES = 1 << 20
_MAX_TEXT_CHARACTERS = 200

_LANGUAGES = (
    r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?|cn|chs|cht|zh|chinese|CN|ZH|ru|RU|jp|JP|kr|DE|FR|ES|PT|IT"
)
_TRANSLATED = re.compile(rf"^(?P<stem>.+?)[-_.](?P<language>{_LANGUAGES})$")
_LANGUAGE_FOLDER = re.compile(
    r"(?:^|/)(?:zh|cn|zh[-_]cn|zh[-_]tw|zh[-_]hans|ja|jp|ko|ru|de|fr|es|it|pt|pt[-_]br|pl|uk|tr)(?:/|$)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Stale:
    """Something that changed after a document that names it.

    Args:
        kind: ``function``, ``option``, ``file``, ``folder`` or ``translation``.
        name: as the document has it.
        line: where, from 1.
        file: what changed.
        commit: the first that changed it, None for what is not committed.
        weight: how much it tells, 0 to 1.
        changes: how many commits changed it.
        before: how it was: the declaration, or empty.
        after: how it is, or what of it is different.
    """

    kind: str
    name: str
    line: int
    file: str
    commit: Commit | None
    weight: float
    changes: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a document names something first.

    Args:
        text: as it is written.
        line: where, from 1.
        describes: whether its change can make the document wrong; not where it is listed only.
        is_command: whether it is a script that a reader runs.
    """

    text: str
    line: int
    describes: bool = True
    is_command: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    """What of the code a document names."""

    files: Mapping[str, Mention]
    folders: Mapping[str, Mention]
    functions: Mapping[str, tuple[Mention, Declaration]]
    options: Mapping[str, tuple[Mention, Declaration]]


def cover_of(tree: Tree, code: Code, path: str, document: Document) -> Cover:
    """What of the code a document names."""
    files, folders = dict[str, Mention](), dict[str, Mention]()
    functions = dict[str, tuple[Mention, Declaration]]()
    options = dict[str, tuple[Mention, Declaration]]()
    for name in document.names:
        mention = Mention(name.text, name.line, not name.listed, name.owner == RUN)
        if name.kind is NameKind.PATH:
            places = places_of(tree, path, name.text)
            if len(places) == 1 and places[0] in tree.files:
                _add_file(files, path, places[0], mention)
            elif len(places) == 1 and not name.listed:
                folders.setdefault(places[0], mention)
        elif name.kind is NameKind.FUNCTION and name.text in code.functions:
            declared = code.functions[name.text]
            above = posixpath.dirname(path)
            # What no header has is meant only by documents of its own folder or above.
            if suffix_of(declared.path) in HEADER_SUFFIXES or declared.path.startswith(above):
                functions.setdefault(name.text, (mention, declared))
        elif name.kind is NameKind.OPTION:
            option = option_for(code, path, name.text)
            if option:
                options.setdefault(name.text, (mention, option))
    for link in document.links:
        if link.kind in (LinkKind.LINK, LinkKind.INCLUDE):
            target = leads_to(tree, path, link.target)
            if target:  # what is included is never older than itself
                mention = Mention(link.target, link.line, link.kind is LinkKind.LINK)
                _add_file(files, path, target, mention)
    return Cover(files, folders, functions, options)


def _add_file(files: dict[str, Mention], document: str, file: str, mention: Mention) -> None:
    if not _is_code(file):
        return
    folder = posixpath.dirname(document)
    # A name alone, of a file elsewhere, says whose it is; it does not describe it.
    is_near = "/" in mention.text.strip("./") or not folder or file.startswith(f"{folder}/")
    describes = mention.describes and is_near and not is_readers_own(file)
    known = files.get(file)
    if known is None or (describes and not known.describes):
        files[file] = replace(mention, describes=describes)


def option_for(code: Code, document: str, name: str) -> Declaration | None:
    """The option that a document means: the nearest; None where that is not plain."""
    found = code.options.get(name, ())
    if len(found) < 2:
        return found[0] if found else None
    parts = posixpath.dirname(document).split("/")

    def common(each: Declaration) -> int:
        other = each.path.split("/")
        same = 0
        while same < min(len(parts), len(other)) and parts[same] == other[same]:
            same += 1
        return same

    ranked = sorted(found, key=common, reverse=True)
    is_plain = common(ranked[0]) > common(ranked[1]) and common(ranked[0]) == len(parts)
    return ranked[0] if is_plain else None


def original_of(tree: Tree, path: str) -> str:
    """The document that another one is a translation of, empty for none."""
    folder, name = posixpath.split(path)
    stem, suffix = posixpath.splitext(name)
    found = _TRANSLATED.match(stem)
    if found and found["language"].lower() not in ("en", "md"):
        for original in (
            f"{found['stem']}{suffix}",
            f"{found['stem']}_en{suffix}",
            f"{found['stem']}-en{suffix}",
        ):
            if posixpath.join(folder, original) in tree.files:
                return posixpath.join(folder, original)
    at = _LANGUAGE_FOLDER.search(path)
    if at:
        begin, end = path[: at.start()], path[at.end() :]
        for middle in ("/en/", "/"):
            candidate = f"{begin}{middle}{end}".lstrip("/")
            if candidate in tree.files and candidate != path:
                return candidate
    return ""


class StaleDocuments:
    """Looks for documents that are older than what they describe."""

    def __init__(
        self,
        tree: Tree,
        history: History,
        code: Code,
        *,
        content: Callable[[str], bytes],
        deadline: float,
    ) -> None:
        """Be ready.

        Args:
            content: what Git has by a hash; empty for what is not there.
            deadline: by :func:`time.monotonic`; what is not known then stays unsaid.
        """
        self._tree, self._history, self._code = tree, history, code
        self._content, self._deadline = content, deadline
        self._sources = [path for path in tree.files if _is_source(path)]
        self.unfinished = 0
        """Documents that time did not suffice for."""

    def find(self, path: str, document: Document, cover: Cover) -> list[Stale]:
        """What changed since a document did, what tells most first."""
        index = self._history.last_change(path)
        if index is None or index == UNCOMMITTED:
            return []
        if time.monotonic() > self._deadline:
            self.unfinished += 1
            return []
        original = original_of(self._tree, path)
        if original and original in self._taken_in(path, document):
            return []
        if original:
            found = list(self._translation(original, index))
        else:
            found = [
                *self._declared(index, "function", cover.functions),
                *self._declared(index, "option", cover.options),
                *self._files(index, cover.files),
                *self._folders(index, cover.folders),
            ]
        found = [each for each in found if each.line not in document.past]
        return sorted(found, key=lambda each: (-each.weight, each.line, each.name))

    def _declared(
        self, index: int, kind: str, names: Mapping[str, tuple[Mention, Declaration]]
    ) -> Iterator[Stale]:
        for name, (mention, now) in names.items():
            changes = self._changes(now.path, index)
            if not changes:
                continue
            content = self._text(self._history.content_at(now.path, index))
            before = self._definition(kind, now.path, content, name)
            if not before or not _differ(kind, before, now.text):
                continue
            since = self._first(kind, now.path, changes, name, before)
            shown = f"CONFIG_{name}" if kind == "option" else name
            was, after = _differing(before, now.text)
            yield Stale(kind, shown, mention.line, now.path, since, 1.0, len(changes), was, after)

    @staticmethod
    def _definition(kind: str, path: str, text: str, name: str) -> str:
        found = option_of(text, name) if kind == "option" else signature_of(path, text, name)
        return found[0] if found else ""

    def _first(
        self, kind: str, path: str, changes: list[Change], name: str, before: str
    ) -> Commit | None:
        """The commit in which a declaration became another one."""
        for change in changes[:_MAX_VERSIONS]:
            if change.index == UNCOMMITTED:
                return None
            found = self._definition(kind, path, self._text(change.after), name)
            if found and _differ(kind, before, found):
                return self._history.commit(change.index)
        return self._history.commit(changes[-1].index)

    def _files(self, index: int, names: Mapping[str, Mention]) -> Iterator[Stale]:
        for path, mention in names.items():
            changes = self._changes(path, index) if mention.describes else []
            if not changes:
                continue
            before, now = self._text(self._history.content_at(path, index)), self._now(path)
            lines, share = changed_share(path, before, now)
            if (share < _LEAST_SHARE and before.count("\n") > _SHORT_LINES) or not lines:
                continue
            after = f"{_lines_differ(lines)}, {share:.0%}"
            if mention.is_command:
                # Who runs a script sees its options, not its lines.
                flags = sorted((set(_FLAG.findall(before)) ^ set(_FLAG.findall(now))) - {"--help"})
                if not flags and share < _LEAST_COMMAND_SHARE:
                    continue
                after += f"; other options: {', '.join(flags[:8])}" if flags else ""
            first = self._history.commit(changes[0].index)
            weight = 0.1 + 0.8 * share
            yield Stale(
                "file", mention.text, mention.line, path, first, weight, len(changes), "", after
            )

    def _folders(self, index: int, names: Mapping[str, Mention]) -> Iterator[Stale]:
        for folder, mention in names.items():
            came = [
                (at, path)
                for at, path in self._history.added.get(folder, ())
                if at < index and path in self._tree.files and _is_source(path)
            ]
            went = [
                (at, path)
                for path, at in self._history.gone.items()
                if at < index and posixpath.dirname(path) == folder and _is_source(path)
            ]
            here = sum(posixpath.dirname(path) == folder for path in self._sources)
            if not (came or went) or len(came) + len(went) < _LEAST_FOLDER_SHARE * (
                here + len(went)
            ):
                continue
            first = self._history.commit(max(at for at, _path in (*came, *went)))
            told = [
                *(f"{posixpath.basename(path)} is new" for _at, path in came),
                *(f"{posixpath.basename(path)} is gone" for _at, path in went),
            ]
            after = ", ".join(told)[:_MAX_TEXT_CHARACTERS]
            name, line = mention.text, mention.line
            yield Stale("folder", name, line, folder, first, 0.1, len(told), "", after)

    def _taken_in(self, path: str, document: Document) -> set[str]:
        """Files that a document includes."""
        return {
            leads_to(self._tree, path, link.target)
            for link in document.links
            if link.kind is LinkKind.INCLUDE
        }

    def _translation(self, original: str, index: int) -> Iterator[Stale]:
        changes = self._changes(original, index)
        if not changes:
            return
        before = self._text(self._history.content_at(original, index))
        lines, share = changed_share(original, before, self._now(original))
        if lines and share >= _LEAST_SHARE:
            after = f"{_lines_differ(lines)}, {share:.0%}"
            first = self._history.commit(changes[0].index)
            yield Stale("translation", original, 1, original, first, share, len(changes), "", after)

    def _changes(self, path: str, index: int) -> list[Change]:
        """What changed a file after a commit, where it is known how it was then."""
        changes = self._history.changes_since(path, index)
        if not changes or not self._history.content_at(path, index):
            return []
        changes = [each for each in changes if each.index not in self._history.ends]
        now = self._history.changes[path][0].after
        return [] if now and now == self._history.content_at(path, index) else changes

    def _now(self, path: str) -> str:
        try:
            return self._tree.read(path, _MAX_CONTENT_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def _text(self, blob: str) -> str:
        return self._content(blob).decode("utf-8", "replace") if blob else ""


def wanted_files(covers: Iterable[Cover]) -> set[str]:
    """Files whose history is needed for what documents name."""
    wanted: set[str] = set()
    for cover in covers:
        wanted.update(cover.files)
        wanted.update(
            each.path for _at, each in (*cover.functions.values(), *cover.options.values())
        )
    return wanted


def _is_source(path: str) -> bool:
    return _is_code(path) and (
        kind_of(path) is FileKind.SOURCE or posixpath.splitext(path)[1].lower() in _MORE_CODE
    )


def _is_code(path: str) -> bool:
    if is_vendored(path) or format_of(path) is not None or is_dated(path):
        return False
    suffix = posixpath.splitext(path)[1].lower()
    return kind_of(path) in (FileKind.SOURCE, FileKind.CONFIGURATION) or suffix in _MORE_CODE


_MORE_CODE = frozenset(
    {".sh", ".bash", ".bat", ".ps1", ".go", ".toit", ".proto", ".cmake", ".dts", ".dtsi"}
)


def _differ(kind: str, before: str, after: str) -> bool:
    if kind == "option":
        old, new = set(_cases(before)), set(_cases(after))
        # A default for one more chip makes nothing wrong that was said of the others.
        return bool(old - new) or any(not condition for _value, condition in new - old)
    return essence_of(before) != essence_of(after)


def _cases(option: str) -> Iterator[tuple[str, str]]:
    """Each line of an option's definition, once for each chip that it holds for."""
    for line in option.split("\n"):
        value, _if, condition = line.partition(" if ")
        for each in condition.split("||"):
            yield value, each.strip(" ()")


def _differing(before: str, after: str) -> tuple[str, str]:
    """What differs of two definitions: the lines that only one has."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) == len(new) == 1:
        return before[:_MAX_TEXT_CHARACTERS], after[:_MAX_TEXT_CHARACTERS]
    gone = [each for each in old if each not in new]
    came = [each for each in new if each not in old]
    return "; ".join(gone)[:_MAX_TEXT_CHARACTERS], "; ".join(came)[:_MAX_TEXT_CHARACTERS]


def _lines_differ(lines: int) -> str:
    return f"{count(lines, 'line')} {'differs' if lines == 1 else 'differ'}"
