"""USB ports: known by what stays when they are plugged in elsewhere or in another order."""

from __future__ import annotations

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from engine.boards import discovery
from engine.errors import BoardError


def port(device: str, serial: str | None, location: str, vid: int | None = 0x10C4) -> ListPortInfo:
    found = ListPortInfo(device)
    found.vid, found.pid = vid, 0xEA60
    found.serial_number, found.location = serial, location
    found.product = "CP2102N"
    return found


def plug(monkeypatch: pytest.MonkeyPatch, *found: ListPortInfo) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: list(found))


def test_a_serial_number_is_followed_to_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, port("/dev/ttyUSB1", "0001", "1-2"), port("/dev/ttyUSB0", "0002", "1-1"))
    assert [each.device for each in discovery.usb_ports()] == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
    identity = discovery.usb_ports()[1].identity
    assert discovery.device_of(identity) == "/dev/ttyUSB1"

    plug(monkeypatch, port("/dev/ttyUSB0", "0001", "1-4"))
    assert discovery.device_of(identity) == "/dev/ttyUSB0"

    plug(monkeypatch)
    with pytest.raises(BoardError, match="not plugged in"):
        discovery.device_of(identity)


def test_without_a_serial_number_the_place_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, port("/dev/ttyUSB0", None, "1-1"), port("/dev/ttyUSB1", None, "1-2"))
    first, second = discovery.usb_ports()
    assert first.identity != second.identity


def test_ports_that_are_not_usb_are_no_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, port("/dev/ttyS0", None, "", vid=None))
    assert list(discovery.usb_ports()) == []


def test_ports_of_one_adapter_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """An FT2232H has two ports and one serial number; the first keeps the plain name."""
    first, second = port("/dev/ttyUSB0", "FT1", "1-2:1.0"), port("/dev/ttyUSB1", "FT1", "1-2:1.1")
    plug(monkeypatch, first, second)
    names = [each.identity for each in discovery.usb_ports()]
    assert names == ["usb-10c4:ea60-FT1", "usb-10c4:ea60-FT1-if01"]
    assert [discovery.device_of(name) for name in names] == ["/dev/ttyUSB0", "/dev/ttyUSB1"]

    plug(monkeypatch, second)  # as it was called before there was a number of the interface
    assert discovery.device_of("usb-10c4:ea60-FT1") == "/dev/ttyUSB1"


def test_boards_of_one_serial_number_are_told_apart_by_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = port("/dev/ttyUSB0", "0001", "1-1"), port("/dev/ttyUSB1", "0001", "1-2")
    plug(monkeypatch, one, other)
    names = [each.identity for each in discovery.usb_ports()]
    assert names == ["usb-10c4:ea60-0001-at-1-1", "usb-10c4:ea60-0001-at-1-2"]
    assert [discovery.device_of(name) for name in names] == ["/dev/ttyUSB0", "/dev/ttyUSB1"]
    with pytest.raises(
        BoardError, match=r"2 ports are called so: give one of .*-at-1-1, .*-at-1-2"
    ):
        discovery.device_of("usb-10c4:ea60-0001")

    plug(monkeypatch, other)
    assert discovery.device_of("usb-10c4:ea60-0001") == "/dev/ttyUSB1"
    assert discovery.device_of("usb-10c4:ea60-0001-at-1-2") == "/dev/ttyUSB1"
