"""What a run does: who, when, and what it waits for."""

from __future__ import annotations

import pytest

from engine.runs.pipeline import When
from engine.tasks.pipeline_file import load
from engine.tasks.plan import Form, Plan, title_of
from engine.tasks.planning import of_pipeline, of_workflow
from engine.tasks.roles import FULL, squads
from engine.tasks.workflow import workflow, workflows

DIAMOND = """\
name: Diamond
steps:
  - {step_name: top, role: architect, prompt: p}
  - {step_name: left, model_type: codegemma, prompt: p, needs: [top]}
  - {step_name: right, role: backend, model_type: my_own, prompt: p, needs: [top]}
  - {step_name: bottom, role: qa_tester, prompt: p, needs: [left, right]}
"""


def diamond(model: str = "", *, gate: bool = False, gathers: bool = False) -> Plan:
    return of_pipeline(load(DIAMOND, "d", ["my_own"]), model, gate=gate, gathers=gathers)


def test_steps_that_wait_for_the_same_are_one_wave() -> None:
    waves = [[stage.key for stage in wave] for wave in diamond().pipeline.waves()]
    assert waves == [["top"], ["left", "right"], ["bottom"], ["assemble"]]
    phases = diamond().pipeline.phases
    assert phases == ("step 1", "step 2", "step 3", "assembly")


def test_a_wave_waits_for_every_step_before_it() -> None:
    pipeline = diamond(gathers=True).pipeline
    assert pipeline.stage("top").needs == ("gather",)
    assert pipeline.stage("left").needs == pipeline.stage("right").needs == ("gather", "top")
    assert pipeline.stage("assemble").needs == ("gather", "top", "left", "right", "bottom")


def test_a_gate_can_send_the_run_back() -> None:
    pipeline = diamond(gate=True).pipeline
    assert pipeline.stage("gate").needs[-1] == "assemble"
    revise = pipeline.stage("revise")
    assert (revise.needs, revise.when, revise.back_to) == (
        *(("gate",), When.SOMETHING_FAILED, "gate"),
    )
    assert revise.role == "firmware_engineer"


def test_a_step_is_asked_with_its_kind_else_with_its_roles_model() -> None:
    steps = {step.key: step for step in diamond().steps}
    assert steps["top"].models == ("architect", "codellama")
    assert steps["left"].models == ("codegemma",)
    assert steps["right"].models == ("my_own",)
    assert (steps["left"].role, steps["right"].role) == ("codegemma", "backend")
    assert "refinement" in steps["left"].who
    assert {step.models for step in diamond("placeholder").steps} == {("placeholder",)}


def test_what_came_before_a_step_is_of_earlier_waves() -> None:
    plan = diamond()
    assert [step.key for step in plan.before("right")] == ["top"]
    assert [step.key for step in plan.before("bottom")] == ["top", "left", "right"]
    assert [step.key for step in plan.before("assemble")] == ["top", "left", "right", "bottom"]
    assert plan.number("bottom") == 4


def test_steps_that_change_files_never_share_a_wave() -> None:
    for each in workflows().values():
        plan = of_workflow(each, FULL, "", gate=True, gathers=True)
        changing = {step.key for step in plan.steps if step.form is Form.EDITS}
        for wave in plan.pipeline.waves():
            assert len(changing & {stage.key for stage in wave}) <= 1
        assert (plan.reviser is not None) == each.changes


@pytest.mark.parametrize("squad", list(squads()))
@pytest.mark.parametrize("name", list(workflows()))
def test_weights_come_to_a_hundred_and_a_plan_is_kept_as_it_is(name: str, squad: str) -> None:
    plan = of_workflow(workflow(name), squad, "", gate=True, gathers=True)
    assert sum(stage.weight for stage in plan.pipeline.stages) == pytest.approx(100)
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


def test_who_does_a_stage_has_a_title() -> None:
    titles = [title_of(role) for role in ("qa_tester", "codellama", "librarian", "QA", "my_own")]
    assert titles == ["QA Tester", "CodeLlama", "Librarian", "QA", "My own"]
