"""What differs between two builds, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine import BuildComparison, FindingRow, Run


def comparison_lines(found: BuildComparison) -> Iterator[str]:
    """A comparison as lines. Untrusted text is in them."""
    yield f"build {found.build.number} {_state(found.build)}"
    yield f"was   {found.other.number} {_state(found.other)}"
    if found.commits is not None:
        behind = f", {found.commits.behind} of the other not in it" if found.commits.behind else ""
        yield ""
        yield f"COMMITS {found.commits.count}{behind}"
        yield from (f"  {sha[:10]} {subject}" for sha, subject in found.commits.commits)
    if found.regions:
        yield ""
        yield f"{'MEMORY':<20} {'USED':>12} {'CHANGE':>10} {'OF':>12}"
        for region in found.regions:
            total = f"{region.total:,}" if region.total is not None else ""
            yield f"{region.name:<20} {region.used:>12,} {region.change:>+10,} {total:>12}".rstrip()
    if found.components:
        yield ""
        yield f"{'COMPONENT':<20} {'SIZE':>12} {'CHANGE':>10}"
        for row in found.components:
            yield f"{row.name:<20} {row.size:>12,} {row.change:>+10,}"
    yield ""
    yield f"{'STAGE':<20} {'SECONDS':>12} {'BEFORE':>10}"
    for stage in found.stages:
        yield f"{stage.stage:<20} {_seconds(stage.seconds):>12} {_seconds(stage.before):>10}"
    yield from _findings("NEW FINDINGS", found.new_findings)
    yield from _findings("GONE FINDINGS", found.gone_findings)
    yield from _findings("SAME FINDINGS", found.same_findings)
    yield from _tests(found)
    if found.problems:
        yield ""
        yield from (f"not compared: {line}" for line in found.problems)


def _state(build: Run) -> str:
    error = f": {build.error}" if build.error else ""
    return f"{build.status} {build.commit_sha[:10]}{error}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _findings(title: str, rows: Sequence[FindingRow]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{title} {len(rows)}"
        yield from (f"  {row.stage}: {row.severity}: {row.finding.title}" for row in rows)


def _tests(found: BuildComparison) -> Iterator[str]:
    now, then = found.tallies
    if now.tests or then.tests:
        yield ""
        yield f"TESTS {now.passed} of {now.tests} passed, {then.passed} of {then.tests} before"
        yield from (
            f"  {each.name}: {each.before or 'not run'} -> {each.after or 'not run'}"
            for each in found.tests
        )
