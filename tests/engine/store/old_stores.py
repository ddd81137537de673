"""Stores as older versions of espdeck left them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from engine.store import database

TIME = "2026-01-01 00:00:00.000000"


def old_store(path: Path, version: str = "0008") -> Path:
    """A store as an older espdeck left it, with a project and a build."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute(
            "INSERT INTO project (id, name, source, target, status, status_detail, clone_path,"
            " created_at, updated_at) VALUES (?, 'p', '/p', 'esp32c3', 'active', '', '', ?, ?)",
            ("a" * 32, TIME, TIME),
        )
        table, workflow = ("build", "run_id") if version < "0010" else ("run", "workflow_id")
        old.execute(
            f"INSERT INTO {table} (project_id, commit_sha, commit_message, commit_author,"
            f" branch, target, triggered_by, status, board, simulator, {workflow},"
            " cancel_requested, build_output, artifacts_path, error, created_at) VALUES"
            " (?, 'c', '', '', '', 'esp32c3', 'manual', 'success', 'auto', 'auto', 'r', 0,"
            " '', '', '', ?)",
            ("a" * 32, TIME),
        )
    old.close()
    return path
