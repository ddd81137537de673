"""Tools that say what a build came to beside its findings: sizes, comparisons, fixes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine import SizeGroup
from engine.errors import NotFoundError
from engine.mcp.build_answers import FindingAnswer, project_name
from engine.mcp.lab import Lab
from engine.mcp.read_tools import MAX_MATCHES, BuildNumber
from engine.mcp.tool import MAX_TEXT_CHARACTERS, Answer, Arguments, Call, Tool, bounded_lines

MAX_ROWS = 100


class _ShowSizes(Arguments):
    build: BuildNumber
    against: BuildNumber | None = None
    """Build to compare with; without it, the last that succeeded before."""

    by: SizeGroup = SizeGroup.COMPONENT
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 15
    """Rows, the largest first."""


class RegionAnswer(Answer):
    """How full a memory or the app's partition is, in bytes."""

    name: str
    used: int
    total: int | None = None
    change: int = 0
    """Since the other build."""


class SizeAnswer(Answer):
    """Bytes of a component, archive or file."""

    name: str
    size: int
    change: int = 0


class SizesAnswer(Answer):
    """Where the bytes of a build's firmware are."""

    build: int
    against: int | None = None
    regions: tuple[RegionAnswer, ...] = ()
    rows: tuple[SizeAnswer, ...] = ()
    more_rows: int = 0


def _show_sizes(lab: Lab, arguments: _ShowSizes, _call: Call) -> SizesAnswer:
    engine, number = lab.engine, arguments.build
    now, other = engine.builds.sizes(number), arguments.against
    if other is None:
        earlier = engine.builds.before(number)
        other = earlier.number if earlier is not None else None
    before = engine.builds.sizes(other) if other is not None else None
    rows = now.table(arguments.by, before)
    return SizesAnswer(
        build=number,
        against=other,
        regions=tuple(
            RegionAnswer(name=each.name, used=each.used, total=each.total, change=each.change)
            for each in now.region_table(before)
        ),
        rows=tuple(
            SizeAnswer(name=each.name[:200], size=each.size, change=each.change)
            for each in rows[: arguments.limit]
        ),
        more_rows=max(0, len(rows) - arguments.limit),
    )


class _CompareBuilds(Arguments):
    build: BuildNumber
    other: BuildNumber | None = None
    """The earlier one; without it, the last that succeeded before."""


class TestChangeAnswer(Answer):
    """A test that ended differently."""

    __test__ = False

    test: str
    before: str = ""
    after: str = ""


class ComparisonAnswer(Answer):
    """What differs between a build and an earlier one."""

    build: int
    other: int
    status: str
    other_status: str
    new_findings: tuple[FindingAnswer, ...] = ()
    gone_findings: tuple[str, ...] = ()
    tests: tuple[TestChangeAnswer, ...] = ()
    regions: tuple[RegionAnswer, ...] = ()
    components: tuple[SizeAnswer, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be compared, and why."""


def _compare_builds(lab: Lab, arguments: _CompareBuilds, _call: Call) -> ComparisonAnswer:
    engine, number, other = lab.engine, arguments.build, arguments.other
    if other is None:
        earlier = engine.builds.before(number)
        if earlier is None:
            name = project_name(engine, engine.builds.get(number))
            raise NotFoundError(f"no build of {name} succeeded before build {number}: name another")
        other = earlier.number
    found = engine.builds.compare(number, other)
    return ComparisonAnswer(
        build=number,
        other=other,
        status=found.build.status,
        other_status=found.other.status,
        new_findings=tuple(FindingAnswer.of(row.finding) for row in found.new_findings[:10]),
        gone_findings=tuple(row.finding.title[:300] for row in found.gone_findings[:10]),
        tests=tuple(
            TestChangeAnswer(test=each.name, before=each.before or "", after=each.after or "")
            for each in found.tests[:MAX_MATCHES]
        ),
        regions=tuple(
            RegionAnswer(name=each.name, used=each.used, total=each.total, change=each.change)
            for each in found.regions
            if each.change
        ),
        components=tuple(
            SizeAnswer(name=each.name[:200], size=each.size, change=each.change)
            for each in found.components[:10]
        ),
        problems=found.problems[:10],
    )


class _ShowFix(Arguments):
    build: BuildNumber


class FixAnswer(Answer):
    """What espdeck's repair of a build comes to. It is applied by a person, or by editing files."""

    build: int
    state: str
    proved: bool = False
    """Whether the build succeeded with it."""

    files: tuple[str, ...] = ()
    message: str = ""
    diff: str = ""
    left_out: int = 0
    """Lines of the diff that had no room."""


def _show_fix(lab: Lab, arguments: _ShowFix, _call: Call) -> FixAnswer:
    fix = lab.engine.fixes.of(arguments.build)
    if fix is None:
        raise NotFoundError(f"build {arguments.build} has no fix: nothing was repaired in it")
    lines, left_out = bounded_lines(fix.diff.split("\n"), MAX_TEXT_CHARACTERS)
    return FixAnswer(
        build=fix.run,
        state=fix.state,
        proved=fix.proved,
        files=fix.files[:50],
        message=fix.message[:2000],
        diff="\n".join(lines),
        left_out=left_out,
    )


TOOLS = (
    Tool(
        "show_sizes",
        "Say how full memories are, which parts of the firmware take most, and what changed.",
        _ShowSizes,
        SizesAnswer,
        _show_sizes,
    ),
    Tool(
        "compare_builds",
        "Say what differs between two builds: findings, tests, sizes.",
        _CompareBuilds,
        ComparisonAnswer,
        _compare_builds,
    ),
    Tool(
        "show_fix",
        "Show the diff that espdeck's own repair of a failed build proposes.",
        _ShowFix,
        FixAnswer,
        _show_fix,
    ),
)
"""Nobody has to allow them."""
