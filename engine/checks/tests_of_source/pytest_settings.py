"""What a project tells pytest: where its tests are and how they are called.

Sources: pytest, "Configuration" (order of files) and "API Reference" (``python_files``,
``testpaths``, ``addopts``).
"""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from engine.checks.tests_of_source.conventions import PYTEST_FILES
from engine.files import read_file

_FILES = (
    *(("pytest.toml", "pytest"), (".pytest.toml", "pytest")),
    *(("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("pyproject.toml", "tool.pytest")),
    *(("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")),
)
"""Files with the section that is pytest's, in the order in which it takes them."""

_MAX_BYTES = 256 << 10
_MAX_PATTERNS = 50
_KEPT = ("-m", "-k", "--import-mode", "--ignore", "--ignore-glob", "--deselect", "--rootdir")
"""Options that say which tests there are: without them others run."""


@dataclass(frozen=True, slots=True)
class PytestSettings:
    """What the project's settings for pytest say.

    Args:
        file: where they are, relative to the project; empty for nowhere.
        python_files: patterns for names of test files.
        testpaths: where tests are; empty for anywhere.
        addopts: options that each run gets.
    """

    file: str = ""
    python_files: tuple[str, ...] = PYTEST_FILES
    testpaths: tuple[str, ...] = ()
    addopts: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path, names: Iterable[str]) -> PytestSettings:
        """The settings of a folder; what makes no sense says nothing.

        Args:
            names: files that are there, relative to it.
        """
        there = set(names)
        for file, section in _FILES:
            if file not in there:
                continue
            try:
                text = read_file(folder / file, _MAX_BYTES).decode("utf-8")
                found = _table(text) if file.endswith(".toml") else _section(text, section)
            except (OSError, ValueError, configparser.Error, RecursionError):
                continue
            if found is not None:
                return cls(
                    file=file,
                    python_files=_words(found.get("python_files"))[:_MAX_PATTERNS] or PYTEST_FILES,
                    testpaths=_words(found.get("testpaths"))[:_MAX_PATTERNS],
                    addopts=_words(found.get("addopts")),
                )
        return cls()

    def is_in_testpaths(self, name: str) -> bool:
        """Whether a file is one of those that pytest looks for where nobody names others."""
        paths = [each.strip("./").rstrip("/") for each in self.testpaths]
        return not paths or any(
            not each or fnmatchcase(name, each) or fnmatchcase(name, f"{each}/*") for each in paths
        )

    def which_tests(self) -> tuple[str, ...]:
        """Those of ``addopts`` that say which tests are run and how they are imported."""
        kept: list[str] = []
        words: Sequence[str] = self.addopts
        for index, word in enumerate(words):
            name, equals, _value = word.partition("=")
            if name not in _KEPT:
                continue
            if equals:
                kept.append(word)
            elif index + 1 < len(words):
                kept += (word, words[index + 1])
        return tuple(kept)


def _table(text: str) -> Mapping[str, Any] | None:
    """pytest's table of a TOML file; since pytest 9 it may be ``tool.pytest`` itself."""
    whole = tomllib.loads(text)
    tool = whole.get("tool", {})
    own = whole.get("pytest") or (tool.get("pytest") if isinstance(tool, dict) else None)
    if not isinstance(own, dict):
        return None
    options = own.get("ini_options", own)
    return options if isinstance(options, dict) else None


def _section(text: str, name: str) -> Mapping[str, Any] | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    parser.read_string(text)
    return dict(parser[name]) if parser.has_section(name) else None


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(each for each in value if isinstance(each, str))
    return tuple(shlex.split(value, comments=False)) if isinstance(value, str) else ()
