"""A virtual board is flashed through the HTTP API, and watched meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from engine.boards.virtual.board import VirtualBoard
from engine.enums import ArtifactKind, Scope
from engine.images.image import Image
from engine.server.models.boards import board_id
from engine.store.database import Store
from engine.store.tables import Artifact, Project
from tests.engine.server.lab import ServedLab, events, served
from tests.tui.workspaces import fill, keep_image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("api-flashing")]


@pytest.fixture
def lab(
    tmp_path: Path, virtual_board: VirtualBoard, built_sample: Callable[[str], Image]
) -> Iterator[ServedLab]:
    fill(tmp_path / "lab")
    keep(tmp_path / "lab", 1, built_sample("console"))
    keep(tmp_path / "lab", 2, built_sample("crash"))
    with served(tmp_path / "lab", [virtual_board.url]) as lab:
        yield lab


def keep(workspace: Path, number: int, image: Image) -> None:
    """Make an image and its program what a build kept."""
    keep_image(workspace, number, image)
    store = Store(workspace / "espdeck.db")
    data = image.elf.read_bytes()
    program = Artifact(
        run_id=number,
        kind=ArtifactKind.ELF,
        path=image.elf.name,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    with store.write() as session:
        session.add(program)
        for project in session.exec(select(Project)):
            project.clone_path = str(image.elf.parent.parent / "source")
    store.close()


def test_a_board_is_flashed_while_two_watch_it(lab: ServedLab, virtual_board: VirtualBoard) -> None:
    path = f"/boards/{board_id(virtual_board.url)}"
    ci = lab.client("ci")
    with (
        events(lab.client("ada", Scope.READ), f"{path}/monitor") as first,
        events(lab.client("bob", Scope.READ), f"{path}/monitor") as second,
    ):
        first.until("reading")
        job = ci.post(f"{path}/flash", json={"build": 1}).json()
        with events(ci, f"/jobs/{job['id']}/events") as stream:
            told = stream.until(job["id"], "ended")
        for watcher in (first, second):
            watcher.until("flash of build 1 by ci", "state")
            watcher.until("of build 1", "state")
        assert ci.post(f"{path}/reset").status_code == 200
        first.until("help")
        second.until("help")

    ended = told[-1][1]
    assert ended["status"] == "success", ended
    assert ended["result"]["build"] == 1
    assert ended["result"]["verified"] is True
    progress = [data["progress"] for name, data in told if name == "progress"]
    assert progress == sorted(progress)
    assert len(progress) > 3
    board = ci.get(path).json()
    assert (board["build"], board["chip"]) == (1, "esp32c3")


def test_a_panic_is_decoded_for_who_watches(lab: ServedLab, virtual_board: VirtualBoard) -> None:
    path = f"/boards/{board_id(virtual_board.url)}"
    ci = lab.client("ci")
    flashed = ci.post(f"{path}/flash?wait=60", json={"build": 2})
    assert (flashed.status_code, flashed.json()["status"]) == (200, "success"), flashed.text
    with events(ci, f"{path}/monitor") as stream:
        stream.until("of build 2", "state")
        ci.post(f"{path}/reset")
        found = stream.until("write_reading", "finding")[-1][1]["finding"]

    assert found["code"].startswith("panic.")
    assert found["file"] == "main/main.c"


def test_two_flashes_at_once_are_refused(lab: ServedLab, virtual_board: VirtualBoard) -> None:
    path = f"/boards/{board_id(virtual_board.url)}"
    ada, bob = lab.client("ada"), lab.client("bob")
    job = ada.post(f"{path}/flash", json={"build": 1}).json()
    refused = bob.post(f"{path}/flash", json={"build": 1})
    assert ada.post(f"/jobs/{job['id']}/cancel").status_code == 200

    assert refused.status_code == 409
    assert "by ada" in refused.json()["detail"]
    with events(ada, f"/jobs/{job['id']}/events") as stream:
        ended = stream.until(job["id"], "ended")[-1][1]
    assert ended["status"] == "cancelled"
    again = bob.post(f"{path}/erase?wait=60", json={"confirm": virtual_board.url})
    assert again.json()["status"] == "success", json.dumps(again.json())
