"""Results of checks, measures of runs, who asked for a run, what starts builds, how boards do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_BOARD_TIMES = ("out_since", "known_good_at", "by_hand_at")


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("run", sa.Column("asked_by", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "check_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("timestamp", sa.DateTime(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=False),
        sa.Column("triggered_by", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_check_result_newest", "check_result", ["check_name", "project_id", "id"])
    op.create_index("ix_check_result_project_id", "check_result", ["project_id"])
    op.create_table(
        "check_tally",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_name", sa.String(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_check_tally_of", "check_tally", ["check_name", "project_id", "status"])
    op.create_table(
        "run_measure",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "name", "label"),
    )
    op.create_index("ix_run_measure_series", "run_measure", ["name", "run_id"])
    op.create_table(
        "watch",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("tip", sa.String(), nullable=False),
        sa.Column("tag_pattern", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("synced_at", sa.DateTime(), nullable=True),
        sa.Column("next_look", sa.DateTime(), nullable=True),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("schedule_since", sa.DateTime(), nullable=True),
        sa.Column("schedule_run", sa.Integer(), nullable=False),
        sa.Column("schedule_problem", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id"),
    )
    op.add_column("board", sa.Column("out_of_pool", sa.String(), nullable=False, server_default=""))
    for name in _BOARD_TIMES:
        op.add_column("board", sa.Column(name, sa.DateTime(), nullable=True))
    _create_notifications()


def _create_notifications() -> None:
    """Add the tables of notifications."""
    op.create_table(
        "notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notification_unread", "notification", ["read_at"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("notifications", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("tells", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("cut", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_channel", "delivery", ["channel"])
    op.create_index("ix_delivery_key", "delivery", ["channel", "key"])
    op.create_index("ix_delivery_due", "delivery", ["status", "due_at"])
    op.create_table(
        "mute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notify_state",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    """Forget all of that."""
    for name in ("notify_state", "mute", "delivery", "notification"):
        op.drop_table(name)
    with op.batch_alter_table("board") as table:
        for name in ("out_of_pool", *_BOARD_TIMES):
            table.drop_column(name)
    op.drop_table("watch")
    op.drop_table("run_measure")
    op.drop_table("check_tally")
    op.drop_table("check_result")
    with op.batch_alter_table("run", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("asked_by")
