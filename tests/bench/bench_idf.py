"""ESP-IDF's first example built by ``idf.py build`` and by espdeck, in turns: what espdeck adds.

A real ESP-IDF that builds for ``linux`` must be installed. Both build the same sources, each in a
build folder that is warm; what follows the build (the program runs, its output is judged) is told
apart, since ``idf.py build`` does none of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.store.tables import Project, Run
from engine.toolchains import idf_installs
from tests.bench.table import median, show
from tests.engine.git_repos import commit

RUNS = 5

MAIN = "main/hello_world_main.c"


def main() -> None:
    """Measure and print."""
    installs = idf_installs.find_installs()
    install = next((each for each in installs if not idf_installs.missing_for(each, "linux")), None)
    if install is None:
        print("\nESP-IDF: none is installed that builds for linux")
        return
    with tempfile.TemporaryDirectory() as name:
        _measure(install, Path(name))


def _measure(install: idf_installs.Install, folder: Path) -> None:
    source = folder / "fw"
    shutil.copytree(install.path / "examples/get-started/hello_world", source)
    commit(source, {"espdeck.toml": 'expect = ["^Hello world!"]\n'}, "Hello")
    raw = _raw(install, source, folder / "build")
    rows: list[tuple[object, ...]] = []
    parts: list[tuple[object, ...]] = []
    with Engine(Settings(workspace=folder / "workspace", boards=())) as engine:
        project = engine.projects.find_or_add(str(source), targets=["linux"])
        raw()
        _ours(engine, project)
        for changes in (True, False):
            baseline, ours, stages = [], [], dict[str, list[float]]()
            for run in range(RUNS):
                if changes:
                    text = (source / MAIN).read_text()
                    commit(source, {MAIN: f"{text}\n/* {run} */\n"}, "Change")
                baseline.append(raw())
                seconds, build = _ours(engine, project)
                ours.append(seconds)
                _note(engine, build, stages)
            what = "one source changed" if changes else "nothing changed"
            rows += _compared(what, median(baseline), median(ours))
            parts += [(f"{what}: {key}", f"{median(each):.2f}") for key, each in stages.items()]
    alone = [_timed(lambda: _command(folder / "workspace", source)) for _ in range(RUNS)]
    baseline = [raw() for _ in range(RUNS)]
    rows += _compared("nothing changed, command alone", median(baseline), median(alone))
    show(
        f"{install.label}, hello_world for linux, median of {RUNS}",
        ("", "idf.py s", "espdeck s", "adds s"),
        rows,
    )
    show("where espdeck's time goes", ("", "seconds"), parts)


def _compared(what: str, raw: float, ours: float) -> list[tuple[object, ...]]:
    return [(what, f"{raw:.2f}", f"{ours:.2f}", f"{ours - raw:.2f}")]


def _raw(install: idf_installs.Install, source: Path, build: Path) -> Callable[[], float]:
    variables = dict(idf_installs.activate(install).variables)
    argv = [str(install.python), str(install.idf_py), "-C", str(source), "-B", str(build)]
    argv += ["-D", f"SDKCONFIG={build}/sdkconfig", "-D", "IDF_TARGET=linux", "build"]
    environment = {**os.environ, **variables, "IDF_TARGET": "linux"}
    return lambda: _timed(
        lambda: subprocess.run(argv, check=True, capture_output=True, env=environment)
    )


def _ours(engine: Engine, project: Project) -> tuple[float, Run]:
    """Fetch and build, as ``espdeck build`` and the key do; seconds to the end of the build."""
    started = time.perf_counter()
    engine.projects.find_or_add(project.source)
    build = engine.builds.wait(engine.builds.start(project.id).number)
    seconds = time.perf_counter() - started
    assert build.status is RunStatus.SUCCESS, build.error
    return seconds, build


def _note(engine: Engine, build: Run, stages: dict[str, list[float]]) -> None:
    assert build.started_at is not None
    waited = (build.started_at - build.created_at).total_seconds()
    stages.setdefault("wait in the queue", []).append(waited)
    for row in engine.builds.stages(build.number):
        if row.started_at and row.completed_at:
            took = (row.completed_at - row.started_at).total_seconds()
            stages.setdefault(row.key, []).append(took)


def _command(workspace: Path, source: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "tui.cli.main",
        "--workspace",
        str(workspace),
        "build",
        str(source),
    ]
    subprocess.run(argv, check=True, capture_output=True)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
