"""The few exceptions that a caller may catch. Each message is one line that a person can act on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence


class EspdeckError(Exception):
    """Any failure that espdeck explains: what happened, where, and what to do."""

    field = ""
    """Name of the argument that is wrong, where a form is to show it there; empty for none."""


@contextlib.contextmanager
def about_field(name: str) -> Iterator[None]:
    """Say of errors that a block raises which argument they are about, unless they know."""
    try:
        yield
    except EspdeckError as error:
        error.field = error.field or name
        raise


class UsageError(EspdeckError):
    """The caller asked for something that is not valid: a bad URL, an unknown project."""


class NotFoundError(UsageError):
    """There is nothing of that name or number."""


class ConflictError(UsageError):
    """Something is in a state in which what was asked for cannot be done now."""


class AccessError(EspdeckError):
    """Who asks may not do this."""


class MistakeError(UsageError):
    """A file of a project has something in it that is not valid.

    Args:
        file: which, relative to the project.
        line: from 1, None where it is not known.
        what: what is wrong with it; one line.
    """

    def __init__(self, file: str, line: int | None, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file = file
        self.line = line
        self.what = what


class WrongSettingsError(UsageError):
    """Settings are not valid. The message is the first of them and how many more there are.

    Args:
        lines: what is wrong, a line for each setting.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        more = len(lines) - 1
        rest = f" (and {more} more: espdeck config check lists them)" if more else ""
        super().__init__(f"{lines[0]}{rest}")
        self.lines = tuple(lines)


class MissingToolError(EspdeckError):
    """A program or an optional part is not installed; the message says how to get it."""


class ToolError(EspdeckError):
    """An external program failed, timed out or answered nonsense."""


class SourceRefusedError(ToolError):
    """A repository's server answered, and gives nothing: no such repository, or not to us."""


class BoardError(EspdeckError):
    """A board cannot be used: its port is absent, busy or vanished, or it does not answer."""


class BoardGoneError(BoardError):
    """A board was there and is not any more; it may come back."""


class BoardBusyError(BoardError):
    """Another program has a board's port; it may give it back."""


class FlashDiffersError(BoardError):
    """A board's flash does not hold what it was compared with."""


class BoardSilentError(BoardError):
    """A board's port is there, but no chip answers at it."""


class ModelError(EspdeckError):
    """A model server cannot be used, or gave no answer."""


class SessionError(EspdeckError):
    """What a console says cannot be kept: the disk is full, or the folder is not ours."""


class CancelledError(EspdeckError):
    """The build was cancelled while this was running."""


class Interrupted(BaseException):
    """The process is shutting down.

    Not an ``Exception``, so that nothing records it as the failure of a stage: a stage that ends
    with it stays unfinished and is done again when the engine starts next.
    """
