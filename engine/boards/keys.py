"""Which board a name means: one key for a device, a link to it, its place on USB, and its URL.

What two names have in common is looked for as the system has it: the USB port behind a device file,
the number of a device, the address behind a host's name.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import socket
import stat
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from engine.boards import discovery
from engine.boards.discovery import UsbPort
from engine.boards.names import LABGRID, USB, is_virtual, labgrid_place
from engine.boards.port_users import device_file
from engine.boards.ports import is_url
from engine.boards.virtual.board import Running

RESOLVE_SECONDS = 1.0
"""How long a name server may take; after that a host is known by its name."""

_PTY_MAJORS = range(136, 144)  # Documentation/admin-guide/devices.txt, "Unix98 PTY slaves"
_LABGRID_COORDINATOR = "127.0.0.1:20408"  # labgrid/remote/client.py
_HERE = "localhost"


class Keys:
    """Keys of boards, as things are when they are asked for; made anew for each look."""

    def __init__(self, folder: Path, running: Mapping[str, Running]) -> None:
        """Know the virtual boards of a workspace.

        Args:
            folder: where they are kept.
            running: those that run, by name.
        """
        self._folder = folder
        self._running = running
        self._virtual = {_address(each.url, 0): name for name, each in running.items()}

    def of(self, name: str) -> str:
        """The key of a board; names of one board have one key.

        Args:
            name: as :func:`engine.boards.names.check_names` takes them.
        """
        address = _address(name, 0) if is_url(name) else ""
        name = self._virtual.get(address, name)
        running = self._running.get(name)
        if running is not None and running.shared:  # others know it by its address alone
            return f"net {_address(running.url, 0)}"
        if is_virtual(name):
            return f"virtual {self._folder.resolve()} {name}"
        if name.startswith(LABGRID):
            coordinator = os.environ.get("LG_COORDINATOR") or _LABGRID_COORDINATOR
            return f"labgrid {_address(f'//{coordinator}', 20408)} {labgrid_place(name)}"
        if is_url(name):
            return f"net {address}" if urlsplit(name).hostname else name
        if name.startswith(USB):
            found = discovery.find(name, self._usb)
            return found[0].identity if len(found) == 1 else name
        return self._device(name)

    @functools.cached_property
    def _usb(self) -> Sequence[UsbPort]:
        return discovery.usb_ports()

    def _device(self, path: str) -> str:
        """The key of a device file, or of a path where one may be."""
        path = device_file(path)
        try:
            found = Path(path).stat()
        except OSError:
            return path
        if not stat.S_ISCHR(found.st_mode):
            return path
        major, minor = os.major(found.st_rdev), os.minor(found.st_rdev)
        if major in _PTY_MAJORS:  # each devpts counts from 0
            return f"pty {found.st_dev} {minor}"
        usb = (port.identity for port in self._usb if port.device == path)
        return next(usb, f"device {major}:{minor}")


def _address(url: str, port: int) -> str:
    """Host and port of a URL, whatever the host was called."""
    parts = urlsplit(url)
    with contextlib.suppress(ValueError):  # no number: that is told when it is opened
        port = parts.port or port
    return f"{_host(parts.hostname or '')}:{port}"


def _host(name: str) -> str:
    name = name.lower().rstrip(".")
    addresses = [name] if _is_address(name) else _resolve(name)
    if name == _HERE or any(map(_is_here, addresses)):
        return _HERE
    return addresses[0] if addresses else name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_here(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None) or found
    return bool(mapped.is_loopback) or mapped.compressed in {
        each.address for some in psutil.net_if_addrs().values() for each in some
    }


_resolved: dict[str, Sequence[str]] = {}
"""Addresses of hosts, once known; only ever added to."""


def _resolve(name: str) -> Sequence[str]:
    """Addresses of a host, sorted: name servers give them in any order. Empty when unknown."""

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        addresses = {str(each[4][0]).partition("%")[0] for each in found}
        _resolved[name] = sorted(each for each in addresses if _is_address(each))

    if name and name != _HERE and name not in _resolved:
        thread = threading.Thread(target=ask, name="resolve", daemon=True)
        thread.start()
        thread.join(RESOLVE_SECONDS)
    return _resolved.get(name, ())
