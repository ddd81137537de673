"""Files of a run's artifacts: one that a later stage keeps again waits aside, and comes back.

An artifact lies under its path in the run's folder. Several stages and attempts may keep the same
path, as every repair keeps ``fix.patch``: there lies what was kept last, and what was kept before
it is in ``.superseded/STAGE#ATTEMPT/``. So a retry that clears a later stage leaves what the
earlier ones made.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from engine.enums import ArtifactKind
from engine.errors import EspdeckError
from engine.files import explain
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Artifact

_ASIDE = ".superseded"


def keep(
    store: Store,
    folder: Path,
    file: Path,
    *,
    run_id: int,
    stage: str,
    attempt: int,
    kind: ArtifactKind,
    path: str,
) -> Path:
    """Copy a file to the artifacts, whole or not at all, and write down who made it.

    Args:
        folder: of the run's artifacts.
        file: what is copied.
        path: where to, relative to the folder.

    Returns:
        Where it lies.

    Raises:
        EspdeckError: it cannot be copied.
        StoreError: it cannot be written down.
    """
    kept = folder / path
    part = kept.with_name(f".{kept.name}.part")
    made = Artifact(
        run_id=run_id, stage=stage, attempt=attempt, kind=kind, path=path, size=0, sha256=""
    )
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, part)
        _put_aside(store, folder, made)
        part.replace(kept)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EspdeckError(explain(error, kept)) from error
    with kept.open("rb") as copied:
        made.sha256 = hashlib.file_digest(copied, "sha256").hexdigest()
    made.size = kept.stat().st_size
    runs.put_artifacts(store, run_id, [made])
    return kept


def clear(folder: Path, cleared: Iterable[Artifact]) -> None:
    """Delete the files of artifacts that are not in the store any more."""
    for artifact in cleared:
        aside = _aside(folder, artifact)
        with contextlib.suppress(OSError):  # the store says what there is
            (aside if aside.is_file() else folder / artifact.path).unlink(missing_ok=True)


def put_back(store: Store, run_id: int, folder: Path) -> None:
    """Put files that wait aside back under their paths where nothing supersedes them any more."""
    for artifact in runs.artifacts_of(store, run_id):
        aside = _aside(folder, artifact)
        if aside.is_file():
            with contextlib.suppress(OSError):
                aside.replace(folder / artifact.path)


def _put_aside(store: Store, folder: Path, made: Artifact) -> None:
    """Put aside the file that another stage or attempt kept under the same path."""
    _aside(folder, made).unlink(missing_ok=True)  # of one that a retry could not delete
    for artifact in runs.artifacts_of(store, made.run_id):
        is_same = (artifact.stage, artifact.attempt) == (made.stage, made.attempt)
        if artifact.path == made.path and not is_same:
            aside = _aside(folder, artifact)
            aside.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                (folder / artifact.path).replace(aside)


def _aside(folder: Path, artifact: Artifact) -> Path:
    return folder / _ASIDE / f"{artifact.stage}#{artifact.attempt}" / artifact.path
