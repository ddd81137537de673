"""Which checks there are: espdeck's own, those of other distributions, files of a person's.

A check of somebody else's is loaded in a process of its own alone (:mod:`engine.checks.child`):
what it does when it is imported, or that it cannot be, is no harm to others.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import process
from engine.cancel import CancelToken
from engine.checks.base import Check
from engine.errors import EspdeckError
from engine.files import read_file
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
_SHORTEST_MINUTES = 0.1


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


def find_checks(folder: Path | None = None) -> tuple[FoundCheck, ...]:
    """Every check, by name. Those of others cost a process for each place they come from.

    Args:
        folder: of files; None is the one beside the settings file.
    """
    folder = folder or config_file().parent / FOLDER
    found: dict[str, FoundCheck] = {}
    for point in registered(GROUP):
        if point.value.startswith(_OWN):
            own = describe(point.load(), point.value)
            found[own.name] = own
        else:
            _add(found, _describe_apart(point.value, point.name))
    for path in sorted(folder.glob("*.py"))[:MAX_FILES] if folder.is_dir() else ():
        if not path.name.startswith("_"):
            _add(found, _describe_apart(str(path), path.stem))
    return tuple(sorted(found.values(), key=lambda check: check.name))


def _add(found: dict[str, FoundCheck], check: FoundCheck) -> None:
    if check.name in found:
        problem = f"there is another check of this name ({found[check.name].place})"
        check = FoundCheck(check.place, check.title, check.interval, {}, check.place, problem)
    found[check.name] = check


def describe(check: type[Check], place: str) -> FoundCheck:
    """What a check says of itself.

    Raises:
        EspdeckError: that makes no sense.
    """
    try:
        name, title, interval = str(check.name), str(check.title), float(check.interval)
        options = dict(check.options)
        json.dumps(options)
    except (AttributeError, TypeError, ValueError) as error:
        raise EspdeckError(f"{place}: not a check: {error}") from error
    if not name.isidentifier() or not interval >= _SHORTEST_MINUTES:
        raise EspdeckError(f"{place}: a check needs a name of letters and an interval in minutes")
    return FoundCheck(name[:64], title[:200], interval, options, place)


def load_own(check: FoundCheck) -> Check:
    """A check of espdeck's own, to be asked in this process."""
    point = next(point for point in registered(GROUP) if point.value == check.place)
    kind: type[Check] = point.load()
    return kind()


def _describe_apart(place: str, name: str) -> FoundCheck:
    """What a check of somebody else's says of itself."""
    try:
        with tempfile.TemporaryDirectory(prefix="espdeck-check-") as folder:
            answer = Path(folder) / "answer"
            command = [sys.executable, "-P", "-m", "engine.checks.child", place, str(answer)]
            done = process.run(
                command, timeout=_DESCRIBE_SECONDS, cancel=CancelToken(), clean_env=True
            )
            if done.returncode != 0 or not answer.is_file():
                last = (done.tail.strip().splitlines() or ["it ended early"])[-1]
                raise EspdeckError(last[:300])
            said = json.loads(read_file(answer, _MAX_DESCRIPTION_BYTES))
        return FoundCheck(
            str(said["name"]), str(said["title"]), float(said["interval"]), said["options"], place
        )
    except (EspdeckError, OSError, ValueError, LookupError, TypeError) as error:
        return FoundCheck(name, "", 0.0, {}, place, f"cannot be loaded: {error}"[:400])
