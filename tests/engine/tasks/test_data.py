"""What ships: roles, squads, workflows and templates, as the issue names them."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.llm.catalogue import CATALOGUE
from engine.tasks.pipeline_library import shipped
from engine.tasks.roles import FULL, roles, squads
from engine.tasks.workflow import workflow, workflows


def test_roles_belong_to_squads_and_are_asked_with_a_kind() -> None:
    titles = {name: [roles()[role].title for role in each.roles] for name, each in squads().items()}
    assert titles["business"] == ["Product Manager", "Business Analyst"]
    assert set(titles["engineering"]) == {
        *("Architect", "Frontend", "Backend", "DevOps Engineer", "Firmware Engineer")
    }
    assert titles["qa"] == ["QA Tester", "Quality Analyst", "Security Auditor"]
    assert set(titles[FULL]) == {role.title for role in roles().values()}
    kinds = {kind.id for kind in CATALOGUE}
    assert all(role.kind in kinds for role in roles().values())


def test_the_workflows_are_there() -> None:
    assert list(workflows()) == [
        *("code_review", "architecture_design", "feature_development", "bug_fix", "testing"),
        *("refactoring", "documentation", "optimization", "free_task"),
    ]


@pytest.mark.parametrize("squad", list(squads()))
@pytest.mark.parametrize("name", list(workflows()))
def test_every_squad_can_do_its_part_of_every_workflow(name: str, squad: str) -> None:
    steps = workflow(name).with_squad(squad)
    names = [step.name for step in steps]
    for index, step in enumerate(steps):
        assert set(step.needs) <= set(names[:index])
        assert step.roles[0] in squads()[squad].roles
    assert not any(step.needs for step in steps[:1])


def test_a_step_that_nobody_can_do_hands_its_needs_on() -> None:
    steps = {step.name: step for step in workflow("bug_fix").with_squad("business")}
    assert list(steps) == ["Review", "Summary"]
    assert steps["Review"].needs == ()
    assert steps["Summary"].needs == ("Review",)


def test_steps_that_change_files_are_kept_apart_from_reviews() -> None:
    changing = {name for name, each in workflows().items() if each.changes}
    assert changing == {
        *("feature_development", "bug_fix", "testing", "refactoring"),
        *("documentation", "optimization"),
    }


def test_an_unknown_name_is_refused_with_a_near_one() -> None:
    with pytest.raises(UsageError, match=r"did you mean bug_fix\?"):
        workflow("bugfix")
    with pytest.raises(UsageError, match="no squad 'ops'"):
        workflow("bug_fix").with_squad("ops")


def test_the_templates_are_valid() -> None:
    found = shipped()
    assert [entry.problem for entry in found] == [""] * 5
    names = {entry.pipeline.name for entry in found if entry.pipeline}
    assert names == {
        *("React component", "Python module with tests", "ESP-IDF component"),
        *("Driver port", "Documentation set"),
    }
