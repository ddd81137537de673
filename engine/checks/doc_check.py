"""``doc_check``: documentation older than the code, dead links, names that are gone."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from engine.checks.base import CheckContext, CheckResult
from engine.checks.documentation.code import MAX_FILE_BYTES, read_code
from engine.checks.documentation.contents import Contents
from engine.checks.documentation.document import (
    HEADER_SUFFIXES,
    Document,
    DocumentFormat,
    NameKind,
    format_of,
    is_dated,
    is_generated,
    past_lines,
)
from engine.checks.documentation.doxygen import is_documented, parse_doxygen
from engine.checks.documentation.gone import GoneName, GoneNames
from engine.checks.documentation.history import Commit, History, read_history
from engine.checks.documentation.index import index_of, index_path, write_index
from engine.checks.documentation.links import DeadLink, LinkResolver
from engine.checks.documentation.markdown import parse_markdown
from engine.checks.documentation.restructuredtext import parse_rst
from engine.checks.documentation.staleness import (
    Cover,
    Stale,
    StaleDocuments,
    cover_of,
    wanted_files,
)
from engine.checks.documentation.tree import Tree, head_of, read_git, read_tree, suffix_of
from engine.enums import CheckStatus
from engine.errors import ToolError
from engine.files import explain
from engine.text import clean, count

_MAX_DOCUMENT_BYTES = 1 << 20
_MAX_DOCUMENTS = 5000
_MAX_HEADERS = 3000
_MAX_HISTORY_SECONDS = 10.0  # that names, and as long that changes, are looked for in the history
_HISTORY_SHARE = 0.2  # of the time that the check may take

_MAX_DETAILS_BYTES = 700_000  # of all documents, as JSON
_MAX_SHOWN_DOCUMENTS = 100
_MAX_SHOWN = 20  # of each kind in a document
_MAX_TEXT_CHARACTERS = 300
_SHORT_DIGITS = 10  # of a hash
_PATHS_AT_ONCE = 200
_MANY_DOCUMENTS = 10


@dataclass(slots=True)
class _Read:
    """What was read: documents, headers with comments for Doxygen, and what could not be read."""

    documents: dict[str, Document] = field(default_factory=dict)
    headers: dict[str, Document] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is wrong with a document."""

    path: str
    links: Sequence[DeadLink]
    gone: Sequence[GoneName]
    stale: Sequence[Stale]

    @property
    def weight(self) -> float:
        """How bad it is."""
        return 3.0 * len(self.links) + 3.0 * len(self.gone) + sum(e.weight for e in self.stale)


class DocCheck:
    """Looks whether documentation still says what is so."""

    name: ClassVar[str] = "doc_check"
    title: ClassVar[str] = "documentation against the code it describes"
    interval: ClassVar[float] = 10.0
    options: ClassVar[Mapping[str, Any]] = {
        "index_enabled": True,
        "index_auto_generate": True,
        "index_path": "",
    }

    def state(self, context: CheckContext) -> str:
        """The commit, and in a working tree what of it is not committed."""
        parts = [
            head_of(context.tree, context.cancel),
            repr(sorted(self._settings(context).items())),
        ]
        if context.is_working_tree:
            words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
            printed = read_git(context.tree, *words, cancel=context.cancel)
            changed = hashlib.sha256(printed)
            for entry in printed.split(b"\0"):
                try:
                    status = (context.tree / entry[3:].decode("utf-8", "surrogateescape")).lstat()
                except (OSError, ValueError):
                    continue
                changed.update(f"{status.st_mtime_ns} {status.st_size}".encode())
            parts.append(changed.hexdigest())
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def run(self, context: CheckContext) -> CheckResult:
        """Read the documents, the code that they name and its history, and compare them."""
        tree = read_tree(
            context.tree, is_working_tree=context.is_working_tree, cancel=context.cancel
        )
        read = _read_documents(tree, context)
        if not read.documents and not read.unread:
            self._write_index(context, tree, read, {}, History())
            return CheckResult(
                CheckStatus.SUCCESS, "no documentation", {"counts": {"documents": 0}}
            )
        everything = {**read.documents, **read.headers}
        code = read_code(
            tree,
            _names(everything.values(), NameKind.FUNCTION),
            _names(everything.values(), NameKind.OPTION),
            cancel=context.cancel,
        )
        covers = {path: cover_of(tree, code, path, each) for path, each in read.documents.items()}
        history = read_history(
            tree,
            {*everything, *wanted_files(covers.values())},
            {folder for each in covers.values() for folder in each.folders},
            cancel=context.cancel,
        )
        checked = {
            path: each
            for path, each in everything.items()
            if not is_dated(path) and path not in read.generated
        }
        seconds = min(_MAX_HISTORY_SECONDS, _HISTORY_SHARE * context.timeout)
        links = _dead_links(tree, history, read, checked, context)
        with Contents(tree.root) as contents:
            deadline = time.monotonic() + seconds
            stale = StaleDocuments(tree, history, code, content=contents.get, deadline=deadline)
            outdated = {
                path: stale.find(path, each, covers[path])
                for path, each in checked.items()
                if path in covers
            }
        deadline = time.monotonic() + seconds
        names = GoneNames(tree, history, code, deadline=deadline, cancel=context.cancel)
        gone = names.find(checked)
        found = [
            _Found(path, links.get(path, ()), gone.get(path, ()), outdated.get(path, ()))
            for path in checked
        ]
        found = [each for each in found if each.weight]
        found.sort(key=lambda each: (-each.weight, each.path))
        details = _details(tree, read, history, found)
        unfinished = names.unfinished + stale.unfinished
        if unfinished:
            details["unfinished"] = unfinished
        details["index"] = self._write_index(context, tree, read, covers, history)
        return _result(read, found, details)

    def _settings(self, context: CheckContext) -> dict[str, Any]:
        return {name: context.options.get(name, value) for name, value in self.options.items()}

    def _write_index(
        self,
        context: CheckContext,
        tree: Tree,
        read: _Read,
        covers: Mapping[str, Cover],
        history: History,
    ) -> str:
        """Write the index where it is wanted; its path, empty for none."""
        settings = self._settings(context)
        if not (settings["index_enabled"] and settings["index_auto_generate"]):
            return ""
        named = str(settings["index_path"])
        path = index_path(context, named)
        index = index_of(context, tree.commit, read.documents, covers, read.hashes, history)
        write_index(path, index, make_folder=not Path(named).expanduser().is_absolute())
        return str(path)


