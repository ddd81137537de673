"""The whole way of a build with a real ESP-IDF, its ``linux`` target. Skipped where none is ready:
what it printed was recorded, and other tests read that through the same parsers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus, Severity
from engine.store.tables import Run
from engine.toolchains import idf_installs
from tests.engine.git_repos import commit

pytestmark = pytest.mark.xdist_group("real-idf")


def ready() -> idf_installs.Install | None:
    """An ESP-IDF of this machine that can build for ``linux``."""
    found = idf_installs.find_installs()
    return next((each for each in found if not idf_installs.missing_for(each, "linux")), None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ESP-IDF's own first example, in a Git repository."""
    install = ready()
    if install is None:
        pytest.skip("no ESP-IDF is installed that builds for linux")
    folder = tmp_path_factory.mktemp("real") / "fw"
    shutil.copytree(install.path / "examples/get-started/hello_world", folder / "app")
    commit(
        folder,
        {
            "app/espdeck.toml": 'expect = ["^Hello world!"]\n'
            f'[build]\nidf = "{install.version.rpartition(".")[0]}"\n'
        },
        "Hello",
    )
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(Settings(workspace=tmp_path_factory.mktemp("workspace"), boards=())) as engine:
        yield engine


def build(engine: Engine, source: Path) -> Run:
    project = engine.projects.find_or_add(str(source), targets=["linux"], app="app")
    started = engine.builds.start(project.id)
    return engine.builds.wait(started.number, timeout=600)


def test_hello_world_is_built_and_says_hello(engine: Engine, source: Path) -> None:
    done = build(engine, source)

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    (simulated,) = [row for row in engine.builds.stages(done.number) if row.key == "test.simulator"]
    assert simulated.summary == "linux: 1 of 1 expectation met"


def test_a_broken_one_names_file_and_line(engine: Engine, source: Path) -> None:
    main = source / "app/main/hello_world_main.c"
    commit(source, {str(main.relative_to(source)): main.read_text() + "\nint broken = nowhere;\n"})

    done = build(engine, source)

    assert done.status is RunStatus.FAILED
    (error,) = [
        row.finding
        for row in engine.builds.findings(done.number)
        if row.stage == "build" and row.severity is Severity.ERROR
    ]
    assert error.file == "app/main/hello_world_main.c"
    assert "nowhere" in error.message
