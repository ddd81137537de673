"""What several rooms' tests need: sample firmware, built once, and a virtual board."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from engine.boards.virtual import VirtualBoard
from engine.image import Image
from tests.firmware import build_firmware

# How long an example may take says something of the machine, not of the code.
settings.register_profile("espdeck", deadline=None)
settings.load_profile("espdeck")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache and board locks of the session's own: a person's espdeck is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ESPDECK_LOCK_FOLDER", str(tmp_path_factory.mktemp("locks")))
        yield


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    """A function that builds a sample with the lab's own tools (once a session): its image."""
    built: dict[str, Image] = {}

    def build(name: str) -> Image:
        if name not in built:
            built[name] = build_firmware(name, tmp_path_factory.mktemp(name))
        return built[name]

    return build


@pytest.fixture(scope="session")
def virtual_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    """A virtual ESP32-C3 that runs for the whole session; what is in its flash is anyone's."""
    with VirtualBoard(folder=tmp_path_factory.mktemp("board")) as board:
        yield board
