"""Which app of its repository a project is, and in which configuration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    for name in ("app", "configuration"):
        op.add_column("project", sa.Column(name, sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("project") as table:
        for name in ("app", "configuration"):
            table.drop_column(name)
