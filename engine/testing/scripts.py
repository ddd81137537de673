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

from collections.abc import Mapping
from dataclasses import dataclass, replace

import re2

from engine.errors import MistakeError
from engine.formats.toml import Document, KeyPath

TABLE = "test"
DEFAULT_STEP_SECONDS = 5.0
"""Seconds that a step waits where it does not say."""

MAX_STEP_SECONDS = 3600.0
"""Seconds that all steps of all tests may wait together."""

_MAX_TESTS = 100
_MAX_STEPS = 100
_MAX_NAME_CHARACTERS = 200
_MAX_TEXT_CHARACTERS = 500
_STEP_KEYS = ("send", "expect", "within")


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One exchange with the firmware.

    Args:
        send: a line to type, without its end; None types nothing.
        expect: regular expression (RE2 syntax) that must be found in one line of what comes after
            ``send``, as a person reads it (:mod:`engine.monitor.line_splitter`), or in the
            beginning of one that has no end yet, such as a prompt; None waits for nothing.
        within: seconds of firmware time that it may take.
    """

    send: str | None
    expect: str | None
    within: float = DEFAULT_STEP_SECONDS


@dataclass(frozen=True, slots=True)
class Script:
    """One test: it passes when every step in turn gets what it expects.

    Args:
        name: of the test.
        steps: in order.
        line: of its table in the file, from 1; 0 where it is not known.
    """

    name: str
    steps: tuple[ScriptStep, ...]
    line: int = 0


def read(document: Document) -> tuple[Script, ...]:
    """Read the ``[[test]]`` tables.

    Args:
        document: that may have some. Untrusted: sizes and types are checked.

    Raises:
        MistakeError: something makes no sense; names file, line, table and key.
    """
    tables = document.data.get(TABLE, [])
    whole = _Table(document, (TABLE,), "")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise whole.wrong(f"{TABLE} must be written as [[{TABLE}]] tables")
    if len(tables) > _MAX_TESTS:
        raise whole.wrong(f"{len(tables)} [[{TABLE}]] tables, at most {_MAX_TESTS} are accepted")
    places = [
        _Table(document, (TABLE, number), f"[[{TABLE}]] {number + 1}: ")
        for number in range(len(tables))
    ]
    scripts = tuple(_script(table, where) for table, where in zip(tables, places, strict=True))
    names = [script.name for script in scripts]
    for number, (name, where) in enumerate(zip(names, places, strict=True)):
        if name in names[:number]:
            raise where.wrong(f"another test is called {name!r}", "name")
    if sum(step.within for script in scripts for step in script.steps) > MAX_STEP_SECONDS:
        raise whole.wrong(
            f"the steps of all [[{TABLE}]] tables may wait {MAX_STEP_SECONDS:g} s together"
        )
    return scripts


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, for messages: where it is, and how they begin."""

    document: Document
    place: KeyPath
    begin: str

    def wrong(self, what: str, *keys: str) -> MistakeError:
        return self.document.wrong((*self.place, *keys), self.begin + what)


def _script(table: Mapping[str, object], where: _Table) -> Script:
    _known(table, ("name", *_STEP_KEYS, "steps"), where)
    name = _text(table, "name", where, most=_MAX_NAME_CHARACTERS)
    if not name or not name.strip():
        raise where.wrong("name is missing")
    begin = where.begin.removesuffix(": ")
    where = replace(where, begin=f"{begin} ({name!r}): ")
    line = where.document.line_of(where.place) or 0
    if "steps" not in table:
        return Script(name, (_step(table, where),), line)
    for key in _STEP_KEYS:
        if key in table:
            raise where.wrong(f"{key} belongs into steps, where there are steps", key)
    steps = table["steps"]
    if (
        not isinstance(steps, list)
        or not steps
        or not all(isinstance(each, dict) for each in steps)
    ):
        raise where.wrong("steps must be a list of tables such as { send = 'help' }", "steps")
    if len(steps) > _MAX_STEPS:
        raise where.wrong(f"{len(steps)} steps, at most {_MAX_STEPS} are accepted", "steps")
    found = []
    for number, step in enumerate(steps):
        inside = _Table(
            where.document,
            (*where.place, "steps", number),
            f"{where.begin.removesuffix(': ')}, step {number + 1}: ",
        )
        _known(step, _STEP_KEYS, inside)
        found.append(_step(step, inside))
    return Script(name, tuple(found), line)


def _step(table: Mapping[str, object], where: _Table) -> ScriptStep:
    send = _text(table, "send", where, most=_MAX_TEXT_CHARACTERS)
    expect = _text(table, "expect", where, most=_MAX_TEXT_CHARACTERS)
    if send is None and expect is None:
        raise where.wrong("says neither what to send nor what to expect")
    if send is not None and ("\n" in send or "\r" in send):
        raise where.wrong("send is one line, its end comes by itself", "send")
    if expect is not None and (problem := problem_of(expect)):
        raise where.wrong(problem, "expect")
    within = table.get("within", DEFAULT_STEP_SECONDS)
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0.1 <= within <= 600:
        raise where.wrong("within must be a number of seconds from 0.1 to 600", "within")
    return ScriptStep(send, expect, float(within))


def problem_of(pattern: str) -> str:
    """What is wrong with a pattern of ``expect``, empty for nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        return f"expect {pattern!r}: {told}"
    return ""


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: _Table) -> None:
    for key in table:
        if key not in keys:
            raise where.wrong(f"unknown key {key[:100]!r} (known: {', '.join(keys)})", key)


def _text(table: Mapping[str, object], key: str, where: _Table, *, most: int) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise where.wrong(f"{key} must be text", key)
    if len(value) > most:
        raise where.wrong(f"{key} is longer than {most} characters", key)
    return value
