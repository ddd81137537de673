"""The result of a task on one page: cause, changes, proof, reviews, open points.

It is made of what the stages came to; of a model are only the words of the last report and of the
step that looked for the cause, each under a heading that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.enums import RunStatus, Severity, StageStatus
from engine.images.image import Image, MemoryRegion
from engine.llm.fences import fenced
from engine.quality.result import BuildReport
from engine.runs.pipeline import Outcome, StageResult
from engine.source.diffs import rows_of
from engine.store.tables import Run, StageRow
from engine.tasks.changes import CHANGES
from engine.tasks.context import Done
from engine.tasks.plan import Form, Plan, PlannedStep
from engine.tasks.proof_stages import owner_of
from engine.tasks.task_outcome import open_points, proof_of, tests_in_words, verdicts
from engine.text import clean, count

_CAUSE = "cause"
_MAX_PROSE = 6000
_MAX_DIFF_LINES = 300
_MAX_OPEN = 30
_MAX_CELL = 300


def result_page(
    *,
    plan: Plan,
    run: Run,
    description: str,
    project: str,
    outcome: Outcome,
    results: Mapping[str, StageResult],
    rows: Sequence[StageRow],
    patch: str,
    base: str,
    before: BuildReport,
) -> str:
    """Write the page, as Markdown. What is untrusted in it stays so.

    Args:
        plan: what the run did.
        run: its row.
        description: what was wanted.
        project: its name, empty for none.
        outcome: how it ended.
        results: what its stages came to, of each the last.
        rows: its stages in all attempts.
        patch: all that it changed.
        base: what is known of a build of the commit itself.
        before: the facts of the build that sizes are compared with.
    """
    parts = [
        _head(plan, run, description, project, outcome),
        *_words(plan, results),
        *_changes(patch),
        *_proof(plan, results, rows, base),
        *_sizes(plan, results, before),
        *_reviews(plan, results),
        _open(plan, outcome, results),
    ]
    return "\n".join(parts)


def _head(plan: Plan, run: Run, description: str, project: str, outcome: Outcome) -> str:
    about = f" of {project} at {run.commit_sha[:10]}" if project else ""
    wanted = " ".join(description.split())
    verdict = f", {outcome.verdict}" if outcome.verdict else ""
    lines = [f"# {clean(plan.title)}: task {run.number}{clean(about)}", ""]
    if wanted:
        lines += [f"Asked for: {_line(wanted)}", ""]
    return "\n".join([*lines, f"**{outcome.status}{verdict}**: {_line(outcome.text, 2000)}", ""])


def _words(plan: Plan, results: Mapping[str, StageResult]) -> Iterator[str]:
    """The words of models: the cause, and the last report."""
    reports = [step for step in plan.steps if step.form is Form.REPORT and _done(results, step)]
    last = reports[-1] if reports else None
    for step in reports:
        if step is last or step.key == _CAUSE:
            done = _done(results, step)
            assert done is not None
            yield f"## {clean(step.name)}\n\n{_inside(done.prose)}\n"


def _changes(patch: str) -> Iterator[str]:
    if not patch:
        return
    counts: dict[str, list[int]] = {}
    for row in rows_of(patch):
        counts.setdefault(row.file, [0, 0])[not row.added] += 1
    lines = patch.splitlines()
    shown = "\n".join(lines[:_MAX_DIFF_LINES])
    left = len(lines) - _MAX_DIFF_LINES
    yield "## Changes\n"
    yield from _table(
        ("file", "lines added", "taken away"),
        [(file, f"{added}", f"{gone}") for file, (added, gone) in counts.items()],
    )
    yield f"\n{fenced(shown, 'diff')}\n"
    if left > 0:
        yield f"{count(left, 'more line')}: `{CHANGES}` has all of it.\n"


def _proof(
    plan: Plan, results: Mapping[str, StageResult], rows: Sequence[StageRow], base: str
) -> Iterator[str]:
    """What was built and tried, attempt by attempt."""
    titles = {stage.key: stage.title for stage in plan.pipeline.stages}
    gates = {"gate", "revise"}
    tried = [
        (titles[row.key], f"{row.attempt}", row.status, row.summary)
        for row in rows
        if row.key in titles and (owner_of(row.key)[1] or row.key in gates)
        if not row.superseded and (row.status is not StageStatus.SKIPPED or row.summary)
    ]
    if not tried:
        return
    yield "## Proof\n"
    yield f"The commit without any change: {_line(base)}.\n"
    proof = proof_of(plan, results)
    if proof.built:
        for tested in proof.tested:
            yield f"What was changed: {tests_in_words(tested)}.\n"
    if proof.regression:
        yield f"The regression test {_line(proof.regression.told)}.\n"
    yield from _table(("stage", "attempt", "status", "what came of it"), tried)
    yield ""


def _sizes(plan: Plan, results: Mapping[str, StageResult], before: BuildReport) -> Iterator[str]:
    built = proof_of(plan, results).built
    if built is None:
        return
    image: Image = built.image
    known = {each.name: each for each in before.facts.regions} if before.facts else {}
    source = before.facts.source if before.facts else "not built"
    yield "## Sizes\n"
    yield from _table(
        ("region", f"before ({source})", "after", "difference"),
        [_size(each, known.get(each.name)) for each in image.regions],
    )
    yield ""


def _size(after: MemoryRegion, before: MemoryRegion | None) -> tuple[str, str, str, str]:
    if before is None:
        return after.name, "-", f"{after.used:,} bytes", "-"
    more = after.used - before.used
    return after.name, f"{before.used:,} bytes", f"{after.used:,} bytes", f"{more:+,}"


def _reviews(plan: Plan, results: Mapping[str, StageResult]) -> Iterator[str]:
    found = verdicts(plan, results)
    if not found:
        return
    yield "## Reviews\n"
    for step, verdict in found.items():
        yield f"- {clean(step.name)}: {verdict or 'no verdict'}"
    for step in plan.steps:
        if step.addresses and step.key in results:
            yield f"- {clean(step.name)}: {_line(results[step.key].summary)}"
    yield ""


def _open(plan: Plan, outcome: Outcome, results: Mapping[str, StageResult]) -> str:
    """What a person has to look at."""
    points = [outcome.text] if outcome.status is not RunStatus.SUCCESS else []
    points += open_points(plan, results)
    points += [
        finding.title
        for result in results.values()
        for finding in result.findings
        if finding.severity is not Severity.INFO and finding.title not in outcome.text
    ]
    lines = [f"- {_line(point)}" for point in dict.fromkeys(points)]
    if len(lines) > _MAX_OPEN:
        lines = [*lines[:_MAX_OPEN], f"- and {len(lines) - _MAX_OPEN} more: see the findings"]
    return "\n".join(["## Open points\n", *(lines or ["None is known."]), ""])


def _done(results: Mapping[str, StageResult], step: PlannedStep) -> Done | None:
    result = results.get(step.key)
    return result.output if result is not None and isinstance(result.output, Done) else None


def _inside(prose: str) -> str:
    """A model's Markdown as a part of the page: its headings are below those of the page."""
    text, fence, lines = prose.strip(), "", list[str]()
    for line in text[:_MAX_PROSE].split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and re.match(r"#{1,4} ", line):
            line = f"##{line}"
        lines.append(line)
    if fence:
        lines.append(fence)
    if len(text) > _MAX_PROSE:
        lines.append(f"\n({count(len(text) - _MAX_PROSE, 'more character')} in the step's answer)")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_line(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _line(text: str, most: int = _MAX_CELL) -> str:
    """A text as one line that cannot steer a terminal."""
    plain = clean(" ".join(text.split()))
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."
