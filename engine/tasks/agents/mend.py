"""Whoever changed files mends what failed of it: the build, a test, the quality gate."""

from __future__ import annotations

from engine.enums import StageStatus
from engine.llm.conversation import Conversation
from engine.runs.pipeline import StageResult
from engine.tasks.agents.ask_model import ask_for_changes, open_conversation
from engine.tasks.agents.assembler import keep_final
from engine.tasks.agents.step import keep_answer, keep_changes, or_failed, stopped
from engine.tasks.agents.step_question import question_of
from engine.tasks.agents.told_proof import what_failed
from engine.tasks.answer_files import GeneratedFile
from engine.tasks.context import Assembled, TaskContext
from engine.tasks.plan import ASSEMBLE, GATE, PlannedStep
from engine.tasks.prompts import Material, Rank
from engine.tasks.worktree_texts import read_whole
from engine.text import count


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
    told = Material(title, "\n".join(what_failed(context, failed)), Rank.GIVEN)
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
