"""DEVELOPER: repairs what failed, by rule where one fits, else with a model, and tries again.

Each repair is built and tested anew. What made things worse is taken back: the next try starts from
the best state so far and knows what was tried. Where nothing helps any more, the best state is
what stays, as ``fix.patch``. No answer of a model is ever run: it changes sources, and the build
is what it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.builds.agents.repair_history import Round, first_best, latest_best, outcome, rounds_of
from engine.builds.agents.repair_report import Answered, keep_fix, keep_record, tell_outcome
from engine.builds.context import BuildContext
from engine.builds.outputs import Repaired
from engine.enums import StageStatus
from engine.errors import ModelError, ToolError, UsageError
from engine.llm.catalogue import kind_of
from engine.llm.chat import CHARACTERS_A_TOKEN, Message, Speaker, Usage
from engine.projects.apps import find_apps
from engine.repair import propose, suggest
from engine.repair.blocks import spoken
from engine.repair.edits import edits_of
from engine.repair.prompt import Case, Failure, Tried, question, refusal
from engine.runs.pipeline import StageResult
from engine.source.editable_tree import EditableTree
from engine.source.file_kinds import other_apps
from engine.text import clean, count

KIND = "codegemma"
"""The kind of model that is good at mending; the role is asked as it is, unless told otherwise."""

MODELS = ("developer", KIND)
"""Whose model is asked: the role's, else the kind's."""

TRIES = 3
"""Answers that a model may give in one round."""

_OF_THE_ROOM = 0.75  # of what a question may have; what refused answers add takes the rest
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class _Repair:
    """A repair that was made in the worktree: all of its difference is ``patch``."""

    base: Round
    by_rule: bool
    by: str
    explanation: str
    change: str
    patch: str


@dataclass(slots=True)
class _Asked:
    """What came of asking a model: a repair, or why there is none; all that was said."""

    repair: _Repair | None = None
    reason: str = ""
    by: str = ""
    question: tuple[Message, ...] = ()
    answers: list[Answered] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)


def run(context: BuildContext) -> StageResult:
    """Repair the worktree for the errors of this attempt; the runner builds it again."""
    say = context.stage.report.log
    rounds = rounds_of(context)
    tell_outcome(context, rounds)
    if context.stage.attempt > context.stage.settings.max_iterations:
        reason = f"gave up after {count(context.stage.settings.max_iterations, 'repair')}"
        return _give_up(context, rounds, reason)
    if _is_simulators(rounds[-1]):
        reason = "nothing to repair: the simulator could not go on, where a chip could"
        return _give_up(context, rounds, reason)
    say(f"{count(len(rounds[-1].errors), 'error')} to look at")
    repair = _by_rule(context, rounds)
    asked = _Asked(repair) if repair else _by_model(context, rounds)
    if asked.repair is not None:
        return _made(context, asked.repair, asked)
    if asked.answers:
        start = latest_best(rounds)
        nothing = "None of it was taken."
        keep_record(context, asked.by, start, asked.question, asked.answers, "", nothing)
    return _give_up(context, rounds, asked.reason, tuple(asked.usage))


def _is_simulators(failed: Round) -> bool:
    """Whether a round failed in the simulator alone, and for want of what that does not have."""
    results = failed.results
    others = {
        key
        for key in ("build", "test.board", "diagnose")
        if (result := results.get(key)) and result.status is StageStatus.FAILED
    }
    simulated = results.get("test.simulator")
    found = simulated.findings if simulated else ()
    return not others and any(each.code == "simulator.limit" for each in found)


def _by_rule(context: BuildContext, rounds: Sequence[Round]) -> _Repair | None:
    """A rule's repair of this round, else of the best one."""
    # What a rule did is right as far as it goes, though the compiler now sees more errors.
    now = rounds[-1]
    trusted = now.made is None or now.made.by_rule
    best = latest_best(rounds)
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
        if patch not in [each.patch for each in rounds]:
            _say_start(context, rounds, start)
            by = f"rule {found.rule}"
            return _Repair(start, True, by, found.explanation, found.patch, patch)
    return None


def _by_model(context: BuildContext, rounds: Sequence[Round]) -> _Asked:
    """A model's repair of the best round."""
    say = context.stage.report.log
    start = latest_best(rounds)
    context.slot.become(start.patch)
    try:
        name = context.stage.models.choose(*MODELS)
    except UsageError as error:
        advice = suggest(start.errors)
        say("no rule fits; what a person might do:")
        for line in advice:
            say(f"  - {line}")
        say(str(error))
        return _Asked(reason="no rule fits" + (f": {advice[0]}" if advice else ""))
    say(f"no rule fits: asking the model of {name}")
    _say_start(context, rounds, start)
    asked = _Asked()
    try:
        _converse(context, rounds, start, name, asked)
    except (ModelError, UsageError) as error:
        asked.reason = f"no rule fits, and no model answers: {error}"
    return asked


