"""pytest plugin: of a suite, only what is for the board's chip, and all that its tests say.

ESP-IDF's suites name their chips (ESP-IDF, "ESP-IDF Tests with Pytest Guide"; pytest-embedded-idf,
``idf_parametrize``): as the parameter ``target``, several separated by ``|`` or ``,`` for tests of
several boards, or, in older ones, by a mark such as ``esp32c3`` or ``supported_targets``. pytest
alone would run all of them on whatever board there is.

pytest loads this file in the interpreter that has pytest-embedded, which may have no espdeck.
"""

from __future__ import annotations

import re
from importlib import import_module

import pytest

_CHIP = re.compile(r"esp32(?:[a-z]\d{1,2})?|linux")
_ALL = ("supported_targets", "preview_targets", "all_targets", "generic")
_ELSEWHERE = ("host_test", "qemu")  # marks of tests that run on no board


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have what a test itself says kept in the report beside the results of Unity in it."""
    if hasattr(config.option, "unity_test_report_mode"):  # older ones have no such option
        config.option.unity_test_report_mode = "merge"
    try:
        supported_targets = import_module("pytest_embedded_idf.utils").supported_targets
    except (ImportError, AttributeError):
        return  # the service is not used, or is older than supported_targets as a parameter
    if not supported_targets.get():  # without ESP-IDF it knows none
        supported_targets.set([str(config.getoption("target", None))])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for other chips, for several boards, or for none."""
    target = str(config.getoption("target", None) or "")
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (kept if _is_for(item, target) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
    for item in items:
        reason = _skipped(item, target)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def _is_for(item: pytest.Item, target: str) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    if marks.intersection(_ELSEWHERE):
        return False
    wanted = _parameter(item, "target")
    if wanted is not None:
        return re.split(r"[|,]", wanted) == [target] and _parameter(item, "count") in (None, "1")
    chips = {name for name in marks if _CHIP.fullmatch(name)}
    return not chips or target in chips or bool(marks.intersection(_ALL))


def _parameter(item: pytest.Item, name: str) -> str | None:
    """The value of a parameter of the test, None where it has no such parameter."""
    specification = getattr(item, "callspec", None)
    value = specification.params.get(name) if specification is not None else None
    return None if value is None else str(value)


def _skipped(item: pytest.Item, target: str) -> str:
    """Why a test is left out for now (ESP-IDF's ``temp_skip``); empty where it is not."""
    for mark in item.iter_markers("temp_skip"):
        targets = mark.kwargs.get("targets") or ()
        if target in ([targets] if isinstance(targets, str) else targets):
            return str(mark.kwargs.get("reason") or "temp_skip")
    return ""
