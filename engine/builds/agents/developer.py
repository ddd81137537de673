"""DEVELOPER: repairs what failed, by rule where one fits, else with a model, and tries again.

Each repair is built and tested anew. What made things worse is taken back: the next try starts from
the best state so far and knows what was tried. Where nothing helps any more, the best state is
what stays, as ``fix.patch``. No answer of a model is ever run: it changes sources, and the build
is what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.builds import fix_patch
from engine.builds.agents.repair_case import case_of
from engine.builds.agents.repair_history import Attempt, attempts_of, first_best, latest_best
from engine.builds.agents.repair_report import keep_fix, keep_record, tell_outcome
from engine.builds.context import BuildContext
from engine.builds.outputs import Repaired
from engine.enums import StageStatus
from engine.errors import ModelError, ToolError, UsageError
from engine.llm.chat import CHARACTERS_A_TOKEN, Answer, Message, Usage
from engine.llm.conversation import CheckedAnswer, Conversation, Refused
from engine.repair.case import RepairCase
from engine.repair.changed_tests import changes_of_tests_in
from engine.repair.edits import AnswerEdits, AppliedEdits
from engine.repair.prompt import question
from engine.repair.requests import (
    MAX_REQUESTS,
    NO_MORE_REQUESTS,
    look_up,
    names_requested,
)
from engine.repair.rule_repair import propose, suggest
from engine.repair.shown_files import ShownFile
from engine.repair.source_index import SourceIndex
from engine.repair.subject import CHANGES_TESTS, NOTHING_SAID, subject_of
from engine.runs.pipeline import StageResult
from engine.text import count

MODELS = ("developer", "codegemma")
"""Whose model is asked: the role's, else that of the kind that is good at bug fixing. The role's is
asked as the kind is, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class _Repair:
    """A repair that was made in the worktree: all of its difference is ``patch``."""

    base: Attempt
    by_rule: bool
    by: str
    explanation: str
    change: str
    patch: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What asking a model came to.

    Args:
        repair: the repair that one of its answers made; None for none.
        reason: why there is none.
        question: as it was asked first.
        shown: the files that the model was shown.
        conversation: with the model; None where there is none to be asked.
    """

    repair: _Repair | None = None
    reason: str = ""
    question: tuple[Message, ...] = ()
    shown: tuple[ShownFile, ...] = ()
    conversation: Conversation | None = None

    @property
    def answers(self) -> Sequence[CheckedAnswer]:
        """Every answer, in order."""
        return self.conversation.answers if self.conversation else ()

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What each answer took."""
        return tuple(self.conversation.usage) if self.conversation else ()


def run(context: BuildContext) -> StageResult:
    """Repair the worktree for the errors of this attempt; the runner builds it again."""
    log = context.stage.report.log
    attempts = attempts_of(context)
    tell_outcome(context, attempts)
    if not context.stage.may_repeat:
        reason = f"gave up after {count(context.stage.settings.max_iterations, 'repair')}"
        return _give_up(context, attempts, reason)
    if _is_simulators(attempts[-1]):
        reason = "nothing to repair: the simulator could not go on, where a chip could"
        return _give_up(context, attempts, reason)
    log(f"{count(len(attempts[-1].errors), 'error')} to look at")
    repair = _by_rule(context, attempts)
    asked = _Asked(repair) if repair else _by_model(context, attempts)
    if asked.repair is not None:
        return _repaired(context, asked.repair, asked)
    if asked.conversation and asked.answers:
        start = latest_best(attempts)
        nothing = "None of it was taken."
        by = _name_of(asked.conversation)
        keep_record(context, by, start, asked.question, asked.shown, asked.answers, "", nothing)
    return _give_up(context, attempts, asked.reason, asked.usage)


def _is_simulators(failed: Attempt) -> bool:
    """Whether an attempt failed in the simulator alone, and for want of what that does not have."""
    results = failed.results
    others = {
        key
        for key in ("build", "test.board", "diagnose")
        if (result := results.get(key)) and result.status is StageStatus.FAILED
    }
    simulated = results.get("test.simulator")
    found = simulated.findings if simulated else ()
    return not others and any(each.code == "simulator.limit" for each in found)


def _by_rule(context: BuildContext, attempts: Sequence[Attempt]) -> _Repair | None:
    """A rule's repair of this attempt, else of the best one."""
    # What a rule did is right as far as it goes, though the compiler now sees more errors.
    now = attempts[-1]
    trusted = now.repair is None or now.repair.by_rule
    best = latest_best(attempts)
    for start in (now, best) if trusted and now is not best else (best,):
        context.slot.become(start.patch)
        found = propose(start.errors, context.stage.source)
        if found is None:
            continue
        try:
            context.slot.apply(found.patch)
        except ToolError as error:  # it is of a file that is not the project's to change
            context.stage.report.log(f"rule {found.rule}: {error}")
            continue
        patch = context.slot.diff()
        if patch not in [each.patch for each in attempts]:
            _log_start(context, attempts, start)
            by = f"rule {found.rule}"
            return _Repair(start, True, by, found.explanation, found.patch, patch)
    return None


