"""Artifacts by one door: where they lie, links to them, and the store that they are copied to.

Each run's artifacts lie in its folder: stages and tools need real files. Where the settings name a
store, what is kept is copied there, content by content; once a store has a file of firmware it may
go from this machine, and is fetched back when it is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from engine.artifacts import run_files
from engine.artifacts.local_copies import LocalCopies, is_whole, kept_path, open_whole
from engine.artifacts.signed_links import LinkSigner
from engine.cancel import CancelToken
from engine.errors import (
    AccessError,
    ConflictError,
    EspdeckError,
    MissingToolError,
    NotFoundError,
    ToolError,
)
from engine.file_lock import FileLock
from engine.files import explain
from engine.settings import SettingsSource
from engine.store import artifacts as rows
from engine.store import runs as store_runs
from engine.store.artifacts import Content, KeptFile, ProjectContent
from engine.store.database import Store
from engine.store.tables import Artifact

if TYPE_CHECKING:
    from engine.artifacts.object_store import ObjectStore

LOCK_FILE = "artifacts.lock"
"""Held while something is put into the store or deleted there, by one process at a time."""

DEFAULT_LINK_SECONDS = 3600.0
"""For how long a link holds."""

LONGEST_LINK_SECONDS = 7 * 24 * 3600.0
"""For how long a link can hold: as long as one of S3 can (Signature Version 4)."""

_LOG = logging.getLogger("espdeck.artifacts")


class LostContentError(EspdeckError):
    """Artifacts are named in the store of which no whole copy is left."""


@dataclass(frozen=True, slots=True)
class ArtifactLink:
    """A link to an artifact.

    Args:
        url: a whole URL of a store, or a path relative to the root of the API.
        expires: when it ends to hold, in UTC.
        is_relative: whether it is such a path.
    """

    url: str
    expires: datetime
    is_relative: bool


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store stands.

    Args:
        place: as the settings name it; empty for none.
        waiting: different files that it does not have yet.
        waiting_bytes: their bytes.
        projects: what there is of each project.
    """

    place: str
    waiting: int
    waiting_bytes: int
    projects: tuple[ProjectContent, ...]


@dataclass(frozen=True, slots=True)
class StoreSweep:
    """What cleaning up came to, or would come to.

    Args:
        objects: deleted from the store, as no artifact has their content any more.
        object_bytes: their bytes.
        files: deleted from this machine, as the store has them.
        file_bytes: their bytes.
        problem: why not all could be done, in a line; empty for nothing.
    """

    objects: int = 0
    object_bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    problem: str = ""


