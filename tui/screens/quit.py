"""The question before quitting: what runs here now, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from engine.enums import RunKind, RunStatus
from engine.text import clean, count, listed
from tui.screens.confirm import Choose

if TYPE_CHECKING:
    from engine import Run

_LOOK_SECONDS = 1.0
"""Time between two looks at what runs, while the question stands."""

_MAX_BOARDS = 3


@dataclass(frozen=True, slots=True)
class InFlight:
    """What this process carries out now.

    Args:
        runs: builds and tasks, also those that wait.
        boards: names of boards that a person flashes, erases or reads.
        checks: how many checks that a person asked for.
    """

    runs: Sequence[Run] = ()
    boards: Sequence[str] = ()
    checks: int = 0

    def __bool__(self) -> bool:
        return bool(self.runs or self.boards or self.checks)

    @property
    def words(self) -> str:
        """How many of each, as ``2 builds run, 1 task waits``."""
        parts = []
        for kind in RunKind:
            mine = [run for run in self.runs if run.kind is kind]
            busy = sum(run.status is RunStatus.RUNNING for run in mine)
            parts += [_verb(busy, kind.label, "run"), _verb(len(mine) - busy, kind.label, "wait")]
        if self.boards:
            parts.append(f"{listed(self.boards, _MAX_BOARDS)} in use (flash, erase or read)")
        parts.append(_verb(self.checks, "check", "run"))
        return ", ".join(filter(None, parts)) or "nothing runs any more"


class QuitDialog(Choose):
    """Says what runs, as it changes, and asks what becomes of it."""

    def __init__(self, found: InFlight, look: Callable[[], InFlight]) -> None:
        """Make the question.

        Args:
            found: what runs now.
            look: gives that again; called in a thread.
        """
        choices = []
        if found.runs:
            choices.append(("hand over", "hand over: a daemon goes on with builds and tasks"))
        choices.append(("wait", "wait: quit when all of it has ended"))
        ends = "boards and checks are stopped" if found.boards or found.checks else ""
        later = "builds and tasks go on at the next start" if found.runs else ""
        rest = "; ".join(filter(None, (later, ends)))
        choices.append(("stop", f"stop: quit now; {rest}"))
        super().__init__(_question(found), choices)
        self._look = look

    def on_mount(self) -> None:
        """Count again now and then."""
        self.set_interval(_LOOK_SECONDS, self._count)

    def _count(self) -> None:
        def read() -> None:
            found = self._look()
            if self.is_attached:
                self.app.call_from_thread(self._show, found)

        self.run_worker(read, thread=True, exclusive=True, exit_on_error=False)

    def _show(self, found: InFlight) -> None:
        self.query_one(".dialog--title", Static).update(Content(_question(found)))


def _question(found: InFlight) -> str:
    return clean(f"Quit? {found.words}.")


def _verb(number: int, noun: str, verb: str) -> str:
    """A number of things that do something; empty for none."""
    return f"{count(number, noun)} {verb}{'s' if number == 1 else ''}" if number else ""
