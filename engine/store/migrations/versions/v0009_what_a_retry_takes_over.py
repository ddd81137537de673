"""What a run that repeats another takes over, and how often its process died without progress."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("build", sa.Column("repeats", sa.JSON(), nullable=True))
    op.add_column("build", sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("build") as table:
        table.drop_column("repeats")
        table.drop_column("deaths")