class Artifacts:
    """The artifacts of a workspace. All calls may block: keep them off an event loop.

    Args:
        store: has their rows.
        settings: name the store.
        workspace: its folder.
        workspace_id: under which its objects are in the store.
        now: gives the time, in UTC.
    """

    def __init__(
        self,
        store: Store,
        settings: SettingsSource,
        workspace: Path,
        workspace_id: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._settings = settings
        self._workspace_id = workspace_id
        self._now = now
        self._copies = LocalCopies(store, workspace / "cache" / "artifacts")
        self._signer = LinkSigner(workspace)
        self._lock = FileLock(workspace / LOCK_FILE)
        self._turn = threading.Lock()  # of the threads of this process
        self._opened: tuple[object, ObjectStore] | None = None
        self.kept = threading.Event()
        """Set when something was kept, or the settings changed: there may be something to move."""

    def get(self, sha256: str) -> Artifact:
        """The newest artifact of some content.

        Raises:
            NotFoundError: there is none.
        """
        for found in rows.files_with(self._store, sha256, 1):
            return found.artifact
        raise NotFoundError(f"no artifact has the SHA-256 {sha256[:64]}")

    def locate(self, artifact: Artifact, cancel: CancelToken | None = None) -> Path:
        """Where an artifact lies; one that only a store has is fetched back.

        Raises:
            NotFoundError: its run is gone, or it is nowhere.
            ToolError: only a store has it, which cannot be reached.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        path = self._path(artifact)
        if not path.is_file():
            return self.whole(artifact, cancel)
        return path

    def whole(self, artifact: Artifact, cancel: CancelToken | None = None) -> Path:
        """Where an artifact lies, as it was kept: read, and mended where another copy is whole.

        Raises:
            NotFoundError: its run is gone, or it is nowhere.
            ConflictError: it is damaged, and nowhere whole.
            ToolError: only a store has it, which cannot be reached.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        path, content = self._path(artifact), _content(artifact)
        if is_whole(path, content):
            return path
        source = self._copies.whole(content)
        try:
            found = source or self._fetch(artifact, path, cancel or CancelToken())
            self._copies.put(found, artifact, path)
        except OSError as error:
            raise ToolError(explain(error, path)) from error
        return path

    def open(self, artifact: Artifact, cancel: CancelToken | None = None) -> BinaryIO:
        """Open an artifact for reading; what is read is what was kept.

        Raises:
            EspdeckError, Interrupted: as :meth:`whole`.
        """
        content = _content(artifact)
        file = open_whole(self._path(artifact), content)
        if file is None:
            file = open_whole(self.whole(artifact, cancel), content)
        if file is None:
            raise ConflictError(f"{_name(artifact)} is replaced just now: ask again")
        return file

    def link(
        self, artifact: Artifact, seconds: float, cancel: CancelToken | None = None
    ) -> ArtifactLink:
        """A link that gives an artifact to whoever has it, for some time.

        Args:
            seconds: for which it holds, from now.

        Raises:
            ToolError: it cannot be signed.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        expires = (self._now() + timedelta(seconds=seconds)).replace(microsecond=0)
        store = self.open_store()
        if store is not None and self._is_stored(artifact.sha256, store.place):
            url = store.url(artifact.sha256, seconds, cancel or CancelToken())
            if url is not None:
                return ArtifactLink(url, expires, is_relative=False)
        name = Path(artifact.path).name
        try:
            link = self._signer.link(artifact.sha256, name, int(expires.timestamp()))
        except OSError as error:
            raise ToolError(explain(error)) from error
        return ArtifactLink(link, expires, is_relative=True)

    def check_link(self, sha256: str, name: str, expires: int, signature: str) -> Artifact:
        """What a link leads to.

        Raises:
            AccessError: it was not signed here, or does not hold any more.
            NotFoundError: what it leads to is gone.
        """
        now = self._now().timestamp()
        try:
            if not self._signer.holds(sha256, name, expires, signature, now=now):
                raise AccessError("this link is not valid or has expired: ask for a new one")
        except OSError as error:
            raise ToolError(explain(error)) from error
        return self.get(sha256)

    def state(self) -> StoreState:
        """How the store stands, and what there is of each project."""
        place = self._settings().artifacts
        waiting = rows.count_unmoved(self._store, place) if place else (0, 0)
        return StoreState(place, *waiting, tuple(rows.by_project(self._store)))

    def places(self, artifact: Artifact) -> tuple[str, ...]:
        """Where an artifact is: ``here``, and the stores that have it."""
        here = ("here",) if self._path(artifact).is_file() else ()
        return (*here, *(each.place for each in rows.stored(self._store, artifact.sha256)))

    def open_store(self) -> ObjectStore | None:
        """The store that the settings name; None for none.

        Raises:
            MissingToolError: the part of espdeck that knows stores is not installed.
            ToolError: it cannot be used as the settings say.
        """
        settings = self._settings()
        if not settings.artifacts:
            return None
        key = (settings.artifacts, settings.artifact_store)
        opened = self._opened
        if opened is None or opened[0] != key:
            from engine.artifacts.object_store import ObjectStore

            opened = key, ObjectStore(*key, self._workspace_id)
            self._opened = opened
        return opened[1]

    def move(self, store: ObjectStore, content: Content, cancel: CancelToken) -> bool:
        """Put content into the store, unless nothing has it any more.

        Returns:
            False where another process is at work there just now.

        Raises:
            LostContentError: no whole copy of it is left here.
            ToolError: the store cannot be reached, or does not take it.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        with self._alone() as is_alone:
            if not is_alone:
                return False
            if not rows.begin_move(self._store, store.place, content):
                return True
            path = self._copies.whole(content)
            if path is None:
                raise LostContentError(f"no whole copy of {content.sha256} is left here")
            store.put(content, path, cancel)
            rows.end_move(self._store, store.place, content.sha256, self._now())
        return True

    def preview(self) -> StoreSweep:
        """What :meth:`sweep` would delete now, as far as the rows tell."""
        place = self._settings().artifacts
        if not place:
            return StoreSweep()
        unkept = rows.unkept(self._store, place)
        old = [kept_path(each) for each in self._old_files(place)]
        sizes = [path.stat().st_size for path in old if path.is_file()]
        return StoreSweep(len(unkept), sum(each.size for each in unkept), len(sizes), sum(sizes))

    def sweep(self, cancel: CancelToken) -> StoreSweep:
        """Delete what no artifact has any more from the store, and what it has from here.

        A file goes from here when the settings say so, and after the store gave it back whole.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says; a later call goes on.
        """
        objects: list[int] = []
        files: list[int] = []
        problem = ""
        try:
            store = self.open_store()
            if store is not None:
                self._delete_unkept(store, objects, cancel)
                self._delete_old_files(store, files, cancel)
        except (ToolError, MissingToolError) as error:
            problem = str(error)
        return StoreSweep(len(objects), sum(objects), len(files), sum(files), problem)

    def _delete_unkept(self, store: ObjectStore, deleted: list[int], cancel: CancelToken) -> None:
        for content in rows.unkept(self._store, store.place):
            cancel.check()
            with self._alone() as is_alone:
                if not is_alone:
                    raise ToolError("another process is at work in the store: try again")
                if not rows.begin_delete(self._store, store.place, content.sha256):
                    continue  # a build has just kept it
                store.delete(content.sha256, cancel)
                rows.end_delete(self._store, store.place, content.sha256)
                deleted.append(content.size)

    def _delete_old_files(
        self, store: ObjectStore, deleted: list[int], cancel: CancelToken
    ) -> None:
        read: dict[str, bool] = {}
        for each in self._old_files(store.place):
            cancel.check()
            path, content = kept_path(each), _content(each.artifact)
            if not path.is_file():
                continue
            if content.sha256 not in read:
                read[content.sha256] = self._gives_back(store, content, cancel)
            if read[content.sha256]:
                path.unlink(missing_ok=True)
                deleted.append(content.size)

    def _old_files(self, place: str) -> list[KeptFile]:
        """Files of firmware that need not lie here any more, if the store has them whole."""
        days = self._settings().artifact_store.local_days
        if not days:
            return []
        before = self._now() - timedelta(days=days)
        return [
            each
            for each in rows.stored_firmware(self._store, place, before)
            if _modified(kept_path(each)) < before.timestamp()
        ]

    def _gives_back(self, store: ObjectStore, content: Content, cancel: CancelToken) -> bool:
        """Whether the store gives content back whole; else it counts as not stored."""
        from engine.artifacts.object_store import DamagedObjectError, MissingObjectError

        try:
            store.read(content, None, cancel)
        except (DamagedObjectError, MissingObjectError) as error:
            _LOG.warning("%s", error)
            rows.forget_stored(self._store, store.place, content.sha256)
            self.kept.set()
            return False
        return True

    def _fetch(self, artifact: Artifact, path: Path, cancel: CancelToken) -> Path:
        """Fetch an artifact back from the store.

        Raises:
            NotFoundError: it is nowhere.
            ConflictError: it is damaged here, and nowhere whole.
            ToolError: the store cannot be reached.
            OSError: it cannot be written.
        """
        from engine.artifacts.object_store import DamagedObjectError, MissingObjectError

        content, is_damaged = _content(artifact), path.is_file()
        name = f"{_name(artifact)} is {'damaged' if is_damaged else 'not here'}"
        kind = ConflictError if is_damaged else NotFoundError
        places = [each.place for each in rows.stored(self._store, content.sha256)]
        place = self._settings().artifacts
        if place not in places:
            named = f"but in {', '.join(places)}: set artifacts to that store"
            raise kind(f"{name}, {named if places else 'and no store has it: build it again'}")
        store = self.open_store()
        assert store is not None
        try:
            found = self._copies.fetch(content, lambda file: store.read(content, file, cancel))
        except (DamagedObjectError, MissingObjectError) as error:
            rows.forget_stored(self._store, place, content.sha256)
            raise kind(f"{name}, and {error}: build it again") from error
        except ToolError as error:
            raise ToolError(f"{name}, and {error}") from error
        most = self._settings().artifact_store.cache_megabytes << 20
        with contextlib.suppress(ToolError):  # another time
            self._copies.shrink(
                most, self._now().timestamp(), lambda old: self._gives_back(store, old, cancel)
            )
        return found

    def _is_stored(self, sha256: str, place: str) -> bool:
        return any(each.place == place for each in rows.stored(self._store, sha256))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this thread is the only one of all processes that changes what a store has."""
        with self._turn:
            try:
                yield self._lock.acquire()
            finally:
                self._lock.release()

    def _path(self, artifact: Artifact) -> Path:
        run = store_runs.get_run(self._store, artifact.run_id)
        return run_files.path_of(Path(run.artifacts_path), artifact)


def _content(artifact: Artifact) -> Content:
    return Content(artifact.sha256, artifact.size)


def _name(artifact: Artifact) -> str:
    return f"{artifact.path} of #{artifact.run_id}"


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
