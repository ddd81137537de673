"""test_check: states of files, what runs here, history, and tests that mean harm."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.checks.test_check import TestCheck
from engine.enums import CheckStatus
from tests.engine.checks.tests_of_source.projects import CTEST, PYTHON, context, look, states
from tests.engine.git_repos import commit

BAD_TEST = "from lab.sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 4\n"
EXIT = "__import__('os')._exit(0)"
OFF = {"auto_execute": False}


def left_behind(tree: Path) -> set[str]:
    return {
        each.relative_to(tree).as_posix()
        for each in tree.rglob("*")
        if each.is_file() and ".git" not in each.relative_to(tree).parts
    }


def test_without_running_them_tests_are_found(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", PYTHON, options=OFF)

    result = look(where)

    assert states(result) == {"lab/sums.py": None, "lab/web.py": "missing"}
    assert result.message == "1 of 2 files with tests: 1 not run; 1 missing"
    assert result.status is CheckStatus.SUCCESS
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("later", "state"), [(60, "failing"), (-60, None)])
def test_a_report_that_a_person_left_counts_while_it_is_the_newest(
    tmp_path: Path, later: int, state: str | None
) -> None:
    where = context(tmp_path / "p", tmp_path / "o", CTEST, options=OFF)
    testing = tmp_path / "p" / "build" / "Testing"
    (testing / "20261128-1005").mkdir(parents=True)
    (testing / "20261128-1005" / "Test.xml").write_text(
        '<Site><Testing><Test Status="failed"><Name>ring</Name></Test></Testing></Site>'
    )
    (testing / "TAG").write_text("20261128-1005\n")
    time = (tmp_path / "p" / "test" / "test_ring.c").stat().st_mtime + later
    os.utime(testing / "TAG", (time, time))

    result = look(where)

    assert states(result)["src/ring.c"] == state


def test_a_project_without_tests_is_told_so_once(tmp_path: Path) -> None:
    files = {"lab/sums.py": PYTHON["lab/sums.py"], "lab/web.py": PYTHON["lab/web.py"]}

    result = look(context(tmp_path / "p", tmp_path / "o", files))

    assert result.status is CheckStatus.WARNING
    assert result.message == "no tests: 2 files without one"
    assert set(states(result).values()) == {"missing"}


def test_nothing_that_wants_a_test_is_a_success(tmp_path: Path) -> None:
    result = look(
        context(tmp_path / "p", tmp_path / "o", {"README.md": "x", "src/a.rs": "fn a() {}"})
    )

    assert result.status is CheckStatus.SUCCESS
    assert result.message == "nothing to test: no source in C, C++ or Python"


def test_a_repository_of_examples_alone_says_that_they_want_no_test(tmp_path: Path) -> None:
    sketch = {"examples/led/led.c": "int led(void) { return 1; }\n"}

    result = look(context(tmp_path / "p", tmp_path / "o", sketch))

    said = "nothing to test: all code in C, C++ and Python is examples and documentation (1)"
    assert (result.status, result.message) == (CheckStatus.SUCCESS, said)


def test_a_test_whose_source_was_deleted_is_an_orphan(tmp_path: Path) -> None:
    files = {
        **CTEST,
        "src/gone.c": "int gone(void)\n{\n    return 1;\n}\n",
        "src/gone.h": "int gone(void);\n",
        "test/test_gone.c": '#include "gone.h"\n#include <unity.h>\n\nvoid test_it(void)\n{\n}\n',
        "test/test_words.c": "#include <unity.h>\n\nvoid test_words(void)\n{\n}\n",
    }
    commit(tmp_path / "p", files)
    for name in ("src/gone.c", "src/gone.h"):
        (tmp_path / "p" / name).unlink()
    where = context(tmp_path / "p", tmp_path / "o", CTEST, options=OFF)

    result = look(where)

    assert result.details["orphaned"] == [
        {"path": "test/test_gone.c", "state": "orphaned", "gone": "src/gone.c"}
    ]
    assert result.status is CheckStatus.WARNING
    assert "1 orphaned" in result.message


@pytest.mark.slow
def test_python_tests_run_in_a_copy(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", PYTHON)

    result = look(where)

    assert states(result) == {"lab/sums.py": "passing", "lab/web.py": "missing"}
    assert result.status is CheckStatus.SUCCESS
    assert result.message.startswith("1 of 2 files with tests: 1 passing; 1 missing")
    assert left_behind(tmp_path / "p") == set(PYTHON)


@pytest.mark.slow
def test_what_fails_is_shown_with_its_place(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", {**PYTHON, "tests/test_sums.py": BAD_TEST})

    result = look(where)

    assert result.status is CheckStatus.ERROR
    assert states(result)["lab/sums.py"] == "failing"
    assert result.details["failures"] == [
        {
            "test": "tests/test_sums.py::test_add",
            "file": "tests/test_sums.py",
            "line": 5,
            "message": "assert 3 == 4",
            "new": True,
        }
    ]
    assert "1 test failed, test_add at tests/test_sums.py:5" in result.message


@pytest.mark.slow
def test_c_tests_are_built_and_run(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", CTEST)

    passing = look(where)
    commit(tmp_path / "p", {"src/ring.c": "int ring_push(int value)\n{\n    return 0;\n}\n"})
    failing = look(where)

    assert states(passing) == {"src/ring.c": "passing", "src/other.c": "missing"}
    assert states(failing)["src/ring.c"] == "failing"
    (failure,) = failing.details["failures"]
    assert (failure["file"], failure["line"]) == ("test/test_ring.c", 7)
    assert failure["message"] == "test_push: Expected 1"
    assert left_behind(tmp_path / "p") == set(CTEST)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        (
            "int ring_push(int value)\n{\n    return missing;\n}\n",
            CheckStatus.ERROR,
            "src/ring.c:3",
        ),
        ('#include "esp_log.h"\nint ring_push(int v)\n{\n    return v;\n}\n', None, "esp_log.h"),
    ],
)
def test_a_broken_build_fails_and_a_missing_sdk_does_not(
    tmp_path: Path, source: str, status: CheckStatus | None, said: str
) -> None:
    result = look(context(tmp_path / "p", tmp_path / "o", {**CTEST, "src/ring.c": source}))

    if status:
        assert result.status is status
        assert said in result.details["failures"][0]["message"]
    else:
        assert result.status is not CheckStatus.ERROR
        assert states(result)["src/ring.c"] is None
        assert f"needs the header {said}" in result.details["notes"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        (
            "import no_such_package\n\n\ndef test_add():\n    pass\n",
            "Python package no_such_package",
        ),
        ("def test_add(dut):\n    pass\n", "plugin of pytest with the fixture dut"),
    ],
)
def test_what_this_machine_lacks_is_no_failure(tmp_path: Path, text: str, lacks: str) -> None:
    test = f"from lab import sums\n{text}"
    result = look(context(tmp_path / "p", tmp_path / "o", {**PYTHON, "tests/test_sums.py": test}))

    assert result.status is not CheckStatus.ERROR
    assert states(result)["lab/sums.py"] is None
    assert any(lacks in note for note in result.details["notes"])
    assert lacks in result.message


@pytest.mark.slow
def test_what_was_known_stands_while_tests_cannot_run(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", PYTHON)
    look(where)
    commit(tmp_path / "p", {"tests/conftest.py": "import no_such_package\n"})

    result = look(where)

    assert states(result)["lab/sums.py"] == "passing"
    assert result.details["notes"][0] == "needs the Python package no_such_package"


@pytest.mark.slow
def test_a_conftest_that_raises_fails_all_of_its_tests(tmp_path: Path) -> None:
    files = {**PYTHON, "tests/conftest.py": "raise ValueError('no board')\n"}

    result = look(context(tmp_path / "p", tmp_path / "o", files))

    assert result.status is CheckStatus.ERROR
    assert states(result)["lab/sums.py"] == "failing"
    assert result.details["failures"][0]["message"].endswith("ValueError: no board")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "test", "message"),
    [
        ({"tests/conftest.py": "raise SystemExit(3)\n"}, "pytest: .", "pytest: exit code 3"),
        (
            {"tests/test_sums.py": f"{BAD_TEST}\n\ndef test_exit():\n    {EXIT}\n"},
            "tests/test_sums.py::test_exit",
            "ended pytest with exit code 0",
        ),
    ],
)
def test_what_ends_pytest_fails(
    tmp_path: Path, files: dict[str, str], test: str, message: str
) -> None:
    result = look(context(tmp_path / "p", tmp_path / "o", {**PYTHON, **files}))

    assert result.status is CheckStatus.ERROR
    assert states(result)["lab/sums.py"] == "failing"
    assert (test, message) in [
        (each["test"], each["message"]) for each in result.details["failures"]
    ]


@pytest.mark.slow
def test_options_that_need_a_plugin_are_done_without_and_marks_are_kept(tmp_path: Path) -> None:
    settings = (
        "[tool.pytest.ini_options]\naddopts = \"--some-plugin -m 'not board'\"\n"
        'markers = ["board"]\n'
    )
    test = (
        "import pytest\nfrom lab.sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
        "\n\n@pytest.mark.board\ndef test_board():\n    assert False\n"
    )
    files = {**PYTHON, "pyproject.toml": settings, "tests/test_sums.py": test}

    result = look(context(tmp_path / "p", tmp_path / "o", files))

    assert states(result)["lab/sums.py"] == "passing"
    assert result.details["counts"]["results"] == 1


@pytest.mark.slow
def test_a_test_that_changes_its_mind_flips(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    test = (
        "from pathlib import Path\nfrom lab.sums import add\n\n\ndef test_add():\n"
        f"    marker = Path({str(marker)!r})\n    there = marker.exists()\n"
        "    marker.touch()\n    assert add(1, 2) == 3 and there\n"
    )
    where = context(tmp_path / "p", tmp_path / "o", {**PYTHON, "tests/test_sums.py": test})
    check = TestCheck()

    states_seen = [check.state(where)]
    first = look(where)
    states_seen.append(check.state(where))
    second = look(where)
    states_seen.append(check.state(where))
    look(where)
    states_seen.append(check.state(where))

    assert first.status is CheckStatus.ERROR
    assert second.status is CheckStatus.WARNING
    assert second.details["flips"] == [
        {"test": "tests/test_sums.py::test_add", "why": "passed and failed with the same sources"}
    ]
    # Run again after it failed, three times in all; then its result stands.
    assert len(set(states_seen)) == 3
    assert states_seen[2] == states_seen[3]


def test_the_state_is_that_of_sources_and_settings(tmp_path: Path) -> None:
    where = context(tmp_path / "p", tmp_path / "o", PYTHON)
    check = TestCheck()
    clean = check.state(where)

    assert clean and check.state(where) == clean
    assert check.state(replace(where, options=OFF)) != clean
    (tmp_path / "p" / "lab" / "sums.py").write_text("def add(one, other):\n    return 0\n")
    changed = check.state(where)
    assert changed != clean
    (tmp_path / "p" / "new.py").write_text("x = 1\n")
    assert check.state(where) not in (clean, changed)


def test_the_state_of_a_commit_is_its_hash_and_nobody_knows_without_one(tmp_path: Path) -> None:
    check = TestCheck()
    where = context(tmp_path / "p", tmp_path / "o", is_working_tree=False, commit="a" * 40)

    assert check.state(where) != check.state(replace(where, commit="b" * 40)) != ""
    assert check.state(replace(where, commit="")) == ""


@pytest.mark.slow
def test_a_test_that_never_ends_is_named_and_its_children_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.checks.tests_of_source.pytest_suite._HUNG_SECONDS", 1.0)
    test = (
        "import subprocess\nimport time\nfrom lab.sums import add\n\n\ndef test_add():\n"
        "    assert add(1, 2) == 3\n\n\ndef test_hang():\n"
        "    subprocess.Popen(['sleep', '600'])\n    time.sleep(600)\n"
    )
    files = {**PYTHON, "tests/test_sums.py": test}

    result = look(context(tmp_path / "p", tmp_path / "o", files, timeout=14.0))

    assert result.status is CheckStatus.ERROR
    (hung,) = result.details["failures"]
    assert hung["test"] == "tests/test_sums.py::test_hang"
    assert hung["message"].startswith("did not end within")
    assert result.details["counts"]["results"] == 2


@pytest.mark.slow
def test_a_suite_that_is_too_long_is_cut_off_and_has_not_failed(tmp_path: Path) -> None:
    test = (
        "import time\nfrom lab.sums import add\n\n\ndef test_add():\n"
        "    assert add(1, 2) == 3\n\n\ndef test_long():\n    time.sleep(600)\n"
    )
    files = {**PYTHON, "tests/test_sums.py": test}

    result = look(context(tmp_path / "p", tmp_path / "o", files, timeout=10.0))

    assert result.status is CheckStatus.SUCCESS
    assert states(result)["lab/sums.py"] == "passing"
    assert result.details["notes"][0].endswith("1 test ran")


@pytest.mark.slow
def test_output_without_end_and_odd_names_do_no_harm(tmp_path: Path) -> None:
    test = (
        "import sys\nimport pytest\nfrom lab.sums import add\n\n\n"
        "@pytest.mark.parametrize('x', ['\\x1b[2J', 'a' * 5000, '\\n'])\ndef test_add(x, capfd):\n"
        "    with capfd.disabled():\n        for _ in range(200):\n"
        "            sys.stdout.write('y' * 50000)\n    assert add(1, 2) == 4, '\\x1b]0;x\\x07'\n"
    )
    files = {**PYTHON, "tests/test_sums.py": test}

    result = look(context(tmp_path / "p", tmp_path / "o", files))

    assert result.status is CheckStatus.ERROR
    assert result.details["counts"]["failures"] == 3
    assert "\\u001b" not in json.dumps(result.details)
    assert result.message.isprintable()


@pytest.mark.slow
def test_a_report_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.checks.tests_of_source.host._MAX_WRITTEN_BYTES", 1 << 20)
    test = (
        "import sys\nimport time\nfrom lab.sums import add\n\n\ndef test_add():\n"
        "    path = next(w for w in sys.argv if w.startswith('--junitxml=')).partition('=')[2]\n"
        "    with open(path, 'wb') as file:\n        file.truncate(1 << 30)\n    time.sleep(60)\n"
    )
    files = {**PYTHON, "tests/test_sums.py": test}

    result = look(context(tmp_path / "p", tmp_path / "o", files))

    assert result.status is CheckStatus.ERROR
    assert "a report of over 1 MiB" in result.details["failures"][0]["message"]
    assert not list((tmp_path / "o" / "builds").glob("*.xml"))


@pytest.mark.slow
def test_details_of_thousands_of_files_are_bounded(tmp_path: Path) -> None:
    files = {
        f"{'d' * 200}/{'e' * 150}/f{index}.py": "def f():\n    pass\n" for index in range(3000)
    }

    result = look(context(tmp_path / "p", tmp_path / "o", files, options=OFF))

    assert len(json.dumps(result.details)) < 1 << 20
    assert result.details["counts"]["sources"] == 3000
    assert result.details["left_off"]["files"] + len(result.details["files"]) == 3000
