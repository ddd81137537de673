"""How people call a board, what they wrote about it, and how often it reset by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns."""
    for name in ("label", "remark"):
        op.add_column("board", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in ("brownouts", "watchdog_resets"):
        op.add_column("board", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("board") as table:
        for name in ("label", "remark", "brownouts", "watchdog_resets"):
            table.drop_column(name)