def _read_documents(tree: Tree, context: CheckContext) -> _Read:
    read = _Read()
    headers = 0
    for path in sorted(tree.files):
        context.cancel.check()
        kind = format_of(path)
        is_header = suffix_of(path) in HEADER_SUFFIXES
        if (
            (kind is None and not is_header)
            or tree.is_foreign(path)
            or not _concerns(path, context.app)
        ):
            continue
        headers += is_header
        if (headers if is_header else len(read.documents)) > (
            _MAX_HEADERS if is_header else _MAX_DOCUMENTS
        ):
            if not is_header:
                read.left_out[path] = f"more than {_MAX_DOCUMENTS} documents"
            continue
        try:
            data = tree.read(path, MAX_FILE_BYTES if is_header else 64 << 20)
        except OSError as error:
            if not is_header:
                read.unread[path] = explain(error, Path(path))
            continue
        if len(data) > _MAX_DOCUMENT_BYTES or (b"\0" in data and not data.startswith(_UTF16)):
            read.left_out[path] = (
                "binary" if b"\0" in data else f"over {_MAX_DOCUMENT_BYTES >> 20} MiB"
            )
            continue
        _read_document(path, kind, data, read)
    return read


_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def _read_document(path: str, kind: DocumentFormat | None, data: bytes, read: _Read) -> None:
    text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig", "replace")
    if kind is None:
        if is_documented(text):
            document = parse_doxygen(text, in_code=True)
            document.past = past_lines(text, document)
            if document.names or document.links:
                read.headers[path] = document
        return
    if kind is DocumentFormat.MARKDOWN:
        document = parse_markdown(text)
    elif kind is DocumentFormat.RST:
        document = parse_rst(text)
    else:
        document = parse_doxygen(text, in_code=False)
    document.past = past_lines(text, document)
    if is_generated(text):
        read.generated.add(path)
    read.documents[path] = document
    read.hashes[path] = hashlib.sha256(data).hexdigest()


def _concerns(path: str, app: str) -> bool:
    """Whether a file is the project's: below its app, or in the folders above it and their docs."""
    if not app or path.startswith(f"{app}/"):
        return True
    folder = posixpath.dirname(path)
    while posixpath.basename(folder) in ("doc", "docs") or "/docs/" in f"/{folder}/":
        folder = posixpath.dirname(folder)
    return not folder or app.startswith(f"{folder}/")


def _names(documents: Iterable[Document], kind: NameKind) -> set[str]:
    return {name.text for each in documents for name in each.names if name.kind is kind}


def _dead_links(
    tree: Tree,
    history: History,
    read: _Read,
    checked: Mapping[str, Document],
    context: CheckContext,
) -> dict[str, list[DeadLink]]:
    """Dead links by document; those to what Git ignores are none: something makes it."""

    def went(path: str) -> str:
        index = history.gone.get(path)
        if index is None:
            return ""
        commit = history.commit(index)
        verb = (
            f"moved to {history.moved[path]}"
            if history.moved.get(path) in tree.files
            else "removed"
        )
        return (
            f"{verb} in {commit.sha[:_SHORT_DIGITS]} of {commit.date[:10]}"
            if commit
            else f"{verb}, not committed"
        )

    gone_names = {posixpath.basename(each) for each in (*history.gone, *history.gone_folders)}
    resolver = LinkResolver(
        tree,
        {**read.documents, **read.headers},
        generated=read.generated,
        went=went,
        knew=lambda name: name in tree.by_name or name in gone_names,
    )
    found = {path: list(resolver.dead(path)) for path in checked}
    same = Counter(
        each.target for links in found.values() for each in links if not went(each.place)
    )
    # What so many documents agree on is there where they are published.
    elsewhere = {target for target, number in same.items() if number >= _MANY_DOCUMENTS}
    places = sorted({each.place for links in found.values() for each in links if each.place})
    ignored = set()
    for at in range(0, len(places), _PATHS_AT_ONCE):
        words = ("check-ignore", "--no-index", "--", *places[at : at + _PATHS_AT_ONCE])
        try:
            printed = read_git(tree.root, *words, cancel=context.cancel)
        except ToolError:  # none of them, or a path through a submodule
            continue
        ignored.update(printed.decode("utf-8", "surrogateescape").split("\n"))
    return {
        path: [
            each
            for each in links
            if each.target not in elsewhere and (not each.place or each.place not in ignored)
        ]
        for path, links in found.items()
    }


