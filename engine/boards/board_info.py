"""A board as a list shows it: its name, what it is, who has it, what it runs and said last."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

from engine.boards import discovery
from engine.boards.access import Access
from engine.boards.board_files import BoardFiles
from engine.boards.board_status import BoardStatus
from engine.boards.names import USB, is_virtual, virtual_chip
from engine.errors import BoardError
from engine.store.tables import BoardRow


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """A board as a list shows it.

    Args:
        name: how it was named in the settings: a port, a URL, or ``virtual:CHIP``.
        label: how people call it, empty for nothing.
        remark: what they wrote about it.
        kind: ``virtual`` or ``serial``.
        chip: the chip where it is known, else an empty string.
        revision, mac, flash_size, features, package, crystal, protection: what it said of itself
            when it was asked last; the crystal in MHz, protection for people.
        reserved: who reserved it, until when, and why; empty when nobody did.
        reserved_by, reserved_until, reserved_why: the same apart; empty and None when nobody did.
        state: ``busy`` (somebody holds it), ``off`` (a virtual board that is not started),
            ``reserved`` (for a person, who does not use it now) or ``free``.
        holder: who holds a busy one: a build, a person's monitor, of any user; or another program.
        doing: what this process is doing with it now, such as ``flash 43 %``; else empty.
        url: what esptool and pyserial open.
        last_line: what its console said last, as far as this process heard it. Untrusted text.
        brownouts, watchdog_resets: how often it was seen to reset by itself.
        runs: what was flashed on it last, for people; empty where that is not known.
        build, project, commit: of that; None and empty where it is not known.
        asked_at: when it answered last, None for never.
        out_of_pool: why builds do not take it by themselves, empty where they do.
    """

    name: str
    label: str
    remark: str
    kind: str
    chip: str
    revision: str
    mac: str
    flash_size: int | None
    features: str
    reserved: str
    state: str
    holder: str
    doing: str
    url: str
    last_line: str
    brownouts: int
    watchdog_resets: int
    package: str = ""
    crystal: int | None = None
    protection: str = ""
    runs: str = ""
    build: int | None = None
    project: str = ""
    commit: str = ""
    asked_at: datetime | None = None
    out_of_pool: str = ""
    reserved_by: str = ""
    reserved_until: datetime | None = None
    reserved_why: str = ""


def board_info(
    key: str,
    row: BoardRow,
    *,
    access: Access,
    status: BoardStatus,
    files: BoardFiles,
    virtual_url: str,
) -> BoardInfo:
    """Describe a board.

    Args:
        key: which board its name means now, see :class:`engine.boards.keys.Keys`.
        row: what the store has of it; its name at least.
        access: who has it.
        status: what this process knows of it.
        files: what was flashed on it.
        virtual_url: where a virtual one runs; empty for others, or where it does not run.
    """
    name, virtual = row.name, is_virtual(row.name)
    url = virtual_url if virtual else _device(name)
    holder, flashed = access.holder(key, url), files.flashed
    reservation = access.reservation(key, row)
    is_off = virtual and not virtual_url
    state = "busy" if holder else "off" if is_off else "reserved" if reservation else "free"
    return BoardInfo(
        name=name,
        label=row.label,
        remark=row.remark,
        kind="virtual" if virtual else "serial",
        chip=virtual_chip(name) if virtual else row.chip,
        revision=row.revision,
        mac=row.mac,
        flash_size=row.flash_size,
        features=row.features,
        reserved=str(reservation or ""),
        state=state,
        holder=holder,
        doing=status.activity,
        url=url,
        last_line=status.last_line,
        brownouts=row.brownouts,
        watchdog_resets=row.watchdog_resets,
        package=row.package,
        crystal=row.crystal,
        protection=row.protection,
        runs=str(flashed) if flashed else "",
        build=flashed.build if flashed else None,
        project=flashed.project if flashed else "",
        commit=flashed.commit if flashed else "",
        asked_at=row.asked_at,
        out_of_pool=row.out_of_pool,
        reserved_by=reservation.who if reservation else "",
        reserved_until=reservation.until if reservation else None,
        reserved_why=reservation.note if reservation else "",
    )


def _device(name: str) -> str:
    """The device of a port; empty for a place on USB where nothing is plugged in."""
    if not name.startswith(USB):
        return name
    with contextlib.suppress(BoardError):
        return discovery.device_of(name)
    return ""
