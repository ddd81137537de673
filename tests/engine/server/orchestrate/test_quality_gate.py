"""The quality gate for files that are posted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]

GOOD = "int led(void) {\n    return 1;\n}\n"
BAD = "#include <string.h>\nvoid f(char *d, const char *s) {\n    strcpy(d, s);\n}\n"
REPORT = "SF:main/led.c\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,0\nend_of_record\n"


def gate(client: httpx.Client, artifacts: Any, **requirements: Any) -> Any:
    answer = client.post(
        "/orchestrate/quality-gate",
        json={"artifacts": artifacts, "requirements": requirements or None},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def named(found: Any) -> dict[str, Any]:
    return {each["name"]: each for each in found["measures"]}


def test_good_files_pass_and_coverage_is_not_invented(client: httpx.Client) -> None:
    found = gate(client, [{"path": "main/led.c", "content": GOOD}])

    assert (found["passed"], found["score"], found["blockers"]) == (True, 100.0, [])
    assert set(named(found)) == {"coverage", "code", "security"}
    coverage = named(found)["coverage"]
    assert (coverage["value"], coverage["status"], coverage["threshold"]) == (None, "unknown", 80.0)
    assert "no coverage report among the files" in coverage["detail"]
    assert named(found)["code"]["threshold"] == 85.0


def test_what_is_dangerous_blocks_with_its_place(client: httpx.Client) -> None:
    found = gate(client, {"main/f.c": BAD})
    without = gate(client, {"main/f.c": BAD}, security_scan=False)

    assert not found["passed"]
    assert found["score"] < 100
    assert found["blockers"][0].startswith("main/f.c:3:")
    assert (without["passed"], set(named(without))) == (True, {"coverage", "code"})


def test_what_is_demanded_by_name_and_cannot_be_measured_blocks(client: httpx.Client) -> None:
    files = {"main/led.c": GOOD}
    demanded = gate(client, files, min_test_coverage=80)
    waived = gate(client, files, min_test_coverage=0)

    assert not demanded["passed"]
    assert demanded["blockers"][0].startswith("test coverage: required, but no coverage report")
    assert waived["passed"]


def test_a_posted_report_is_read(client: httpx.Client) -> None:
    found = gate(client, {"main/led.c": GOOD, "lcov.info": REPORT}, min_test_coverage=60)

    assert named(found)["coverage"]["value"] == 50.0
    assert not found["passed"]


def test_nothing_of_them_is_executed_and_no_rule_of_theirs_holds(
    client: httpx.Client, tmp_path: Path
) -> None:
    witness = tmp_path / "executed"
    code = f"open({str(witness)!r}, 'w')\n"
    rules = '[quality]\nhost_tests = "tests"\nsecurity = 99\ncode = 0\nexclude = ["main/**"]\n'
    found = gate(
        client,
        {
            **{
                f"{name}.py": code
                for name in ("conftest", "setup", "tests/test_x", "sitecustomize")
            },
            "tests/CMakeLists.txt": f"file(WRITE {witness} x)\n",
            "espdeck.toml": rules,
            ".bandit": "[bandit]\nskips = B102\n",
            "pyproject.toml": "[tool.bandit]\nskips = ['B102']\n",
            ".gitignore": "main/\n",
            ".gitattributes": "* linguist-vendored\n",
            ".github/workflows/build.yml": "on: push\n",
            "main/f.c": BAD,
        },
    )

    assert not witness.exists()
    assert any(each.startswith("main/f.c:3:") for each in found["blockers"])


@pytest.mark.parametrize(
    "path",
    [
        *("../x.c", "/etc/x.c", "a/../../x.c", "a//x.c", "./x.c", "a/", ".", "..", "a\\b.c"),
        *(".git/config", "a/.GIT/hooks/x", "a\nb.c", "x\x00.c", "\x1b[31m.c"),
        *("a/" * 20 + "x.c", "\u00e9" * 150 + ".c"),
    ],
)
def test_a_path_that_is_no_plain_one_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.post("/orchestrate/quality-gate", json={"artifacts": {path: "x"}})

    assert answer.status_code == 422
    assert "\n" not in answer.json()["detail"]
    assert "\x1b" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("artifacts", "told"),
    [
        ([], "artifacts"),
        ({}, "artifacts"),
        ("x", "artifacts"),
        ([{"path": "a.c", "content": "x"}] * 2, "a path comes twice"),
        ([{"path": "a.c", "content": "x"}, {"name": "a.c/b.c", "content": "x"}], "a folder of"),
        ({f"{n}.c": "x" for n in range(501)}, "artifacts"),
        ({"a.c": 7}, "artifacts"),
    ],
)
def test_what_makes_no_sense_is_refused(client: httpx.Client, artifacts: Any, told: str) -> None:
    answer = client.post("/orchestrate/quality-gate", json={"artifacts": artifacts})

    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_files_of_which_nothing_can_be_measured_do_not_pass(client: httpx.Client) -> None:
    found = gate(client, {"notes.txt": "Hello.\n"}, security_scan=False)

    assert not found["passed"]
    assert found["blockers"] == ["nothing of this can be measured"]
