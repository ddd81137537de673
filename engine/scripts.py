"""Firmware tests as data: the ``[[test]]`` tables of ``espdeck.toml``.

A test types lines to the firmware's console and says what should come back::

    [[test]]
    name = "answers to help"
    send = "help"
    expect = "^commands:"
    within = 2

One with several steps has them in a list, ``steps = [{ send = "…", expect = "…" }, …]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import re2

from engine.errors import UsageError

TABLE = "test"
WITHIN = 5.0
"""Seconds that a step waits where it does not say."""

MAX_SECONDS = 3600.0
"""Seconds that all steps of all tests may wait together."""

_MAX_TESTS = 100
_MAX_STEPS = 100
_MAX_NAME = 200
_MAX_TEXT = 500
_HEAD = re.compile(rf"^[ \t]*(\[\[)[ \t]*{TABLE}[ \t]*\]\]", re.MULTILINE)
_STEP = ("send", "expect", "within")


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange with the firmware.

    Args:
        send: a line to type, without its end; None types nothing.
        expect: regular expression (RE2 syntax) that must be found in one line of what comes after
            ``send``, as a person reads it (:mod:`engine.boards.lines`), or in the beginning of one
            that has no end yet, such as a prompt; None waits for nothing.
        within: seconds of firmware time that it may take.
    """

    send: str | None
    expect: str | None
    within: float = WITHIN


@dataclass(frozen=True, slots=True)
class Script:
    """One test: it passes when every step in turn gets what it expects.

    Args:
        name: of the test.
        steps: in order.
        line: of its table in the file, from 1; 0 where it is not known.
    """

    name: str
    steps: tuple[Step, ...]
    line: int = 0


def read(tables: object, file: str, text: str = "") -> tuple[Script, ...]:
    """Read the ``[[test]]`` tables.

    Args:
        tables: what TOML has under the key. Untrusted: sizes and types are checked.
        file: how the file is called, for messages.
        text: the file, for the lines of the tables.

    Raises:
        UsageError: something makes no sense; names file, table and key.
    """
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise UsageError(f"{file}: {TABLE} must be written as [[{TABLE}]] tables")
    if len(tables) > _MAX_TESTS:
        raise UsageError(
            f"{file}: {len(tables)} [[{TABLE}]] tables, at most {_MAX_TESTS} are accepted"
        )
    heads = [text.count("\n", 0, found.start(1)) + 1 for found in _HEAD.finditer(text)]
    # TOML's reader tells no lines; what looks like a table may stand in a text of several lines.
    lines = heads if len(heads) == len(tables) else [0] * len(tables)
    scripts = tuple(
        _script(table, f"{file}: [[{TABLE}]] {number}", line)
        for number, (table, line) in enumerate(zip(tables, lines, strict=True), 1)
    )
    names = [script.name for script in scripts]
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise UsageError(f"{file}: [[{TABLE}]] {number}: another test is called {name!r}")
    if sum(step.within for script in scripts for step in script.steps) > MAX_SECONDS:
        raise UsageError(
            f"{file}: the steps of all [[{TABLE}]] tables may wait {MAX_SECONDS:g} s together"
        )
    return scripts


def _script(table: Mapping[str, object], where: str, line: int) -> Script:
    _known(table, ("name", *_STEP, "steps"), where)
    name = _text(table, "name", where, most=_MAX_NAME)
    if not name or not name.strip():
        raise UsageError(f"{where}: name is missing")
    where = f"{where} ({name!r})"
    if "steps" not in table:
        return Script(name, (_step(table, where),), line)
    for key in _STEP:
        if key in table:
            raise UsageError(f"{where}: {key} belongs into steps, where there are steps")
    steps = table["steps"]
    if (
        not isinstance(steps, list)
        or not steps
        or not all(isinstance(each, dict) for each in steps)
    ):
        raise UsageError(f"{where}: steps must be a list of tables such as {{ send = 'help' }}")
    if len(steps) > _MAX_STEPS:
        raise UsageError(f"{where}: {len(steps)} steps, at most {_MAX_STEPS} are accepted")
    found = []
    for number, step in enumerate(steps, 1):
        _known(step, _STEP, f"{where}, step {number}")
        found.append(_step(step, f"{where}, step {number}"))
    return Script(name, tuple(found), line)


def _step(table: Mapping[str, object], where: str) -> Step:
    send = _text(table, "send", where, most=_MAX_TEXT)
    expect = _text(table, "expect", where, most=_MAX_TEXT)
    if send is None and expect is None:
        raise UsageError(f"{where}: says neither what to send nor what to expect")
    if send is not None and ("\n" in send or "\r" in send):
        raise UsageError(f"{where}: send is one line, its end comes by itself")
    if expect is not None:
        check_pattern(expect, where)
    within = table.get("within", WITHIN)
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0.1 <= within <= 600:
        raise UsageError(f"{where}: within must be a number of seconds from 0.1 to 600")
    return Step(send, expect, float(within))


def check_pattern(pattern: str, where: str) -> None:
    """Make sure that a pattern is one.

    Raises:
        UsageError: it is not; begins with ``where``.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise UsageError(f"{where}: expect {pattern!r}: {told}") from error


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: unknown key {key!r} (known: {', '.join(keys)})")


def _text(table: Mapping[str, object], key: str, where: str, *, most: int) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} must be text")
    if len(value) > most:
        raise UsageError(f"{where}: {key} is longer than {most} characters")
    return value
