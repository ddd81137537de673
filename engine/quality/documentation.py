"""Documentation: 0 to 100 points by rules that can be checked.

60 points are the part of public symbols that have a comment (see :mod:`engine.quality.symbols`):
of headers and Python modules that are not tests. 40 are the README's, in equal parts: it is there
with at least :data:`ENOUGH` characters; it names a chip that the project is built for; it names a
command that builds, tests or installs; every file that it links to is there. Where there are no
public symbols, or the project has no chip, the rest counts for all. Builds do not matter: a commit
of a project has one score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from engine.cancel import CancelToken
from engine.enums import LINUX, Severity
from engine.findings import Finding
from engine.quality import symbols
from engine.quality.requirements import Limits
from engine.quality.result import Measure, measured, unknown
from engine.quality.symbols import Symbol
from engine.quality.tools import Bench
from engine.quality.tree_copy import Counted
from engine.text import clean
from engine.text import count as number_of
from engine.thresholds import Aspect

ENOUGH = 200
"""Characters of a README that says something."""

SYMBOLS, README = 60, 40
"""Points of the two parts."""

_COMMAND = re.compile(
    r"(?<![\w.-])(?:espdeck|idf\.py|cmake|ninja|make|pio|platformio|arduino-cli|pytest|ctest|tox|pip"
    r"|uv)\s+[\w.-]"
)
_LINK = re.compile(r"\[[^\]\n]{0,300}\]\( {0,4}<?([^)\s>]{1,400})")
_SEPARATORS = re.compile(r"[-_ ]")


def measure(counted: Counted, chips: Sequence[str], limits: Limits, bench: Bench) -> Measure:
    """Documentation of the sources that count.

    Args:
        counted: the files.
        chips: those that the project is built for; none where that is not known.
        limits: what it is held against.
        bench: who listens, and what is known of files.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    limit = limits.of(Aspect.DOCUMENTATION)
    if not counted.files:
        return unknown(Aspect.DOCUMENTATION, limit, "no files")
    bench.progress.move("documentation", 0, 1)
    public = list(_public(counted, bench.cancel))
    bench.progress.move("documentation", 1, 1)
    documented = sum(symbol.documented for _, symbol in public)
    lacks, rules = _readme(counted, chips)
    kept = rules - len(lacks)
    parts = [(README, kept / rules)]
    if public:
        parts.append((SYMBOLS, documented / len(public)))
    value = 100.0 * sum(points * part for points, part in parts) / sum(each for each, _ in parts)
    said = f"{documented} of {number_of(len(public), 'public symbol')} with a comment"
    detail = f"{said if public else 'no public symbols'}; README keeps {kept} of {rules} rules"
    bare = (
        Finding(
            severity=Severity.INFO,
            code="quality.undocumented",
            message=f"{clean(symbol.name)[:200]} has no comment that says what it is for",
            file=name,
            line=symbol.line,
        )
        for name, symbol in public
        if not symbol.documented
    )
    findings = [*dict.fromkeys(lacks), *bare]
    return measured(Aspect.DOCUMENTATION, value, limit, f"{detail}{counted.note()}", findings)


def _public(counted: Counted, cancel: CancelToken) -> Iterator[tuple[str, Symbol]]:
    for name in counted.c_sources:
        cancel.check()
        if name.lower().endswith(symbols.HEADERS):
            for symbol in symbols.of_header(counted.text(name)):
                yield name, symbol
    for name in counted.python_sources:
        cancel.check()
        try:
            found = symbols.of_module(counted.text(name))
        except ValueError:
            continue  # Python of another version
        for symbol in found:
            yield name, symbol


def _readme(counted: Counted, chips: Sequence[str]) -> tuple[list[Finding], int]:
    """What the README lacks, and how many rules there are; without a README it lacks all."""
    name = next((each for each in counted.files if each.lower().startswith("readme")), None)
    chips = [chip for chip in chips if chip and chip != LINUX]
    rules = 4 if chips else 3
    if name is None:
        return [Finding(Severity.WARNING, "quality.readme", "there is no README")] * rules, rules
    text = counted.text(name)
    lacks: list[tuple[str, int | None]] = []
    if len(text.strip()) < ENOUGH:
        lacks.append(("the README does not say what this is and how it is used", None))
    plain = _SEPARATORS.sub("", text).lower()
    if chips and not any(chip in plain for chip in chips):
        lacks.append((f"the README does not name the chip, {' or '.join(chips)}", None))
    if not _COMMAND.search(text):
        lacks.append(("the README names no command that builds, tests or installs it", None))
    dead = next((link for link in _LINK.finditer(text) if not _leads(link[1], counted)), None)
    if dead is not None:
        line = text.count("\n", 0, dead.start()) + 1
        lacks.append((f"the README links to {clean(dead[1])}, which is not there", line))
    found = [
        Finding(Severity.WARNING, "quality.readme", message, file=name, line=line)
        for message, line in lacks
    ]
    return found, rules


def _leads(link: str, counted: Counted) -> bool:
    """Whether a link leads to a file or folder of the tree, or out of it."""
    if re.match(r"[A-Za-z][\w+.-]*:|#|/|\.\./", link):
        return True
    name = str(PurePosixPath(unquote(link.partition("#")[0])))
    folder = any(each.startswith(f"{name}/") for each in counted.names)
    return name == "." or name in counted.names or folder
