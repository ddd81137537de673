"""Which tests cover which sources: by name, by what a test includes, imports, calls or names.

A test that is called as a source is its *named* test. Every other one that refers to it covers it
as well. A source with named tests is judged by those alone: an integration test that fails in one
module says nothing of the twenty others that it imports.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from engine.checks.tests_of_source import conventions, symbols
from engine.checks.tests_of_source.python_imports import Mentions, Modules, mentions_of
from engine.checks.tests_of_source.source_files import Bodies, Kind, ProjectFiles
from engine.source.c_source import includes_of, masked
from engine.source.test_files import is_test_folder

_WORD = re.compile(r"\b[A-Za-z_]\w{3,}\b")
_TAG = re.compile(r"\[([A-Za-z_][\w -]{1,60})\]")
_C_NAME = re.compile(
    r"""^[ \t]*(?:TEST(?:_F|_P)?|TYPED_TEST|ZTEST(?:_F)?)[ \t]*\([ \t]*(\w+)[ \t]*,[ \t]*(\w+)"""
    r"""|^[ \t]*(?:TEST_CASE\w*|SCENARIO)[ \t]*\([ \t]*"((?:\\.|[^"\\\n]){1,200})\"([^\n]{0,200})"""
    r"""|\bRUN_TEST(?:_CASE)?[ \t]*\([ \t]*(\w+)(?:[ \t]*,[ \t]*(\w+))?"""
    r"""|^[ \t]*(?:static[ \t]+)?void[ \t]+(test\w+)[ \t]*\(""",
    re.MULTILINE,
)
_CEEDLING_SOURCE = re.compile(r'\bTEST_SOURCE_FILE[ \t]*\([ \t]*"([^"\n]{1,200})"')
_UNIT_FILES = (
    *("CMakeLists.txt", "component.mk", "idf_component.yml", "library.json", "library.properties"),
    *("platformio.ini", "project.yml", "pyproject.toml", "setup.py", "setup.cfg", "__init__.py"),
)
"""Files of which a folder has one that is built, installed or imported by itself."""

_MAX_NAMES = 5000
_MAX_SAME_NAME = 200  # files of one name, of which the nearest is looked for
_MIN_PREFIX_CHARACTERS = 3
_MIN_TAIL_CHARACTERS = 4
_MAX_INCLUDED_SUPPORT = 20


@dataclass(slots=True)
class TestFile:
    """A test, and what it is about.

    Args:
        path: of its file.
        declares: names of its tests, as reports may have them.
        named: sources that it is called after.
        refers: sources that it includes, imports, calls or names.
        gone: what it includes or imports that is not there; of Python only what was the project's.
        elsewhere: whether it refers to other files of the project, which want no test.
    """

    __test__ = False

    path: str
    declares: frozenset[str] = frozenset()
    named: set[str] = field(default_factory=set)
    refers: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """What covers what.

    Args:
        sources: tests of each source that wants one: its named tests where there are any, else
            those that refer to it.
        tests: every test by its path.
        alone: tests that refer to nothing of the project, with the names that their subject has.
    """

    sources: dict[str, tuple[str, ...]]
    tests: dict[str, TestFile]
    alone: dict[str, tuple[str, ...]]


def cover(files: ProjectFiles) -> Coverage:
    """Find the tests of each source."""
    finder = _Finder(files)
    tests = {path: finder.test(path) for path in files.of(Kind.TEST, Kind.BOARD_TEST)}
    named: dict[str, list[str]] = defaultdict(list)
    others: dict[str, list[str]] = defaultdict(list)
    for path, test in tests.items():
        for source in test.named:
            named[source].append(path)
        for source in test.refers - test.named:
            others[source].append(path)
    shared = finder.by_conftest([path for path in tests if _is_python(path)])
    sources = {
        source: tuple(named.get(source) or others.get(source) or shared.get(source) or ())
        for source in files.of(Kind.SOURCE)
    }
    alone = {
        path: conventions.subjects_of(path)
        for path, test in tests.items()
        if not (test.named or test.refers or test.elsewhere) and files.kinds[path] is Kind.TEST
    }
    return Coverage(sources, tests, alone)


