"""Small projects with tests, and the check on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.checks.base import CheckContext, CheckResult
from engine.checks.test_check import TestCheck
from tests.engine.git_repos import commit

PYTHON = {
    "pyproject.toml": '[project]\nname = "lab"\n',
    "lab/__init__.py": "",
    "lab/sums.py": "def add(one, other):\n    return one + other\n",
    "lab/web.py": "def serve():\n    return None\n",
    "tests/test_sums.py": (
        "from lab.sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    ),
}

CTEST = {
    "CMakeLists.txt": (
        "cmake_minimum_required(VERSION 3.20)\nproject(ring C)\nenable_testing()\n"
        "add_executable(ring_test test/test_ring.c src/ring.c)\n"
        "add_test(NAME ring COMMAND ring_test)\n"
    ),
    "src/ring.c": "int ring_push(int value)\n{\n    return value;\n}\n",
    "src/other.c": "int other_call(int value)\n{\n    return value;\n}\n",
    "test/test_ring.c": (
        "#include <stdio.h>\nint ring_push(int value);\n\nint main(void)\n{\n"
        "    int wrong = ring_push(1) != 1;\n"
        '    printf("test/test_ring.c:7:test_push:%s\\n", wrong ? "FAIL: Expected 1" : "PASS");\n'
        "    return wrong;\n}\n"
    ),
}


def context(
    tree: Path, output: Path, files: Mapping[str, str] | None = None, **changes: Any
) -> CheckContext:
    """A context for a working tree; files are committed to it first."""
    sha = commit(tree, dict(files)) if files else ""
    said: dict[str, Any] = {
        "project": "x",
        "tree": tree,
        "app": "",
        "repository": tree,
        "is_working_tree": True,
        "branch": "main",
        "commit": sha,
        "since": "",
        "target": "",
        "options": {"auto_execute": True},
        "output": output,
        "previous": None,
        "timeout": 60.0,
        "now": datetime(2026, 11, 28, tzinfo=UTC),
    }
    return CheckContext(**{**said, **changes})


def look(where: CheckContext) -> CheckResult:
    """Run the check."""
    return TestCheck().run(where)


def states(result: CheckResult) -> dict[str, str | None]:
    """The state of each source."""
    return {each["path"]: each["state"] for each in result.details["files"]}
