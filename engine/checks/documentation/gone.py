"""Names in documents of what was in the code and is not any more.

A word that is nowhere may be anybody's: ESP-IDF's, the reader's own, a mistake. It counts as gone
only where the commit that wrote its line (git-blame(1)) had it in its code: declared in a source,
defined in Kconfig or a build file, or as a file.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.cancel import CancelToken
from engine.checks.documentation.code import Code, is_test, signature_of, targets_of
from engine.checks.documentation.document import (
    HEADER_SUFFIXES,
    Document,
    Name,
    NameKind,
    format_of,
    is_vendored,
)
from engine.checks.documentation.history import UNCOMMITTED, Commit, History
from engine.checks.documentation.names import is_bare_setting
from engine.checks.documentation.places import gone_place, is_there, places_of
from engine.checks.documentation.tree import Tree, read_git, suffix_of
from engine.errors import ToolError

_STYLE_GUIDE = re.compile(r"(?:style|naming|convention)[^/]*$", re.IGNORECASE)
"""Documents whose code shows how to write, not what there is."""

_OTHERS = re.compile(
    r"ets_|esp_rom_|esp_err_|esp_log_|esp_wifi_|esp_event_|esp_netif_|esp_timer_|nvs_|gpio_|uart_|i2c_|spi_"
    r"|ledc_|adc\d?_|rmt_|xt_|x[A-Z]|ux[A-Z]|v[A-Z]|pv[A-Z]|pc[A-Z]|app_main|str[a-z]+_|mem[a-z]+_|lv_|mbedtls_"
)
_GIT_SECONDS = 30.0
_MAX_NAMES_AT_ONCE = 200
_MAX_REMOVALS = 60  # names whose removing commit is looked for
_MAX_SCRIPT_BYTES = 1 << 20
_PUBLIC = HEADER_SUFFIXES | {".py"}
_SOURCES = ("*.h", "*.hpp", "*.hh", "*.c", "*.cc", "*.cpp", "*.cxx", "*.ino", "*.inl", "*.py")


@dataclass(frozen=True, slots=True)
class GoneName:
    """A name of something that is not there any more.

    Args:
        kind: of what.
        text: as it is written.
        line: where, from 1.
        was: the file that had it.
        commit: what removed it; None where that is not committed, or was not found.
        hint: what may be meant now; may be empty.
    """

    kind: NameKind
    text: str
    line: int
    was: str
    commit: Commit | None
    hint: str = ""


class GoneNames:
    """Looks for names that are gone."""

    def __init__(
        self, tree: Tree, history: History, code: Code, *, deadline: float, cancel: CancelToken
    ) -> None:
        """Be ready.

        Args:
            deadline: by :func:`time.monotonic`; what is not known then stays unsaid.
        """
        self._tree, self._history, self._code = tree, history, code
        self._deadline, self._cancel = deadline, cancel
        self._build_files: dict[str, str] = {}
        self._removals = 0
        self._is_idf = "tools/idf.py" in tree.files
        self.unfinished = 0
        """Names that time did not suffice for."""

    def find(self, documents: Mapping[str, Document]) -> dict[str, list[GoneName]]:
        """Names that are gone, by document."""
        asked: dict[str, list[tuple[str, Name]]] = defaultdict(list)  # by commit of their line
        for path, document in documents.items():
            names = list(self._absent(path, document))
            if not names:
                continue
            if self._is_late():
                self.unfinished += len(names)
                continue
            written = self._written(path, sorted({each.line for each in names}))
            for name in names:
                commit = written.get(name.line)
                if commit:
                    asked[commit].append((path, name))
        found: dict[str, list[GoneName]] = defaultdict(list)
        for commit, names_of in asked.items():
            if self._is_late():
                self.unfinished += len(names_of)
                continue
            for path, gone in self._were_there(commit, names_of):
                found[path].append(gone)
        for each in found.values():
            each.sort(key=lambda gone: gone.line)
        return found

    def _is_late(self) -> bool:
        self._cancel.check()
        return time.monotonic() > self._deadline

    def _absent(self, path: str, document: Document) -> Iterator[Name]:
        """Names of a document that are not in the code, each once."""
        seen = set()
        is_guide = bool(_STYLE_GUIDE.search(path))
        for name in document.names:
            key = (name.kind, name.text, name.owner)
            if name.line in document.past or key in seen:
                continue
            if name.kind is NameKind.FUNCTION and (is_guide or self._is_others(name.text)):
                continue
            if name.kind is NameKind.PATH and not name.listed and is_bare_setting(name.text):
                continue
            seen.add(key)
            if not self._is_present(path, name):
                yield name

    def _is_others(self, name: str) -> bool:
        """Whether a function is named as those of ESP-IDF, FreeRTOS and the ROM are."""
        return not self._is_idf and bool(_OTHERS.match(name))

    def _is_present(self, path: str, name: Name) -> bool:
        if name.kind is NameKind.FUNCTION:
            return name.text in self._code.words
        if name.kind is NameKind.OPTION:
            return f"CONFIG_{name.text}" in self._code.words
        if name.kind is NameKind.PATH:
            return is_there(self._tree, path, name.text) or not gone_place(
                self._history, path, name.text
            )
        if name.kind is NameKind.FLAG:
            scripts = places_of(self._tree, path, name.owner)
            return len(scripts) != 1 or name.text in self._text(scripts[0])
        patterns, template = targets_of(name.owner)
        if name.owner not in self._build_files:
            matching = [each for each in self._tree.files if _matches(each, patterns)]
            self._build_files[name.owner] = "\n".join(map(self._text, sorted(matching)))
        pattern = template.replace("NAME", re.escape(name.text))
        return bool(re.search(pattern, self._build_files[name.owner], re.MULTILINE))

    def _text(self, path: str) -> str:
        try:
            return self._tree.read(path, _MAX_SCRIPT_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def _written(self, path: str, lines: Sequence[int]) -> dict[int, str]:
        """The commit that wrote each of some lines."""
        places = [f"-L{line},{line}" for line in lines[:_MAX_NAMES_AT_ONCE]]
        at = () if path in self._tree.changed else (self._tree.commit,)
        try:
            printed = self._git("blame", "--porcelain", "-w", *places, *at, "--", path)
        except ToolError:  # it is new
            return {}
        found = {}
        for each in re.finditer(rb"^([0-9a-f]{40,64}) \d+ (\d+)", printed, re.MULTILINE):
            sha = each[1].decode()
            found[int(each[2])] = self._tree.commit if not sha.strip("0") else sha
        return found

    def _were_there(
        self, commit: str, names: Sequence[tuple[str, Name]]
    ) -> Iterator[tuple[str, GoneName]]:
        """Which of some names a commit had in its code."""
        functions = {name.text for _path, name in names if name.kind is NameKind.FUNCTION}
        options = {name.text for _path, name in names if name.kind is NameKind.OPTION}
        had = self._functions_at(commit, functions)
        had_options = self._options_at(commit, options)
        for path, name in names:
            gone: GoneName | None = None
            if name.kind is NameKind.FUNCTION and name.text in had:
                gone = self._gone(name, had[name.text], commit, name.text)
            elif name.kind is NameKind.OPTION and name.text in had_options:
                gone = self._gone(name, had_options[name.text], commit, f"config {name.text}")
            elif name.kind is NameKind.PATH:
                gone = self._path_at(commit, path, name)
            elif name.kind is NameKind.FLAG:
                gone = self._flag_at(commit, path, name)
            elif name.kind is NameKind.TARGET:
                gone = self._target_at(commit, name)
            if gone:
                yield path, gone

    def _functions_at(self, commit: str, names: set[str]) -> dict[str, str]:
        """The files in which a commit declared functions."""
        found: dict[str, str] = {}
        for path, text in self._grep(commit, names, _SOURCES):
            for name in names - found.keys():
                if name not in text or self._tree.is_foreign(path) or is_test(path):
                    continue
                if suffix_of(path) not in _PUBLIC and re.match(r"\s*static\b", text):
                    continue
                # A line alone: its end is on another one where there are many arguments.
                line = re.sub(r"\s+$", "", text)
                whole = (
                    line
                    if re.search(r"[;{:]$", line)
                    else f"{line});"
                    if line.endswith(",")
                    else f"{line};"
                )
                if signature_of(path, whole.lstrip() if suffix_of(path) != ".c" else whole, name):
                    found[name] = path
        return found

    def _options_at(self, commit: str, names: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for path, text in self._grep(commit, names, ("*Kconfig*", "*.projbuild")):
            defined = re.match(r"\s*(?:menu)?config\s+([A-Z]\w*)\s*$", text)
            if defined and defined[1] in names and not is_vendored(path):
                found.setdefault(defined[1], path)
        return found

    def _grep(
        self, commit: str, names: set[str], patterns: Iterable[str]
    ) -> Iterator[tuple[str, str]]:
        """Path and text of the lines of a commit that have one of some words."""
        if not names:
            return
        words = [word for name in sorted(names)[:_MAX_NAMES_AT_ONCE] for word in ("-e", name)]
        try:
            printed = self._git(
                *(
                    "grep",
                    "-I",
                    "-F",
                    "-w",
                    "--null",
                    "--full-name",
                    *words,
                    commit,
                    "--",
                    *patterns,
                ),
            )
        except ToolError:  # nothing, or a part of the commit is missing
            return
        for line in printed.decode("utf-8", "replace").split("\n"):
            place, _null, text = line.partition("\0")
            yield place.partition(":")[2], text[:1000]

    def _path_at(self, commit: str, document: str, name: Name) -> GoneName | None:
        place = gone_place(self._history, document, name.text)
        if not place or (format_of(place) is None and suffix_of(place) == ".md"):
            return None
        try:
            printed = self._git("ls-tree", "-z", "--name-only", "--full-tree", commit, "--", place)
        except ToolError:
            return None
        if not printed:
            return None
        index = self._history.gone.get(place)
        if index is None:  # a folder: when the last of it went
            below = (at for path, at in self._history.gone.items() if path.startswith(f"{place}/"))
            index = min(below, default=UNCOMMITTED)
        moved = self._history.moved.get(place, "")
        hint = f"it is {moved} now" if moved in self._tree.files else ""
        return GoneName(name.kind, name.text, name.line, place, self._history.commit(index), hint)

    def _flag_at(self, commit: str, document: str, name: Name) -> GoneName | None:
        script = places_of(self._tree, document, name.owner)[0]
        pattern = rf"['\"]{re.escape(name.text)}\b|{re.escape(name.text)}[)|= ]"
        try:
            text = self._git("show", f"{commit}:{script}").decode("utf-8", "replace")
        except ToolError:
            return None
        return self._gone(name, script, commit, name.text) if re.search(pattern, text) else None

    def _target_at(self, commit: str, name: Name) -> GoneName | None:
        patterns, template = targets_of(name.owner)
        pattern = re.compile(template.replace("NAME", re.escape(name.text)))
        for path, text in self._grep(commit, {name.text}, patterns):
            if pattern.search(text) and not is_vendored(path):
                return self._gone(name, path, commit, name.text)
        return None

    def _gone(self, name: Name, was: str, since: str, word: str) -> GoneName:
        """A name with the commit that removed it, as far as that is found in time."""
        commit = None
        if self._removals < _MAX_REMOVALS and not self._is_late():
            self._removals += 1
            files = [was]
            while self._history.moved.get(files[-1], was) not in files:
                files.append(self._history.moved[files[-1]])
            words = (
                "log",
                "-1",
                "--format=%H",
                f"-S{word}",
                f"{since}..{self._tree.commit}",
                "--",
                *files,
            )
            try:
                sha = self._git(*words).decode().strip()
            except ToolError:
                sha = ""
            if sha in self._history.indexes:
                commit = self._history.commit(self._history.indexes[sha])
        return GoneName(name.kind, name.text, name.line, was, commit)

    def _git(self, *words: str) -> bytes:
        return read_git(self._tree.root, *words, cancel=self._cancel, timeout=_GIT_SECONDS)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(path, pattern) for pattern in patterns)