def _details(tree: Tree, read: _Read, history: History, found: Sequence[_Found]) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []
    left = _MAX_DETAILS_BYTES
    for each in found[:_MAX_SHOWN_DOCUMENTS]:
        told = _shown(each, history)
        left -= len(json.dumps(told))
        if left < 0:
            break
        shown.append(told)
    details: dict[str, Any] = {
        "commit": tree.commit,
        "counts": {
            "documents": len(read.documents),
            "dead_links": sum(len(each.links) for each in found),
            "gone_names": sum(len(each.gone) for each in found),
            "stale_documents": sum(bool(each.stale) for each in found),
        },
        "documents": shown,
    }
    if len(found) > len(shown):
        details["more_documents"] = len(found) - len(shown)
    if not tree.commit:
        details["history"] = "nothing is committed yet"
    elif tree.ends_at:
        details["history"] = "a shallow clone: what is older than its oldest commit is not known"
    for name, paths in (("unread", read.unread), ("left_out", read.left_out)):
        if paths:
            details[name] = [
                {"path": _cut(path), "reason": _cut(reason)}
                for path, reason in list(paths.items())[:_MAX_SHOWN]
            ]
    return details


def _shown(found: _Found, history: History) -> dict[str, Any]:
    index = history.last_change(found.path)
    known = index is not None and index not in history.ends
    return {
        "path": _cut(found.path),
        **_commit(history.commit(index) if known and index is not None else None),
        "dead_links": [
            {
                "line": each.line,
                "target": _cut(each.target),
                "reason": _cut(each.reason),
                "hint": _cut(each.hint),
            }
            for each in found.links[:_MAX_SHOWN]
        ],
        "gone": [
            {
                "line": each.line,
                "kind": each.kind.value,
                "name": _cut(each.text),
                "was_in": _cut(each.was),
                "hint": _cut(each.hint),
                **_commit(each.commit),
            }
            for each in found.gone[:_MAX_SHOWN]
        ],
        "stale": [
            {
                "line": each.line,
                "kind": each.kind,
                "name": _cut(each.name),
                "file": _cut(each.file),
                "changes": each.changes,
                "before": _cut(each.before),
                "after": _cut(each.after),
                **_commit(each.commit),
            }
            for each in found.stale[:_MAX_SHOWN]
        ],
    }


def _commit(commit: Commit | None) -> dict[str, str]:
    return {"commit": commit.sha if commit else "", "date": commit.date if commit else ""}


def _result(read: _Read, found: Sequence[_Found], details: Mapping[str, Any]) -> CheckResult:
    if read.unread:
        _path, reason = next(iter(read.unread.items()))
        return CheckResult(
            CheckStatus.ERROR,
            f"{count(len(read.unread), 'document')} cannot be read: {_cut(reason)}",
            details,
        )
    if not found:
        return CheckResult(
            CheckStatus.SUCCESS, f"{count(len(read.documents), 'document')}, nothing stale", details
        )
    counts = details["counts"]
    parts = [
        count(number, noun)
        for number, noun in (
            (counts["dead_links"], "dead link"),
            (counts["gone_names"], "gone name"),
            (counts["stale_documents"], "outdated document"),
        )
        if number
    ]
    return CheckResult(
        CheckStatus.WARNING, f"{', '.join(parts)}; first {_first(found[0])}", details
    )


def _first(found: _Found) -> str:
    """The first place of the worst document, for the message."""
    if found.gone:
        each = found.gone[0]
        return f"{_cut(found.path)}:{each.line}: {_cut(each.text)} is gone"
    if found.links:
        link = found.links[0]
        return f"{_cut(found.path)}:{link.line}: {_cut(link.target)}: {_cut(link.reason)}"
    stale = found.stale[0]
    since = f" since {stale.commit.date[:10]}" if stale.commit else " and is not committed"
    return f"{_cut(found.path)}:{stale.line}: {_cut(stale.name)} changed{since}"


def _cut(text: str) -> str:
    return clean(re.sub(r"\s+", " ", text))[:_MAX_TEXT_CHARACTERS]
