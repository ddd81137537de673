"""Conditions of ``.build-test-rules.yml``: what they decide, and what stays open."""

from __future__ import annotations

import pytest

from engine.enums import TARGETS
from engine.toolchains import idf_build_rules
from engine.toolchains.idf_build_rules import TargetRules
from tests.engine.source.memory import MemoryFiles


def verdicts(rule: str, app: str = "app", configuration: str = "") -> TargetRules:
    files = MemoryFiles({".build-test-rules.yml": f"app:\n{rule}"})
    return idf_build_rules.read(files).of(app, (configuration,))


def enable(condition: str) -> str:
    return f"  enable:\n    - if: {condition}\n"


@pytest.mark.parametrize(
    ("condition", "enabled"),
    [
        ('IDF_TARGET == "esp32"', ("esp32",)),
        ('IDF_TARGET in ["esp32c3", "esp32"]', ("esp32", "esp32c3")),
        ('(IDF_TARGET in ["esp32", "esp32s2"]) and IDF_TARGET != "esp32"', ("esp32s2",)),
        ('CONFIG_NAME == "default" and IDF_TARGET == "linux"', ("linux",)),
        ('CONFIG_NAME == "x" and IDF_TARGET == "linux"', ()),
        ('SOC_X == 1 and IDF_TARGET == "esp32"', ()),
    ],
)
def test_conditions_on_the_target_are_decided(condition: str, enabled: tuple[str, ...]) -> None:
    assert verdicts(enable(condition)).enabled == enabled


def test_an_unknown_condition_leaves_open_what_it_does_not_shut_out() -> None:
    found = verdicts(enable('SOC_X == 1 and IDF_TARGET == "esp32"'))

    assert found.disabled == set(TARGETS) - {"esp32"}
    assert not found.complete


@pytest.mark.parametrize(
    "condition",
    ["1", "IDF_TARGET <", "'IDF_TARGET in 5'", "-" * 1500 + "x", "'" + "(" * 900 + "'", "[a, b]"],
    ids=lambda value: value[:20],
)
def test_a_condition_that_makes_no_sense_decides_nothing(condition: str) -> None:
    assert verdicts(enable(condition)) in (TargetRules(), TargetRules((), frozenset(TARGETS)))
    assert verdicts(f"  disable:\n    - if: {condition}\n") == TargetRules()


def test_the_nearest_folder_counts() -> None:
    rule = enable('IDF_TARGET == "esp32"') + "app/x/y:\n" + enable('IDF_TARGET == "esp32c3"')

    assert [verdicts(rule, app).enabled for app in ("app/x", "app/x/y/z", "apps", "")] == [
        ("esp32",), ("esp32c3",), (), (),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 100_000, "- x\n", "a: b\n", "a:\n  enable: 3\n"],
    ids=lambda value: value[:20],
)
def test_a_file_that_makes_no_sense_has_no_rules(text: str) -> None:
    rules = idf_build_rules.read(MemoryFiles({".build-test-rules.yml": text}))

    assert rules.of("a") == TargetRules()
