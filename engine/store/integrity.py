"""Whether a workspace's databases are whole, and what they name is there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from engine.store.backups import DATABASES, RUNS_FILE, STORE_FILE, damage_of
from engine.store.former_names import former_names
from engine.store.store_lock import find_traces, read_only

MAX_FAULTS = 20
"""Lines of one kind at the most; the rest is counted."""


@dataclass(frozen=True, slots=True)
class IntegrityFault:
    """Something that is wrong with a workspace.

    Args:
        where: a database or a folder, as a path below the workspace.
        what: for people.
        damage: whether a database is damaged or gone, else something that it names is missing, or
            is there though nothing names it.
    """

    where: str
    what: str
    damage: bool = False


def check(workspace: Path) -> tuple[IntegrityFault, ...]:
    """Look through a workspace; changes nothing. Reads all of its databases and artifacts.

    Others may use it meanwhile.
    """
    faults: list[IntegrityFault] = []
    for name in DATABASES:
        faults += _check_database(workspace, name)
    if not any(fault.damage and fault.where == STORE_FILE for fault in faults):
        with contextlib.suppress(sqlite3.Error):
            faults += _check_files(workspace)
    return tuple(faults)


def kept_without_rows(workspace: Path) -> tuple[int, ...]:
    """Numbers of runs whose artifacts are there, but not their rows.

    Raises:
        sqlite3.Error: the database cannot be read.
    """
    with read_only(workspace / STORE_FILE) as connection:
        tables, _ = former_names(connection)
        query = f"SELECT id FROM {tables.get('run', 'run')}"
        known = {number for (number,) in connection.execute(query)}
    return tuple(sorted(artifact_folders(workspace) - known))


def artifact_folders(workspace: Path) -> set[int]:
    """Numbers of runs of which artifacts are there."""
    with contextlib.suppress(OSError):
        names = [each.name for each in (workspace / "artifacts").iterdir()]
        return {int(name) for name in names if name.isascii() and name.isdigit()}
    return set()


def _check_database(workspace: Path, name: str) -> list[IntegrityFault]:
    path = workspace / name
    try:
        if path.stat().st_size == 0:
            return [IntegrityFault(name, "empty", damage=True)] if find_traces(workspace) else []
    except FileNotFoundError:
        there = find_traces(workspace)
        return [IntegrityFault(name, "gone", damage=True)] if name != RUNS_FILE and there else []
    except OSError as error:
        return [IntegrityFault(name, error.strerror or str(error), damage=True)]
    if damage := damage_of(path, quick=False, most=MAX_FAULTS):
        return [IntegrityFault(name, line, damage=True) for line in damage]
    with read_only(path) as connection:
        rows = connection.execute("PRAGMA foreign_key_check").fetchall()
    lost = [
        f"{table}: row {row} belongs to a row of {parent} that is gone"
        for table, row, parent, _ in rows
    ]
    return [IntegrityFault(name, line, damage=True) for line in _first(lost)]


def _check_files(workspace: Path) -> list[IntegrityFault]:
    with read_only(workspace / STORE_FILE) as connection:
        tables, columns = former_names(connection)
        artifacts = connection.execute(
            f"SELECT run.artifacts_path, artifact.path, artifact.sha256 FROM artifact"
            f" JOIN {tables.get('run', 'run')} AS run"
            f" ON run.id = artifact.{columns.get('run_id', 'run_id')} ORDER BY artifact.id"
        ).fetchall()
        stored = _stored(connection)
        projects = connection.execute(
            "SELECT name, clone_path FROM project WHERE clone_path != '' AND status = 'active'"
        ).fetchall()
    newest = {(folder, name): sha256 for folder, name, sha256 in artifacts}
    lacking = {key: sha256 for key, sha256 in newest.items() if not Path(*key).exists()}
    missing = ["/".join(key) for key, sha256 in lacking.items() if sha256 not in stored]
    damaged = _damaged({Path(*key): sha256 for key, sha256 in newest.items() if key not in lacking})
    gone = [f"{path}, of {name}" for name, path in projects if not Path(path).exists()]
    unknown = [
        f"artifacts of run {number}, of which no row is" for number in kept_without_rows(workspace)
    ]
    return [
        *(IntegrityFault("artifacts", f"missing: {each}") for each in _first(missing)),
        *(IntegrityFault("artifacts", f"not as it was kept: {each}") for each in _first(damaged)),
        *(
            IntegrityFault("projects", f"missing: {each}: espdeck sync clones it again")
            for each in _first(gone)
        ),
        *(IntegrityFault("artifacts", f"kept: {each}") for each in _first(unknown)),
    ]


def _stored(connection: sqlite3.Connection) -> set[str]:
    """SHA-256 of what a store of artifacts has."""
    query = "SELECT sha256 FROM stored_object WHERE stored_at IS NOT NULL"
    try:
        return {sha256 for (sha256,) in connection.execute(query)}
    except sqlite3.OperationalError:  # a database of before there was one
        return set()


def _damaged(files: dict[Path, str]) -> list[str]:
    """Files whose content has not the SHA-256 that was written down; each is read once."""
    digests: dict[tuple[int, int], str] = {}
    found = []
    for path, sha256 in files.items():
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                key = (status.st_dev, status.st_ino)
                if key not in digests:
                    digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            found.append(f"{path}: {error.strerror}")
        else:
            if digests[key] != sha256:
                found.append(str(path))
    return found


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_FAULTS
    return [*lines[:MAX_FAULTS], f"and {more} more"] if more > 0 else lines
