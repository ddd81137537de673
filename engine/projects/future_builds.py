"""Build folders that a step of the clock has made useless.

Ninja and make tell what is to be done by the times of files: what is newer than what was made of it
is compiled again. When the clock was set back, a commit that is checked out now has older files
than the objects of the last build, and they would be taken for its own: another program than the
commit's would be built, flashed and judged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.source import tree

_SEARCH_DEPTH = 2  # folders below a build folder that are looked into: logs and programs lie there
_CLOCK_WAIT_SECONDS = (
    2.0  # seconds that are waited for instead: a clock that is disciplined, a file server
)


def remove_future_builds(
    folder: Path, pattern: str, *, cancel: CancelToken, now: Callable[[], float] = time.time
) -> bool:
    """Delete the build folders that have files of later than now; call before sources change.

    Args:
        folder: has them.
        pattern: of their names.
        cancel: ends a wait of at most 2 s.
        now: seconds since the epoch.

    Returns:
        Whether any was deleted: sources that were not changed may be of later than now, too.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    dropped = False
    for build in folder.glob(pattern):
        ahead = _newest(str(build), _SEARCH_DEPTH) - now()
        if 0 <= ahead <= _CLOCK_WAIT_SECONDS:
            cancel.wait(ahead + 0.01)
        elif ahead > 0:
            tree.delete(build)
            dropped = True
    return dropped


def _newest(folder: str, depth: int) -> float:
    """When what lies in a folder was changed last, in seconds since the epoch; 0 for nothing."""
    newest = 0.0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                newest = max(newest, entry.stat(follow_symlinks=False).st_mtime)
                if depth and entry.is_dir(follow_symlinks=False):
                    newest = max(newest, _newest(entry.path, depth - 1))
    except OSError:
        pass
    return newest
