"""USB ports that may have a board: known by what stays, not by the order of plugging."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from engine.errors import BoardError

_INTERFACE = re.compile(r":\d+\.(\d+)$")


@dataclass(frozen=True, slots=True)
class UsbPort:
    """One serial port on USB.

    Args:
        device: what to open now, such as ``/dev/ttyUSB0``; it may be another tomorrow.
        identity: what stays: vendor, product, and the serial number or else the place on the bus;
            ``-ifNN``, as udev has it, for a further port of an adapter that has several; and the
            place too while another has the same serial number.
        description: how the device calls itself. Untrusted text.
        names: what it is called when others are plugged in or were not told apart, the best first.
    """

    device: str
    identity: str
    description: str
    names: tuple[str, ...]


def usb_ports() -> Sequence[UsbPort]:
    """The serial ports on USB that are there now, by device."""
    found = [each for each in list_ports.comports() if each.vid is not None]
    times = Counter(_names(each)[0] for each in found)
    return sorted((_port(each, times) for each in found), key=lambda port: port.device)


def find(identity: str, ports: Sequence[UsbPort]) -> Sequence[UsbPort]:
    """The ports that an identity means: none, one, or several of the same serial number."""
    found = [port for port in ports if port.identity == identity]
    for rank in range(3):
        found = found or [port for port in ports if identity in port.names[rank : rank + 1]]
    return found


def device_of(identity: str) -> str:
    """The device of a USB port now.

    Raises:
        BoardError: it is not plugged in, or several have its serial number.
    """
    found = find(identity, usb_ports())
    if not found:
        raise BoardError(f"{identity}: not plugged in (espdeck boards lists what is)")
    if len(found) > 1:
        names = ", ".join(port.identity for port in found)
        raise BoardError(f"{identity}: {len(found)} ports are called so: give one of {names}")
    return found[0].device


def _port(found: ListPortInfo, times: Counter[str]) -> UsbPort:
    names = _names(found)
    return UsbPort(
        device=found.device,
        identity=names[1] if times[names[0]] > 1 and len(names) > 1 else names[0],
        description=found.product or found.description or "",
        names=names,
    )


def _names(found: ListPortInfo) -> tuple[str, ...]:
    """By serial number and interface, by place too, by serial number alone."""
    kind = f"usb-{found.vid:04x}:{found.pid or 0:04x}"
    place = f"at-{found.location or found.device}"
    if not found.serial_number:
        return (f"{kind}-{place}",)
    interface = _INTERFACE.search(found.location or "")
    number = int(interface[1]) if interface else 0
    plain = f"{kind}-{found.serial_number}"
    name = f"{plain}-if{number:02d}" if number else plain
    return (name, f"{name}-{place}", plain)