def _converse(
    context: BuildContext, rounds: Sequence[Round], start: Round, name: str, asked: _Asked
) -> None:
    """Ask a model until an answer can be taken, or it had its tries."""
    say = context.stage.report.log
    own, kind = context.stage.settings.llm.models.get(name), kind_of(KIND)
    max_tokens = kind.max_tokens if kind and not (own and own.max_tokens) else None
    warmth = kind.temperature if kind and not (own and own.temperature is not None) else None
    room = int(context.stage.models.room(name, max_tokens) * CHARACTERS_A_TOKEN * _OF_THE_ROOM)
    messages = asked.question = question(_case(context, rounds, start), room)
    for left in reversed(range(TRIES)):
        answer = context.stage.models.chat(
            name,
            messages,
            on_text=lambda text: context.stage.report.output(text.encode("utf-8", "replace")),
            on_retry=say,
            cancel=context.stage.cancel,
            max_tokens=max_tokens,
            temperature=warmth,
        )
        context.stage.report.output(b"\n")
        if answer.usage.left_out:
            say(f"{count(answer.usage.left_out, 'character')} of the question did not fit")
        asked.usage.append(answer.usage)
        asked.by = f"model of {name}, {answer.usage.server} {answer.usage.model}"
        change, patch, refusals = _try(context, rounds, start, answer.text)
        if answer.usage.cut and refusals:
            refusals = (*refusals, "the answer was cut at its greatest length: be shorter")
        asked.answers.append(Answered(answer.text, refusals))
        if not refusals:
            asked.repair = _Repair(start, False, asked.by, _told(answer.text), change, patch)
            return
        say("refused, asking again:" if left else "refused:")
        for reason in refusals:
            say(f"  - {reason}")
        messages = (*messages, Message(Speaker.ASSISTANT, answer.text), refusal(refusals))
    asked.reason = f"no answer of the model could be taken: {asked.answers[-1].refusals[0]}"


def _try(
    context: BuildContext, rounds: Sequence[Round], start: Round, answer: str
) -> tuple[str, str, tuple[str, ...]]:
    """Change the worktree as an answer says: the change, all of the difference, or refusals."""
    edits = edits_of(answer, context.slot.tree)
    if edits.refusals:
        return "", "", edits.refusals
    try:
        context.slot.apply(edits.patch)
    except ToolError as error:
        return "", "", (str(error),)
    patch = context.slot.diff()
    known = [each.number for each in rounds if each.patch == patch]
    if known:
        context.slot.become(start.patch)
        return "", "", (f"round {known[0]} was just that, and it failed",)
    return edits.patch, patch, ()


def _case(context: BuildContext, rounds: Sequence[Round], start: Round) -> Case:
    failures = [
        Failure(key, result.summary, tuple(f for f in start.errors if f in result.findings))
        for key, result in start.results.items()
        if result.status is StageStatus.FAILED
    ]
    tried = [
        Tried(
            by=each.made.by if each.made.by_rule else "a model",
            outcome=outcome(rounds, each.number),
            patch=each.made.change,
            errors=tuple(finding.title for finding in each.errors),
        )
        for each in rounds
        if each.made
    ]
    return Case(
        target=context.target,
        app=context.project.app,
        failures=tuple(failures),
        tried=tuple(tried),
        tree=_own(context),
    )


def _own(context: BuildContext) -> EditableTree:
    """The worktree without the folders of other apps: a model is shown none of their files."""
    apps = [each.path for each in find_apps(context.slot.source, "HEAD")]
    tree, is_other = context.slot.tree, other_apps(context.project.app, apps)
    return replace(tree, files=frozenset(each for each in tree.files if not is_other(each)))


def _made(context: BuildContext, repair: _Repair, asked: _Asked) -> StageResult:
    """Keep a repair, and send the build round again with it."""
    context.stage.report.log(f"{repair.by}: {repair.explanation}")
    context.stage.report.log(repair.change)
    following = f"Built and tested as round {context.stage.attempt + 1}."
    record = keep_record(
        context, repair.by, repair.base, asked.question, asked.answers, repair.change, following
    )
    keep_fix(context, (*repair.base.changes, f"{repair.by}: {repair.explanation}"), repair.patch)
    return StageResult(
        status=StageStatus.SUCCESS,
        summary=f"{repair.explanation.rstrip('.')}; round {context.stage.attempt + 1}",
        output=Repaired(
            base=repair.base.number,
            by_rule=repair.by_rule,
            by=repair.by,
            explanation=repair.explanation,
            change=repair.change,
            record=record,
        ),
        patch=repair.patch,
        usage=tuple(asked.usage),
    )


def _give_up(
    context: BuildContext, rounds: Sequence[Round], reason: str, usage: tuple[Usage, ...] = ()
) -> StageResult:
    """End with the best state."""
    best = first_best(rounds)
    context.slot.become(best.patch)
    if len(rounds) > 1:
        keep_fix(context, best.changes, best.patch)
        kept = f"the best is round {best.number}" if best.patch else "no repair made it better"
        context.stage.report.log(f"{kept} ({best.standing})")
        reason = f"{reason}; {kept}"
    context.stage.report.log(reason)
    return StageResult(status=StageStatus.FAILED, summary=reason, usage=usage)


def _say_start(context: BuildContext, rounds: Sequence[Round], start: Round) -> None:
    if start is not rounds[-1]:
        context.stage.report.log(f"back to what round {start.number} was built from")


def _told(answer: str) -> str:
    """What a model says of its repair, in a line."""
    plain = re.sub(r"\*\*|`", "", spoken(answer))
    lines = (clean(line).lstrip("#>").strip() for line in plain.split("\n"))
    said = next((line for line in lines if " " in line), "")
    if not said or "<<<" in said:
        return "changed what it held for the cause"
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
