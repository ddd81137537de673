"""The gate of a task: what the run has made is measured by tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import PurePosixPath

from engine import manifest
from engine.builds.outputs import Compiled
from engine.enums import ArtifactKind, StageStatus
from engine.manifest import Manifest
from engine.projects import git_objects
from engine.projects.worktrees import Slot
from engine.quality.gate import GATE_REPORT, measure_tree
from engine.quality.performance import facts_of
from engine.quality.result import BuildReport, GateVerdict, not_judged
from engine.runs.pipeline import StageResult
from engine.tasks.agents.step import keep_changes
from engine.tasks.context import Done, TaskContext
from engine.tasks.proof_stages import BUILD, owner_of

_HERE = "what was changed here"
_CHANGED = BuildReport(None, missing=f"{_HERE} was not built")


def measure(context: TaskContext) -> StageResult:
    """Measure the worktree as the run has made it."""
    keep_changes(context, context.patch)
    with context.worktree() as slot:
        found = measure_tree(
            slot.source,
            settings=context.stage.settings,
            manifest=_manifest(context, slot),
            built=_built(context),
            cancel=context.stage.cancel,
            on_output=context.stage.report.output,
            on_progress=context.stage.report.progress,
            app=context.app,
            chips=context.chips,
            patch=context.patch,
        )
    for each in found.measures:
        context.stage.report.log(each.line)
    for blocker in found.blockers:
        context.stage.report.log(f"BLOCKER   {blocker.title}")
    context.keep_text(ArtifactKind.REPORT, GATE_REPORT, json.dumps(asdict(found), indent=1))
    return StageResult(
        StageStatus.FAILED if found.verdict is GateVerdict.FAILED else StageStatus.SUCCESS,
        found.summary,
        (*found.blockers, *not_judged(found)),
        output=found,
    )


def _manifest(context: TaskContext, slot: Slot) -> Manifest:
    """What the commit demands, whatever models, or tests that they wrote, left in the worktree."""
    name = PurePosixPath(context.app, manifest.FILE_NAME).as_posix()
    if name not in slot.tree.files:
        return Manifest()
    return manifest.parse(git_objects.read_text(slot.source, "HEAD", name))


def _built(context: TaskContext) -> BuildReport:
    """What is known of the build of what is measured."""
    if not context.patch:
        return context.built()
    for key, result in reversed(context.stage.latest_results.items()):
        if isinstance(result.output, Done) and result.output.patch is not None:
            break
        if owner_of(key)[1] == BUILD and isinstance(result.output, Compiled):
            compiled = result.output
            facts = facts_of(compiled.image, seconds=compiled.seconds, source=_HERE)
            return BuildReport(facts, words=_HERE)
    return _CHANGED
