"""Looks at the folders and clones of projects, in the background: Git takes its time.

A folder may have tens of thousands of files, or lie on a network file system that hangs. So nobody
waits for a look: what is known is from the last one, and an event says that it has changed. Two
threads look, the more it costs the less often, and they end when nothing is to be looked at.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import CancelledError, EspdeckError, Interrupted
from engine.projects.folder_state import (
    FolderState,
    count_commits,
    read_folder_state,
    stamp_of,
)

LOOK_SECONDS = 5.0
"""Seconds that Git gets for one look."""

AGAIN_SECONDS = 15.0
"""Seconds between two looks at a folder in which nothing but an edit may have happened."""

SOON_SECONDS = 2.0
"""Seconds between two looks at whether a commit or a checkout happened in a folder."""

SHARE = 50.0
"""A look is done again after this many times the time that it took, at the soonest."""

MAX_THREADS = 2
"""Folders that are looked at at once."""

MAX_STUCK = 4
"""Threads that may hang in a file system that does not answer; then no more are begun."""

CLOSE_SECONDS = 1.0
"""Seconds that closing waits for a look to end."""

_STUCK_SECONDS = LOOK_SECONDS * 2

_LOG = logging.getLogger("espdeck.overview")


@dataclass(frozen=True, slots=True)
class Glance:
    """A project whose folder and clone may be looked at.

    Args:
        project_id: of it.
        folder: in which a person works, empty for a source elsewhere.
        clone: that builds are made from.
        branch: that it follows, empty while ``HEAD`` of the source is detached.
        built: the newest commit that was built, empty for none.
        tip: commit that it follows as of the last sync, empty where that was built, or for none.
    """

    project_id: uuid.UUID
    folder: str
    clone: str
    branch: str
    built: str
    tip: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a project.

    Args:
        is_dirty: whether its folder has changes that are not committed.
        ahead: commits that its tip, or its folder's branch, has that were not built; None where
            that is not known.
    """

    is_dirty: bool = False
    ahead: int | None = None


@dataclass(slots=True)
class _Folder:
    """The last look at a folder; ``took`` and the times are seconds of a clock that only runs."""

    state: FolderState | None
    stamp: tuple[int, ...]
    looked_at: float
    checked_at: float
    took: float


