"""Walks all cases: what espdeck makes of each input is what its file of values says."""

from __future__ import annotations

import pytest

from tests.field.case import CASES, Case, cases, differences, plain

CASES_BY_ID = [
    pytest.param(
        case,
        id=f"{case.kind}-{case.name}",
        # Whole repositories are made.
        marks=[pytest.mark.slow] if case.kind in ("git", "dependencies") else [],
    )
    for case in cases()
]


@pytest.mark.parametrize("case", CASES_BY_ID)
def test_case(case: Case) -> None:
    wrong = list(differences(case.expected, plain(case.read()), case.name))

    assert not wrong, f"{case.path}\n({case.source})\n" + "\n".join(wrong)


@pytest.mark.slow
def test_every_input_has_its_values() -> None:
    known = {case.path for case in cases()}
    inputs = {each for each in CASES.glob("*/*") if not each.name.endswith(".expect.yaml")}

    assert inputs == known
