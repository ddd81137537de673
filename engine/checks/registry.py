"""Which checks there are: espdeck's own, those of other distributions, files of a person's.

A check of somebody else's is loaded in a process of its own alone (:mod:`engine.checks.child`):
what it does when it is imported, or that it cannot be, is no harm to others.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import process
from engine.cancel import CancelToken
from engine.checks.base import Check
from engine.errors import CancelledError, EspdeckError
from engine.plugins import registered
from engine.settings import config_file

GROUP = "espdeck.checks"
"""Entry points of checks."""

FOLDER = "checks"
"""Folder beside the settings file whose ``*.py`` files are checks."""

MAX_FILES = 100
"""Files of that folder that are looked at."""

_OWN = "engine."
_DESCRIBE_SECONDS = 30.0
_MAX_DESCRIPTION_BYTES = 1 << 20
_MAX_DESCRIPTION_MEMORY_BYTES = 512 << 20
_SHORTEST_MINUTES, _LONGEST_MINUTES = 0.1, 525_600.0  # as the settings have it


@dataclass(frozen=True, slots=True)
class FoundCheck:
    """A check that is there.

    Args:
        name: its name.
        title: what it looks at.
        interval: minutes between two runs where nobody said otherwise.
        options: its own settings with their defaults.
        place: how its process finds it: ``module:Class``, or the path of a file.
        problem: why it cannot be used, empty where it can. Untrusted, as all of somebody else's.
    """

    name: str
    title: str
    interval: float
    options: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    problem: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it comes with espdeck, so that this process may load it."""
        return self.place.startswith(_OWN)


def find_checks(
    folder: Path | None = None, *, cancel: CancelToken | None = None
) -> tuple[FoundCheck, ...]:
    """Every check, by name. Those of others cost a process for each place they come from.

    Args:
        folder: of files; None is the one beside the settings file.
        cancel: ends the search early.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    cancel = cancel or CancelToken()
    folder = folder or config_file().parent / FOLDER
    found: dict[str, FoundCheck] = {}
    for point in registered(GROUP):
        if point.value.startswith(_OWN):
            own = describe(point.load(), point.value)
            found[own.name] = own
        else:
            add_check(found, _describe_apart(point.value, point.name, cancel))
    for path in sorted(folder.glob("*.py"))[:MAX_FILES] if folder.is_dir() else ():
        if not path.name.startswith("_"):
            add_check(found, _describe_apart(str(path), path.stem, cancel))
    return tuple(sorted(found.values(), key=lambda check: check.name))


def add_check(found: dict[str, FoundCheck], check: FoundCheck) -> None:
    """Add a check to those that are known by their names; a name belongs to who had it first."""
    if check.name in found:
        problem = f"another check has this name ({found[check.name].place})"
        check = FoundCheck(check.place, check.title, check.interval, {}, check.place, problem)
    found[check.name] = check


def describe(check: type[Check], place: str) -> FoundCheck:
    """What a check says of itself.

    Raises:
        EspdeckError: that makes no sense.
    """
    try:
        return _found(check.name, check.title, check.interval, check.options, place)
    except (AttributeError, TypeError, ValueError) as error:
        raise EspdeckError(f"{place}: not a check: {error}") from error


def _found(name: object, title: object, interval: Any, options: Any, place: str) -> FoundCheck:
    """A check that says this of itself.

    Raises:
        EspdeckError: a check cannot be called so, or run so often.
        TypeError, ValueError: its options cannot be JSON, or its interval is no number.
    """
    known = FoundCheck(str(name)[:64], str(title)[:200], float(interval), dict(options), place)
    json.dumps(known.options)
    is_in_range = _SHORTEST_MINUTES <= known.interval <= _LONGEST_MINUTES
    if not known.name.isidentifier() or not is_in_range:
        raise EspdeckError(
            f"{place}: a check needs a name of letters and an interval of {_SHORTEST_MINUTES:g} to "
            f"{_LONGEST_MINUTES:.0f} minutes"
        )
    return known


def load_own(check: FoundCheck) -> Check:
    """A check of espdeck's own, to be asked in this process."""
    point = next(point for point in registered(GROUP) if point.value == check.place)
    kind: type[Check] = point.load()
    return kind()


def _describe_apart(place: str, name: str, cancel: CancelToken) -> FoundCheck:
    """What a check of somebody else's says of itself."""
    try:
        with tempfile.TemporaryFile() as answer:  # has no name: nobody who is killed leaves it
            place_of_answer = f"/proc/self/fd/{answer.fileno()}"
            done = process.run(
                [sys.executable, "-P", "-m", "engine.checks.child", place, place_of_answer],
                timeout=_DESCRIBE_SECONDS,
                cancel=cancel,
                clean_env=True,
                pass_fds=[answer.fileno()],
                max_memory_bytes=_MAX_DESCRIPTION_MEMORY_BYTES,
            )
            text = os.pread(answer.fileno(), _MAX_DESCRIPTION_BYTES, 0)
        if done.returncode != 0 or not text:
            last = (done.tail.strip().splitlines() or ["it ended early"])[-1]
            raise EspdeckError(last[:300])
        said = json.loads(text)
        return _found(said["name"], said["title"], said["interval"], said["options"], place)
    except CancelledError:
        raise
    except (EspdeckError, OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        return FoundCheck(name, "", 0.0, {}, place, f"cannot be loaded: {error}"[:400])
