"""The gate on real trees, by the real tools."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from engine import samples
from engine.cancel import CancelToken
from engine.enums import Severity
from engine.errors import CancelledError
from engine.quality.result import GateVerdict, MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.git_repos import commit
from tests.engine.quality.trees import README, RING, gate, measure, write

pytestmark = pytest.mark.slow

FAILED, PASSED, UNKNOWN = MeasureStatus.FAILED, MeasureStatus.PASSED, MeasureStatus.UNKNOWN

TANGLED = (
    "int tangled(int a) {\n    int n = 0;\n"
    + "".join(f"    if (a > {number}) {{ n += {number}; }}\n" for number in range(40))
    + "    return n;\n}\n"
)
KEY = "AKIA" + "IOSFODNN7EXAMPLA"  # in two parts: this file is scanned too


@pytest.mark.slow
def test_a_project_that_is_in_order_passes_once_enough_of_it_is_judged(tmp_path: Path) -> None:
    covered = "SF:src/ring.c\nDA:3,1\nDA:4,1\nend_of_record\n"

    result = gate(write(tmp_path / "ring", {**RING, "lcov.info": covered}))

    assert result.passed, result.summary
    assert result.summary == "passed with a score of 100, 4 of 8 measures judged"


@pytest.mark.slow
def test_a_project_of_which_too_little_is_known_is_not_judged(tmp_path: Path) -> None:
    result = gate(write(tmp_path / "ring", RING))

    assert (result.passed, result.verdict) == (False, GateVerdict.NOT_JUDGED)
    assert not result.blockers
    states = {each.id: each.status for each in result.measures}
    assert [each.id for each in result.measures] == list(Aspect)
    assert {each for each in Aspect if states[each] is PASSED} == {
        *(Aspect.CODE, Aspect.SECURITY, Aspect.DOCUMENTATION)
    }
    assert json.loads(json.dumps(asdict(result)))["passed"] is False
    assert result.summary == (
        "not judged: 3 of 8 measures judged, with a score of 100, at least 4 must be"
    )


@pytest.mark.slow
def test_a_sample_is_measured_and_lacks_a_readme(tmp_path: Path) -> None:
    tree = tmp_path / "hello"
    samples.write("hello", tree)

    result = gate(tree)

    assert not result.passed
    (blocker,) = result.blockers
    assert blocker.code == "quality.documentation"
    assert {each.status for each in result.measures if each.id in ("code", "security")} == {PASSED}


@pytest.mark.slow
def test_a_function_of_complexity_41_fails_and_is_named(tmp_path: Path) -> None:
    found = measure(write(tmp_path / "x", {**RING, "src/tangled.c": TANGLED}), Aspect.CODE)

    assert found.status is FAILED
    assert found.findings[0].title == "src/tangled.c:1: tangled has a cyclomatic complexity of 41"


@pytest.mark.slow
def test_defects_and_duplicates_cost_points(tmp_path: Path) -> None:
    body = "".join(f"    total += values[{index}] * {index};\n" for index in range(12))
    one = f"int one(const int *values) {{\n    int total = 0;\n{body}    return total;\n}}\n"
    broken = "int broken(void) {\n    const int *none = 0;\n    return *none;\n}\n"
    twice = write(tmp_path / "x", {"a.c": one, "b.c": one.replace("one", "two"), "c.c": broken})

    found = measure(twice, Aspect.CODE)

    codes = {finding.code: finding for finding in found.findings}
    assert (codes["cppcheck.nullPointer"].file, codes["cppcheck.nullPointer"].line) == ("c.c", 3)
    assert codes["quality.duplicate"].severity is Severity.INFO
    assert found.status is FAILED
    assert "defects 70" in found.detail


def test_a_leaked_key_blocks_without_being_told(tmp_path: Path) -> None:
    leaked = {**RING, "src/cloud.c": f'const char *id = "{KEY}";\n', ".env": "KEY=x\n"}

    result = gate(write(tmp_path / "x", leaked))

    (blocker,) = result.blockers
    assert blocker.title == "src/cloud.c:1: a secret: AWS Access Key"
    assert KEY not in json.dumps(asdict(result))


@pytest.mark.slow
def test_dangerous_calls_block_in_c_and_in_python(tmp_path: Path) -> None:
    unsafe = {
        "main.c": "#include <stdio.h>\nvoid ask(char *name) {\n    gets(name);\n}\n",
        "tool.py": (
            "import socket, subprocess\n"
            "subprocess.call(socket.socket().recv(9), shell=True)\n"
            "assert True\n"
        ),
        "test/test_x.c": "#include <stdio.h>\nvoid ask(char *name) { gets(name); }\n",
    }

    found = measure(write(tmp_path / "x", unsafe), Aspect.SECURITY)

    errors = {each.where: each.code for each in found.findings if each.severity is Severity.ERROR}
    assert errors == {"main.c:3:5": "security.buffer", "tool.py:2": "security.B602"}
    assert (found.value, found.status) == (2, FAILED)


def test_a_line_that_was_looked_at_passes_and_is_counted(tmp_path: Path) -> None:
    looked_at = (
        "#include <stdio.h>\nvoid ask(char *n) {\n    gets(n); /* flawfinder: ignore */\n}\n"
    )

    found = measure(write(tmp_path / "x", {"main.c": looked_at}), Aspect.SECURITY)

    assert (found.value, found.status) == (0, PASSED)
    assert "1 line marked as reviewed" in found.detail


@pytest.mark.slow
def test_what_others_wrote_does_not_count(tmp_path: Path) -> None:
    tree = tmp_path / "x"
    commit(tree, {**RING, ".gitignore": "ignored.c\n"})
    for name in ("managed_components/a/a.c", "build/b.c", "src/vendor/c.c", "ignored.c"):
        write(tree, {name: TANGLED + f'const char *id = "{KEY}";\n'})
    commit(tree / "submodule", {"d.c": TANGLED})
    write(tree, {"src/new.c": "int new_one(void) { return 1; }\n"})

    result = gate(tree)

    assert not result.blockers, result.summary
    (code,) = (each for each in result.measures if each.id is Aspect.CODE)
    assert "2 functions in 3 files" in code.detail


@pytest.mark.slow
@pytest.mark.parametrize("tracked", [True, False])
def test_a_hostile_tree_is_measured_all_the_same(tmp_path: Path, tracked: bool) -> None:
    tree = write(
        tmp_path / "x",
        {
            **RING,
            "-o evil.c": "int dash(void) { return 1; }\n",
            "a b;c.c": "int blank(void) { return 2; }\n",
            'quote".c': "int quoted(void) { return 3; }\n",
            "whitelizard.txt": "tangled\n",
            ".bandit": "[bandit]\nskips = B602\n",
            "gcovr.cfg": "nonsense = [\n",
            "json.py": "raise SystemExit(3)\n",
            "src/huge.c": "int x;\n" * 200_000,
            "src/noise.py": "def broken(:\n",
        },
    )
    (tree / "latin.c").write_bytes(
        b'const char *name = "\xe9t\xe9";\nint latin(void) { return 4; }\n'
    )
    (tree / "binary.c").write_bytes(b"\0\1\2" * 100)
    (tree / "out.c").symlink_to("/etc/passwd")
    (tree / "loop").symlink_to(".")
    os.mkfifo(tree / "pipe.c")
    if tracked:
        (tree / ".gitattributes").write_text("* text=auto\n")
        (tree / "pipe.c").unlink()
        commit(tree, {})

    result = gate(tree)

    states = {each.id: each.status for each in result.measures}
    assert (states[Aspect.CODE], states[Aspect.SECURITY]) == (PASSED, PASSED), result
    (code,) = (each for each in result.measures if each.id is Aspect.CODE)
    assert "4 functions in 7 files" in code.detail
    assert code.detail.endswith("; 1 file left out")


@pytest.mark.slow
def test_findings_name_files_from_the_root_of_the_repository(tmp_path: Path) -> None:
    tree = tmp_path / "x"
    files = {"apps/one/main.c": TANGLED, "apps/one/README.md": README, "apps/two/main.c": TANGLED}
    commit(tree, files)

    found = measure(tree, Aspect.CODE, app="apps/one")

    assert [each.file for each in found.findings] == ["apps/one/main.c"]


def test_nothing_to_measure_is_unknown_and_fails_where_it_is_required(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {})
    tree.mkdir()

    assert gate(tree).summary == "not judged: 0 of 8 measures judged, at least 4 must be"
    assert {each.status for each in gate(tree).measures} == {UNKNOWN}

    write(tree, {"espdeck.toml": '[quality]\nrequire = ["coverage"]\n'})
    result = gate(tree)
    coverage = next(each for each in result.measures if each.id is Aspect.COVERAGE)
    assert coverage.status is FAILED
    assert coverage.value is None
    assert coverage.detail.startswith("required, but no coverage report")
    assert result.blockers[0].code == "quality.coverage"


def test_a_tool_that_is_not_there_makes_its_measure_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.quality import tools

    monkeypatch.setitem(tools.MODULES, "lizard", "espdeck_has_no_such_module")

    found = measure(write(tmp_path / "x", RING), Aspect.CODE)

    assert found.status is UNKNOWN
    assert found.detail == "lizard is not installed: pip install 'espdeck[quality]'"


@pytest.mark.slow
def test_a_project_has_thresholds_of_its_own(tmp_path: Path) -> None:
    own = {**RING, "src/tangled.c": TANGLED, "espdeck.toml": "[quality]\ncode = 10\n"}

    found = measure(write(tmp_path / "x", own), Aspect.CODE)

    assert (found.status, found.threshold) == (PASSED, 10)


@pytest.mark.slow
def test_cancelling_ends_it(tmp_path: Path) -> None:
    cancel = CancelToken()
    hangs = {
        **RING,
        "tests/test_x.py": "import time\nprint('runs', flush=True)\ntime.sleep(60)\n",
        "espdeck.toml": "[quality]\nhost_tests = 'tests'\n",
    }
    tree = write(tmp_path / "x", hangs)
    began = threading.Event()

    def on_output(data: bytes) -> None:
        if b"test session starts" in data:
            began.set()
            cancel.cancel()

    with pytest.raises(CancelledError):
        gate(tree, cancel=cancel, on_output=on_output)
    assert began.is_set()


@pytest.mark.slow
def test_a_line_without_an_end_is_no_trouble(tmp_path: Path) -> None:
    long = f"void f(char *a, char *b) {{ strcpy(a, b); /* {'x' * 300_000} */ }}\n"
    name = "int " + "n" * 300_000 + "(int a) { return a; }\n"
    tree = write(tmp_path / "x", {"a.c": long, "b.c": name})

    found = {each.id: each for each in gate(tree).measures}

    assert found[Aspect.SECURITY].findings[0].file == "a.c"
    assert found[Aspect.CODE].status is not UNKNOWN


@pytest.mark.slow
def test_a_second_look_says_the_same_and_runs_no_tool(tmp_path: Path) -> None:
    tree = write(
        tmp_path / "x",
        {
            **RING,
            "main.c": "#include <stdio.h>\nvoid ask(char *name) {\n    gets(name);\n}\n",
            "src/cloud.c": f'const char *id = "{KEY}";\n',
            "tool.py": "import subprocess\nsubprocess.call(input(), shell=True)\n",
            "src/tangled.c": TANGLED,
        },
    )
    printed = bytearray()
    told: list[tuple[float, str]] = []

    cold = gate(tree, on_progress=lambda percent, what: told.append((percent, what)))
    warm = gate(tree, on_output=printed.extend, jobs=1)

    assert warm == cold
    assert bytes(printed) == b""
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    assert told[-1] == (100, "done")
    assert percents[0] < 10
    assert len(set(percents)) > 5
    assert any("lizard" in what for _, what in told)

    write(tree, {"main.c": "int ask(void) {\n    return 1;\n}\n"})
    changed = gate(tree, on_output=printed.extend)

    (security,) = (each for each in changed.measures if each.id is Aspect.SECURITY)
    assert {each.file for each in security.findings} == {"src/cloud.c", "tool.py"}
    assert b"bandit" not in printed
    assert b"flawfinder" in printed


def test_what_a_project_excludes_counts_nowhere(tmp_path: Path) -> None:
    other = {
        "lib/a.c": TANGLED,
        "lib/b/key.c": f'const char *id = "{KEY}";\n',
        "x.gen.h": "int f();",
    }
    toml = '[quality]\nexclude = ["lib/**", "*.gen.h"]\n'
    tree = write(tmp_path / "x", {**RING, **other, "espdeck.toml": toml})

    result = gate(tree)

    assert not result.blockers, result.summary
    details = {each.id: each.detail for each in result.measures}
    for aspect in (Aspect.CODE, Aspect.SECURITY, Aspect.DOCUMENTATION):
        assert "3 files excluded" in details[aspect]
