"""Documentation: 0 to 100 points by rules that can be checked.

60 points are the part of public symbols that have a comment (see :mod:`engine.source.symbols`):
of headers and Python modules that are not tests. 40 are the README's, in equal parts: it is there
with at least :data:`MIN_README_CHARACTERS` characters; it names a chip that the project is built
for; it names a
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
from engine.quality.result import Measure, measured, unknown
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy
from engine.quality_requirements import Aspect
from engine.source import symbols
from engine.source.symbols import Symbol
from engine.text import clean
from engine.text import count as number_of

MIN_README_CHARACTERS = 200
"""Characters of a README that says something."""

SYMBOL_POINTS, README_POINTS = 60, 40
"""Points of the two parts."""

_COMMAND = re.compile(
    r"(?<![\w.-])(?:espdeck|idf\.py|cmake|ninja|make|pio|platformio|arduino-cli|pytest|ctest|tox|pip"
    r"|uv)\s+[\w.-]"
)
_LINK = re.compile(r"\[[^\]\n]{0,300}\]\( {0,4}<?([^)\s>]{1,400})")
_SEPARATORS = re.compile(r"[-_ ]")


def measure(
    copy: TreeCopy, chips: Sequence[str], thresholds: Thresholds, runner: ToolRunner
) -> Measure:
    """Documentation of the sources that count.

    Args:
        copy: the files.
        chips: those that the project is built for; none where that is not known.
        thresholds: what it is held against.
        runner: who listens, and what is known of files.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    limit = thresholds.of(Aspect.DOCUMENTATION)
    if not copy.files:
        return unknown(Aspect.DOCUMENTATION, limit, "no files")
    runner.progress.move("documentation", 0, 1)
    public = list(_public(copy, runner.cancel))
    runner.progress.move("documentation", 1, 1)
    documented = sum(symbol.documented for _, symbol in public)
    lacks, rules = _readme(copy, chips)
    kept = rules - len(lacks)
    parts = [(README_POINTS, kept / rules)]
    if public:
        parts.append((SYMBOL_POINTS, documented / len(public)))
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
    return measured(Aspect.DOCUMENTATION, value, limit, f"{detail}{copy.note()}", findings)


def _public(copy: TreeCopy, cancel: CancelToken) -> Iterator[tuple[str, Symbol]]:
    for name in copy.c_sources:
        cancel.check()
        if name.lower().endswith(symbols.HEADERS):
            for symbol in symbols.of_header(copy.text(name)):
                yield name, symbol
    for name in copy.python_sources:
        cancel.check()
        try:
            found = symbols.of_module(copy.text(name))
        except ValueError:
            continue  # Python of another version
        for symbol in found:
            yield name, symbol


def _readme(copy: TreeCopy, chips: Sequence[str]) -> tuple[list[Finding], int]:
    """What the README lacks, and how many rules there are; without a README it lacks all."""
    name = next((each for each in copy.files if each.lower().startswith("readme")), None)
    chips = [chip for chip in chips if chip and chip != LINUX]
    rules = 4 if chips else 3
    if name is None:
        return [Finding(Severity.WARNING, "quality.readme", "there is no README")] * rules, rules
    text = copy.text(name)
    lacks: list[tuple[str, int | None]] = []
    if len(text.strip()) < MIN_README_CHARACTERS:
        lacks.append(("the README does not say what this is and how it is used", None))
    plain = _SEPARATORS.sub("", text).lower()
    if chips and not any(chip in plain for chip in chips):
        lacks.append((f"the README does not name the chip, {' or '.join(chips)}", None))
    if not _COMMAND.search(text):
        lacks.append(("the README names no command that builds, tests or installs it", None))
    dead = next((link for link in _LINK.finditer(text) if not _leads(link[1], copy)), None)
    if dead is not None:
        line = text.count("\n", 0, dead.start()) + 1
        lacks.append((f"the README links to {clean(dead[1])}, which does not exist", line))
    found = [
        Finding(Severity.WARNING, "quality.readme", message, file=name, line=line)
        for message, line in lacks
    ]
    return found, rules


def _leads(link: str, copy: TreeCopy) -> bool:
    """Whether a link leads to a file or folder of the tree, or out of it."""
    if re.match(r"[A-Za-z][\w+.-]*:|#|/|\.\./", link):
        return True
    name = str(PurePosixPath(unquote(link.partition("#")[0])))
    folder = any(each.startswith(f"{name}/") for each in copy.names)
    return name == "." or name in copy.names or folder
