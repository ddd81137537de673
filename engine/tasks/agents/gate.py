"""The gate of a task: measured by tools, and repaired by a model where it blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePosixPath

from engine import manifest
from engine.enums import ArtifactKind, StageStatus
from engine.llm.conversation import Conversation
from engine.manifest import Manifest
from engine.projects import git_objects
from engine.projects.worktrees import Slot
from engine.quality.gate import GATE_REPORT, measure_tree
from engine.quality.result import BuildReport, GateResult, GateVerdict, not_judged
from engine.runs.pipeline import StageResult
from engine.tasks.agents.ask_model import ask_for_changes, open_conversation
from engine.tasks.agents.assembler import keep_final
from engine.tasks.agents.step import keep_answer, keep_changes, or_failed, stopped
from engine.tasks.agents.step_question import question_of
from engine.tasks.answer_files import GeneratedFile
from engine.tasks.context import Assembled, TaskContext
from engine.tasks.plan import ASSEMBLE, GATE, PlannedStep
from engine.tasks.prompts import Material, Rank
from engine.tasks.worktree_texts import read_whole
from engine.text import count

_CHANGED = BuildReport(None, missing="what was changed here was not built")
_MAX_FINDINGS = 40
"""Findings that a model is told."""


def measure(context: TaskContext) -> StageResult:
    """Measure the worktree as the run has made it."""
    keep_changes(context, context.patch)
    with context.worktree() as slot:
        found = measure_tree(
            slot.source,
            settings=context.stage.settings,
            manifest=_manifest(context, slot),
            built=_CHANGED if context.patch else context.built(),
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


def revise(context: TaskContext) -> StageResult:
    """Let an engineer's model repair what blocks, then measure again."""
    keep_changes(context, context.patch)
    if not context.stage.may_repeat:
        return StageResult(
            StageStatus.FAILED, f"gave up after {count(context.most_revisions, 'revision')}"
        )
    step = context.plan.step(context.stage.definition.key)
    conversation = open_conversation(context, step.models, step)
    return or_failed(context, conversation, lambda: _revised(context, step, conversation))


def _revised(context: TaskContext, step: PlannedStep, conversation: Conversation) -> StageResult:
    blockers = Material(
        "what the gate blocks", _describe_blockers(context.stage.results), Rank.GIVEN
    )
    change = ask_for_changes(context, conversation, question_of(context, step, (blockers,)))
    keep_answer(context, change.answer)
    if change.refusals:
        return stopped(conversation, f"no answer could be taken: {change.refusals[0]}")
    if change.patch is None:
        why = "no model was asked" if conversation.is_placeholder else "the model changes nothing"
        return StageResult(StageStatus.FAILED, why, usage=tuple(conversation.usage))
    keep_changes(context, change.patch)
    _keep_final_again(context)
    return StageResult(
        StageStatus.SUCCESS,
        f"{count(len(change.files), 'file')}, {conversation.summary}",
        patch=change.patch,
        usage=tuple(conversation.usage),
    )


def _manifest(context: TaskContext, slot: Slot) -> Manifest:
    """What the commit demands, whatever models, or tests that they wrote, left in the worktree."""
    name = PurePosixPath(context.app, manifest.FILE_NAME).as_posix()
    if name not in slot.tree.files:
        return Manifest()
    return manifest.parse(git_objects.read_text(slot.source, "HEAD", name))


def _describe_blockers(results: Mapping[str, StageResult]) -> str:
    gate = results[GATE].output if GATE in results else None
    assert isinstance(gate, GateResult)
    lines = [gate.summary]
    for finding in gate.blockers[:_MAX_FINDINGS]:
        lines.append(f"{finding.title} [{finding.code}]")
        lines += [f"  {line}" for line in (finding.hint or "").split("\n") if line]
    more = len(gate.blockers) - _MAX_FINDINGS
    return "\n".join(lines) + (f"\n... and {more} more" if more > 0 else "")


def _keep_final_again(context: TaskContext) -> None:
    """Keep the final files of a step pipeline as they are after a revision."""
    result = context.stage.results.get(ASSEMBLE)
    if result is None or not isinstance(result.output, Assembled):
        return
    files = []
    for made in result.output.files:
        # The worktree is still as the revision left it: nobody else works on it now.
        text = read_whole(context.stage.source, made.path)
        files.append(GeneratedFile(made.path, made.kind, text or made.text, made.whole))
    keep_final(context, tuple(files))
