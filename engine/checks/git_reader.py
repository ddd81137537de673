"""Git, asked about a repository in which a person works: nothing in it is written or locked."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.projects.git import explain, run_any

MAX_OUTPUT_BYTES = 32 << 20
"""Bytes of one answer that are kept."""

_MAX_COMPLAINT_BYTES = 1 << 16
_BIG_FILE = "4m"

_OPTIONS = (
    # Larger files are taken for binary, so that comparing them costs neither time nor memory.
    *("-c", f"core.bigFileThreshold={_BIG_FILE}"),
    # A check has a bound on memory, which what is mapped counts to.
    *("-c", "core.packedGitWindowSize=4m"),
    *("-c", "core.packedGitLimit=64m"),
    *("-c", "core.deltaBaseCacheLimit=32m"),
    *("-c", "core.quotePath=true"),
    *("-c", "color.ui=false"),
)


class OutputTooLongError(ToolError):
    """Git printed more than anybody reads."""


class GitReader:
    """Asks Git about one repository.

    Args:
        folder: root of a working tree, or a bare clone. Folders above it are never searched, as
            Git would where its ``.git`` is broken.
        cancel: ends a question early.
        timeout: seconds that all questions together may take.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cancel: CancelToken,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._cancel = cancel
        self._clock = clock
        self._end = clock() + timeout
        self._env = {
            # git-status(1), "Background refresh": the index is not written.
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(folder.absolute().parent),
            "GIT_ALLOW_PROTOCOL": "none",
        }

    def read(self, *arguments: str) -> bytes:
        """What Git answers.

        Raises:
            ToolError: it failed, or time is up; one line.
            OutputTooLongError: the answer is longer than :data:`MAX_OUTPUT_BYTES`.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        answer = bytearray()

        def take(data: bytes) -> None:
            answer.extend(data)
            if len(answer) > MAX_OUTPUT_BYTES:
                raise OutputTooLongError(f"git {arguments[0]}: it printed too much")

        code, complaint = self._run(arguments, take)
        if code != 0:
            raise ToolError(f"git: {explain(complaint)}")
        return bytes(answer)

    def line(self, *arguments: str) -> str:
        """The first line that Git answers, empty where it fails."""
        return (self.text(*arguments) or "").partition("\n")[0].strip()

    def text(self, *arguments: str) -> str | None:
        """All that Git answers, None where it fails; bytes that are no UTF-8 are surrogates."""
        try:
            return self.read(*arguments).decode("utf-8", "surrogateescape")
        except OutputTooLongError:
            raise
        except ToolError:
            return None

    def count(self, *arguments: str) -> int | None:
        """The number that Git answers, None where it fails."""
        answer = self.line(*arguments)
        return int(answer) if answer.isascii() and answer.isdigit() else None

    def stream(self, take: Callable[[bytes], None], *arguments: str) -> None:
        """Hand on what Git answers as it comes; what ``take`` raises ends Git, and is raised.

        Raises:
            ToolError: as :meth:`read`.
        """
        code, complaint = self._run(arguments, take)
        if code != 0:
            raise ToolError(f"git: {explain(complaint)}")

    @contextlib.contextmanager
    def own_index(self) -> Iterator[None]:
        """Give Git a copy of the index for the block.

        ``git diff`` writes what it refreshed into the index, whatever GIT_OPTIONAL_LOCKS says
        (``refresh_index_quietly`` in Git's builtin/diff.c).
        """
        index = self.line("rev-parse", "--path-format=absolute", "--git-path", "index")
        with tempfile.TemporaryDirectory(prefix="espdeck-index-") as folder:
            copy = Path(folder) / "index"
            with contextlib.suppress(OSError):  # nothing was ever added
                shutil.copyfile(index, copy)
            self._env["GIT_INDEX_FILE"] = str(copy)
            try:
                yield
            finally:
                del self._env["GIT_INDEX_FILE"]

    def _run(self, arguments: tuple[str, ...], take: Callable[[bytes], None]) -> tuple[int, str]:
        left = self._end - self._clock()
        if left <= 0:
            raise ToolError("git: it took too long")
        with tempfile.TemporaryFile() as errors:
            done = run_any(
                [*_OPTIONS, "-C", str(self.folder), *arguments],
                timeout=left,
                cancel=self._cancel,
                on_output=take,
                env=self._env,
                errors=errors,
                supervised=False,
            )
            errors.seek(0)
            complaint = errors.read(_MAX_COMPLAINT_BYTES).decode("utf-8", "replace")
        return done.returncode, complaint
