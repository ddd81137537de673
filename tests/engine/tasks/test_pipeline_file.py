"""Pipeline files: what is read, and which line a mistake is on."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import Priority
from engine.errors import UsageError
from engine.tasks import yaml_document
from engine.tasks.pipeline_file import OWN_STAGES, load

WHOLE = """\
name: Sensor driver
description: A driver from a datasheet.
global_context: |
  ESP-IDF 5.5, C11.
metadata:
  priority: high
  deadline: 2026-12-31
steps:
  - step_name: design
    role: architect
    prompt: Design it.
  - step_name: code
    model_type: codegemma
    prompt: Write it.
    context: The part has two addresses.
    parameters:
      temperature: 0.3
      max_tokens: 2048
  - step_name: tests
    role: qa_tester
    model_type: codellama
    prompt: Test it.
    needs: [design]
  - step_name: docs
    role: architect
    prompt: Describe it.
    needs: []
"""


def test_a_file_says_everything() -> None:
    pipeline = load(WHOLE, "sensor.yaml")

    assert (pipeline.name, pipeline.metadata.priority) == ("Sensor driver", Priority.HIGH)
    assert pipeline.metadata.deadline == date(2026, 12, 31)
    assert pipeline.global_context == "ESP-IDF 5.5, C11.\n"
    _design, code, tests, _docs = pipeline.steps
    assert (code.model_type, code.parameters.temperature) == ("codegemma", 0.3)
    assert code.parameters.max_tokens == 2048
    assert (tests.role, tests.model_type) == ("qa_tester", "codellama")


def test_a_step_needs_the_one_above_it_unless_it_says_otherwise() -> None:
    assert [step.needs for step in load(WHOLE, "x").steps] == [(), ("design",), ("design",), ()]


def replaced(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml:1: the file is empty"),
        ("- a\n- b\n", "p.yaml:1: the file must have its own keys"),
        ("name: x\n", "p.yaml:1: steps is missing"),
        ("name: x\nsteps: []\n", "p.yaml:2: steps"),
        ("name: [x\n", "p.yaml:2: no valid YAML"),
        ("name: x\x07\n", "p.yaml:1: "),
        ('name: "x\\a"\n', "p.yaml:1: a control character"),
        ("name: x\n---\nname: y\n", "p.yaml:2: no valid YAML"),
        ("name: &a x\ndescription: *a\n", "p.yaml:2: aliases are not accepted"),
        ("name: !!python/object:os.system x\n", "p.yaml:1: the tag "),
        ("name: !!int abc\n", "p.yaml:1: 'abc' is not a plain number"),
        ("name: x\nname: y\n", "p.yaml:2: name is given twice"),
        ("name: x\n? [a]\n: b\n", "p.yaml:2: a key must be a word"),
        ("name: 5\nsteps: []\n", "p.yaml:1: name must be a text"),
        ("name: ' '\nsteps: []\n", "p.yaml:1: name: ' ': letters, digits"),
        (
            replaced("prompt: Write it.", "promt: Write it."),
            "p.yaml:14: no key is called promt (",
        ),
        (replaced("    prompt: Write it.\n", ""), "p.yaml:12: prompt is missing"),
        (
            replaced("    role: architect\n    prompt: De", "    prompt: De"),
            "p.yaml:9: a step has",
        ),
        (
            replaced("codegemma", "codegema"),
            "p.yaml:13: no model_type 'codegema' (did you mean",
        ),
        (replaced("qa_tester", "tester"), "p.yaml:20: no role 'tester' (did you mean qa_tester?)"),
        (replaced("[design]", "[desing]"), "p.yaml:23: no step 'desing' above this one (did you"),
        (replaced("[design]", "[docs]"), "p.yaml:23: no step 'docs' above"),
        (replaced("step_name: code", "step_name: Design"), "p.yaml:12: Design is too much like"),
        (replaced("step_name: code", "step_name: gate"), "p.yaml:12: gate is a name that espdeck"),
        (replaced("step_name: code", "step_name: ../x"), "p.yaml:12: step_name: '../x'"),
        (
            replaced("temperature: 0.3", "temperature: hot"),
            "p.yaml:17: temperature: input",
        ),
        (replaced("temperature: 0.3", "temperature: 3"), "p.yaml:17: temperature: input"),
        (
            replaced("max_tokens: 2048", "max_token: 1"),
            "p.yaml:18: no key is called max_token (",
        ),
        (replaced("priority: high", "priority: urgent"), "p.yaml:6: priority: input should be"),
        (replaced("2026-12-31", "soon"), "p.yaml:7: deadline: "),
        (replaced("Write it.", "x" * 20_001), "p.yaml:14: prompt has more than 20000 characters"),
        ("name: " + "[" * 20 + "]" * 20, "p.yaml:1: more than 12 levels"),
        ("name: [" + "a," * 6000 + "]", "p.yaml:1: more than 5000 keys"),
        ("#" * (129 << 10), "p.yaml: longer than 128 KiB"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text, "p.yaml")
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_models_of_the_settings_are_known_too() -> None:
    text = WHOLE.replace("codegemma", "my_own")
    assert load(text, "x", models=["my_own"]).steps[1].model_type == "my_own"


def test_names_of_the_runs_own_stages_are_taken() -> None:
    for name in OWN_STAGES:
        with pytest.raises(UsageError, match="a name that espdeck uses itself"):
            load(WHOLE.replace("step_name: docs", f"step_name: {name}"), "x")


YAML_LIKE = st.text(st.sampled_from("ab:-[]{}&*!#|>'\"\n ,?%@\\\t0\x85\ufeff🙂"), max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@pytest.mark.slow
@given(YAML_LIKE | VALUES.map(yaml.safe_dump))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        load(text, "p.yaml")
    except UsageError as error:
        assert re.match(r"p\.yaml:\d+: \S", str(error))
        assert "\n" not in str(error)


@pytest.mark.slow
@given(VALUES)
def test_a_document_gives_back_what_yaml_wrote(value: object) -> None:
    text = yaml.safe_dump({"name": "x", "steps": value}, allow_unicode=True)
    try:
        yaml_document.YamlDocument(text, "p.yaml")
    except UsageError as error:
        assert any(
            reason in str(error)
            for reason in (
                "not a plain number",
                "control",
                "is given twice",
                "must be a word",
                "no valid",
            )
        )
