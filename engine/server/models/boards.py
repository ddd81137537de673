"""Boards as the HTTP API tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from engine import BoardInfo, SessionInfo
from engine.server.models.limits import MAX_NUMBER


def board_id(name: str) -> str:
    """A board's name as one part of a URL's path.

    It is percent-encoded with ``~`` for ``%``: proxies that decode ``%2F``, or join ``//``, leave
    it as it is.
    """
    return quote(name, safe="").replace("~", "%7E").replace("%", "~")


class Board(BaseModel):
    """A board: what it is, who has it, what it runs and said last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "~2Fdev~2FttyUSB0",
                    "name": "/dev/ttyUSB0",
                    "label": "desk-1",
                    "remark": "",
                    "kind": "serial",
                    "chip": "esp32c3",
                    "state": "free",
                    "runs": "node #12 1234567",
                    "build": 12,
                }
            ]
        }
    )

    id: str = Field(description="Its name for the path of a URL; the name or label do, too.")
    name: str = Field(description="As the settings name it: a port, a URL, `virtual:CHIP`.")
    label: str = Field(description="How people call it; empty for nothing.")
    remark: str = Field(description="What people wrote about it.")
    kind: str = Field(description="`virtual` or `serial`.")
    chip: str = Field(description="Its chip, where that is known; else empty.")
    revision: str
    mac: str
    flash_size: int | None = Field(description="Bytes of its flash.")
    features: str
    reserved: str = Field(description="Who reserved it, until when and why; empty for nobody.")
    reserved_by: str = Field(description="Who reserved it; empty for nobody.")
    reserved_until: datetime | None = Field(description="Until when; null for nobody.")
    reserved_why: str = Field(description="Why, as they wrote it.")
    state: str = Field(
        description="`free`, `busy`, `reserved`, or `off` for a virtual one not started."
    )
    holder: str = Field(description="Who has a busy one.")
    doing: str = Field(description="What the server does with it now, such as `flash 43 %`.")
    url: str = Field(description="What esptool and pyserial open on the lab machine.")
    last_line: str = Field(description="What its console said last, as far as the server heard it.")
    brownouts: int
    watchdog_resets: int
    package: str
    crystal: int | None = Field(description="MHz.")
    protection: str
    runs: str = Field(description="What was flashed on it last.")
    build: int | None = Field(description="Number of the build that it runs.")
    project: str
    commit: str
    asked_at: datetime | None = Field(description="When it answered last.")
    out_of_pool: str = Field(description="Why builds do not take it by themselves.")

    @classmethod
    def of(cls, board: BoardInfo) -> Board:
        """A board as the engine knows it."""
        fields = (name for name in cls.model_fields if name != "id")
        return cls(id=board_id(board.name), **{name: getattr(board, name) for name in fields})


class ReserveBody(BaseModel):
    """For how long, and why."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(default=8.0, gt=0, allow_inf_nan=False, description="For how long.")
    note: str = Field(default="", max_length=200, description="Why, for the others to read.")


class ReleaseBody(BaseModel):
    """Whether also another's reservation ends."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(default=False, description="Also another's: needs the scope admin.")


_Before = Literal["", "default-reset", "usb-reset", "no-reset", "no-reset-no-sync"]
_After = Literal["", "hard-reset", "soft-reset", "no-reset", "no-reset-stub", "watchdog-reset"]


class FlashBody(BaseModel):
    """What to flash and how. An image whose start burns eFuses is flashed only where the setting
    ``flash_secure`` says so: no call does.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"build": 12, "app_only": False}]}
    )

    build: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = Field(
        description="Number of a build that succeeded to build."
    )
    app_only: bool = Field(
        default=False, description="Only the program, not bootloader and partitions."
    )
    baud: int | None = Field(
        default=None, ge=9600, le=4_000_000, description="Bits a second; else as the settings say."
    )
    before: _Before = Field(default="", description="How to enter the bootloader.")
    after: _After = Field(default="", description="How to leave it.")


class EraseBody(BaseModel):
    """What to erase; all of the flash, unless a region is given."""

    model_config = ConfigDict(extra="forbid")

    confirm: str = Field(description="The name of the board, once more.")
    offset: int | None = Field(default=None, ge=0, lt=1 << 32, description="First byte.")
    size: int | None = Field(default=None, gt=0, lt=1 << 32, description="How many bytes.")


class ConsoleSession(BaseModel):
    """A session of a console that was kept on the lab machine."""

    name: str = Field(examples=["20261128T101500.250Z-virtual_esp32c3"])
    board: str = Field(description="Its name, with what no file name may have replaced.")
    began: datetime
    size: int = Field(description="Bytes that the board said.")

    @classmethod
    def of(cls, session: SessionInfo) -> ConsoleSession:
        """A session as the engine knows it."""
        return cls(
            name=session.raw.stem, board=session.board, began=session.began, size=session.size
        )


class SessionMatch(BaseModel):
    """A line of a session in which a text was found."""

    session: str
    board: str
    line: str = Field(description="The time when it came, and the line.")
