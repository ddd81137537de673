"""How boards are named: a port, a serial URL, a place on USB, or a virtual board."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.boards import ports
from engine.boards.virtual.chips import parse_options
from engine.errors import UsageError

VIRTUAL = "virtual:"
USB = "usb-"
LABGRID = "labgrid:"

MAX_VIRTUAL = 32
"""Virtual boards of one chip."""

_PLACE = re.compile(r"labgrid:[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VIRTUAL = re.compile(r"virtual:([a-z0-9]+)(?:-([1-9][0-9]?))?(?:\?(.*))?")


def is_virtual(name: str) -> bool:
    """Whether a board exists only in memory."""
    return name.startswith(VIRTUAL)


def virtual_name(chip: str, number: int) -> str:
    """The name of a virtual board; the first of a chip (1) goes without its number.

    Args:
        chip: the chip; what the board is beside it may follow after a ``?``.
        number: which one.
    """
    chip, mark, options = chip.partition("?")
    return f"{VIRTUAL}{chip}{'' if number == 1 else f'-{number}'}{mark}{options}"


def virtual_chip(name: str) -> str:
    """The chip of a virtual board."""
    found = _VIRTUAL.fullmatch(name)
    return found[1] if found else ""


def virtual_options(name: str) -> str:
    """What a virtual board's name says of it beside its chip; empty for nothing."""
    found = _VIRTUAL.fullmatch(name)
    return found[3] or "" if found else ""


def labgrid_place(name: str) -> str:
    """The place of a board that labgrid has."""
    return name.removeprefix(LABGRID)


def check_names(names: Sequence[str]) -> None:
    """See whether boards are named in a way that means something.

    Args:
        names: ports, URLs, ``virtual:CHIP`` and ``virtual:CHIP-NUMBER`` (from 2 on), either with
            ``?package=…&revision=…&flash=…&security=…``, identities of USB ports (``usb-…``) and
            places of labgrid (``labgrid:PLACE``).

    Raises:
        UsageError: one is none of these.
    """
    for name in names:
        if is_virtual(name):
            _check_virtual(name)
        elif name.startswith(LABGRID):
            if not _PLACE.fullmatch(name):
                raise UsageError(f"board {name!r}: give labgrid:PLACE")
        elif not (name.startswith(USB) or ports.is_url(name) or "/" in name):
            raise UsageError(
                f"board {name!r}: give a port (/dev/ttyUSB0), a serial URL (socket://host:port), "
                "virtual:CHIP, labgrid:PLACE, or a name or identity that espdeck boards lists"
            )


def _check_virtual(name: str) -> None:
    found = _VIRTUAL.fullmatch(name)
    if found is None:
        raise UsageError(
            f"board {name!r}: give virtual:CHIP or virtual:CHIP-NUMBER, the chip as esp32c3"
        )
    try:
        parse_options(found[1], found[3] or "")
    except UsageError as error:
        raise UsageError(f"board {name!r}: {error}") from error
    if found[2] and not 2 <= int(found[2]) <= MAX_VIRTUAL:
        raise UsageError(f"board {name!r}: numbers go from 2 to {MAX_VIRTUAL}")
