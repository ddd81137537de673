"""A retry adds attempts: what came before them is kept; and an index for the lab at a glance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_SUPERSEDED = ("stage", "finding", "artifact")

_OVERVIEW_COLUMNS = (
    *("kind", "project_id", "id", "proposed_by", "status", "commit_sha", "dirty", "target"),
    *("configuration", "created_at", "started_at", "completed_at", "duration"),
)


def upgrade() -> None:
    """Add the columns and the table; of artifacts with the same path the last one counts."""
    for table in _SUPERSEDED:
        op.add_column(
            table, sa.Column("superseded", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute(
        "UPDATE artifact SET superseded = 1 WHERE EXISTS (SELECT 1 FROM artifact AS later WHERE"
        " later.run_id = artifact.run_id AND later.path = artifact.path AND later.id > artifact.id)"
    )
    op.add_column("run", sa.Column("result_attempt", sa.Integer(), nullable=True))
    op.create_table(
        "retry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("from_attempt", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("completed_at", sa.DateTime(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("test_results", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_retry_run_id", "retry", ["run_id"])
    op.create_index("ix_run_overview", "run", _OVERVIEW_COLUMNS)


def downgrade() -> None:
    """Drop them; runs that were retried keep only what counts, as versions before had it."""
    op.drop_index("ix_run_overview", "run")
    for table in _SUPERSEDED:
        op.execute(f"DELETE FROM {table} WHERE superseded")
    op.drop_table("retry")
    op.drop_column("run", "result_attempt")
    for table in _SUPERSEDED:
        op.drop_column(table, "superseded")
