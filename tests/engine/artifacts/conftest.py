"""A server that speaks S3, and workspaces whose artifacts are copied to a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.artifact_settings import ArtifactStoreSettings
from tests.engine.artifacts.seaweed import BUCKET, Seaweed
from tests.engine.artifacts.shelf import Shelf

MakeShelf = Callable[..., Shelf]


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    server = Seaweed(tmp_path_factory.mktemp("weed"))
    yield server
    server.stop()


@pytest.fixture
def shelf_on(tmp_path: Path) -> Iterator[MakeShelf]:
    """A function that makes a workspace whose artifacts are copied to a store."""
    made: list[Shelf] = []

    def make(place: str, reached: ArtifactStoreSettings | None = None) -> Shelf:
        made.append(Shelf(tmp_path / f"lab{len(made)}", place, reached))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


@pytest.fixture
def shelf(tmp_path: Path, shelf_on: MakeShelf) -> Shelf:
    """A workspace whose artifacts are copied to a folder."""
    return shelf_on(f"file://{tmp_path / 'store'}")


@pytest.fixture
def bucket(request: pytest.FixtureRequest, s3: Seaweed) -> str:
    """A place in the bucket for one test."""
    return f"s3://{BUCKET}/{request.node.name}"
