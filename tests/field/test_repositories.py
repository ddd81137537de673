"""Repositories of the cases, as others see them: idf-build-apps, and Git."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.projects.survey import survey
from engine.source.files import CommitFiles, FolderFiles
from engine.toolchains.base import App
from engine.toolchains.idf import IdfToolchain
from tests.engine.git_repos import commit
from tests.field.case import Case, cases
from tests.field.idf_build_apps import stand_in
from tests.field.trees import unpack

pytest.importorskip("idf_build_apps")

REPOSITORIES = [case for case in cases() if case.kind == "repositories"]
ASKED = [
    case
    for case in REPOSITORIES
    if "IDF_PATH" in case.text and not isinstance(case.options.get("idf_build_apps"), str)
]
pytestmark = pytest.mark.xdist_group("repositories")

Found = Mapping[str, list[tuple[str, str]]]
"""Apps with their configurations, by target."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every repository, in a folder of its name."""
    folder = tmp_path_factory.mktemp("trees")
    for case in REPOSITORIES:
        unpack(case.text, folder / case.name)
    return folder


@pytest.fixture(scope="module")
def theirs(trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    """What idf-build-apps finds in each, by the repository's name."""
    idf = stand_in(tmp_path_factory.mktemp("idf"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.field.idf_build_apps", *(f"{trees / c.name}" for c in ASKED)],
        env={**os.environ, "IDF_PATH": str(idf)},
        check=True,
        capture_output=True,
    )
    return {Path(folder).name: found for folder, found in json.loads(done.stdout).items()}


def ours(folder: Path) -> tuple[App, ...]:
    """Apps of ESP-IDF, also those of which another toolchain has the folder."""
    return IdfToolchain().apps(FolderFiles(folder))


def ways(apps: tuple[App, ...]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each app and configuration with its chips, as idf-build-apps counts them."""
    for app in apps:
        for each in app.configurations:
            yield app.path, each.name, each.targets or app.targets
        if not app.configurations:
            yield app.path, "", app.targets


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_apps_are_those_of_idf_build_apps(
    case: Case, trees: Path, theirs: Mapping[str, Found]
) -> None:
    found = {path for apps in theirs[case.name].values() for path, _name in apps}

    told = case.options.get("idf_build_apps")
    expected = {app.path for app in ours(trees / case.name)} if told is None else set(told)

    assert found == expected


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_configurations_and_chips_are_those_of_idf_build_apps(
    case: Case, trees: Path, theirs: Mapping[str, Found]
) -> None:
    """Compared: the names, and the chip where there is one alone (pinned, or by build rules).

    At the README's table and at ``sdkconfig.defaults.CHIP`` idf-build-apps does not look.
    """
    by_way: dict[tuple[str, str], set[str]] = {}
    for target, apps in theirs[case.name].items():
        for path, name in apps:
            by_way.setdefault((path, name), set()).add(target)
    for path, name, targets in ways(ours(trees / case.name)):
        if (path, name) not in by_way:
            assert case.options.get("idf_build_apps") is not None, (path, name)
            continue
        built = by_way[path, name]
        # A committed sdkconfig, which says the chip first, idf-build-apps deletes.
        if len(built) == 1 and not (trees / case.name / path / "sdkconfig").is_file():
            assert targets[:1] == tuple(built)


@pytest.mark.slow
def test_a_commit_and_its_folder_hold_the_same(
    trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "none"))
    texts = {
        path.relative_to(trees).as_posix(): path.read_bytes().decode()
        for path in trees.rglob("*")
        if path.is_file()
    }
    commit(tmp_path / "all", texts)

    with CommitFiles(tmp_path / "all", "HEAD") as files:
        committed = survey(files)

    assert committed == survey(FolderFiles(tmp_path / "all"))
    assert len(committed.apps) > len(REPOSITORIES) / 2
