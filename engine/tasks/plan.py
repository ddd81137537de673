"""What a task's run does, decided when it is asked for and kept, so that a retry does the same.

A workflow with its squad and a step pipeline come to the same thing: steps with who is asked, what,
and what each waits for. A step runs in a wave with all others that wait for as many steps in a
row. Steps that change files never share a wave: each begins with what the one before it left, and
what it changes of a project is built and tried before anything else
(:mod:`engine.tasks.proof_stages`).

A step that fails stops a step pipeline. In a workflow it stops every step that cannot do without
it: those that need it alone, those that need it to change files, and all that come after a step
that changes files. A report on several others is written as long as one of those was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from engine.llm.catalogue import kind_of
from engine.runs.pipeline import Pipeline, Stage, When
from engine.tasks.proof_stages import (
    MEND,
    NO_BOARD,
    mend,
    owner_of,
    proof,
    proof_key,
    without_fix,
)
from engine.tasks.roles import roles
from engine.tasks.yaml_document import YamlModel

GATHER, ASSEMBLE, GATE, REVISE = "gather", "assemble", "gate", "revise"
"""Keys of the stages that are not steps."""

LIBRARIAN, ASSEMBLER, QA = "librarian", "assembler", "QA"
"""Who does them; ``revise`` is done by an engineering role."""

_WEIGHTS = {GATHER: 2.0, ASSEMBLE: 10.0, GATE: 8.0, REVISE: 2.0}
_MEND_PROMPT = """\
What the step above changed was built and tried, and it failed: see "what failed" under Material.
The files are shown as that change left them. Mend it at its cause with the smallest change. Do not
weaken or delete a test or an expectation, and do not take back what the step was for.
"""
_MEND_TEST_PROMPT = """\
A test that passes without the fix as well proves nothing: change it so that it fails without it.
"""


class Form(StrEnum):
    """How a step is answered."""

    REPORT = "report"
    FILES = "files"
    EDITS = "edits"


class Scope(StrEnum):
    """What a step that changes files may change."""

    ANY = "any"
    CODE = "code"
    """Everything but tests."""

    TESTS = "tests"
    """Tests, how they are built, and ``[[test]]`` tables at the end of ``espdeck.toml``."""


class PlannedStep(YamlModel):
    """A step of a run.

    Args:
        key: of its stage.
        name: as people call it.
        role: who is asked: a role's id, or a kind of model.
        who: what the model is told that it is.
        models: names of the settings that it may be asked with, the first that is set counts.
        prompt: what is asked.
        context: what else this step has to know.
        form: how it is answered.
        temperature, max_tokens: how its model is asked; None: as the settings say.
        own_parameters: whether a person wrote these two for the step: they win over the settings.
        needs: keys of the steps that it depends on.
        scope: what it may change.
        proof: whether what it changes is built and tried.
        regression: whether its test is to fail without what the run changed before it.
        reviews: whether it ends with a verdict.
        addresses: keys of the reviews whose findings it is to mend; empty for none.
    """

    key: str
    name: str
    role: str
    who: str
    models: tuple[str, ...]
    prompt: str
    context: str = ""
    form: Form = Form.REPORT
    temperature: float | None = None
    max_tokens: int | None = None
    own_parameters: bool = False
    needs: tuple[str, ...] = ()
    scope: Scope = Scope.ANY
    proof: bool = False
    regression: bool = False
    reviews: bool = False
    addresses: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it changes files of the worktree."""
        return self.form is Form.EDITS

    @property
    def mender(self) -> PlannedStep:
        """What is asked of whoever does this step when what it changed fails."""
        more = f"\n{_MEND_TEST_PROMPT}" if self.regression else ""
        update = {
            "key": proof_key(self.key, MEND),
            "name": f"{self.name}: mend",
            "prompt": f"{_MEND_PROMPT}{more}",
        }
        return self.model_copy(update=update)


