"""Lines of Unity's output, one by one.

Formats read, as ThrowTheSwitch Unity writes them (``unity.c``, ``unity_fixture.c``), and ESP-IDF's
runner around it (``components/unity/unity_runner.c``):

- ``file:line:name:PASS``, ``FAIL`` or ``IGNORE``, with ``: message`` where there is one; the forms
  for Eclipse, Qt Creator and IAR; all of them with `` (12 ms)`` at their end where
  ``UNITY_INCLUDE_EXEC_TIME`` is set. A failure's line is ended by Unity after ``tearDown``, so
  that what is printed there stands behind it;
- ``TEST(group, name) PASS``, ``TEST(group, name)file:line::FAIL: message`` and
  ``IGNORE_TEST(group, name)`` of a fixture that is verbose, where what the test prints stands
  between its name and its result; of one that is not, dots before the file;
- ``N Tests M Failures K Ignored``, the summary;
- ``Running name...``, ``Test ran in 12ms`` and the menu of ESP-IDF's runner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, pairwise

from engine.testing.results import Outcome, TestCase

_MAX_NAME_CHARACTERS = 200
_MAX_MESSAGE_CHARACTERS = 1000
_MAX_PLACES = 8  # of ``:12:`` on a line, the time of day among them

_LOG = re.compile(r"\s*[EWIDV] (?:\([^()]{1,40}\) )?[^:\s][^:]{0,60}: ")
_PLACE = re.compile(r":(\d{1,7}):")
_OTHER_PLACES = (
    re.compile(r"\(([^()]{1,300}):(\d{1,7})\) "),  # UNITY_OUTPUT_FOR_ECLIPSE
    re.compile(r"file://([^:]{1,300}):(\d{1,7}) "),  # UNITY_OUTPUT_FOR_QT_CREATOR
)
_IAR = re.compile(r'<SRCREF line=(\d{1,7}) file="([^"]{1,300})">(.{1,300}?)</SRCREF> ')
_RESULT = re.compile(r":(PASS|FAIL|IGNORE|INFO)")
_TIME = re.compile(r" ?\((\d{1,10}(?:\.\d{1,6})?) ?(ms|us|s)\)\s*$")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
# What ESP-IDF prints in ``tearDown``, behind a result whose line has not ended yet.
_LOG_PREFIX_BEHIND = re.compile(
    r"[EWIDV] \(\d[^()]{0,40}\) [^:]{1,60}: |MALLOC_CAP_\w{1,40}[ :]|Backtrace:"
)
# A path that is whole, with blanks in it; and a file that looks like one.
_PATH = re.compile(r"(?:^|(?<=\s))(?:[A-Za-z]:[\\/]|\.{0,2}/)")
_FILE = re.compile(r"[^\W\d_]")
_DOTS = re.compile(r"[.!]{1,9999}(?=[^.!/\\])|[.!]{2,9999}(?=\.\.?/)|(?<![./])[.!]*!(?=/)")
_FIXTURE = re.compile(r"\b(IGNORE_)?(TEST\(\w{1,100}, \w{1,100}\))")
# Before 2.4 a fixture ended no line behind a failure: the next test follows on it.
_NEXT = re.compile(
    r"(?:(?<=[^A-Za-z_:])|(?<=FAIL)|(?<=IGNORE)|(?<=TRUE)|(?<=FALSE)|(?<=NULL))"
    r"(?=(?:IGNORE_)?TEST\(\w{1,100}, \w{1,100}\))"
)
_SUMMARY = re.compile(r"\b(\d{1,7}) Tests (\d{1,7}) Failures\b(?: (\d{1,7}) Ignored\b)?")
_RUNNING = re.compile(r"Running (?!tests (?:NOT )?matching '|stage \d)(.{1,200})\.\.\.")
_RAN = re.compile(r"Test ran in (\d{1,10})ms")
_MENU = re.compile(
    r"Press ENTER to see the list of tests|Enter test for running|Enter next test, or 'enter'"
)


_POSSIBLE_MATCH = re.compile(r"PASS|FAIL|IGNORE|TEST\(| Tests |Running |Test ran in |ENTER|Enter ")


@dataclass(frozen=True, slots=True)
class Began:
    """A test began. ``known`` is whether Unity says so, not perhaps some other firmware."""

    name: str
    known: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A test ended; its case has no name where it is the one that began last."""

    case: TestCase


@dataclass(frozen=True, slots=True)
class Took:
    """How long the test took that ended last, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures at the end of a run; ``ignored`` is None where the line was cut."""

    tests: int
    failures: int
    ignored: int | None


@dataclass(frozen=True, slots=True)
class Menu:
    """The runner waits for what is to run next."""


UnityEvent = Began | Ended | Took | Summary | Menu


def may_match(line: str) -> bool:
    """Whether :func:`read` may find something in a line: fast, for consoles that say much."""
    return _POSSIBLE_MATCH.search(line) is not None


