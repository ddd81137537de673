"""What several rooms' tests need: sample firmware, built once, and a virtual board."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from engine.boards.virtual.board import VirtualBoard
from engine.images.image import Image
from engine.store.database import Store
from tests import waits
from tests.firmware import build_firmware

# How long an example may take says something of the machine, not of the code.
settings.register_profile("espdeck", deadline=None)
settings.load_profile("espdeck")
waits.shorten()


def pytest_collection_finish() -> None:
    """Leave what was loaded out of each garbage collection: it stays."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache, settings and board locks of the run's own: a person's espdeck is left alone.

    All workers have one. Zig compiles its runtime, which takes seconds for each chip, into a cache
    that outlives the run; it locks what it writes. Processes may keep compiled Python beside its
    source, or each of them compiles espdeck anew.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker's is in the run's
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)  # it can be switched off
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ESPDECK_")]:
            patch.delenv(name)  # settings of whoever runs the tests
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("ZIG_LOCAL_CACHE_DIR", str(folder / "cache" / "zig"))
        if kept is not None:
            patch.setenv("ZIG_GLOBAL_CACHE_DIR", str(kept.mkdir("zig")))
        patch.setenv("ESPDECK_LOCK_FOLDER", str(tmp_path_factory.mktemp("locks")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let new stores be copies of one that was migrated, which is many times as quick.

    What holds anything is migrated as ever, and processes of their own know nothing of this.
    """
    path = tmp_path_factory.mktemp("store") / "espdeck.db"
    Store(path).close()
    with contextlib.closing(sqlite3.connect(path)) as migrated:
        statements = [*migrated.iterdump()][1:-1]  # without its BEGIN and COMMIT
    migrate = Store._migrate

    def copy_or_migrate(store: Store) -> None:
        with store._writer.begin() as connection:
            asked = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            is_new = asked.scalar_one() == 0
            for statement in statements if is_new else ():
                connection.exec_driver_sql(statement)
        if not is_new:
            migrate(store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_migrate", copy_or_migrate)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_tick() -> Iterator[None]:
    """Let the clock start nothing by itself: tests say when something is due."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.runs.executor.TICK_CRON", "0 0 29 2 *")
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
