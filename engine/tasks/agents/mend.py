"""Whoever changed files mends what failed of it: the build, a test, the quality gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.enums import StageStatus
from engine.findings import Finding
from engine.llm.conversation import Conversation
from engine.quality.result import GateResult
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

_MAX_FINDINGS = 40
"""Findings of a stage that a model is told."""

_MAX_EVIDENCE_LINES = 12


def run(context: TaskContext) -> StageResult:
    """Let the model mend what failed; all of it is built and tried anew then."""
    keep_changes(context, context.patch)
    if not context.stage.may_repeat:
        return StageResult(
            StageStatus.FAILED, f"gave up after {count(context.most_revisions, 'revision')}"
        )
    step = context.plan.step(context.stage.definition.key)
    conversation = open_conversation(context, step.models, step)
    return or_failed(context, conversation, lambda: _mended(context, step, conversation))


def _mended(context: TaskContext, step: PlannedStep, conversation: Conversation) -> StageResult:
    failed = {
        key: result
        for key in context.stage.definition.needs
        if (result := context.stage.results.get(key)) and result.status is StageStatus.FAILED
    }
    title = "what the gate blocks" if GATE in failed else "what failed"
    told = Material(title, "\n".join(_failures(context, failed)), Rank.GIVEN)
    change = ask_for_changes(context, conversation, question_of(context, step, (told,)), step.scope)
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


def _failures(context: TaskContext, failed: Mapping[str, StageResult]) -> Iterator[str]:
    """What failed, stage by stage, what was tried before, and what is known of the commit."""
    told: set[Finding] = set()
    for key, result in failed.items():
        findings = [each for each in result.findings if each not in told]
        told.update(findings)
        gate = result.output if isinstance(result.output, GateResult) else None
        title = context.plan.pipeline.stage(key).title
        yield gate.summary if gate else f"{title}: {result.summary}"
        for finding in findings[:_MAX_FINDINGS]:
            yield f"{finding.title} [{finding.code}]"
            yield from (f"  {line}" for line in (finding.hint or "").split("\n") if line)
            evidence = (finding.evidence or "").split("\n")[:_MAX_EVIDENCE_LINES]
            yield from (f"  | {line}" for line in evidence if line)
        if (more := len(findings) - _MAX_FINDINGS) > 0:
            yield f"... and {more} more"
    for attempt, results in context.stage.earlier_attempts.items():
        for key in context.stage.definition.needs:
            before = results.get(key)
            if before is not None and before.status is StageStatus.FAILED:
                yield f"attempt {attempt} failed before: {before.summary}"
    if context.plan.pipeline.stage(context.stage.definition.key).needs != (GATE,):
        yield f"the commit without any change: {context.base}"


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