class Plan(YamlModel):
    """What a run does.

    Args:
        title: as people call it.
        steps: in the order of their file.
        global_context: what every step has to know.
        assembler: names of the settings that the Assembler may be asked with; empty for none.
        gathers: whether files are chosen first that the steps are shown.
        gate: whether the result is measured.
        reviser: who is asked to mend what the gate blocks; None where nothing can be mended.
        board: where what steps change is flashed, ``none`` for nowhere.
        first_number: of the first step, as its ``step_N_output`` is called.
    """

    title: str
    steps: tuple[PlannedStep, ...]
    global_context: str = ""
    assembler: tuple[str, ...] = ()
    gathers: bool = False
    gate: bool = False
    reviser: PlannedStep | None = None
    board: str = NO_BOARD
    first_number: int = 1

    def step(self, key: str) -> PlannedStep:
        """The step with this key.

        Raises:
            KeyError: there is none.
        """
        steps = {step.key: step for step in self.steps}
        if self.reviser:
            steps[self.reviser.key] = self.reviser
        owner, part = owner_of(key)
        return steps[owner].mender if part == MEND else steps[key]

    def number(self, key: str) -> int:
        """Place of a step in its file, from :attr:`first_number`."""
        return self.first_number + [step.key for step in self.steps].index(key)

    def before(self, key: str) -> tuple[PlannedStep, ...]:
        """The steps that have ended when a stage begins, in the order in which they ran."""
        owner, part = owner_of(key)
        found: list[PlannedStep] = []
        for wave in _waves(self.steps):
            is_here = any(step.key == owner for step in wave)
            if is_here and not part:
                break
            found += wave
            if is_here:
                break
        return tuple(found)

    @property
    def last_wave(self) -> Sequence[PlannedStep]:
        """The steps that run last."""
        return _waves(self.steps)[-1]

    @property
    def asked(self) -> tuple[tuple[str, ...], ...]:
        """Names of the settings for everything that is asked of models."""
        reviser = (self.reviser.models,) if self.reviser else ()
        assembler = (self.assembler,) if self.assembler else ()
        return (*(step.models for step in self.steps), *assembler, *reviser)

    @property
    def pipeline(self) -> Pipeline:
        """The stages of the run."""
        stages: list[Stage] = []
        if self.gathers:
            stages.append(_stage(GATHER, LIBRARIAN, "context", "choose files"))
        required = _required(self.steps)
        for number, wave in enumerate(_waves(self.steps), 1):
            before = tuple(stages)
            for step in wave:
                stage = _stage(step.key, step.role, f"step {number}", step.name)
                stages.append(self._waiting(step, stage, before, required[step.key]))
            for step in wave:
                if step.proof:
                    stages += self._proof(step)
        if self.assembler:
            needs = tuple(each.key for each in stages)
            stages.append(_stage(ASSEMBLE, ASSEMBLER, "assembly", "assemble", needs))
        stages += self._gate(stages, required)
        return Pipeline(name=self.title, stages=_weighed(stages, len(self.steps)))

    def _waiting(
        self, step: PlannedStep, stage: Stage, before: Sequence[Stage], required: frozenset[str]
    ) -> Stage:
        """The stage of a step with what it waits for; the module says by what rule."""
        if self.assembler:
            return replace(stage, needs=tuple(each.key for each in before))
        alone = _alone(step)
        needs = (*(each.key for each in before if each.key == GATHER), *alone)
        return replace(
            stage,
            needs=needs,
            any_of=() if alone else step.addresses or step.needs,
            unless_failed=_stages_of(before, required, but=needs),
        )

    def _proof(self, step: PlannedStep) -> tuple[Stage, ...]:
        """Stages that prove what a step changed, and the one in which it is mended."""
        made = list(proof(step.key, step.name, needs=(step.key,), board=self.board))
        if step.regression:
            tried = tuple(each.key for each in made)
            made.append(without_fix(step.key, step.name, tried))
        proved = tuple(each.key for each in made)
        return *made, mend(step.key, step.name, step.role, proved)

    def _gate(
        self, before: Sequence[Stage], required: Mapping[str, frozenset[str]]
    ) -> Iterator[Stage]:
        """The gate and, where something can be mended, the revision and the proof of that."""
        changed = {step.key for step in self.steps if step.changes}
        needed = frozenset(changed.union(*(required[key] for key in changed)))
        if not self.gate:
            return
        measure = _stage(GATE, QA, "gate", "measure")
        if self.assembler:
            measure = replace(measure, needs=tuple(each.key for each in before))
        elif changed:
            measure = replace(measure, unless_failed=_stages_of(before, needed))
        else:
            measure = replace(measure, any_of=tuple(step.key for step in self.last_wave))
        proved: tuple[Stage, ...] = ()
        if any(step.proof for step in self.steps):
            proved = tuple(
                proof(REVISE, REVISE, unless_failed=measure.unless_failed, board=self.board)
            )
            keys = tuple(each.key for each in proved)
            measure = replace(measure, unless_failed=(*measure.unless_failed, *keys))
        yield from (*proved, measure)
        if self.reviser:
            yield Stage(
                REVISE,
                self.reviser.role,
                phase="revise",
                title=self.reviser.name,
                weight=_WEIGHTS[REVISE],
                needs=(*(each.key for each in proved), GATE),
                when=When.SOMETHING_FAILED,
                back_to=proved[0].key if proved else GATE,
            )


def title_of(role: str) -> str:
    """How people call who does a stage."""
    if role in roles():
        return roles()[role].title
    kind = kind_of(role)
    return kind.title if kind else role.replace("_", " ").capitalize() if role.islower() else role


def _waves(steps: Sequence[PlannedStep]) -> list[list[PlannedStep]]:
    """Steps that run at once, wave after wave."""
    levels: dict[str, int] = {}
    waves: list[list[PlannedStep]] = []
    for step in steps:
        level = levels[step.key] = max((levels[need] + 1 for need in step.needs), default=0)
        waves.extend([] for _ in range(level + 1 - len(waves)))
        waves[level].append(step)
    return waves


def _alone(step: PlannedStep) -> tuple[str, ...]:
    """What a step cannot do without; for a report on several others that is none of them alone."""
    if step.addresses or (not step.changes and len(step.needs) > 1):
        return ()
    return step.needs


def _required(steps: Sequence[PlannedStep]) -> Mapping[str, frozenset[str]]:
    """For each step those that it cannot do without, and what they cannot do without."""
    found: dict[str, frozenset[str]] = {}
    changed: list[str] = []
    for wave in _waves(steps):
        for step in wave:
            needed = {*_alone(step), *changed}
            found[step.key] = frozenset(needed.union(*(found[key] for key in needed)))
        changed += [step.key for step in wave if step.changes]
    return found


def _stages_of(
    stages: Sequence[Stage], owners: frozenset[str], but: Sequence[str] = ()
) -> tuple[str, ...]:
    """Keys of the stages of some steps, and of those that prove what they changed."""
    keys = (each.key for each in stages)
    return tuple(key for key in keys if owner_of(key)[0] in owners and key not in but)


def _stage(key: str, role: str, phase: str, title: str, needs: tuple[str, ...] = ()) -> Stage:
    return Stage(key, role, phase, title, _WEIGHTS.get(key, 0.0), needs)


def _weighed(stages: Sequence[Stage], steps: int) -> tuple[Stage, ...]:
    """Stages whose weights come to 100."""
    rest = 100.0 - sum(stage.weight for stage in stages)
    return tuple(stage if stage.weight else replace(stage, weight=rest / steps) for stage in stages)
