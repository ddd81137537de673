"""What a console said: its lines, and what the monitor and a build tell of it, however it came."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.builds.agents.doctor import diagnose
from engine.builds.agents.output_checker import OutputChecker
from engine.builds.outputs import Tested
from engine.enums import Severity
from engine.findings import Finding
from engine.manifest import Manifest
from engine.monitor.binary_log import BinaryLog
from engine.monitor.crash_watcher import CrashWatcher
from engine.monitor.line_splitter import LineCutter
from engine.monitor.log_lines import PrintFilter, parse_log_line
from tests.field.case import Case

_ROOT = Path("/w")
_TIMES = re.compile(r" \(\d+ times\)$|(?<= )\d+ times$")


def read(case: Case) -> dict[str, object]:
    """Values that are the same however the bytes are cut, and by whom they are read.

    ``codes`` and ``headline`` (of the first error, without how often) are those of a build;
    ``same`` says that the monitor's findings, and all of it in other chunks, are no others.
    """
    seen = [_build(case, chunks) for chunks in _cuts(case)]
    told = [_monitor(chunks) for chunks in _cuts(case)]
    lines = [_lines(chunks) for chunks in _cuts(case)]
    checker, findings = seen[0]
    log = checker.boots.log()
    errors = [each for each in findings if each.severity is Severity.ERROR]
    tally, _findings = told[0]
    chosen = PrintFilter(str(case.options.get("filter", "")))
    return {
        "lines": lines[0],
        "shown": [line for line in lines[0] if chosen.shows(line)],
        "levels": [found.level if (found := parse_log_line(line)) else None for line in lines[0]],
        "met": [each.line for each in checker.expectations()],
        "codes": [each.code for each in dict.fromkeys(findings)],
        "headline": errors[0].message if errors else None,
        "chip": log.chip,
        "resets": len(log.resets),
        "loop": checker.boots.loop,
        "tally": tally,
        "same": all(
            set(each) == set(findings)
            for each in (*(found for _, found in seen), *(found for _, found in told))
        )
        and all(each == lines[0] for each in lines)
        and all(each.expectations() == checker.expectations() for each, _ in seen)
        and all(each == tally for each, _ in told),
    }


def _cuts(case: Case) -> Iterator[list[bytes]]:
    data = case.data
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for seed in range(2):
        places = sorted(random.Random(f"{case.name}{seed}").choices(range(len(data)), k=20))
        yield [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def _build(case: Case, chunks: list[bytes]) -> tuple[OutputChecker, list[Finding]]:
    expect = tuple(case.options.get("expect", ()))
    checker, text = OutputChecker(Manifest(expect=expect)), BinaryLog()
    for chunk in chunks:
        checker.feed(text.feed(chunk))
    checker.end("the case is over")
    tested = Tested(
        ran_on="a board",
        chip="",
        flash_size=None,
        expectations=checker.expectations(),
        report=None,
        lines=checker.lines,
        fault="",
        transcript=checker.transcript(),
        boots=checker.boots.log(),
        panics=checker.panics,
    )
    found = diagnose(tested, Path("/nowhere.elf"), _ROOT)
    return checker, [replace(each, message=_TIMES.sub("", each.message)) for each in found]


def _monitor(chunks: list[bytes]) -> tuple[str, list[Finding]]:
    found: list[Finding] = []
    with CrashWatcher(
        program=Path("/nowhere.elf"),
        root=_ROOT,
        on_finding=found.append,
        on_note=lambda note: None,
    ) as watcher:
        for chunk in chunks:
            watcher.feed(chunk)
    told = [replace(each, message=_TIMES.sub("", each.message)) for each in found]
    return str(watcher.counts), told


def _lines(chunks: list[bytes]) -> list[str]:
    cutter, text = LineCutter(), BinaryLog()
    return [
        *(line for chunk in chunks for line in cutter.feed(text.feed(chunk))),
        *cutter.flush(),
    ]
