"""In which package a board's chip is, how fast its crystal is, and what its eFuses enforce."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns."""
    for name in ("package", "protection"):
        op.add_column("board", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("board", sa.Column("crystal", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("board") as table:
        for name in ("package", "protection", "crystal"):
            table.drop_column(name)