class _Finder:
    def __init__(self, files: ProjectFiles) -> None:
        self._files = files
        self._there = frozenset(files.names)
        sources = files.of(Kind.SOURCE)
        self._sources = frozenset(sources)
        self._source_folders = {
            path[:at] for path in sources for at in range(len(path)) if path[at] == "/"
        }
        self._by_name: dict[tuple[bool, str], list[str]] = defaultdict(list)
        for path in sources:
            for name in conventions.names_of(path):
                known = self._by_name[_is_python(path), name]
                if len(known) < _MAX_SAME_NAME:
                    known.append(path)
        self._by_tail: dict[tuple[bool, str], list[str]] = defaultdict(list)
        for (is_python, name), paths in list(self._by_name.items()):
            _head, _dash, tail = name.partition("_")
            if tail:
                self._by_tail[is_python, tail] += paths
        c_sources = [each for each in sources if not _is_python(each)]
        self._bodies = Bodies(iter(c_sources))
        self._headers: dict[str, list[str]] = defaultdict(list)
        for path in files.names:
            suffix = PurePosixPath(path).suffix.lower()
            if suffix in conventions.C_HEADERS or suffix in conventions.C_SOURCES:
                known = self._headers[posixpath.basename(path)]
                if len(known) < _MAX_SAME_NAME:
                    known.append(path)
        self._symbols = symbols.of(files, c_sources)
        python = [each for each in files.names if each.endswith(".py")]
        self._modules = Modules(python)
        self._read: dict[str, tuple[list[tuple[str, bool]], frozenset[str]]] = {}
        self._offered: dict[str, dict[str, set[str]]] = {}

    def test(self, path: str) -> TestFile:
        """A test with everything that it is about."""
        text = self._files.text(path)
        if _is_python(path):
            test = TestFile(path)
            mentions = mentions_of(text)
            self._python(test, mentions)
        else:
            test = TestFile(path, _declared(text))
            self._c(test, text)
        self._by_its_name(test, text)
        if self._files.kinds[path] is Kind.BOARD_TEST:
            test.refers |= self._app_of(path)
        elif not (test.named or test.refers):
            test.named |= self._by_its_end(test)
        return test

    def _by_its_end(self, test: TestFile) -> set[str]:
        """The one source whose name ends as a test's, whatever its language.

        ``test_delay.py`` is about ``gensio_delay.c``: all names of a library begin alike, and its
        tests may be in the language that it is used from.
        """
        home = self._home(test.path)
        for subject in conventions.subjects_of(test.path)[-1:]:
            if len(subject) < _MIN_TAIL_CHARACTERS:
                continue
            found = [
                each
                for python in (False, True)
                for each in (
                    *self._by_name[python, subject],
                    *self._by_tail[python, subject],
                )
                if not home or each.startswith(f"{home}/")
            ]
            if len(set(found)) == 1:
                return set(found)
        return set()

    def _by_its_name(self, test: TestFile, text: str) -> None:
        python = _is_python(test.path)
        if python and self._files.kinds[test.path] is Kind.BOARD_TEST:
            return
        home = self._home(test.path)
        for subject in conventions.subjects_of(test.path):
            found = self._called(subject, python, home, test)
            if found:
                test.named |= found
                return
        if python:
            return
        for tag in {each.lower().replace("-", "_").strip() for each in _TAG.findall(text)}:
            # TEST_CASE("...", "[ring]"): what the catalogue of tests calls their module.
            test.refers |= self._nearest(self._by_name[python, tag], home, test.path)

    def _called(self, subject: str, python: bool, home: str, test: TestFile) -> set[str]:
        found = self._by_name[python, subject]
        if not found and not python:
            found = self._by_name[python, f"esp_{subject}"]
        near = self._nearest(found, home, test.path)
        if python and test.refers and test.refers.isdisjoint(near) and _own_folders(test.path):
            # It imports others, and lies in a folder for others: these only have the same name.
            near = {each for each in near if _mirrored(each, test.path) > 0}
        near = near or {each for each in found if each in test.refers}
        if near:
            return near
        # test_ring_overflow.c is about ring.c: the longest name that the subject begins with.
        cut = subject
        while len(cut := cut.rpartition("_")[0]) >= _MIN_PREFIX_CHARACTERS:
            found = self._by_name[python, cut]
            own = [each for each in found if each in test.refers]
            if near := set(own) or self._beside(found, home):
                return near
        return set()

    @staticmethod
    def _beside(found: Iterable[str], home: str) -> set[str]:
        """Of a component or package its own files alone; a tree of tests for all is for any."""
        return {each for each in found if home and each.startswith(f"{home}/")}

    @staticmethod
    def _nearest(found: Sequence[str], home: str, test: str) -> set[str]:
        """Those whose folders are mirrored best by a test's."""
        inside = [each for each in found if not home or each.startswith(f"{home}/")]
        if len(inside) < 2:
            return set(inside)
        scores = {each: _mirrored(each, test) for each in inside}
        best = max(scores.values())
        return {each for each in inside if scores[each] == best}

    def by_conftest(self, tests: Sequence[str]) -> dict[str, list[str]]:
        """Sources that a ``conftest.py`` imports, with the tests that its fixtures are for."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._files.of(Kind.SUPPORT):
            folder, _slash, name = path.rpartition("/")
            below = [each for each in tests if not folder or each.startswith(f"{folder}/")]
            if name == "conftest.py" and below:
                conftest = TestFile(path)
                self._python(conftest, mentions_of(self._files.text(path)))
                for source in conftest.refers:
                    found[source] += below
        return found

    def _python(self, test: TestFile, mentions: Mentions) -> None:
        for imported in mentions.imports:
            files, gone = self._modules.of(imported, test.path)
            test.gone.update(gone)
            for file in files:
                test.refers |= self._own(file, imported.names)
                test.elsewhere = test.elsewhere or file != test.path
        for script in mentions.scripts:
            name = posixpath.basename(script)
            found = [
                each
                for each in self._by_name[True, name.removesuffix(".py").lower().replace("-", "_")]
                if each == script or each.endswith(f"/{script}")
            ]
            test.refers |= self._nearest(found, "", test.path)
        for module in mentions.modules:
            parts = module.split(".")
            for end in range(len(parts), 0, -1):
                if files := self._modules.files_of(".".join(parts[:end]), test.path):
                    if end > 1:
                        test.refers.update(each for each in files if each in self._sources)
                    break

    def _own(self, file: str, names: Sequence[str]) -> set[str]:
        """A source that is imported, and those from which a package has what is taken from it."""
        found = {file} & self._sources
        if not file.endswith("__init__.py") or not names:
            return found
        if file not in self._offered:
            offers: dict[str, set[str]] = defaultdict(set)
            for each in mentions_of(self._files.text(file)).imports:
                files, _gone = self._modules.of(each, file)
                for name in each.names:
                    offers[name].update(set(files) & self._sources)
            self._offered[file] = offers
        offered = self._offered[file]
        return found.union(*(offered.get(name, set()) for name in names))

    def _c(self, test: TestFile, text: str) -> None:
        words = set[str]()
        seen = {test.path}
        waiting = [test.path]
        while waiting:
            path = waiting.pop()
            includes, said = self._said(path)
            words |= said
            for header, system in includes:
                found = self._included(header, path)
                if not found and not system and path == test.path:
                    test.gone.add(header)
                for each in found:
                    if self._files.kinds.get(each) is Kind.SUPPORT:
                        if each not in seen and len(seen) < _MAX_INCLUDED_SUPPORT:
                            seen.add(each)
                            waiting.append(each)
                    elif each in self._sources:
                        test.refers.add(each)
                    else:
                        test.elsewhere = True
                        test.refers.update(self._bodies.of(each))
        for source in _CEEDLING_SOURCE.findall(text):
            test.refers.update(set(self._included(source, test.path)) & self._sources)
        called = {self._symbols[word] for word in words & self._symbols.keys()}
        home = self._home(test.path)
        # Of a component its own functions: what others define may have the name of a library's.
        own = home and home in self._source_folders
        test.refers.update(each for each in called if not own or each.startswith(f"{home}/"))

    def _home(self, path: str) -> str:
        """The component, library or package whose tests a file is among; empty for the project."""
        home, in_tests = conventions.home_of(path)
        if not in_tests:
            home = home.rpartition("/")[0]  # src/ring_test.cc: ring may be in include/
        while home and not any(f"{home}/{each}" in self._there for each in _UNIT_FILES):
            home = home.rpartition("/")[0]
        return home

    def _said(self, path: str) -> tuple[list[tuple[str, bool]], frozenset[str]]:
        """What a test or its helper includes, and the words in it; a helper's are kept."""
        kept = self._read.get(path)
        if kept is None:
            text = self._files.text(path)
            includes = [(each.header, each.system) for each in includes_of(text)]
            # What it defines itself is no other's.
            own = self._files.functions.get(path, frozenset())
            words = (frozenset(_WORD.findall(masked(text))) & self._symbols.keys()) - own
            kept = includes, words
            if self._files.kinds.get(path) is Kind.SUPPORT:
                self._read[path] = kept
        return kept

    def _included(self, header: str, importer: str) -> list[str]:
        """The files that an include can mean."""
        folder = posixpath.dirname(importer)
        beside = posixpath.normpath(posixpath.join(folder, header))
        candidates = self._headers.get(posixpath.basename(header), [])
        if beside in candidates:
            return [beside]
        end = header.lstrip("./")
        found = [each for each in candidates if each == end or each.endswith(f"/{end}")]
        if len(found) < 2:
            return found
        scores = {each: _mirrored(each, importer) for each in found}
        best = max(scores.values())
        return [each for each in found if scores[each] == best]

    def _app_of(self, path: str) -> set[str]:
        """The sources of the app beside which a suite for a board lies."""
        folder = posixpath.dirname(path)
        while folder and is_test_folder(posixpath.basename(folder)):
            folder = posixpath.dirname(folder)
        start = f"{folder}/main/" if folder else "main/"
        return {each for each in self._sources if each.startswith(start)}


