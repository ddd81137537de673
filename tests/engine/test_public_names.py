"""The names that front ends import from ``engine``: they are there, and cost nothing until used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import engine

_FOLDER = Path(engine.__file__).parent


@pytest.fixture(scope="module")
def typed_names() -> dict[str, str]:
    """The module of each name, as type checkers read it."""
    tree = ast.parse(Path(engine.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = (node for node in block.body if isinstance(node, ast.ImportFrom))
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def test_each_name_is_what_its_module_has(typed_names: dict[str, str]) -> None:
    for name, module in typed_names.items():
        assert getattr(engine, name) is getattr(importlib.import_module(module), name)


def test_programs_and_type_checkers_know_the_same_names(typed_names: dict[str, str]) -> None:
    assert sorted(typed_names) == engine.__all__
    assert set(engine.__all__) <= set(dir(engine))


def test_no_name_is_that_of_a_module() -> None:
    modules = {path.stem for path in _FOLDER.iterdir()}

    assert not modules & set(engine.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'engine' has no attribute 'nosuch'"):
        _ = engine.nosuch  # type: ignore[attr-defined]


def test_importing_the_engine_loads_none_of_it() -> None:
    program = "import sys; old = set(sys.modules); import engine; print(*set(sys.modules) - old)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert set(done.stdout.split()) <= {"engine", "__future__"}