def read(line: str, *, fixture: bool = False) -> list[UnityEvent]:
    """What a line of output says of tests, in order; nothing where it is another's.

    Args:
        line: one line, without control sequences. Untrusted.
        fixture: whether a test of a verbose fixture began whose result has not come.
    """
    if summary := _SUMMARY.search(line):
        tests, failures, ignored = summary.groups()
        return [Summary(int(tests), int(failures), None if ignored is None else int(ignored))]
    ends = [found.start() for found in islice(_NEXT.finditer(line), _MAX_PLACES)]
    parts = pairwise((0, *ends, len(line)))
    return [said for start, end in parts for said in _read(line[start:end], fixture=fixture)]


def _read(line: str, *, fixture: bool) -> list[UnityEvent]:
    """What a line says, or the part of one that is about one test of a fixture."""
    if log := _LOG.match(line):
        line = line[log.end() :]
    line = line.strip()
    if case := _case(line):
        named = _FIXTURE.match(line)
        # Verbose: the name stands before the file, and again behind it at most.
        if named and line[named.end() : named.end() + 1] not in (":", ""):
            case = _case(line[named.end() :]) or case
            return [Began(named[2], known=True), Ended(case)]
        return [Ended(case)]
    if found := _FIXTURE.search(line):
        return _of_fixture(found, line)
    if fixture and (line == "PASS" or _untimed(line)[0].endswith(" PASS")):
        return [Ended(_passed("", line))]
    if running := _RUNNING.fullmatch(line):
        return [Began(running[1], known=False)]
    if ran := _RAN.fullmatch(line):
        return [Took(int(ran[1]) / 1000)]
    return [Menu()] if _MENU.search(line) else []


def _of_fixture(found: re.Match[str], line: str) -> list[UnityEvent]:
    """A test of a fixture that began, and its result where that stands on the same line."""
    name, rest = found[2], line[found.end() :]
    if found[1]:
        _text, seconds = _untimed(rest)
        return [Ended(TestCase(name, Outcome.IGNORE, "", 0, "", seconds))]
    for place in islice(_PLACE.finditer(rest), _MAX_PLACES):
        if case := _case(rest[: place.start()].split(" ")[-1] + rest[place.start() :]):
            return [Began(name, known=True), Ended(case)]
    result = _RESULT.match(rest)
    if result and (end := _tail(rest[result.end() :])) is not None and result[1] != "INFO":
        return [Ended(TestCase(name, Outcome(result[1]), "", 0, *end))]
    began = Began(name, known=True)
    text, _seconds = _untimed(rest)
    return [began, Ended(_passed("", rest))] if text.endswith(" PASS") else [began]


def _passed(name: str, line: str) -> TestCase:
    return TestCase(name, Outcome.PASS, "", 0, "", _untimed(line)[1])


def _case(line: str) -> TestCase | None:
    """A result with its file and line."""
    if found := _IAR.search(line):
        number, file, name = found.groups()
        return _result(file, number, f"{name}:{line[found.end() :]}")
    for pattern in (_PLACE, *_OTHER_PLACES):
        for found in islice(pattern.finditer(line), _MAX_PLACES):
            if pattern is _PLACE:
                file, number = _file(line[: found.start()]), found[1]
            else:
                file, number = found.groups()
            if not _FILE.search(file):
                continue  # a time of day
            if case := _result(file, number, line[found.end() :]):
                return case
            break
    return None


def _file(before: str) -> str:
    """The file at the end of what stands before ``:line:``; others may have printed there too."""
    *_others, path = None, *_PATH.finditer(before)
    file = before[path.start() :] if path else before.split(" ")[-1]
    # A fixture that is not verbose prints a dot for each test, ``!`` for one that is ignored.
    file = file.lstrip("\N{REPLACEMENT CHARACTER}")  # of a boot at another speed
    return file[dots.end() :] if (dots := _DOTS.match(file)) else file


def _result(file: str, number: str, rest: str) -> TestCase | None:
    """A result whose name and outcome are in ``rest``; None where there is none."""
    for found in _RESULT.finditer(rest, 0, _MAX_NAME_CHARACTERS + 8):
        end = _tail(rest[found.end() :])
        if end is None:
            continue
        if found[1] == "INFO":
            return None  # TEST_MESSAGE: the result comes on a line of its own
        message, seconds = end
        name = rest[: found.start()].strip()
        return TestCase(name, Outcome(found[1]), file, int(number), message, seconds)
    return None


def _tail(text: str) -> tuple[str, float | None] | None:
    """Message and seconds out of what follows an outcome; None where that was no outcome."""
    text, seconds = _untimed(text)
    if text.startswith(":"):
        behind = _LOG_PREFIX_BEHIND.search(text)
        return text[1 : behind.start() if behind else None].strip()[
            :_MAX_MESSAGE_CHARACTERS
        ], seconds
    if not text.strip() or _LOG_PREFIX_BEHIND.match(text):
        return "", seconds
    return None


def _untimed(text: str) -> tuple[str, float | None]:
    """A text without the time at its end, and that in seconds."""
    found = _TIME.search(text)
    if found is None:
        return text.rstrip(), None
    return text[: found.start()].rstrip(), round(float(found[1]) * _SECONDS[found[2]], 6)
