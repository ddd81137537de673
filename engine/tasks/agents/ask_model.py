"""Questions to the model of a task's stage: for a text, or for changes of the worktree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.llm.chat import Answer, Message
from engine.llm.conversation import Conversation, Refused
from engine.llm.service import StepParameters
from engine.repair.edits import AnswerEdits, AppliedEdits
from engine.tasks.change_scope import scope_refusals, within_scope
from engine.tasks.context import TaskContext
from engine.tasks.line_numbers import without_numbers
from engine.tasks.plan import PlannedStep, Scope
from engine.tasks.prompts import Question, edits_form, fit_question

NO_CHANGE = "NO CHANGE"
"""The last line of an answer that wants nothing to be changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer that was asked for changes comes to.

    Args:
        answer: the last one.
        patch: what the worktree is to be, all of the difference; None where nothing changes.
        files: that it changes.
        refusals: why none of the answers could be taken; empty when one was.
    """

    answer: str
    patch: str | None = None
    files: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def open_conversation(
    context: TaskContext, names: Sequence[str], step: PlannedStep | None = None
) -> Conversation:
    """Open a conversation of a stage with the model of the first of some names.

    Args:
        step: says how the model is asked; None: as the settings say.
    """
    parameters = StepParameters()
    if step:
        parameters = StepParameters(step.max_tokens, step.temperature, step.own_parameters)
    stage = context.stage
    return Conversation(stage.models, names, stage.report, stage.cancel, parameters)


def ask_for_text(context: TaskContext, conversation: Conversation, question: Question) -> str:
    """Ask for an answer that is taken as it is.

    Raises:
        UsageError: the question does not fit.
        ModelError: no answer could be had, or an empty one.
        CancelledError, Interrupted: as the stage is told.
    """
    messages = _messages(context, question, conversation.question_tokens)
    return conversation.ask(messages).text


def ask_for_changes(
    context: TaskContext, conversation: Conversation, question: Question, scope: Scope = Scope.ANY
) -> Change:
    """Ask for changes of files, in the form that the model manages best, until they can be made.

    Args:
        scope: what may be changed.

    Raises:
        As :func:`ask_for_text`.
    """
    formats = context.stage.formats
    asked_format = formats.best(conversation.name)
    answer, edits = "", AnswerEdits(asked_format)

    def check(reply: Answer) -> Change | Refused:
        nonlocal answer
        answer = reply.text
        if conversation.is_placeholder or _wants_nothing(answer):
            return Change(answer)
        with context.worktree() as slot:
            before = context.patch
            applied = edits.take(without_numbers(answer), within_scope(slot, scope))
            if isinstance(applied, AppliedEdits):
                reasons = scope_refusals(slot, scope, applied, app=context.app)
                if reasons:
                    slot.become(before)
                    applied = Refused(reasons)
        if isinstance(applied, Refused):
            return applied
        context.stage.report.log(f"changes {', '.join(applied.files)}")
        return Change(answer, applied.patch, applied.files)

    form = edits_form(asked_format, adds_tests=scope is Scope.TESTS)
    question = replace(question, form=form)
    messages = _messages(context, question, conversation.first_question_tokens)
    try:
        found = conversation.ask_until_accepted(messages, check, edits.refusal)
    finally:
        formats.tell(conversation.name, edits.outcomes)
    return Change(answer, refusals=found.reasons) if isinstance(found, Refused) else found


def _messages(context: TaskContext, question: Question, tokens: int) -> tuple[Message, ...]:
    """A question as messages that fit; what is cut is logged."""
    fitted = fit_question(question, tokens)
    for cut in fitted.cuts:
        context.stage.report.log(f"cut to fit: {cut}")
    return fitted.messages


def _wants_nothing(answer: str) -> bool:
    return answer.rstrip().rpartition("\n")[2].strip(" *`.").upper() == NO_CHANGE
