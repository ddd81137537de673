"""Who may do what through the HTTP API, and who did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from engine.enums import Scope, TokenStatus
from engine.store.tables.columns import AUTOINCREMENT, enum_type, time_column, utc_now


class TokenRow(SQLModel, table=True):
    """A token of the HTTP API. What it is is told once; kept is its SHA-256."""

    __tablename__ = "token"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    sha256: str = Field(unique=True)
    scope: Scope = Field(sa_column=Column(enum_type(Scope), nullable=False))
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=time_column())
    revoked_at: datetime | None = Field(default=None, sa_column=time_column())
    used_at: datetime | None = Field(default=None, sa_column=time_column())

    def status(self, now: datetime) -> TokenStatus:
        """What has become of it."""
        if self.revoked_at is not None:
            return TokenStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return TokenStatus.EXPIRED
        return TokenStatus.ACTIVE


class LoginSessionRow(SQLModel, table=True):
    """A browser that logged in with a token. Kept is the SHA-256 of what its cookie holds."""

    __tablename__ = "login_session"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)
    token_id: int = Field(foreign_key="token.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    expires_at: datetime = Field(sa_column=time_column(nullable=False))


class AuditRow(SQLModel, table=True):
    """What somebody did, or tried to do, through the HTTP API.

    ``actor`` is the name of a token, or the forge of a webhook; empty for nobody who could be told.
    ``action`` is the method and route, ``subject`` what it was done to, ``status`` the HTTP status
    of the answer, ``detail`` a line. Untrusted texts, without secrets.
    """

    __tablename__ = "audit"
    __table_args__ = AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    actor: str = ""
    address: str = ""
    action: str
    subject: str = ""
    status: int = 0
    detail: str = ""
