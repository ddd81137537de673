"""Tokens, audit and webhooks of the HTTP API; places of events; stored artifacts; who proposed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_STREAMS = ("event", "log_chunk")
_RUN_COLUMNS = ("proposed_by", "approved_by")


def upgrade() -> None:
    """Add the columns and the tables."""
    for name in _RUN_COLUMNS:
        op.add_column("run", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_index("ix_run_status", "run", ["status"])
    for table in _STREAMS:
        op.add_column(
            table, sa.Column("position", sa.Integer(), nullable=False, server_default="0")
        )
        if table == "event":
            # In the order in which they were written; chunks have no time that could be told.
            op.execute("UPDATE event SET position = id")
        op.create_index(f"ix_{table}_position", table, ["position"])
    op.add_column("log_chunk", sa.Column("at", sa.DateTime(), nullable=True))
    op.create_table(
        "stream_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_login_session_token_id", "login_session", ["token_id"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hook_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("forge", sa.String(32), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("projects", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hook_delivery_once", "hook_delivery", ["forge", "delivery_id"], unique=True)
    op.create_index("ix_hook_delivery_status", "hook_delivery", ["status"])
    op.create_table(
        "stored_object",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(), nullable=True),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "place"),
    )
    op.create_index("ix_artifact_sha256", "artifact", ["sha256"])


def downgrade() -> None:
    """Forget all of that."""
    op.drop_index("ix_artifact_sha256", "artifact")
    tables = (
        "stored_object",
        "hook_delivery",
        "audit",
        "login_session",
        "token",
        "stream_position",
    )
    for name in tables:
        op.drop_table(name)
    for table in _STREAMS:
        op.drop_index(f"ix_{table}_position", table)
        with op.batch_alter_table(table, table_kwargs={"sqlite_autoincrement": True}) as changed:
            changed.drop_column("position")
            if table == "log_chunk":
                changed.drop_column("at")
    op.drop_index("ix_run_status", "run")
    with op.batch_alter_table("run", table_kwargs={"sqlite_autoincrement": True}) as run:
        for name in _RUN_COLUMNS:
            run.drop_column(name)
