"""What is known of boards, and who reserved them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of boards."""
    op.create_table(
        "board",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("chip", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("flash_size", sa.Integer(), nullable=True),
        sa.Column("features", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("held_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Forget boards."""
    op.drop_table("board")
