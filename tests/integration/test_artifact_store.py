"""Builds, and a store of artifacts that is away at first: nothing waits for it, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.cancel import CancelToken
from engine.enums import RunStatus
from engine.events import Problem
from engine.samples import demo
from engine.source import tree
from engine.store.tables import Run
from tests.engine.artifacts.seaweed import BUCKET, Seaweed
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    server = Seaweed(tmp_path_factory.mktemp("weed"))
    yield server
    server.stop()


def build(engine: Engine) -> Run:
    started = engine.builds.start(engine.projects.get("hello").id, board="none", simulator="none")
    return engine.builds.wait(started.number, timeout=120)


def test_a_store_that_is_away_delays_no_build_and_gets_all_when_it_is_back(
    s3: Seaweed, tmp_path: Path
) -> None:
    away = s3.settings(endpoint="http://127.0.0.1:1")
    settings = Settings(
        workspace=tmp_path / "lab", artifacts=f"s3://{BUCKET}/lab", artifact_store=away
    )
    now = [settings]
    with Engine(settings, load=lambda: now[0]) as engine:
        said: list[str] = []
        engine.events.subscribe(
            lambda event: said.append(event.message) if isinstance(event, Problem) else None
        )
        demo.prepare_demo(engine)
        first = build(engine)
        assert first.status is RunStatus.SUCCESS
        wait_for(lambda: any("cannot be reached" in line for line in said))
        assert engine.artifacts.state().waiting > 0

        second = build(engine)
        kept = {each.sha256: each.size for each in engine.builds.artifacts(first.number)}
        again = {each.sha256: each.size for each in engine.builds.artifacts(second.number)}
        large = sum(each.size for each in engine.builds.artifacts(second.number)) > 64 << 10
        if large:  # what both have lies there once
            folders = [Path(each.artifacts_path) for each in (first, second)]
            seen: set[tuple[int, int]] = set()
            sizes = [tree.size(folder, seen) for folder in folders]
            assert sizes[1] < sizes[0]

        now[0] = settings.model_copy(update={"artifact_store": s3.settings()})
        engine.reload()
        wait_for(lambda: engine.artifacts.state().waiting == 0)
        assert s3.sizes("lab") == kept | again

        image = engine.builds.image(second.number)
        for part in (image.elf, *(each.path for each in image.parts)):
            part.unlink()
        assert engine.builds.image(second.number) == image
        assert engine.programs.of_build(second.number).elf.is_file()
        assert len([line for line in said if "cannot be reached" in line]) == 1


def test_deleting_a_project_empties_the_store(s3: Seaweed, tmp_path: Path) -> None:
    settings = Settings(
        workspace=tmp_path / "lab", artifacts=f"s3://{BUCKET}/gone", artifact_store=s3.settings()
    )
    with Engine(settings) as engine:
        demo.prepare_demo(engine)
        build(engine)
        wait_for(lambda: engine.artifacts.state().waiting == 0)
        assert s3.sizes("gone")
        engine.projects.remove(engine.projects.get("hello").id)
        assert engine.artifacts.preview().objects == len(s3.sizes("gone"))
        assert engine.artifacts.sweep(CancelToken()).problem == ""
        assert s3.sizes("gone") == {}
