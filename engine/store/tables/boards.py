"""What is known of boards."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Field, SQLModel

from engine.clock import shown_time
from engine.store.tables.columns import time_column, utc_now

LONGEST_RESERVATION = timedelta(days=30)
"""For how long a board can be reserved."""


def is_ahead(until: datetime) -> bool:
    """Whether a reservation until then holds now.

    One that ends later than any can was made while the clock was wrong, or by nobody's espdeck. A
    clock that is set back by less than a month ends none.
    """
    return timedelta(0) < until - utc_now() < 2 * LONGEST_RESERVATION


class BoardRow(SQLModel, table=True):
    """What is known of a board, and who has it.

    ``name`` is what builds call it: a port, a URL, ``virtual:CHIP`` or a ``usb-`` identity. What
    it said of itself was said at ``asked_at``; ``holder`` has it until ``held_until``. People call
    it ``label`` and wrote ``remark`` about it. Resets that nobody asked for are counted.

    Builds that may take any board do not take one that has ``out_of_pool``, the reason, since
    ``out_since``. ``known_good_at`` is when its known-good image was written last, and
    ``by_hand_at`` when a person wrote or erased its flash.
    """

    __tablename__ = "board"

    name: str = Field(primary_key=True)
    chip: str = ""
    revision: str = ""
    mac: str = ""
    flash_size: int | None = None
    features: str = ""
    asked_at: datetime | None = Field(default=None, sa_column=time_column())
    holder: str = ""
    note: str = ""
    held_until: datetime | None = Field(default=None, sa_column=time_column())
    label: str = ""
    remark: str = ""
    brownouts: int = 0
    watchdog_resets: int = 0
    package: str = ""
    protection: str = ""
    crystal: int | None = None
    out_of_pool: str = Field(default="", sa_column_kwargs={"server_default": ""})
    out_since: datetime | None = Field(default=None, sa_column=time_column())
    known_good_at: datetime | None = Field(default=None, sa_column=time_column())
    by_hand_at: datetime | None = Field(default=None, sa_column=time_column())

    @property
    def is_held(self) -> bool:
        """Whether somebody has it now."""
        return bool(self.holder) and self.held_until is not None and is_ahead(self.held_until)

    @property
    def reserved(self) -> str:
        """Who has it, until when, and why, in a line; empty when nobody has."""
        if not self.is_held or self.held_until is None:
            return ""
        why = f": {self.note}" if self.note else ""
        return f"{self.holder} until {shown_time(self.held_until)}{why}"
