"""Two builds compared, as the HTTP API tells it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from engine import BuildComparison, CommitsBetween, LogChange
from engine.server.models.builds import (
    BuildSummary,
    FindingAnswer,
    RegionAnswer,
    SizeAnswer,
)


class _Model(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)


class StageTimesAnswer(_Model):
    """How long a stage took, in seconds."""

    stage: str
    duration: float | None
    before: float | None


class CommitAnswer(_Model):
    """A commit."""

    commit_sha: str
    subject: str


class CommitsAnswer(_Model):
    """What lies between the commits of two builds."""

    count: int
    behind: int
    """How many commits the other build has that this one has not."""

    commits: list[CommitAnswer]
    """The newest, at most 50."""

    @classmethod
    def of(cls, found: CommitsBetween) -> CommitsAnswer:
        """What the engine says of them."""
        commits = [CommitAnswer(commit_sha=sha, subject=line) for sha, line in found.commits]
        return cls(count=found.count, behind=found.behind, commits=commits)


class TallyAnswer(_Model):
    """How many different tests a build had, wherever they ran."""

    tests: int
    passed: int
    failures: int
    ignored: int


class TestChangeAnswer(_Model):
    """A test that ended differently, or that only one of the builds has."""

    __test__ = False

    name: str
    before: str | None
    """``PASS``, ``FAIL`` or ``IGNORE``; null where it did not run."""

    after: str | None
    places: list[str]
    """The stages that ran it."""


class TestsAnswer(_Model):
    """The tests of two builds."""

    __test__ = False

    before: TallyAnswer
    after: TallyAnswer
    changed: list[TestChangeAnswer]


class FileChangeAnswer(_Model):
    """A kept file in two builds; bytes are null where a build has not kept it."""

    path: str
    kind: str
    before: int | None
    after: int | None
    same: bool


class LogChangeAnswer(_Model):
    """What differs in the log of a stage, but for times and addresses."""

    stage: str
    stream: str
    """``log`` or ``serial``."""

    lines: list[str]
    """Each begins with ``-``, ``+``, a space (both have it) or ``@`` (what was left out)."""

    left_out: int
    """Lines of the difference beyond these."""


class ComparisonAnswer(_Model):
    """What differs between a build and one before it."""

    build: BuildSummary
    other: BuildSummary
    regions: list[RegionAnswer]
    components: list[SizeAnswer]
    """Those whose size differs, what grew most first."""

    new_findings: list[FindingAnswer]
    gone_findings: list[FindingAnswer]
    same_findings: list[FindingAnswer]
    tests: TestsAnswer
    files: list[FileChangeAnswer]
    logs: list[LogChangeAnswer]
    stages: list[StageTimesAnswer]
    commits: CommitsAnswer | None
    problems: list[str]
    """What could not be compared, and why."""

    @classmethod
    def of(cls, found: BuildComparison, logs: Sequence[LogChange]) -> ComparisonAnswer:
        """A comparison of the engine."""
        after, before = map(TallyAnswer.model_validate, found.tallies)
        changed = [TestChangeAnswer.model_validate(each) for each in found.tests]
        return cls(
            build=BuildSummary.of(found.build),
            other=BuildSummary.of(found.other),
            regions=[RegionAnswer.of(row) for row in found.regions],
            components=[SizeAnswer.of(row) for row in found.components],
            new_findings=[FindingAnswer.of(row) for row in found.new_findings],
            gone_findings=[FindingAnswer.of(row) for row in found.gone_findings],
            same_findings=[FindingAnswer.of(row) for row in found.same_findings],
            tests=TestsAnswer(before=before, after=after, changed=changed),
            files=[FileChangeAnswer.model_validate(each) for each in found.files],
            logs=[LogChangeAnswer.model_validate(each) for each in logs],
            stages=[
                StageTimesAnswer(stage=each.stage, duration=each.seconds, before=each.before)
                for each in found.stages
            ],
            commits=CommitsAnswer.of(found.commits) if found.commits else None,
            problems=list(found.problems),
        )
