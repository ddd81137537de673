"""A model in a role: asked what its step asks, shown what came before, its answer kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.enums import ArtifactKind, Severity, StageStatus
from engine.errors import ModelError, ToolError, UsageError
from engine.findings import Finding
from engine.llm.conversation import Conversation
from engine.runs.pipeline import StageResult
from engine.tasks.agents.ask_model import ask_for_changes, ask_for_text, open_conversation
from engine.tasks.agents.name_files import Naming, ask_for_names
from engine.tasks.agents.step_question import earlier, named_in, question_of
from engine.tasks.answer_files import extract, keep_fuller
from engine.tasks.changes import CHANGES
from engine.tasks.context import Done, TaskContext
from engine.tasks.plan import Form, PlannedStep, Scope
from engine.tasks.prompts import Question
from engine.tasks.report_places import CheckedReport, check_places
from engine.tasks.review_verdicts import ReviewVerdict, verdict_of
from engine.tasks.worktree_texts import read_whole
from engine.text import clean, count

_MAX_MARKED = 5
"""Places that are named in a finding."""


def run(context: TaskContext) -> StageResult:
    """Ask the step's model, and keep what it says and makes."""
    step = context.plan.step(context.stage.definition.key)
    if step.addresses and (reason := _nothing_to_address(context, step)):
        context.stage.report.log(reason)
        return StageResult(StageStatus.SUCCESS, reason, output=Done(reason, before=context.patch))
    conversation = open_conversation(context, step.models, step)
    return or_failed(context, conversation, lambda: _answered(context, step, conversation))


def or_failed(
    context: TaskContext, conversation: Conversation, do: Callable[[], StageResult]
) -> StageResult:
    """Do a stage; where its model fails, the stage fails with what was asked until then."""
    try:
        return do()
    except (ModelError, ToolError, UsageError) as error:
        context.stage.report.log(f"error: {error}")
        return stopped(conversation, str(error))


def _answered(context: TaskContext, step: PlannedStep, conversation: Conversation) -> StageResult:
    question = question_of(context, step)
    if step.form is Form.EDITS:
        return _change(context, conversation, question, step.scope)
    answer = ask_for_text(context, conversation, question)
    if step.form is Form.REPORT:
        return _reported(context, step, conversation, answer)
    keep_answer(context, answer)
    return _with_files(context, step, conversation, answer)


def _with_files(
    context: TaskContext, step: PlannedStep, conversation: Conversation, answer: str
) -> StageResult:
    """Keep the files of an answer; those without a name are asked for it."""
    found = extract(answer, step.key)
    naming = Naming({}) if conversation.is_placeholder else ask_for_names(context, step, found)
    if naming.names:
        found = extract(answer, step.key, naming.names)
    for made in found.files:
        context.keep_text(made.artifact_kind, f"files/{step.key}/{made.path}", made.text)
        context.stage.report.log(f"file {made.path}{'' if made.whole else ' (not whole)'}")
    before = {made.path: made for each in earlier(context) for made in each.files}
    files, lost = keep_fuller(before, found.files)
    nameless = [
        f"{made.path}: the model gave this block no file name, so it is no final file"
        for made in found.nameless
    ]
    told = (*found.warnings, *lost, *nameless)
    findings = tuple(Finding(Severity.WARNING, "model.file", reason) for reason in told)
    result = _done(context, conversation, Done(found.prose, files), findings)
    return replace(result, usage=(*result.usage, *naming.usage))


def _reported(
    context: TaskContext, step: PlannedStep, conversation: Conversation, answer: str
) -> StageResult:
    """Keep a report, with its places held against the source, and its verdict."""
    checked = _checked(context, answer)
    keep_answer(context, checked.text)
    findings: tuple[Finding, ...] = ()
    if checked.mended or checked.marked:
        what = f"{checked.mended} mended, {len(checked.marked)} marked"
        if checked.marked:
            what += f" ({', '.join(map(clean, checked.marked[:_MAX_MARKED]))})"
        message = f"{count(checked.places, 'place')} named in the report, of these {what}"
        severity = Severity.WARNING if checked.marked else Severity.INFO
        findings = (Finding(severity, "model.places", message),)
        context.stage.report.log(message)
    verdict = verdict_of(answer) if step.reviews else None
    if step.reviews and verdict is None:
        findings = (*findings, _without_verdict(step))
    done = Done(checked.text, named=named_in(context, checked.text), verdict=verdict)
    return _done(context, conversation, done, findings)


def _checked(context: TaskContext, answer: str) -> CheckedReport:
    if not context.gathered.choice.listing:
        return CheckedReport(answer)
    with context.worktree() as slot:
        return check_places(
            answer, sorted(slot.tree.files), lambda path: read_whole(slot.source, path) or None
        )


def keep_answer(context: TaskContext, answer: str) -> None:
    """Keep what a model said, as it said it."""
    context.keep_text(
        ArtifactKind.DOCUMENT,
        answer_name(context.stage.definition.key, context.stage.attempt),
        answer,
    )


def answer_name(key: str, attempt: int) -> str:
    """The artifact with what a stage's model said."""
    return f"{key}.md" if attempt == 1 else f"{key}-{attempt}.md"


def keep_changes(context: TaskContext, patch: str) -> None:
    """Keep all that the run changes, if it does.

    Who changes files begins with this: what an earlier try of the stage kept is void.
    """
    if patch:
        context.keep_text(ArtifactKind.PATCH, CHANGES, patch)


def stopped(conversation: Conversation, reason: str) -> StageResult:
    """A stage whose model gave no answer that is of use."""
    finding = Finding(Severity.ERROR, "model.failed", reason)
    return StageResult(StageStatus.FAILED, reason, (finding,), usage=tuple(conversation.usage))


def _change(
    context: TaskContext, conversation: Conversation, question: Question, scope: Scope
) -> StageResult:
    before = context.patch
    keep_changes(context, before)
    change = ask_for_changes(context, conversation, question, scope)
    keep_answer(context, change.answer)
    if change.refusals:
        return stopped(conversation, f"no answer could be taken: {change.refusals[0]}")
    keep_changes(context, change.patch or "")
    done = Done(change.answer, patch=change.patch, before=before)
    return _done(context, conversation, done, files=len(change.files))


def _done(
    context: TaskContext,
    conversation: Conversation,
    done: Done,
    findings: tuple[Finding, ...] = (),
    files: int = 0,
) -> StageResult:
    files = files or len(done.files)
    made = f"{count(files, 'file')}, " if files else f"{done.verdict}, " if done.verdict else ""
    if conversation.usage[-1].cut:
        message = f"{context.stage.definition.title}: the answer was cut at its greatest length"
        hint = "raise the step's or the model's max_tokens"
        findings = (*findings, Finding(Severity.WARNING, "model.cut", message, hint=hint))
    return StageResult(
        StageStatus.SUCCESS,
        f"{made}{conversation.summary}",
        findings,
        output=done,
        usage=tuple(conversation.usage),
    )


def _without_verdict(step: PlannedStep) -> Finding:
    message = f"{step.name} gives no verdict: its answer has no line VERDICT: ..."
    return Finding(Severity.WARNING, "model.no-verdict", message)


def _nothing_to_address(context: TaskContext, step: PlannedStep) -> str:
    """Why no model is asked to address reviews; empty where there is something to address."""
    results = (context.stage.results.get(key) for key in step.addresses)
    reviews = [result.output for result in results if result and isinstance(result.output, Done)]
    if any(each.verdict is not ReviewVerdict.APPROVE for each in reviews):
        return ""
    return "the reviews approve: nothing to address"
