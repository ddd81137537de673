"""What an agent of a task may see and use, and what it hands on."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.enums import ArtifactKind
from engine.findings import Finding
from engine.projects.worktrees import Slot
from engine.quality.result import BuildReport, GateResult
from engine.runs.pipeline import StageContext, StageResult
from engine.tasks.answer_files import GeneratedFile
from engine.tasks.context_selection import SelectedContext, SelectedFile
from engine.tasks.last_build import LastBuild
from engine.tasks.plan import GATHER, Plan
from engine.tasks.project_facts import ProjectFacts
from engine.tasks.review_verdicts import ReviewVerdict


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What a person asked for.

    Args:
        description: the task, in their words.
        context: what else is to be known.
        text: material from outside a repository: pasted code, a log.
        paths: files and folders of the repository that are to be seen.
        diff: what changed between this ref and the commit is to be seen; empty for none.
    """

    description: str = ""
    context: str = ""
    text: str = ""
    paths: tuple[str, ...] = ()
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was chosen of the repository, and what else is known of the project."""

    choice: SelectedContext
    facts: ProjectFacts = field(default_factory=ProjectFacts)


@dataclass(frozen=True, slots=True)
class Done:
    """What a step came to.

    Args:
        prose: the answer, without the blocks that became files.
        files: what it made.
        named: files of the repository that the answer names and that were not shown before it.
        patch: what the worktree is to be after it: all of the difference from the commit; None
            where it changed nothing.
        before: of a step that changes files, what the worktree was before it, likewise.
        verdict: of a review, None where it gave none.
    """

    prose: str
    files: tuple[GeneratedFile, ...] = ()
    patch: str | None = None
    named: tuple[SelectedFile, ...] = ()
    before: str = ""
    verdict: ReviewVerdict | None = None


@dataclass(frozen=True, slots=True)
class TriedWithoutFix:
    """What became of a regression test without the fix.

    Args:
        proved: whether tests that pass with the fix do not pass without it; None where that cannot
            be said.
        told: what came of it, in a line.
        tests: names of those tests.
    """

    proved: bool | None
    told: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assembled:
    """The final files.

    Args:
        files: in the order in which they came up.
        given: paths of those that the Assembler gave; the others are as they were made last.
        patch: as :class:`Done` has it.
    """

    files: tuple[GeneratedFile, ...]
    given: tuple[str, ...] = ()
    patch: str | None = None


def latest_patch(results: Mapping[str, StageResult], start: str = "") -> str:
    """What the worktree is to be after some results: all of the difference from the commit.

    Args:
        results: in their order.
        start: the difference before them.
    """
    outputs = [result.output for result in results.values()]
    patches = [each.patch for each in outputs if isinstance(each, Done | Assembled)]
    return next((patch for patch in reversed(patches) if patch is not None), start)


OUTPUTS: Mapping[str, type] = {
    "gathered": Gathered,
    "done": Done,
    "assembled": Assembled,
    "gate": GateResult,
    "without-fix": TriedWithoutFix,
}
"""What stages of a task hand on, by the words that it is kept under: these stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """What an agent of a task may see and use.

    Args:
        stage: what every stage may see and use.
        plan: what the run does.
        wanted: what a person asked for.
        app: the project's folder that is built, empty for its root.
        most_revisions: how often the work may be revised.
        chips: those that the project is built for.
        built: asks what is known of the commit's build.
        last_build: asks how its newest build went; None where there is none.
        slot: whose worktree ``source`` is; see :meth:`worktree`.
        turn: held while the worktree is used: members of a wave share it.
        firmware: does a stage that builds or tries what a step changed, of the step with a key;
            where the worktree is what the run has made it.
        base: what is known of a build of the commit itself, in a line.
        notes: what there was to say of the commit when the task was ordered.
    """

    stage: StageContext
    plan: Plan
    wanted: TaskInput
    app: str
    most_revisions: int
    chips: tuple[str, ...]
    built: Callable[[], BuildReport] = field(repr=False)
    last_build: Callable[[], LastBuild | None] = field(repr=False)
    slot: Slot = field(repr=False)
    turn: threading.Lock = field(repr=False)
    firmware: Callable[[StageContext, str], StageResult] = field(repr=False)
    base: str
    notes: tuple[Finding, ...] = ()

    @property
    def patch(self) -> str:
        """What the run changed until this stage: all of the difference from the commit."""
        return latest_patch(self.stage.latest_results, self.stage.starting_patch)

    @property
    def words(self) -> str:
        """The task in a person's words."""
        told = (self.wanted.description, self.wanted.context, self.plan.global_context)
        return " ".join(filter(None, told))

    @property
    def gathered(self) -> Gathered:
        """What is shown of the repository and known of the project."""
        result = self.stage.results.get(GATHER)
        output = result.output if result else None
        return output if isinstance(output, Gathered) else Gathered(SelectedContext())

    @contextlib.contextmanager
    def worktree(self) -> Iterator[Slot]:
        """Use the worktree alone, as the run has made it until this stage.

        Raises:
            ToolError: it cannot be made so.
        """
        with self.turn:
            self.slot.become(self.patch)
            yield self.slot

    def keep_text(self, kind: ArtifactKind, name: str, text: str) -> None:
        """Keep a text as an artifact.

        Args:
            name: its path among the artifacts; safe.

        Raises:
            EspdeckError: it cannot be kept.
        """
        # A file without a name: nothing of it is left behind, whoever is killed.
        with tempfile.TemporaryFile() as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            self.stage.keep(kind, Path(f"/proc/self/fd/{file.fileno()}"), name)
