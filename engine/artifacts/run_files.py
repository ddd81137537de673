"""Files of a run's artifacts: what counts lies under its path, what is superseded lies aside.

Several stages and attempts may keep the same path, as every repair keeps ``fix.patch``, and every
retry makes what the attempts before it made. In the run's folder lies what counts; the rest is in
``.superseded/STAGE#ATTEMPT/``, and goes with the run. What a retry takes over comes back.

A file of firmware that another run has, too, is kept as another name of that one (a hard link): the
same image of many builds takes its room once, and goes with the last of them. Such files cannot be
written to. Texts, which people may change, have a file each.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.enums import ArtifactKind
from engine.errors import EspdeckError
from engine.files import explain
from engine.store import artifacts, runs
from engine.store.busy_wait import StoreError
from engine.store.database import Store
from engine.store.tables import Artifact

_ASIDE = ".superseded"
_LOG = logging.getLogger("espdeck.artifacts")
_READ_ONLY_MODE = 0o400
_MAX_TRIED = 3  # files of the same content; one that is damaged is not taken


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
    """Keep a file among the artifacts, whole or not at all, and write down who made it.

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
        part.unlink(missing_ok=True)
        made.sha256, made.size = digest_of(file)
        if not _share(store, made, part):
            shutil.copyfile(file, part)
            made.sha256, made.size = digest_of(part)
        if kind in artifacts.FIRMWARE:
            protect(part)
        _put_aside(store, folder, made)
        part.replace(kept)
        part.unlink(missing_ok=True)  # two names of one file stay when one replaces the other
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EspdeckError(explain(error, kept)) from error
    runs.put_artifacts(store, run_id, [made])
    return kept


def try_keep_text(
    store: Store,
    folder: Path,
    text: str,
    *,
    run_id: int,
    stage: str,
    attempt: int,
    kind: ArtifactKind,
    path: str,
) -> None:
    """Keep what is told of a run that has ended, as :func:`keep` does.

    Where that cannot be done the log says why: how the run ended does not depend on it.

    Raises:
        StoreError: it cannot be written down.
    """
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            keep(
                *(store, folder, Path(file.name)),
                run_id=run_id,
                stage=stage,
                attempt=attempt,
                kind=kind,
                path=path,
            )
    except StoreError:
        raise
    except (OSError, EspdeckError) as error:
        _LOG.warning("run %s: %s is not kept: %s", run_id, path, error)


def settle(store: Store, run_id: int, folder: Path) -> None:
    """Put every file where its row says that it lies; safe to repeat, and to be interrupted."""
    rows = runs.artifacts_of(store, run_id, superseded=True)
    for artifact in rows:
        if artifact.superseded and _owner(rows, folder, artifact.path) is artifact:
            _move_aside(folder, artifact)
    for artifact in rows:
        aside = _aside(folder, artifact)
        if not artifact.superseded and aside.is_file():
            with contextlib.suppress(OSError):
                aside.replace(folder / artifact.path)


def path_of(folder: Path, artifact: Artifact) -> Path:
    """Where the file of an artifact lies: under its path, or aside where it is superseded.

    Args:
        folder: of the run's artifacts.
    """
    aside, path = _aside(folder, artifact), folder / artifact.path
    if not artifact.superseded or aside.is_file():
        return aside if aside.is_file() else path
    # Another one's file may lie there.
    with contextlib.suppress(OSError):
        if digest_of(path) == (artifact.sha256, artifact.size):
            return path
    return aside


def protect(file: Path) -> None:
    """Have a file that is shared not be written to."""
    with contextlib.suppress(OSError):  # some file systems have no modes
        file.chmod(_READ_ONLY_MODE)


def digest_of(file: Path) -> tuple[str, int]:
    """SHA-256 of a file, in hexadecimal digits, and its size in bytes.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()


def _share(store: Store, made: Artifact, part: Path) -> bool:
    """Make a file of the same content, that a run has already, another name; whether it did."""
    if made.kind not in artifacts.FIRMWARE:
        return False
    for other in artifacts.files_with(store, made.sha256, _MAX_TRIED):
        with contextlib.suppress(OSError):  # it went meanwhile, or has all names that it can have
            os.link(path_of(Path(other.folder), other.artifact), part)
            if digest_of(part) == (made.sha256, made.size):
                return True
        part.unlink(missing_ok=True)
    return False


def _put_aside(store: Store, folder: Path, made: Artifact) -> None:
    """Put aside the file that another stage or attempt kept under the same path."""
    _aside(folder, made).unlink(missing_ok=True)  # of one that a crash left there
    rows = runs.artifacts_of(store, made.run_id, superseded=True)
    owner = _owner(rows, folder, made.path)
    if owner is not None and (owner.stage, owner.attempt) != (made.stage, made.attempt):
        _move_aside(folder, owner)


def _owner(rows: Sequence[Artifact], folder: Path, path: str) -> Artifact | None:
    """Whose file lies under a path: the last that was kept there and does not lie aside."""
    mine = (row for row in rows if row.path == path and not _aside(folder, row).is_file())
    return max(mine, key=lambda row: row.id or 0, default=None)


def _move_aside(folder: Path, artifact: Artifact) -> None:
    aside = _aside(folder, artifact)
    with contextlib.suppress(OSError):  # it was deleted; the store says what there was
        aside.parent.mkdir(parents=True, exist_ok=True)
        (folder / artifact.path).replace(aside)


def _aside(folder: Path, artifact: Artifact) -> Path:
    return folder / _ASIDE / f"{artifact.stage}#{artifact.attempt}" / artifact.path
