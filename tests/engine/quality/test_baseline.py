"""Only what is new blocks: a commit is compared with another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.enums import Severity
from engine.errors import UsageError
from engine.quality.result import MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.git_repos import commit
from tests.engine.quality.trees import README, RING, gate

GETS = "#include <stdio.h>\nvoid ask(char *name) {\n    gets(name);\n}\n"
TANGLED = (
    "int tangled(int a) {\n    int n = 0;\n"
    + "".join(f"    if (a > {number}) {{ n += {number}; }}\n" for number in range(40))
    + "    return n;\n}\n"
)


@pytest.mark.slow
def test_what_was_there_before_does_not_block(tmp_path: Path) -> None:
    tree = tmp_path / "x"
    old = {"main/ask.c": GETS, "main/old.c": GETS.replace("ask", "old"), "main/tangled.c": TANGLED}
    before = commit(tree, {**RING, **old})
    (tree / "main/old.c").unlink()
    moved = GETS.replace("    gets", "\n\n  /* asks */\n\tgets").replace("ask(", "ask_for(")
    new = "#include <stdlib.h>\nvoid go(const char *there) {\n    system(there);\n}\n"
    commit(tree, {"main/ask.c": moved, "main/new.c": new, "main/renamed.c": GETS})

    result = gate(tree, baseline=before)

    measures = {each.id: each for each in result.measures}
    security = measures[Aspect.SECURITY]
    severities = {each.where: each.severity for each in security.findings}
    # The same line is known where it went; as many as were there before, and no more.
    assert severities["main/ask.c:6:2"] is Severity.INFO
    assert sorted(severities.values()) == [Severity.ERROR, Severity.INFO, Severity.INFO]
    assert security.value == 1
    assert f"2 known at {before[:10]}" in security.detail
    code = measures[Aspect.CODE]
    assert code.status is MeasureStatus.PASSED
    assert "; at least " in code.detail
    assert code.detail.endswith(f" at {before[:10]}")

    worse = {"main/more.c": TANGLED.replace("tangled", "more")}
    commit(tree, {**worse, "espdeck.toml": f'[quality]\nbaseline = "{before}"\n'})
    result = gate(tree)

    (code,) = (each for each in result.measures if each.id is Aspect.CODE)
    assert code.status is MeasureStatus.FAILED
    assert before[:10] in code.detail


@pytest.mark.slow
def test_an_app_is_compared_with_itself(tmp_path: Path) -> None:
    tree = tmp_path / "x"
    before = commit(tree, {"apps/one/a.c": GETS, "apps/one/README.md": README})
    commit(tree, {"apps/two/a.c": GETS})

    one = gate(tree, app="apps/one", baseline=before)
    two = gate(tree, app="apps/two", baseline=before)

    errors = {
        finding.file: finding.severity
        for result in (one, two)
        for measure in result.measures
        for finding in measure.findings
        if finding.code == "security.buffer"
    }
    assert errors == {"apps/one/a.c": Severity.INFO, "apps/two/a.c": Severity.ERROR}


def test_a_baseline_that_is_not_there_is_named_with_who_named_it(tmp_path: Path) -> None:
    tree = tmp_path / "x"
    commit(tree, {**RING, "espdeck.toml": '[quality]\nbaseline = "v9"\n'})

    with pytest.raises(UsageError, match=r"^espdeck\.toml: quality\.baseline: .*'v9'"):
        gate(tree)
    with pytest.raises(UsageError, match=r"^--baseline: .*'v8'"):
        gate(tree, baseline="v8")
