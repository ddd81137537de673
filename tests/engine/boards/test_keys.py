"""One board has one key, whatever it is called."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from serial.tools import list_ports

from engine.boards import keys as keys_module
from engine.boards import port_users
from engine.boards.keys import Keys
from engine.boards.virtual.board import Running
from engine.processes.identity import ProcessIdentity
from tests.engine.boards.test_discovery import port


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path, {"virtual:esp32c3": running(4001)})


def running(number: int, *, shared: bool = False) -> Running:
    own = ProcessIdentity.own()
    return Running(number, shared, (own, own))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("socket://127.0.0.1:4000", "socket://localhost:4000"),
        ("socket://LOCALHOST:4000", "socket://127.0.1.1:4000"),
        ("socket://127.0.0.1:4000", "rfc2217://[::1]:4000"),
        ("rfc2217://localhost:4000?ign_set_control", "rfc2217://localhost:4000"),
        ("socket://192.0.2.1:4000", "socket://192.0.2.1:4000?logging=debug"),
        ("socket://[2001:DB8::1]:4000", "socket://[2001:db8::1]:4000"),
        ("socket://unknown.invalid:4000", "socket://Unknown.Invalid.:4000"),
        ("virtual:esp32c3", "socket://localhost:4001"),
    ],
)
def test_two_names_of_one_board(keys: Keys, one: str, other: str) -> None:
    assert keys.of(one) == keys.of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("socket://127.0.0.1:4000", "socket://127.0.0.1:4002"),
        ("socket://192.0.2.1:4000", "socket://192.0.2.2:4000"),
        ("virtual:esp32c3", "virtual:esp32c3-2"),
        ("labgrid:desk", "labgrid:shelf"),
        ("/dev/ttyUSB7", "/dev/ttyUSB8"),
        ("usb-10c4:ea60-1", "usb-10c4:ea60-2"),
    ],
)
def test_two_boards(keys: Keys, one: str, other: str) -> None:
    assert keys.of(one) != keys.of(other)


def test_a_virtual_board_is_its_workspaces(tmp_path: Path) -> None:
    one, other = (Keys(tmp_path / name, {}).of("virtual:esp32c3") for name in "ab")
    assert one != other


def test_a_virtual_board_that_is_shared_is_one_for_all_users(tmp_path: Path) -> None:
    owner = Keys(tmp_path / "a", {"virtual:esp32c3": running(4001, shared=True)})
    guest = Keys(tmp_path / "b", {})
    keys = {
        owner.of("virtual:esp32c3"),
        owner.of("socket://localhost:4001"),
        guest.of("socket://127.0.0.1:4001"),
    }
    assert len(keys) == 1
    assert owner.of("virtual:esp32c3-2") != guest.of("virtual:esp32c3-2")


def test_a_place_is_its_coordinators(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LG_COORDINATOR", raising=False)
    usual = keys.of("labgrid:desk")
    monkeypatch.setenv("LG_COORDINATOR", "localhost:20408")
    assert keys.of("labgrid:desk") == usual
    monkeypatch.setenv("LG_COORDINATOR", "192.0.2.1")
    assert keys.of("labgrid:desk") != usual


def test_a_host_by_name_and_by_number(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, *_args: object, **_more: object) -> list[object]:
        assert host == "bench.example"
        addresses = ["192.0.2.9", "192.0.2.1"]
        return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(keys_module, "_resolved", {})
    assert keys.of("socket://bench.example:4000") == keys.of("rfc2217://192.0.2.1:4000")


def test_a_device_a_link_to_it_and_another_node_of_it(keys: Keys, tmp_path: Path) -> None:
    board, terminal = os.openpty()
    try:
        path, link = os.ttyname(terminal), tmp_path / "by-id"
        link.symlink_to(path)
        assert keys.of(path) == keys.of(str(link))
        assert keys.of(path).startswith("pty ")
    finally:
        os.close(board)
        os.close(terminal)
    node = tmp_path / "null"
    try:
        os.mknod(node, stat.S_IFCHR | 0o600, Path("/dev/null").stat().st_rdev)
    except PermissionError:
        pytest.skip("only root can make a device file")
    assert port_users.device_file(str(node)) == "/dev/null"
    assert keys.of(str(node)) == keys.of("/dev/null")


def test_a_usb_port_is_one_board_by_all_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        port("/dev/null", "0001", "1-2:1.0"),
        port("/dev/zero", "0001", "1-2:1.1"),
        port("/dev/full", None, "1-3"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    link = tmp_path / "by-id"
    link.symlink_to("/dev/null")
    keys = Keys(tmp_path, {})
    first = keys.of("usb-10c4:ea60-0001")
    assert {keys.of(name) for name in ("/dev/null", str(link))} == {first}
    assert keys.of("/dev/zero") == keys.of("usb-10c4:ea60-0001-if01") != first
    assert keys.of("/dev/full") == keys.of("usb-10c4:ea60-at-1-3")
