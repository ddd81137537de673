"""USB ports that may have a board: known by what stays, not by the order of plugging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from engine.errors import BoardError


@dataclass(frozen=True, slots=True)
class UsbPort:
    """One serial port on USB.

    Args:
        device: what to open now, such as ``/dev/ttyUSB0``; it may be another tomorrow.
        identity: what stays: vendor, product, and the serial number or else the place on the bus.
        description: how the device calls itself. Untrusted text.
    """

    device: str
    identity: str
    description: str


def usb_ports() -> Sequence[UsbPort]:
    """The serial ports on USB that are there now, by device."""
    return sorted(
        (_port(each) for each in list_ports.comports() if each.vid is not None),
        key=lambda port: port.device,
    )


def device_of(identity: str) -> str:
    """The device of a USB port now.

    Raises:
        BoardError: it is not plugged in.
    """
    for port in usb_ports():
        if port.identity == identity:
            return port.device
    raise BoardError(f"{identity}: not plugged in (espdeck boards lists what is)")


def _port(found: ListPortInfo) -> UsbPort:
    place = found.serial_number or f"at-{found.location or found.device}"
    return UsbPort(
        device=found.device,
        identity=f"usb-{found.vid:04x}:{found.pid or 0:04x}-{place}",
        description=found.product or found.description or "",
    )
