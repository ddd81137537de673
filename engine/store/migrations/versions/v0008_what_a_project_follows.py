"""What a project follows at its source, all its chips; configuration and changes of a build."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns.

    Who chose a branch was not written down: of a folder it is taken for the folder's own, of a
    repository elsewhere for a person's choice.
    """
    for name in ("configuration", "notes"):
        empty = "[]" if name == "notes" else ""
        kind = sa.JSON() if name == "notes" else sa.String()
        op.add_column("build", sa.Column(name, kind, nullable=False, server_default=empty))
    op.add_column(
        "build", sa.Column("dirty", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("project", sa.Column("tip", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "project",
        sa.Column("branch_chosen", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("project", sa.Column("targets", sa.JSON(), nullable=False, server_default="[]"))
    op.execute("UPDATE project SET targets = json_array(target) WHERE target != ''")
    op.execute(
        "UPDATE project SET branch_chosen = 1 WHERE branch IS NOT NULL AND source NOT LIKE '/%'"
    )
    op.execute(
        "UPDATE build SET configuration = coalesce("
        "(SELECT configuration FROM project WHERE project.id = build.project_id), '')"
    )


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("build") as table:
        for name in ("configuration", "notes", "dirty"):
            table.drop_column(name)
    with op.batch_alter_table("project") as table:
        for name in ("tip", "branch_chosen", "targets"):
            table.drop_column(name)