def _by_model(context: BuildContext, attempts: Sequence[Attempt]) -> _Asked:
    """A model's repair of the best attempt."""
    log = context.stage.report.log
    start = latest_best(attempts)
    context.slot.become(start.patch)
    try:
        conversation = Conversation(
            context.stage.models, MODELS, context.stage.report, context.stage.cancel
        )
    except UsageError as error:
        advice = suggest(start.errors)
        log("no rule fits; what a person might do:")
        for line in advice:
            log(f"  - {line}")
        log(str(error))
        return _Asked(reason="no rule fits" + (f": {advice[0]}" if advice else ""))
    log(f"no rule fits: asking the model of {conversation.name}")
    _log_start(context, attempts, start)
    formats = context.stage.formats
    asked_format = formats.best(conversation.name)
    room = conversation.first_question_tokens * CHARACTERS_A_TOKEN
    case = case_of(context, attempts, start)
    index = SourceIndex(case.tree)
    asked, requests = _Asked(conversation=conversation), 0

    def ask_about(case: RepairCase) -> tuple[Message, ...]:
        nonlocal asked
        found = question(case, room, asked_format, index)
        asked = replace(asked, question=found.messages, shown=found.shown)
        log(f"shown: {count(len(found.shown), 'file')}, {_named(found.shown)}")
        return found.messages

    def show_more(answer: Answer) -> Sequence[Message] | None:
        nonlocal case, requests
        names = names_requested(answer.text)
        if not names or requests == MAX_REQUESTS:
            return None
        requests += 1
        log(f"asks for {', '.join(names)}")
        wanted = look_up(names, index, case.tree)
        for reason in wanted.reasons:
            log(f"  - {reason}")
        case = replace(
            case,
            requested={**case.requested, **wanted.places},
            not_shown=(*case.not_shown, *wanted.reasons),
        )
        return ask_about(case)

    edits, said = AnswerEdits(asked_format), ""

    def check(answer: Answer) -> _Repair | Refused:
        nonlocal said
        # An answer that mends the form of the one before need not say again what it is for.
        said = subject_of(answer.text) or (said if edits.goes_on else "")
        applied = edits.take(answer.text, context.slot)
        if isinstance(applied, Refused):
            asks = requests == MAX_REQUESTS and names_requested(answer.text)
            return Refused((NO_MORE_REQUESTS,)) if asks else applied
        by = _name_of(conversation)
        return _untried(context, attempts, start, by, said, applied)

    try:
        found = conversation.ask_until_accepted(ask_about(case), check, edits.refusal, show_more)
    except (ModelError, UsageError) as error:
        return replace(asked, reason=f"no rule fits, and no model answers: {error}")
    finally:
        formats.tell(conversation.name, edits.outcomes)
    if isinstance(found, Refused):
        reason = f"no answer of the model could be taken: {found.reasons[0]}"
        return replace(asked, reason=reason)
    return replace(asked, repair=found)


def _named(shown: Sequence[ShownFile]) -> str:
    return ", ".join(each.path for each in shown[:8]) + (", ..." if len(shown) > 8 else "")


def _name_of(conversation: Conversation) -> str:
    """How a repair's record calls the model that answered last."""
    last = conversation.usage[-1]
    return f"model of {conversation.name}, {last.server} {last.model}"


def _untried(
    context: BuildContext,
    attempts: Sequence[Attempt],
    start: Attempt,
    by: str,
    said: str,
    applied: AppliedEdits,
) -> _Repair | Refused:
    """The repair that changed the worktree, unless it changes tests or was tried before."""
    source, may = context.stage.source, context.stage.settings.repair.may_change_tests
    weakened = changes_of_tests_in(applied.change, source, start.errors)
    if weakened and not may:
        context.slot.become(start.patch)
        return Refused(weakened)
    known = [each.number for each in attempts if each.patch == applied.patch]
    if known:
        context.slot.become(start.patch)
        return Refused((f"attempt {known[0]} was just that, and it failed",))
    explanation = said or NOTHING_SAID
    if changes_of_tests_in(applied.change, source):
        explanation = f"{CHANGES_TESTS}: {explanation}"
    return _Repair(start, False, by, explanation, applied.change, applied.patch)


def _repaired(context: BuildContext, repair: _Repair, asked: _Asked) -> StageResult:
    """Keep a repair, and send the build back with it."""
    context.stage.report.log(f"{repair.by}: {repair.explanation}")
    context.stage.report.log(repair.change)
    following = f"Built and tested as attempt {context.stage.attempt + 1}."
    record = keep_record(
        context,
        repair.by,
        repair.base,
        asked.question,
        asked.shown,
        asked.answers,
        repair.change,
        following,
    )
    keep_fix(context, (*repair.base.changes, f"{repair.by}: {repair.explanation}"), repair.patch)
    return StageResult(
        status=StageStatus.SUCCESS,
        summary=f"{repair.explanation.rstrip('.')}; attempt {context.stage.attempt + 1}",
        output=Repaired(
            base=repair.base.number,
            by_rule=repair.by_rule,
            by=repair.by,
            explanation=repair.explanation,
            change=repair.change,
            record=record,
        ),
        patch=repair.patch,
        usage=asked.usage,
    )


def _give_up(
    context: BuildContext,
    attempts: Sequence[Attempt],
    reason: str,
    usage: tuple[Usage, ...] = (),
) -> StageResult:
    """End with the best state."""
    best = first_best(attempts)
    context.slot.become(best.patch)
    if len(attempts) > 1:
        if best.patch:
            keep_fix(context, best.changes, best.patch)
        else:
            context.stage.withdraw(fix_patch.NAME)
        kept = f"the best is attempt {best.number}" if best.patch else "no repair made it better"
        context.stage.report.log(f"{kept} ({best.standing})")
        reason = f"{reason}; {kept}"
    context.stage.report.log(reason)
    return StageResult(status=StageStatus.FAILED, summary=reason, usage=usage)


def _log_start(context: BuildContext, attempts: Sequence[Attempt], start: Attempt) -> None:
    if start is not attempts[-1]:
        context.stage.report.log(f"back to what attempt {start.number} was built from")
