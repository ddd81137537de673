"""A workspace's databases as a front end looks after them: check, back up, restore.

None of it needs an open engine: what is damaged cannot be opened.
"""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.store import backup_writer, backups, integrity, restore_backup
from engine.store.backups import STORE_FILE, Backup
from engine.store.integrity import IntegrityFault
from engine.store.restore_backup import RestoreReport
from engine.store.sqlite_errors import explain_errors


def check_databases(workspace: Path) -> tuple[IntegrityFault, ...]:
    """Look through a workspace; changes nothing. See :func:`engine.store.integrity.check`.

    Raises:
        StoreError: its folder cannot be read.
    """
    with explain_errors(workspace / STORE_FILE):
        return integrity.check(workspace)


def back_up_databases(workspace: Path, *, cancel: CancelToken | None = None) -> Backup:
    """Back a workspace's databases up. See :func:`engine.store.backup_writer.make_backup`.

    Raises:
        StoreError: there is nothing to back up, no room, or a database is damaged.
    """
    return backup_writer.make_backup(workspace, cancel=cancel)


def restore_databases(
    workspace: Path, chosen: Path | None = None, *, recover: bool = False
) -> RestoreReport:
    """Bring a backup back. See :func:`engine.store.restore_backup.restore`.

    Raises:
        StoreError: the workspace is in use, there is nothing to restore from, or no room.
    """
    return restore_backup.restore(workspace, chosen, recover=recover)


def known_backups(workspace: Path) -> tuple[Backup, ...]:
    """Backups that are there, newest first."""
    return backups.backups(workspace)
