"""What QA says of the firmware of a build."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("build", sa.Column("verdict", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("build", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("verdict")
