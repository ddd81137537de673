"""Table ``build`` becomes ``run``, and artifacts say which stage and attempt made them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_OWNED = ("artifact", "event", "finding", "log_chunk", "stage", "task")
_INDEXES = (
    ("ix_build_project_id", "ix_run_project_id", "run", ["project_id"]),
    ("ix_artifact_build_id", "ix_artifact_run_id", "artifact", ["run_id"]),
    ("ix_finding_build_id", "ix_finding_run_id", "finding", ["run_id"]),
    ("ix_stage_build_id", "ix_stage_run_id", "stage", ["run_id"]),
)
_NTH = "CASE stage.attempt WHEN 1 THEN '' ELSE '-' || stage.attempt END"
_FOLDER = "'files/' || stage.key || '/'"
_MADE = (
    # Which artifact (path or kind) which stage made, of builds and of tasks.
    "run.kind = 'firmware' AND stage.key = 'build' AND (artifact.path IN ('image.json',"
    " 'project_description.json') OR artifact.kind IN"
    " ('elf', 'app', 'bootloader', 'partition-table', 'data', 'map'))",
    "run.kind = 'firmware' AND stage.key = 'judge'"
    " AND artifact.path IN ('junit.xml', 'quality.json')",
    "run.kind = 'firmware' AND stage.key = 'repair' AND artifact.path IN ('fix.patch',"
    " 'repair-' || stage.attempt || '.md', 'repair-' || stage.attempt || '.patch')",
    "run.kind = 'task' AND stage.key = 'gather' AND artifact.path = 'context.md'",
    "run.kind = 'task' AND stage.key = 'gate' AND artifact.path = 'quality.json'",
    "run.kind = 'task' AND stage.key = 'assemble'"
    " AND (artifact.path = 'assembled_code.md' OR substr(artifact.path, 1, 6) = 'final/')",
    f"run.kind = 'task' AND artifact.path = stage.key || {_NTH} || '.md'",
    f"run.kind = 'task' AND substr(artifact.path, 1, length({_FOLDER})) = {_FOLDER}",
    "run.kind = 'task' AND artifact.path = 'changes.patch' AND stage.key NOT IN ('gather', 'gate')",
)


def upgrade() -> None:
    """Rename what is named after builds, add the columns, and fill in what can be told."""
    op.execute("ALTER TABLE build RENAME COLUMN run_id TO workflow_id")
    op.execute("ALTER TABLE build RENAME TO run")
    for table in _OWNED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN build_id TO run_id")
    for old, new, table, columns in _INDEXES:
        op.drop_index(old, table)
        op.create_index(new, table, columns)
    op.add_column("artifact", sa.Column("stage", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "artifact", sa.Column("attempt", sa.Integer(), nullable=False, server_default="0")
    )
    op.drop_index("ix_artifact_once", "artifact")
    op.create_index(
        "ix_artifact_once", "artifact", ["run_id", "path", "stage", "attempt"], unique=True
    )
    for made in _MADE:
        op.execute(
            "UPDATE artifact SET (stage, attempt) = (maker.key, maker.attempt) FROM ("
            "SELECT artifact.id AS id, stage.key AS key, stage.attempt AS attempt,"
            " row_number() OVER (PARTITION BY artifact.id ORDER BY stage.id DESC) AS place"
            " FROM artifact JOIN run ON run.id = artifact.run_id"
            f" JOIN stage ON stage.run_id = run.id AND stage.status != 'skipped' AND {made}"
            ") AS maker WHERE maker.id = artifact.id AND maker.place = 1"
        )


def downgrade() -> None:
    """Put the old names back; of several artifacts with the same path the last one stays."""
    op.execute(
        "DELETE FROM artifact WHERE id NOT IN (SELECT max(id) FROM artifact GROUP BY run_id, path)"
    )
    op.drop_index("ix_artifact_once", "artifact")
    with op.batch_alter_table("artifact") as table:
        table.drop_column("stage")
        table.drop_column("attempt")
    for _, new, table_name, _ in _INDEXES:
        op.drop_index(new, table_name)
    for table_name in _OWNED:
        op.execute(f"ALTER TABLE {table_name} RENAME COLUMN run_id TO build_id")
    op.execute("ALTER TABLE run RENAME TO build")
    op.execute("ALTER TABLE build RENAME COLUMN workflow_id TO run_id")
    op.create_index("ix_artifact_once", "artifact", ["build_id", "path"], unique=True)
    op.create_index("ix_build_project_id", "build", ["project_id"])
    for table_name in ("artifact", "finding", "stage"):
        op.create_index(f"ix_{table_name}_build_id", table_name, ["build_id"])
