"""What came of a task: whether what it changed holds, what is open, and the line that says so.

A run succeeds when nothing that it needs failed: what was changed builds, its tests pass, and the
gate, where there is one, passes. What then is not as it was asked for is said by a word:

- ``changes requested``: a review requests changes, and they were not made;
- ``no change``: the steps that are there to change something changed nothing;
- ``not built``: the project cannot be built here, or what was changed was not built;
- ``not proved``: it was built, and no test ran, or the regression test could not be tried;
- ``incomplete``: a report that is of use and that nothing waits for is missing;
- ``proved``: none of these, and something was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.builds.outputs import Compiled, Tested
from engine.enums import RunStatus, StageStatus, TaskVerdict
from engine.llm.placeholder import PLACEHOLDER
from engine.runs.pipeline import Outcome, StageResult
from engine.tasks.context import Assembled, Done, TriedWithoutFix
from engine.tasks.plan import ASSEMBLE, GATE, REVISE, Plan, PlannedStep, Scope
from engine.tasks.proof_stages import (
    BOARD,
    BUILD,
    DIAGNOSE,
    MEND,
    PLAN,
    SIMULATOR,
    TESTS,
    WITHOUT_FIX,
    owner_of,
    proof_key,
)
from engine.tasks.review_verdicts import ReviewVerdict
from engine.text import count

Results = Mapping[str, StageResult]

T = TypeVar("T")

_FAILED = StageStatus.FAILED
_FAILS = {
    PLAN: "cannot be built",
    BUILD: "does not build",
    DIAGNOSE: "fails when it runs",
    BOARD: "fails on the board",
    SIMULATOR: "fails in the simulator",
    WITHOUT_FIX: "proves nothing",
}
"""What a failed stage of a proof says of the step; the first that failed is told."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How far what a run changed was proved.

    Args:
        built: its build, None where there is none.
        tested: what tests saw of it.
        regression: what became of the regression test without the fix; None where none was asked.
        not_built: why it was not built; empty where it was.
    """

    built: Compiled | None = None
    tested: tuple[Tested, ...] = ()
    regression: TriedWithoutFix | None = None
    not_built: str = ""


def outcome_of(plan: Plan, results: Results) -> Outcome:
    """How a run ended."""
    failure = _failure(plan, results)
    if failure:
        return Outcome(RunStatus.FAILED, failure)
    verdict = _verdict(plan, results)
    text = ", ".join(_told(plan, results))
    return Outcome(RunStatus.SUCCESS, text, verdict or "")


def proof_of(plan: Plan, results: Results) -> Proof:
    """How far the last state of what was changed was proved."""
    owners = [step.key for step in plan.steps if step.proof]
    regression = next(
        (
            output
            for key in owners
            if (result := results.get(proof_key(key, WITHOUT_FIX)))
            and isinstance(output := result.output, TriedWithoutFix)
        ),
        None,
    )
    for owner in reversed([*owners, REVISE]):
        built = _output(results, proof_key(owner, BUILD), Compiled)
        tested = tuple(
            found for part in TESTS if (found := _output(results, proof_key(owner, part), Tested))
        )
        if built:
            return Proof(built, tested, regression)
        planned = results.get(proof_key(owner, PLAN))
        if planned and planned.status is StageStatus.SKIPPED and planned.findings:
            return Proof(regression=regression, not_built=planned.summary)
    return Proof(regression=regression)


def open_points(plan: Plan, results: Results) -> Iterator[str]:
    """What a person has to know who takes the result, one line each."""
    for step in missing(plan, results):
        yield f"{step.name} is missing: {results[step.key].summary}"
    proof = proof_of(plan, results)
    changed = _changed(plan, results)
    if proof.not_built:
        yield proof.not_built
    elif changed and proof.built and not _tested(proof):
        yield "built, and no test or expectation was seen to hold"
    if proof.built and proof.regression and proof.regression.proved is None:
        yield f"the regression test {proof.regression.told}"
    for step, verdict in verdicts(plan, results).items():
        if verdict is None:
            yield f"{step.name} gives no verdict"
        elif verdict is not ReviewVerdict.APPROVE and not _addressed(plan, results, step):
            yield f"{step.name}: {verdict}"


def missing(plan: Plan, results: Results) -> list[PlannedStep]:
    """Steps that failed, and that nothing waits for."""
    return [
        step
        for step in plan.steps
        if (result := results.get(step.key)) is not None and result.status is _FAILED
    ]


def verdicts(plan: Plan, results: Results) -> dict[PlannedStep, ReviewVerdict | None]:
    """The verdict of each review that was written."""
    return {
        step: done.verdict
        for step in plan.steps
        if step.reviews and (done := _output(results, step.key, Done))
    }


def _failure(plan: Plan, results: Results) -> str:
    """Why the run failed; empty where it did not."""
    failed = {
        stage.key: results[stage.key]
        for stage in plan.pipeline.stages
        if stage.key in results and results[stage.key].status is _FAILED
    }
    for key, result in failed.items():
        owner, part = owner_of(key)
        if part or key == REVISE:
            continue
        if key == GATE:
            return f"quality gate {result.summary}"
        if not _is_missed(plan, results, key):
            title = plan.pipeline.stage(key).title
            return f"Pipeline stopped at step '{title}': {result.summary}"
    for key in failed:
        owner, part = owner_of(key)
        if not part or part == MEND:
            continue
        told = next(part for part in _FAILS if proof_key(owner, part) in failed)
        name = plan.step(owner).name
        mended = failed.get(REVISE if owner == REVISE else proof_key(owner, MEND))
        gave_up = f" ({mended.summary})" if mended else ""
        return f"{name} {_FAILS[told]}: {failed[proof_key(owner, told)].summary}{gave_up}"
    return ""


def _is_missed(plan: Plan, results: Results, key: str) -> bool:
    """Whether a step that failed is a report that others did without, the last among them."""
    if plan.assembler or key not in [step.key for step in plan.steps]:
        return False
    others = [step for step in plan.last_wave if step.key != key]
    return not plan.step(key).changes and any(
        (result := results.get(step.key)) and result.status is StageStatus.SUCCESS
        for step in others
    )


def _verdict(plan: Plan, results: Results) -> TaskVerdict | None:
    """What is to be said of a run that succeeded; None where it was to change nothing."""
    open_reviews = [
        step
        for step, verdict in verdicts(plan, results).items()
        if verdict is ReviewVerdict.CHANGES and not _addressed(plan, results, step)
    ]
    if open_reviews:
        return TaskVerdict.CHANGES_REQUESTED
    proof = proof_of(plan, results)
    if any(step.changes for step in plan.steps):
        if not _changed(plan, results):
            return TaskVerdict.NO_CHANGE
        if any(step.proof for step in plan.steps):
            if proof.built is None:
                return TaskVerdict.NOT_BUILT
            asked = any(step.regression for step in plan.steps)
            unproved = asked and not (proof.regression and proof.regression.proved)
            if unproved or not _tested(proof):
                return TaskVerdict.NOT_PROVED
    if missing(plan, results):
        return TaskVerdict.INCOMPLETE
    return TaskVerdict.PROVED if proof.built else None


def _told(plan: Plan, results: Results) -> Iterator[str]:
    """What came of a run that succeeded, in some words each."""
    usage = [each for result in results.values() for each in result.usage]
    done = len(plan.steps) - len(missing(plan, results))
    yield f"{count(done, 'step')} done"
    if any(each.server == PLACEHOLDER for each in usage):
        yield "placeholder: no model was asked"
    for step in missing(plan, results):
        yield f"without {step.name} ({results[step.key].summary})"
    assembled = _output(results, ASSEMBLE, Assembled)
    if assembled:
        yield count(len(assembled.files), "final file")
    if any(step.changes for step in plan.steps) and not _changed(plan, results):
        names = ", ".join(step.name for step in _main(plan))
        yield f"nothing was changed ({names}: NO CHANGE)"
    else:
        yield from _told_of_proof(proof_of(plan, results))
    for step, verdict in verdicts(plan, results).items():
        if verdict:
            is_open = verdict is not ReviewVerdict.APPROVE
            addressed = ", addressed" if is_open and _addressed(plan, results, step) else ""
            yield f"{step.name}: {verdict}{addressed}"
    if GATE in results:
        yield f"quality gate {results[GATE].summary}"


def _told_of_proof(proof: Proof) -> Iterator[str]:
    if proof.not_built:
        yield proof.not_built
    if proof.built:
        yield "built"
        yield from (tests_in_words(each) for each in proof.tested)
        if not proof.tested:
            yield "not run"
        if proof.regression:
            yield f"regression test {proof.regression.told}"


def tests_in_words(tested: Tested) -> str:
    """What tests saw, in some words: ``3 tests passed, 1 expectation met in labwired``."""
    parts = [f"{count(tested.report.passed, 'test')} passed"] if tested.report else []
    if tested.expectations:
        parts.append(f"{count(tested.expectations_met, 'expectation')} met")
    return f"{' and '.join(parts) or 'ran, nothing was asked of it,'} in {tested.ran_on}"


def _main(plan: Plan) -> Sequence[PlannedStep]:
    """The steps that are there to change something: product code, else tests."""
    changing = [step for step in plan.steps if step.changes and not step.addresses]
    return [step for step in changing if step.scope is not Scope.TESTS] or changing


def _changed(plan: Plan, results: Results) -> bool:
    return any(
        (done := _output(results, step.key, Done)) and done.patch is not None
        for step in _main(plan)
    )


def _addressed(plan: Plan, results: Results, review: PlannedStep) -> bool:
    """Whether something was changed because of a review."""
    return any(
        (done := _output(results, step.key, Done)) and done.patch is not None
        for step in plan.steps
        if review.key in step.addresses
    )


def _tested(proof: Proof) -> bool:
    return any(each.checks_passed for each in proof.tested)


def _output(results: Results, key: str, kind: type[T]) -> T | None:
    result = results.get(key)
    return result.output if result is not None and isinstance(result.output, kind) else None