class GitLooks:
    """What is known of projects by looks, and the looks. Any thread asks; none waits."""

    def __init__(
        self,
        on_change: Callable[[uuid.UUID], object],
        *,
        look: Callable[..., FolderState] = read_folder_state,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing yet.

        Args:
            on_change: called in a thread of the looks when what is known of a project has changed.
            look: as :func:`engine.projects.folder_state.read_folder_state`.
            monotonic: seconds of a clock that only runs.
        """
        self._on_change = on_change
        self._look = look
        self._monotonic = monotonic
        self._stop = CancelToken()
        self._changed = threading.Condition()
        self._waiting: deque[Glance] = deque()
        self._queued: set[uuid.UUID] = set()
        self._looking: set[str] = set()
        self._began: dict[threading.Thread, float] = {}
        self._seen: dict[uuid.UUID, tuple[Glance, Seen]] = {}
        self._folders: dict[str, _Folder] = {}
        self._counts: dict[uuid.UUID, tuple[tuple[str, str, str], int | None]] = {}
        """Of each project: where, from which commit to which tip, and how many; None where Git
        cannot say."""

    def seen(self, glance: Glance) -> Seen:
        """What is known of a project; what was seen before another commit was built is no news."""
        with self._changed:
            before, seen = self._seen.get(glance.project_id, (glance, Seen()))
        is_same = (before.built, before.tip, before.branch) == (
            *(glance.built, glance.tip),
            glance.branch,
        )
        return seen if is_same else replace(seen, ahead=None)

    def look(self, glances: Iterable[Glance]) -> None:
        """Look at some projects soon, where it is time to; returns at once."""
        with self._changed:
            if self._stop.stopped:
                return
            for each in glances:
                if each.project_id not in self._queued and self._is_due(each):
                    self._queued.add(each.project_id)
                    self._waiting.append(each)
            self._begin()

    def wait(self, timeout: float) -> bool:
        """Wait until all that was to be looked at was; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queued, timeout)

    def close(self) -> None:
        """End the looks; one that hangs in a file system is left behind."""
        self._stop.interrupt()
        with self._changed:
            self._waiting.clear()
            threads = list(self._began)
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _is_due(self, glance: Glance) -> bool:
        before = self._seen.get(glance.project_id)
        if before is None or before[0] != glance:
            return bool(glance.folder or glance.tip)
        known = self._folders.get(glance.folder)
        if known is None:
            return False
        return self._monotonic() - known.checked_at >= max(SOON_SECONDS, SHARE * known.took)

    def _begin(self) -> None:
        """Begin threads, as many as may look; those that hang do not count."""
        now = self._monotonic()
        stuck = sum(now - began > _STUCK_SECONDS for began in self._began.values())
        active = len(self._began) - stuck
        for _ in range(min(MAX_THREADS - active, len(self._waiting))):
            if stuck >= MAX_STUCK:
                return
            thread = threading.Thread(target=self._work, name="git-look", daemon=True)
            self._began[thread] = now
            thread.start()

    def _work(self) -> None:
        while (glance := self._next()) is not None:
            try:
                self._look_at(glance)
            except Interrupted:
                pass
            except Exception:
                _LOG.exception("look at project %s", glance.project_id)
            finally:
                with self._changed:
                    self._looking.discard(glance.folder or glance.clone)
                    self._queued.discard(glance.project_id)
                    self._changed.notify_all()

    def _next(self) -> Glance | None:
        """What this thread is to look at; None where it is to end.

        No folder is looked at twice at once: one that hangs would take all threads.
        """
        me = threading.current_thread()
        with self._changed:
            for place, glance in enumerate(self._waiting):
                folder = glance.folder or glance.clone
                if folder not in self._looking and not self._stop.stopped:
                    del self._waiting[place]
                    self._looking.add(folder)
                    self._began[me] = self._monotonic()
                    return glance
            del self._began[me]
            return None

    def _look_at(self, glance: Glance) -> None:
        state = self._state_of(glance.folder) if glance.folder else None
        tip, repository = glance.tip, glance.clone
        if state is not None and state.head and state.branch == glance.branch:
            # What the folder has is what a build would take, synced or not.
            tip, repository = state.head, glance.folder
        seen = Seen(
            is_dirty=state is not None and state.is_dirty,
            ahead=self._count(glance, repository, tip) if glance.built and tip else None,
        )
        with self._changed:
            before = self._seen.get(glance.project_id, (glance, Seen()))[1]
            self._seen[glance.project_id] = glance, seen
        # That nothing is ahead is no news where the tip is known to be built.
        was, is_ahead = before.ahead or 0 if not glance.tip else before.ahead, seen.ahead
        if seen.is_dirty != before.is_dirty or (is_ahead is not None and is_ahead != was):
            self._on_change(glance.project_id)

    def _state_of(self, folder: str) -> FolderState | None:
        """How a folder is; None where Git cannot say in time."""
        with self._changed:
            known = self._folders.get(folder)
        stamp, now = stamp_of(Path(folder)), self._monotonic()
        is_old = known is None or now - known.looked_at >= max(AGAIN_SECONDS, SHARE * known.took)
        if known is not None and not is_old and known.stamp == stamp:
            known.checked_at = now
            return known.state
        state = None
        with contextlib.suppress(EspdeckError, CancelledError):
            state = self._look(Path(folder), cancel=self._stop, timeout=LOOK_SECONDS)
        took = self._monotonic() - now
        with self._changed:
            self._folders[folder] = _Folder(state, stamp, now, now, took)
        return state

    def _count(self, glance: Glance, repository: str, tip: str) -> int | None:
        """Commits of a tip that were not built; None where Git cannot say, which it is asked once.

        It may lack one of them, or take too long: each look would cost that anew.
        """
        if glance.built == tip:
            return 0
        asked, number = (repository, glance.built, tip), None
        known = self._counts.get(glance.project_id)
        if known is not None and known[0] == asked:
            return known[1]
        with contextlib.suppress(EspdeckError, ValueError):
            number = count_commits(
                Path(repository), glance.built, tip, cancel=self._stop, timeout=LOOK_SECONDS
            )
        self._counts[glance.project_id] = asked, number
        return number