def _is_python(path: str) -> bool:
    return path.endswith(".py")


def _mirrored(source: str, test: str) -> int:
    """How well the folders of a test mirror those of a source: names that both have, in order."""
    theirs = [part for part in source.split("/")[:-1] if part.lower() not in _EVERYWHERE]
    own = _own_folders(test)
    score, at = 0, 0
    for part in theirs:
        if part in own[at:]:
            at = own.index(part, at) + 1
            score += 2
        else:
            score -= 1
    return score


def _own_folders(test: str) -> list[str]:
    """The folders of a test that are not those of tests alone."""
    folders = test.split("/")[:-1]
    return [_plain_folder(part) for part in folders if not is_test_folder(part)]


_EVERYWHERE = frozenset({"src", "include", "lib", "source", "inc", "components"})


def _plain_folder(name: str) -> str:
    return name.removeprefix("test_").removesuffix("_test")


def _declared(text: str) -> frozenset[str]:
    """Names of the tests in a C source, as Unity, GoogleTest and Catch2 report them."""
    found: set[str] = set()
    for match in _C_NAME.finditer(text):
        group, name, described, _rest, function, argument, plain = match.groups()
        if group:
            found |= {f"{group}.{name}", f"TEST({group}, {name})"}
        elif described:
            found.add(described)
        elif function:
            found.add(argument if argument else function)
            found.add(function)
        elif plain:
            found.add(plain)
        if len(found) >= _MAX_NAMES:
            break
    return frozenset(found)
