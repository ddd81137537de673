"""A full disk: one line says so, nothing hangs, and with room again all goes on."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.errors import EspdeckError, UsageError
from engine.events import RunCompleted
from engine.samples import demo
from engine.store.tables import Project
from engine.tasks.request import TaskRequest

pytestmark = [pytest.mark.xdist_group("full-disk"), pytest.mark.slow]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "espdeck-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("room", [0, 40 << 10, 200 << 10])
def test_a_build_on_a_full_disk_ends_when_there_is_room(
    small_disk: Path, tmp_path: Path, room: int
) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    settings = Settings(workspace=small_disk / "ws")
    with Engine(settings) as engine:
        project = engine.projects.find_or_add(str(source))
        engine.wait_ready()
        ballast = small_disk / "ballast"
        _fill(ballast, room)
        try:
            ended = engine.builds.wait(_start(engine, project), timeout=60)
            assert ended.status is RunStatus.FAILED  # there was just room to say so
        except EspdeckError as error:
            assert "the disk is full: free some space" in str(error)
        completed = threading.Event()
        engine.events.subscribe(
            lambda event: completed.set() if isinstance(event, RunCompleted) else None
        )
        ballast.unlink()
        if engine.builds.list(status=RunStatus.RUNNING):
            assert completed.wait(30)

        builds = engine.builds.list()
        if not builds:  # it could not even be asked for
            builds = [engine.builds.get(_start(engine, project))]
        if builds[0].status is RunStatus.PENDING:  # its run could not be asked for
            engine.builds.cancel(builds[0].number)
        done = engine.builds.wait(builds[0].number, timeout=60)
        assert done.status.is_final
        again = engine.builds.retry(done.number)
        assert engine.builds.wait(again.number, timeout=60).status is RunStatus.SUCCESS
        assert engine.builds.list(status=RunStatus.RUNNING) == []


def test_a_task_on_a_full_disk_says_so(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with Engine(Settings(workspace=tmp_path / "ws")) as engine:
        order = TaskRequest(workflow="free_task", description="x", model="placeholder")
        kept = engine.tasks.wait(engine.tasks.start(order).number, timeout=60)
        (answer, *_) = engine.tasks.artifacts(kept.number)
        _fill(small_disk / "ballast", 0)
        with pytest.raises(UsageError, match="answer: the disk is full: free some space"):
            engine.tasks.save(answer, small_disk / "answer")
        assert not (small_disk / "answer").exists()
        ended = engine.tasks.wait(engine.tasks.start(order).number, timeout=60)
        assert ended.error.endswith("the disk is full: free some space")


def _start(engine: Engine, project: Project) -> int:
    return engine.builds.start(project.id, board="none").number


def _fill(ballast: Path, room: int) -> None:
    with ballast.open("wb", buffering=0) as file:  # what a buffer holds is written when it closes
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    # Room for a beginning: the disk is full in the midst of the build.
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - room)
