"""Documents that are older than what they describe.

A document was looked at when a commit last changed it; what it names and what changed in later
commits may be described wrongly. That is told of

- a function whose declaration differs, and an option whose definition in Kconfig does,
- a file of which a tenth or more differs, or anything where it is short: blanks, comments and the
  order of its lines do not count,
- a folder in which sources came or went,
- a translation whose original changed.
"""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.checks.documentation.code import (
    Code,
    Declaration,
    changed_share,
    option_of,
    signature_of,
)
from engine.checks.documentation.document import (
    Document,
    LinkKind,
    NameKind,
    format_of,
    is_dated,
    is_vendored,
)
from engine.checks.documentation.history import UNCOMMITTED, Change, Commit, History
from engine.checks.documentation.links import leads_to
from engine.checks.documentation.places import places_of
from engine.checks.documentation.tree import Tree
from engine.source.file_kinds import FileKind, kind_of

_LEAST_SHARE = 0.1  # of the lines of a file
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
class Cover:
    """What of the code a document names, with the line of the first time."""

    files: Mapping[str, tuple[str, int]]
    folders: Mapping[str, tuple[str, int]]
    functions: Mapping[str, int]
    options: Mapping[str, int]


def cover_of(tree: Tree, code: Code, path: str, document: Document) -> Cover:
    """What of the code a document names."""
    found, folders = dict[str, tuple[str, int]](), dict[str, tuple[str, int]]()
    functions, options = dict[str, int](), dict[str, int]()
    for name in document.names:
        if name.kind is NameKind.PATH:
            places = places_of(tree, path, name.text)
            if len(places) == 1:
                kept = found if places[0] in tree.files else folders
                if not name.listed or kept is found:
                    kept.setdefault(places[0], (name.text, 0 if name.listed else name.line))
        elif name.kind is NameKind.FUNCTION and name.text in code.functions:
            functions.setdefault(name.text, name.line)
        elif name.kind is NameKind.OPTION and name.text in code.options:
            options.setdefault(name.text, name.line)
    for link in document.links:
        if link.kind in (LinkKind.LINK, LinkKind.INCLUDE):
            target = leads_to(tree, path, link.target)
            if target:
                # What is included is never older than itself.
                line = link.line if link.kind is LinkKind.LINK else 0
                found.setdefault(target, (link.target, line))
    files = {each: at for each, at in found.items() if _is_code(each)}
    return Cover(files, folders, functions, options)


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
        if original:
            found = list(self._translation(original, index))
        else:
            found = [
                *self._declared(
                    index, cover.functions, self._code.functions, "function", signature_of
                ),
                *self._declared(
                    index,
                    cover.options,
                    self._code.options,
                    "option",
                    lambda _p, t, n: option_of(t, n),
                ),
                *self._files(index, cover.files),
                *self._folders(index, cover.folders),
            ]
        found = [each for each in found if each.line not in document.past]
        return sorted(found, key=lambda each: (-each.weight, each.line, each.name))

    def _declared(
        self,
        index: int,
        names: Mapping[str, int],
        declared: Mapping[str, Declaration],
        kind: str,
        read: Callable[[str, str, str], tuple[str, int] | None],
    ) -> Iterator[Stale]:
        for name, line in names.items():
            now = declared[name]
            changes = self._changes(now.path, index)
            if not changes:
                continue
            before = read(now.path, self._text(self._history.content_at(now.path, index)), name)
            if before is None or before[0] == now.text:
                continue
            since = self._first(now.path, changes, name, before[0], read)
            shown = name if kind == "function" else f"CONFIG_{name}"
            was, after = _differing(before[0], now.text)
            yield Stale(kind, shown, line, now.path, since, 1.0, len(changes), was, after)

    def _first(
        self,
        path: str,
        changes: list[Change],
        name: str,
        before: str,
        read: Callable[[str, str, str], tuple[str, int] | None],
    ) -> Commit | None:
        """The commit in which a declaration became another one."""
        for change in changes[:30]:
            if change.index == UNCOMMITTED:
                return None
            found = read(path, self._text(change.after), name)
            if found and found[0] != before:
                return self._history.commit(change.index)
        return self._history.commit(changes[-1].index)

    def _files(self, index: int, names: Mapping[str, tuple[str, int]]) -> Iterator[Stale]:
        for path, (name, line) in names.items():
            if not line:
                continue
            changes = self._changes(path, index)
            if not changes:
                continue
            before = self._text(self._history.content_at(path, index))
            lines, share = changed_share(path, before, self._now(path))
            if (share < _LEAST_SHARE and before.count("\n") > _SHORT_LINES) or not lines:
                continue
            after = f"{lines} lines differ, {share:.0%}"
            first = self._history.commit(changes[0].index)
            yield Stale("file", name, line, path, first, 0.1 + 0.8 * share, len(changes), "", after)

    def _folders(self, index: int, names: Mapping[str, tuple[str, int]]) -> Iterator[Stale]:
        for folder, (name, line) in names.items():
            came = [
                (at, path)
                for at, path in self._history.added.get(folder, ())
                if at < index and path in self._tree.files and _is_code(path)
            ]
            went = [
                (at, path)
                for path, at in self._history.gone.items()
                if at < index and posixpath.dirname(path) == folder and _is_code(path)
            ]
            if not line or not (came or went):
                continue
            first = self._history.commit(max(at for at, _path in (*came, *went)))
            told = [
                *(f"{posixpath.basename(path)} is new" for _at, path in came),
                *(f"{posixpath.basename(path)} is gone" for _at, path in went),
            ]
            after = ", ".join(told)[:_MAX_TEXT_CHARACTERS]
            yield Stale("folder", name, line, folder, first, 0.1, len(told), "", after)

    def _translation(self, original: str, index: int) -> Iterator[Stale]:
        changes = self._changes(original, index)
        if not changes:
            return
        before = self._text(self._history.content_at(original, index))
        lines, share = changed_share(original, before, self._now(original))
        if lines and share >= _LEAST_SHARE / 2:
            after = f"{lines} lines differ, {share:.0%}"
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


def wanted_files(covers: Iterable[Cover], code: Code) -> set[str]:
    """Files whose history is needed for what documents name."""
    wanted: set[str] = set()
    for cover in covers:
        wanted.update(cover.files)
        wanted.update(code.functions[each].path for each in cover.functions)
        wanted.update(code.options[each].path for each in cover.options)
    return wanted


def _is_code(path: str) -> bool:
    if is_vendored(path) or format_of(path) is not None or is_dated(path):
        return False
    suffix = posixpath.splitext(path)[1].lower()
    return kind_of(path) in (FileKind.SOURCE, FileKind.CONFIGURATION) or suffix in _MORE_CODE


_MORE_CODE = frozenset(
    {".sh", ".bash", ".bat", ".ps1", ".go", ".toit", ".proto", ".cmake", ".dts", ".dtsi"}
)


def _differing(before: str, after: str) -> tuple[str, str]:
    """What differs of two definitions: the lines that only one has."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) == len(new) == 1:
        return before[:_MAX_TEXT_CHARACTERS], after[:_MAX_TEXT_CHARACTERS]
    gone = [each for each in old if each not in new]
    came = [each for each in new if each not in old]
    return "; ".join(gone)[:_MAX_TEXT_CHARACTERS], "; ".join(came)[:_MAX_TEXT_CHARACTERS]
