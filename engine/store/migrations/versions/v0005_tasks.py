"""Runs that are tasks for models: which, what was asked, and what models took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Let a run be about no project; add the table and the columns."""
    connection = op.get_bind()
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'build'")
    last = connection.execute(query).scalar()
    with op.batch_alter_table("build", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(
            sa.Column("kind", sa.String(32), nullable=False, server_default="firmware")
        )
        table.alter_column("project_id", existing_type=sa.Uuid(), nullable=True)
    if last is not None:
        # The table is another one now: numbers of runs that were removed must not come again.
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'build'"))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('build', :last)"),
            {"last": last},
        )
    op.add_column("stage", sa.Column("usage", sa.JSON(), nullable=True))
    op.create_table(
        "task",
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("priority", sa.String(32), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("max_iterations", sa.Integer(), nullable=False),
        sa.Column("squad", sa.String(), nullable=False),
        sa.Column("gate", sa.Boolean(), nullable=False),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("build_id"),
    )


def downgrade() -> None:
    """Forget tasks."""
    op.drop_table("task")
    op.execute("DELETE FROM build WHERE kind <> 'firmware'")
    with op.batch_alter_table("stage") as table:
        table.drop_column("usage")
    with op.batch_alter_table("build", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("kind")
        table.alter_column("project_id", existing_type=sa.Uuid(), nullable=False)
