"""``board_check``: whether the boards of the lab answer, hold what they should, and work.

A board is asked only while nobody has it, waits for it or reserved it, which resets it. One that
has a known-good image in the settings is flashed with it now and then while nothing is to be built;
if that fails, builds do not take the board by themselves until it passes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from engine.boards.board_info import BoardInfo
from engine.boards.identity import BoardIdentity
from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.checks.lab import LabServices
from engine.clock import shown_time
from engine.enums import CheckStatus, RunKind
from engine.errors import BoardBusyError, BoardError, EspdeckError, MissingToolError, UsageError
from engine.files import explain
from engine.settings import BoardSettings
from engine.store import boards as board_rows
from engine.store import runs
from engine.store.tables import BoardRow, CheckResultRow, Project
from engine.text import clean, count

if TYPE_CHECKING:
    from engine.boards.board_session import BoardSession
    from engine.checks.known_good import KnownGood

AT_ONCE = 4
"""Boards that are asked at the same time; each has an esptool."""

_PURPOSE = "board_check"
_SILENT = "does not answer"
_NO_TIME = "check_timeout_seconds left no time for it"
_PART = 0.9  # of the time that a check may take is used


class BoardCheck:
    """Looks after the boards of the settings and those that run in the lab."""

    name: ClassVar[str] = "board_check"
    title: ClassVar[str] = "boards answer, hold the expected firmware and work"
    interval: ClassVar[float] = 10.0
    options: ClassVar[Mapping[str, Any]] = {"known_good_hours": 24.0, "prove_power": False}
    per_project: ClassVar[bool] = False
    quick: ClassVar[bool] = False

    def run(
        self,
        services: LabServices,
        project: Project | None,
        *,
        options: Mapping[str, Any],
        previous: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckResult:
        """As :meth:`engine.checks.lab.LabCheck.run`."""
        settings = services.settings()
        boards = [
            each
            for each in services.boards.list()
            if each.name in settings.boards or (each.kind == "virtual" and each.state != "off")
        ]
        if not boards:
            return CheckResult(CheckStatus.SUCCESS, "no boards")
        rows = board_rows.all_boards(services.store)
        deadline = time.monotonic() + settings.check_timeout_seconds * _PART
        looks = [
            _Look(
                services=services,
                info=each,
                row=rows.get(each.name, BoardRow(name=each.name)),
                before=_before(previous, each.name),
                hours=timedelta(hours=float(options["known_good_hours"])),
                proves_power=bool(options["prove_power"]),
                now=now,
                deadline=deadline,
                cancel=cancel,
            )
            for each in boards
        ]
        with ThreadPoolExecutor(min(AT_ONCE, len(looks)), "board-check") as threads:
            for future in [threads.submit(look.look) for look in looks]:
                future.result()
        cancel.check()
        return _result(looks)


@dataclass
class _Look:
    """One look at one board."""

    services: LabServices
    info: BoardInfo
    row: BoardRow
    before: Mapping[str, Any]
    hours: timedelta
    proves_power: bool
    now: datetime
    deadline: float
    cancel: CancelToken
    state: str = ""
    known: str = ""
    differs: str = ""
    differs_at: str = ""
    proved_at: str = ""
    power: str = ""
    out_of_pool: str = ""
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Look; what is found is in the fields.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        self.cancel.check()
        self.out_of_pool = self.row.out_of_pool
        self.differs = str(self.before.get("differs", ""))
        self.differs_at = str(self.before.get("differs_at", ""))
        self.proved_at = str(self.before.get("power_proved_at", ""))
        self.power = str(self.before.get("power", ""))
        if self.out_of_pool and not self._settings.known_good:
            self._take_from_pool("")  # nothing could bring it back
        self._count_resets()
        self._see_reservation()
        if self.info.reserved:
            self.state = f"reserved by {self.info.reserved}"
        elif self.info.state == "busy":
            self.state = f"in use by {self.info.holder}"
        elif self.info.state == "off":
            self.state = "off"
        elif time.monotonic() > self.deadline:
            self.state = f"not looked at: {_NO_TIME}"
        else:
            self._ask()
        if self.differs:
            self.warnings.append(self.differs)
        if self.power:
            self.warnings.append(self.power)
        if self.out_of_pool and not self.errors:
            self.errors.append(f"left the pool: {self.out_of_pool}")

    @property
    def details(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "board": self.info.name,
            "label": self.info.label,
            "state": self.state,
            "runs": str(self.services.boards.board_files(self.info.name).flashed or ""),
            "known_good": self.known,
            "out_of_pool": self.out_of_pool,
            "brownouts": self.row.brownouts,
            "watchdog_resets": self.row.watchdog_resets,
            "differs": self.differs,
            "differs_at": self.differs_at,
            "power": self.power,
            "power_proved_at": self.proved_at,
            "errors": self.errors,
            "warnings": self.warnings,
        }

    @property
    def _settings(self) -> BoardSettings:
        return self.services.settings().board.get(self.info.name, BoardSettings())

    def _count_resets(self) -> None:
        """Whether it reset by itself since the last look."""
        for key, what in (("brownouts", "brownout"), ("watchdog_resets", "watchdog reset")):
            more = getattr(self.row, key) - int(self.before.get(key, getattr(self.row, key)))
            if more > 0:
                self.warnings.append(f"{count(more, what)} since the last look")

    def _see_reservation(self) -> None:
        """Whether somebody has it longer than it was reserved for."""
        until = self.row.held_until
        if self.row.holder and until is not None and until <= self.now and self.info.holder:
            self.warnings.append(
                f"reserved by {self.row.holder} until {shown_time(until)}, which is over, and "
                f" in use by {self.info.holder}"
            )

    def _ask(self) -> None:
        """Ask it what it is, and try what the settings say."""
        notes: list[str] = []
        name, boards = self.info.name, self.services.boards
        was = boards.board_files(name).flashed
        try:
            with boards.use_if_free(
                name, cancel=self.cancel, on_note=notes.append, purpose=_PURPOSE
            ) as board:
                if board is None:
                    self.state = "in use"
                    return
                identity = board.chip.identify()
                self.state = "answers"
                self._compare(was)
                if self.out_of_pool.startswith(_SILENT):
                    self._take_from_pool("")
                if self._settings.known_good:
                    self._try_known_good(board, identity)
                if self.proves_power and board.power.is_switchable:
                    self._prove_power(board)
        except BoardBusyError as error:
            self.state = f"in use: {error}"
        except MissingToolError as error:
            self.state = f"not asked: {error}"
            self.warnings.append(str(error))
        except OSError as error:  # of this machine: the others are looked at all the same
            self.state = f"not looked at: {explain(error)}"
            self.errors.append(self.state)
        except BoardError as error:
            self.cancel.check()
            self.state = _SILENT
            reason = f"{_SILENT}: {clean(str(error)).removeprefix(f'{name}: ')}"
            self.errors.append(f"{reason}{self._since()}")
            if self._settings.known_good and not self.out_of_pool:
                self._take_from_pool(reason)

    def _since(self) -> str:
        asked = self.row.asked_at
        return f" (answered last {shown_time(asked)})" if asked else " (never answered)"

    def _compare(self, was: object) -> None:
        """Whether it still holds what espdeck flashed last: identifying it has compared that."""
        by_hand = self.row.by_hand_at
        if self.services.boards.board_files(self.info.name).flashed is not None:
            self.differs = ""
        elif was is not None:
            self.differs = f"does not hold {was}, which espdeck flashed last"
            self.differs_at = self.now.isoformat()
        elif by_hand and self.differs and by_hand > datetime.fromisoformat(self.differs_at):
            self.differs = ""  # a person flashed something, and knows what

    def _take_from_pool(self, reason: str) -> None:
        self.out_of_pool = reason
        self.services.boards.take_from_pool(self.info.name, reason, self.now)

    def _try_known_good(self, board: BoardSession, identity: BoardIdentity) -> None:
        """Try the known-good image where it is time to.

        Raises:
            BoardBusyError: another program has the port.
        """
        from engine.checks import known_good

        services, name = self.services, self.info.name
        try:
            known = known_good.find(
                services.builds, services.projects, self._settings, identity.chip
            )
        except EspdeckError as error:
            self.warnings.append(f"known_good {self._settings.known_good!r}: {clean(str(error))}")
            return
        if wait := self._not_now(identity, known):
            self.known = wait
            return
        holds = services.boards.board_files(name).flashed
        is_on_it = holds is not None and holds.build == known.build.number and not holds.app_only
        reason, writes = "", not self._is_recent(self.row.known_good_at)
        if writes:
            reason = known_good.write(
                board,
                known,
                services.builds,
                baud=services.settings().flash_baud,
                seconds=min(services.settings().flash_timeout, self._left()),
                on_write=lambda: board_rows.note_known_good(services.store, name, now=self.now),
            )
            self.differs = ""
        elif not (self.out_of_pool and is_on_it):
            tried = self.row.known_good_at
            self.known = f"{known} was tried" + (f" at {shown_time(tried)}" if tried else "")
            return
        if not reason and self._left() < known.seconds:
            self.known = f"{known} was flashed, but its console was not read: {_NO_TIME}"
            return
        if not reason:
            reason = known_good.listen(board, known, services.boards, restart=not writes)
        self.known = reason or f"{known} works"
        self._take_from_pool(reason)

    def _not_now(self, identity: BoardIdentity, known: KnownGood) -> str:
        """Why the known-good image is not tried now; empty where it is."""
        from engine.checks.known_good import MIN_SECONDS, cannot_run

        by_hand_at = self.row.by_hand_at
        if protection := str(identity.protection):
            return f"skipped: permanently protected by {protection}"
        if cannot_run(self.info.name, identity.chip, known):
            return f"skipped: this emulated chip cannot run {known}"
        if by_hand_at and self._is_recent(by_hand_at):
            return f"skipped: a person flashed it at {shown_time(by_hand_at)}"
        unfinished = runs.unfinished_runs(self.services.store)
        if builds := [run for run in unfinished if run.kind is RunKind.FIRMWARE]:
            return f"waits for {count(len(builds), 'build')}"
        if self._left() < MIN_SECONDS + known.seconds:
            return f"waits: {_NO_TIME}"
        return ""

    def _is_recent(self, at: datetime | None) -> bool:
        return at is not None and abs(self.now - at) < self.hours

    def _left(self) -> float:
        return self.deadline - time.monotonic()

    def _prove_power(self, board: BoardSession) -> None:
        """Prove what switches its power, as often as the known-good image is flashed."""
        from engine.checks.power_proof import prove_power

        proved = datetime.fromisoformat(self.proved_at) if self.proved_at else None
        if self._is_recent(proved) and not self.power:
            return
        try:
            problem = prove_power(board)
        except UsageError as error:
            problem = str(error)
        self.power = clean(problem).removeprefix(f"{self.info.name}: ")
        self.proved_at = self.now.isoformat()


def _before(previous: CheckResultRow | None, name: str) -> Mapping[str, Any]:
    """What the last result has of a board; empty for nothing."""
    for each in (previous.details if previous is not None else {}).get("boards", ()):
        if isinstance(each, dict) and each.get("board") == name:
            return each
    return {}


def _result(looks: Sequence[_Look]) -> CheckResult:
    answer = sum(look.state == "answers" for look in looks)
    said = [f"{answer} of {count(len(looks), 'board')} answer", *_others(looks)]
    problems = [
        f"{look.info.label or look.info.name} {problem}"
        for kind in ("errors", "warnings")
        for look in looks
        for problem in getattr(look, kind)
    ]
    status = (
        CheckStatus.ERROR
        if any(look.errors for look in looks)
        else CheckStatus.WARNING
        if problems
        else CheckStatus.SUCCESS
    )
    details = {"boards": [look.details for look in looks]}
    return CheckResult(status, "; ".join((", ".join(said), *problems)), details)


def _others(looks: Sequence[_Look]) -> Iterator[str]:
    """How many boards were not asked, and why."""
    for word, said in (("in use", "in use"), ("reserved", "reserved"), ("off", "off")):
        if number := sum(look.state.startswith(word) for look in looks):
            yield f"{number} {said}"
