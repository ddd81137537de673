"""Boards through the HTTP API."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.enums import Scope
from engine.server.models.boards import board_id
from tests.engine.server.lab import PlayedBoard, ServedLab, events, served
from tests.tui.workspaces import fill

NAMES = (
    "/dev/ttyUSB0",
    "/dev/serial/by-id/usb-Silicon_Labs_CP2102_0001-if00-port0",
    "socket://127.0.0.1:4000",
    "rfc2217://lab.example:4000?ign_set_control",
    "virtual:esp32c3",
    "virtual:esp32c3-2?flash=2MB&security=encryption",
    "labgrid:desk.1",
    "usb-1a86-7523-1-2.3",
    "/tmp/with space~tilde%2Fé",
)


@pytest.fixture
def board() -> PlayedBoard:
    return PlayedBoard()


@pytest.fixture
def lab(tmp_path: Path, board: PlayedBoard) -> Iterator[ServedLab]:
    fill(tmp_path / "lab")
    with served(tmp_path / "lab", [board.url, *NAMES]) as lab:
        yield lab


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_stand_in_a_path(lab: ServedLab, name: str) -> None:
    client = lab.client("ada", Scope.READ)
    listed = {each["name"]: each for each in client.get("/boards").json()}

    assert client.get(f"/boards/{listed[name]['id']}").json()["name"] == name
    assert client.get(f"/boards/{quote(name, safe='')}").json()["name"] == name


def test_a_path_in_which_a_proxy_joined_slashes_is_understood(lab: ServedLab) -> None:
    client = lab.client("ada", Scope.READ)

    for path in ("dev/ttyUSB0", "/dev/ttyUSB0", "socket:/127.0.0.1:4000"):
        answer = client.get(f"/boards/{path}")
        assert answer.json()["name"].replace("//", "/").lstrip("/") == path.lstrip("/")


def test_a_board_is_found_by_its_label(lab: ServedLab) -> None:
    lab.engine.boards.call("/dev/ttyUSB0", label="desk-1", remark="")

    found = lab.client("ada", Scope.READ).get("/boards/desk-1").json()
    assert (found["name"], found["label"]) == ("/dev/ttyUSB0", "desk-1")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_an_id_is_one_plain_part_of_a_path(name: str) -> None:
    made = board_id(name)

    assert made.replace("~", "").replace(".", "").replace("-", "").replace("_", "").isalnum() or (
        set(name) <= set(".-_")
    )
    assert quote(made, safe="") == made


@pytest.mark.parametrize("name", ["/etc/passwd", "socket://192.0.2.1:22", "virtual:esp32c6"])
@pytest.mark.parametrize("call", ["reserve", "reset", "erase", "flash"])
def test_only_boards_of_the_lab_are_opened(lab: ServedLab, name: str, call: str) -> None:
    bodies = {"erase": {"confirm": name}, "flash": {"build": 1}}
    client = lab.client("eve", Scope.FLASH)
    answer = client.post(f"/boards/{board_id(name)}/{call}", json=bodies.get(call))

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(f"no board '{name}'")


def test_a_board_is_reserved_and_given_back(lab: ServedLab, board: PlayedBoard) -> None:
    ada, bob = lab.client("ada"), lab.client("bob")
    path = f"/boards/{board_id(board.url)}"
    reserved = ada.post(f"{path}/reserve", json={"hours": 1, "note": "soak test"})

    assert reserved.status_code == 200
    assert reserved.json()["reserved"].startswith("ada until ")
    assert (reserved.json()["reserved_by"], reserved.json()["reserved_why"]) == ("ada", "soak test")
    assert reserved.json()["reserved_until"].endswith("Z")
    for call in ("reserve", "release", "reset"):
        refused = bob.post(f"{path}/{call}")
        assert refused.status_code == 409
        assert "is reserved by ada" in refused.json()["detail"]
    erasure = bob.post(f"{path}/erase", json={"confirm": board.url})
    assert "is reserved by ada" in erasure.json()["detail"]
    assert bob.post(f"{path}/release", json={"force": True}).status_code == 403
    assert ada.post(f"{path}/release").json()["reserved"] == ""
    assert ada.post(f"{path}/release").status_code == 409


def test_an_admin_takes_what_another_reserved(lab: ServedLab, board: PlayedBoard) -> None:
    path = f"/boards/{board_id(board.url)}"
    lab.client("ada").post(f"{path}/reserve")
    root = lab.client("root", Scope.ADMIN)

    assert root.post(f"{path}/release", json={"force": True}).json()["reserved"] == ""


def test_a_board_that_somebody_has_is_busy(lab: ServedLab, board: PlayedBoard) -> None:
    with lab.engine.boards.use(
        board.url, cancel=CancelToken(), on_wait=pytest.fail, purpose="build 7"
    ):
        answer = lab.client("ada").post(f"/boards/{board_id(board.url)}/reset")

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{board.url} is busy: build 7 (this espdeck)")


@pytest.mark.parametrize(
    "body",
    [
        {"hours": 0},
        {"hours": -1},
        {"hours": 1e9},
        {"hours": "soon"},
        {"note": "x" * 201},
        {"holder": "bob"},
    ],
)
def test_a_reservation_that_makes_no_sense_is_refused(
    lab: ServedLab, body: dict[str, object]
) -> None:
    path = f"/boards/{board_id('/dev/ttyUSB0')}/reserve"

    assert lab.client("ada").post(path, json=body).status_code == 422


@pytest.mark.parametrize("call", ["reserve", "release", "reset", "flash", "erase"])
def test_boards_need_the_scope_flash(lab: ServedLab, call: str) -> None:
    client = lab.client("ci", Scope.BUILD)
    bodies = {"erase": {"confirm": "x"}, "flash": {"build": 1}}
    answer = client.post(f"/boards/{board_id('/dev/ttyUSB0')}/{call}", json=bodies.get(call))

    assert answer.status_code == 403
    assert "flash is needed" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"build": 99}, 404, "no build 99"),
        ({"build": 2}, 404, "build 2 kept no image"),
        ({"build": 1, "secure": True}, 422, "secure: no such field"),
        ({"build": 1, "before": "--no-stub"}, 422, "before: Input should be"),
        ({}, 422, "build: Field required"),
    ],
)
def test_what_cannot_be_flashed_is_refused(
    lab: ServedLab, board: PlayedBoard, body: dict[str, object], status: int, detail: str
) -> None:
    answer = lab.client("ada").post(f"/boards/{board_id(board.url)}/flash", json=body)

    assert answer.status_code == status
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [{}, {"confirm": ""}, {"confirm": "other"}, {"confirm": "URL", "offset": 0}],
)
def test_erasing_needs_the_name_once_more(
    lab: ServedLab, board: PlayedBoard, body: dict[str, object]
) -> None:
    told = json.loads(json.dumps(body).replace("URL", board.url))
    answer = lab.client("ada").post(f"/boards/{board_id(board.url)}/erase", json=told)

    assert answer.status_code == 422
    assert board.opened == 0


def test_a_job_that_is_none_is_not_found(lab: ServedLab) -> None:
    client = lab.client("ada")

    assert client.get("/jobs/xyz").status_code == 404
    assert client.get("/jobs/xyz/events").status_code == 404
    assert client.post("/jobs/xyz/cancel").status_code == 404
    assert client.get("/jobs").json() == []


def test_a_flash_that_nobody_answers_is_cancelled_by_its_owner(
    lab: ServedLab, board: PlayedBoard
) -> None:
    ada, bob = lab.client("ada"), lab.client("bob")
    path = f"/boards/{board_id(board.url)}/erase"
    started = ada.post(path, json={"confirm": board.url})
    job = started.json()

    assert started.status_code == 202
    assert started.headers["location"] == f"/api/v1/jobs/{job['id']}"
    again = bob.post(path, json={"confirm": board.url})
    assert again.status_code == 409
    assert " by ada" in again.json()["detail"]
    assert bob.post(f"/jobs/{job['id']}/cancel").status_code == 403
    with events(ada, f"/jobs/{job['id']}/events") as stream:
        assert ada.post(f"/jobs/{job['id']}/cancel").status_code == 200
        ended = stream.until(job["id"], "ended")[-1][1]
    assert (ended["status"], ended["error"]) == ("cancelled", "cancelled")
    assert ada.post(f"/jobs/{job['id']}/cancel").status_code == 409
    assert [each["id"] for each in bob.get("/jobs").json()] == [job["id"]]


def test_a_port_that_is_not_there_fails_the_job(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"socket://127.0.0.1:{free.getsockname()[1]}"
    with served(tmp_path / "lab", [url]) as lab:
        path = f"/boards/{board_id(url)}/erase?wait=60"
        job = lab.client("ada").post(path, json={"confirm": url})

    assert job.status_code == 200
    assert job.json()["status"] == "failed"
    assert "nothing answers there" in job.json()["error"]
