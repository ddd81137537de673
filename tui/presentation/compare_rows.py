"""Two builds compared, as rows of a list and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.text import clean, count
from tui.presentation.columns import longest
from tui.presentation.labels import commit_of, stage_label, variant_of
from tui.presentation.strips import fit
from tui.presentation.units import change, size

if TYPE_CHECKING:
    from engine import BuildComparison, FindingRow, LogChange, Run, TestChange
    from tui.widgets.row_list import Parts

_DIGITS = 10
_ENDED = {"PASS": "passed", "FAIL": "failed", "IGNORE": "left out", None: "not run"}
_LINE_COLOURS = {"+": "good", "-": "bad", "@": "dim"}


@dataclass(frozen=True, slots=True)
class CompareRow:
    """A row of a comparison.

    Args:
        section: that it is in; a row without parts is the head of its section.
        parts: texts, untrusted ones too, with their colours.
        finding: that it shows, if any.
    """

    section: str
    parts: tuple[tuple[str, str], ...] = ()
    finding: FindingRow | None = None

    @property
    def is_head(self) -> bool:
        """Whether a section begins with it."""
        return not self.parts

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.parts).rstrip() if self.parts else self.section


def compare_title(found: BuildComparison) -> str:
    """Which builds are compared."""
    return f"#{found.other.number} to #{found.build.number}"


def compare_rows(found: BuildComparison, logs: Sequence[LogChange]) -> list[CompareRow]:
    """Sections with their rows: what there is nothing of says so in its head."""
    return [
        *_builds(found),
        *_commits(found),
        *_findings(found),
        *_tests(found),
        *_sizes(found),
        *_times(found),
        *_files(found),
        *_logs(logs),
        *_problems(found),
    ]


def compare_parts(row: CompareRow) -> Parts:
    """A row of the list."""
    if row.is_head:
        return [(f" {row.section}", "note")]
    return [("   ", ""), *row.parts]


def _builds(found: BuildComparison) -> Iterator[CompareRow]:
    section = "BUILDS"
    yield CompareRow(section)
    runs = found.other, found.build
    variants = [variant_of(run) for run in runs]
    for run, variant in zip(runs, variants, strict=True):
        built_for = f"  for {variant}" if variants[0] != variants[1] else ""
        yield CompareRow(section, (*_state(run), (f"{built_for}  {_subject(run)}", "dim")))


def _state(run: Run) -> Iterator[tuple[str, str]]:
    colour = {"success": "good", "failed": "bad"}.get(run.status, "dim")
    yield f"#{run.number} ", ""
    yield f"{run.status} ", colour
    yield f"{commit_of(run, _DIGITS)} ", "dim"
    if run.error or run.verdict:
        yield run.error or run.verdict, colour if run.error else ""


def _subject(run: Run) -> str:
    return run.commit_message.split("\n", 1)[0]


def _commits(found: BuildComparison) -> Iterator[CompareRow]:
    commits = found.commits
    if commits is None:
        return
    section = f"COMMITS {commits.count}" if commits.count else "COMMITS: the same"
    if commits.behind:
        section = f"COMMITS {commits.count}, {commits.behind} only in #{found.other.number}"
    yield CompareRow(section)
    for sha, subject in commits.commits:
        yield CompareRow(section, ((f"{sha[:_DIGITS]} ", "dim"), (subject, "")))
    if (more := commits.count - len(commits.commits)) > 0:
        yield CompareRow(section, ((f"and {more} more", "dim"),))


def _findings(found: BuildComparison) -> Iterator[CompareRow]:
    came, went, same = found.new_findings, found.gone_findings, found.same_findings
    section = f"FINDINGS {len(came)} new, {len(went)} gone, {len(same)} the same"
    yield CompareRow(section)
    for sign, colour, rows in (("+", "bad", came), ("-", "good", went), ("=", "dim", same)):
        for row in rows:
            title = row.finding.title
            parts = ((f"{sign} {row.severity}: ", colour), (title, ""), (f"  {_where(row)}", "dim"))
            yield CompareRow(section, parts, row)


def _where(row: FindingRow) -> str:
    return stage_label(row.stage)


def _tests(found: BuildComparison) -> Iterator[CompareRow]:
    now, then = found.tallies
    if not now.tests and not then.tests:
        yield CompareRow("TESTS: none ran")
        return
    section = (
        f"TESTS {now.passed} of {now.tests} passed, {then.passed} of {then.tests} before"
        f"{'' if found.tests else ': no test changed'}"
    )
    yield CompareRow(section)
    for test in found.tests:
        yield CompareRow(section, tuple(_test(test)))


def _test(test: TestChange) -> Iterator[tuple[str, str]]:
    colour = {"FAIL": "bad", "PASS": "good"}.get(test.after or "", "dim")
    yield f"{_ENDED[test.before]} -> {_ENDED[test.after]} ", colour
    yield test.name, ""
    yield f"  {', '.join(map(stage_label, test.places))}", "dim"


def _sizes(found: BuildComparison) -> Iterator[CompareRow]:
    if not found.regions:
        return
    grown = sum(row.change for row in found.components)
    section = f"SIZES {change(grown) or 'the same'}{' bytes' if grown else ''}"
    yield CompareRow(section)
    cells = max(longest(each.name for each in rows) for rows in (found.regions, found.components))
    for region in found.regions:
        total = f"  of {region.total:,}" if region.total else ""
        sized = _sized(region.name, cells, region.used, region.change)
        yield CompareRow(section, (*sized, (total, "dim")))
    for row in found.components:
        yield CompareRow(section, _sized(row.name, cells, row.size, row.change))


def _sized(name: str, cells: int, bytes_: int, more: int) -> tuple[tuple[str, str], ...]:
    """A name in so many cells, its bytes, and how many more these are."""
    sized = f"{fit(clean(name), cells)} {bytes_:>12,}"
    return (sized, ""), (f" {change(more):>11}", "bad" if more > 0 else "good")


def _times(found: BuildComparison) -> Iterator[CompareRow]:
    section = "TIMES in seconds, before and now"
    yield CompareRow(section)
    for stage in found.stages:
        times = f"{_seconds(stage.before):>8} {_seconds(stage.seconds):>8}"
        yield CompareRow(section, ((f"{stage_label(stage.stage):<14}", ""), (times, "")))


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _files(found: BuildComparison) -> Iterator[CompareRow]:
    changed = [each for each in found.files if not each.same]
    section = f"FILES {len(changed)} changed" if changed else "FILES: the same"
    yield CompareRow(section)
    for each in changed:
        sizes = f"{_size(each.before):>10} {_size(each.after):>10}  "
        parts = (sizes, "dim"), (each.path, "")
        yield CompareRow(section, parts)


def _size(bytes_: int | None) -> str:
    return "-" if bytes_ is None else size(bytes_)


def _logs(logs: Sequence[LogChange]) -> Iterator[CompareRow]:
    if not logs:
        yield CompareRow("LOGS: the same but for times and addresses")
    for each in logs:
        stream = " console" if each.stream == "serial" else ""
        section = f"LOG of {stage_label(each.stage)}{stream}"
        yield CompareRow(section)
        for line in each.lines:
            yield CompareRow(section, ((line or " ", _LINE_COLOURS.get(line[:1], "")),))
        if each.left_out:
            yield CompareRow(section, ((f"@ {count(each.left_out, 'more line')}", "dim"),))


def _problems(found: BuildComparison) -> Iterator[CompareRow]:
    if found.problems:
        yield CompareRow("NOT COMPARED")
    for line in found.problems:
        yield CompareRow("NOT COMPARED", ((line, "bad"),))
