"""Finding the project that a person means."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard


def test_a_project_is_found_by_name_id_and_path(yard: Yard, source: Path) -> None:
    commit(source, {"apps/blink/main/CMakeLists.txt": "", "docs/index.md": "# Docs\n"})
    root = yard.projects.find_or_add(str(source))
    blink = yard.projects.find_or_add(str(source), app="apps/blink")

    for wanted in ("fw", str(root.id), str(root.id)[:8], f"{source}/docs"):
        assert yard.projects.find(wanted).id == root.id
    for wanted in ("fw-blink", f"{source}/apps/blink", f"{source}/apps/blink/main"):
        assert yard.projects.find(wanted).id == blink.id
    assert yard.projects.find_or_add(str(blink.id)[:8]).id == blink.id


def test_several_projects_of_one_source_are_named(yard: Yard, source: Path) -> None:
    for app in ("a", "b"):
        yard.projects.find_or_add(str(source), app=f"apps/{app}")

    with pytest.raises(UsageError, match="several projects, name one: fw-a, fw-b"):
        yard.projects.find(str(source))


def test_what_is_no_project_is_said_as_it_was_meant(yard: Yard, source: Path) -> None:
    with pytest.raises(UsageError, match="no project 'bell'"):
        yard.projects.find("bell")
    with pytest.raises(UsageError, match="no project 'bell'"):
        yard.projects.find_or_add("bell")
    with pytest.raises(UsageError, match="no project has this source: espdeck add"):
        yard.projects.find(str(source))
