"""What home does with several projects at once: build, sync, flash. Each in a thread, in order."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.enums import ProjectStatus, RunStatus
from engine.errors import EspdeckError
from engine.text import clean, count, listed
from tui.app_base import BoardOperation
from tui.state.flash_plan import FlashPlan, FlashStep, plan_flashing

if TYPE_CHECKING:
    from engine import CancelToken, Project, ProjectOverview
    from tui.screens.base import MainScreen

_NOTE_SECONDS = 6.0
_NAMED_PROBLEMS = 3
"""Problems that a note names; of the others it says how many there are."""


class ManyProjects:
    """Does one thing with many projects, off the event loop, and says what came of it."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def build(self, chosen: Sequence[ProjectOverview]) -> None:
        """Build what each follows; asks first."""
        from engine import Variant
        from tui.screens.confirm import Confirm

        projects = [each.project for each in chosen]
        engine = self._screen.engine

        def start(project: Project) -> None:
            _check_ready(project)
            plain = Variant(project.target, project.configuration)
            started = engine.builds.start_each(project.id, [plain])
            if started.problems and not started.builds:
                raise EspdeckError(started.problems[0])

        def answered(yes: bool | None) -> None:
            if yes:
                self._each(projects, start, "build", "asked for")

        names = listed([project.name for project in projects])
        self._screen.app.push_screen(
            Confirm(f"Build {count(len(projects), 'project')}?", names, "build"), answered
        )

    def sync(self, chosen: Sequence[ProjectOverview]) -> None:
        """Fetch the sources of each."""
        engine = self._screen.engine
        projects = [each.project for each in chosen]
        if len(projects) == 1:
            self._screen.in_thread(lambda: engine.projects.sync(projects[0].id))
            return
        self._each(projects, lambda each: engine.projects.sync(each.id), "sync", "begun")

    def flash(self, chosen: Sequence[ProjectOverview]) -> None:
        """Flash the newest build of each that succeeded, each onto a board of its chip; asks."""
        from tui.screens.confirm import Confirm

        engine = self._screen.engine

        def find() -> FlashPlan:
            builds = {}
            for each in chosen:
                found = engine.builds.flashable(each.project.id, status=RunStatus.SUCCESS, limit=1)
                if found:
                    builds[each.project.id] = found[0]
            return plan_flashing(chosen, builds, engine.overview.boards())

        def ask(plan: FlashPlan) -> None:
            if not plan.steps:
                self._screen.show_error("; ".join(plan.problems))
                return
            said = [f"{one.project} #{one.build} onto {one.label}" for one in plan.steps]
            self._screen.app.push_screen(
                Confirm(
                    f"Flash {count(len(plan.steps), 'board')}?",
                    "; ".join([*said, *plan.problems]),
                    "flash",
                ),
                lambda yes: self._flash(plan.steps) if yes else None,
            )

        self._screen.in_thread(find, ask, opens=True)

    def _flash(self, steps: Sequence[FlashStep]) -> None:
        from engine import CancelToken

        busy = self._screen.app.board_operations
        for step in steps:
            if step.board in busy:
                self._say(f"{step.label}: wait for what you do with it, or cancel that")
                continue
            cancel = CancelToken()
            busy[step.board] = BoardOperation(step.label, cancel)
            self._screen.notify(clean(f"{step.label}: flashing"), markup=False)
            self._screen.in_thread(partial(self._write, step, cancel), self._say)

    def _write(self, step: FlashStep, cancel: CancelToken) -> str:
        """Flash a board; in a thread."""
        from engine import FlashOptions

        app, engine, user = self._screen.app, self._screen.engine, getpass.getuser()
        settings = engine.settings
        try:
            image = engine.builds.image(step.build)
            with engine.boards.use(
                step.board, cancel=cancel, on_wait=lambda _line: None, purpose=user, holder=user
            ) as held:
                held.flash.write(
                    image,
                    FlashOptions(baud=settings.flash_baud, secure=settings.flash_secure),
                    on_output=lambda _line: None,
                    on_progress=lambda _percent, _what: None,
                    timeout=settings.flash_timeout,
                    flashed=engine.builds.flashed(step.build, image),
                )
        finally:
            app.board_operations.pop(step.board, None)
        return f"{step.label}: build {step.build} of {step.project} flashed"

    def _say(self, text: str) -> None:
        self._screen.notify(clean(text), markup=False, timeout=_NOTE_SECONDS)

    def _each(
        self, projects: Sequence[Project], work: Callable[[Project], object], noun: str, done: str
    ) -> None:
        """Do something with each project in one thread, and say how it went."""

        def run() -> Sequence[str]:
            problems = []
            for project in projects:
                try:
                    work(project)
                except EspdeckError as error:
                    text = str(error)
                    known = text.startswith(project.name)
                    problems.append(text if known else f"{project.name}: {text}")
            return problems

        def show(problems: Sequence[str]) -> None:
            number = len(projects) - len(problems)
            if number:
                self._say(f"{count(number, noun)} {done}")
            if problems:
                more = len(problems) - _NAMED_PROBLEMS
                named = "; ".join(problems[:_NAMED_PROBLEMS])
                self._screen.show_error(f"{named}{f'; and {more} more' if more > 0 else ''}")

        self._screen.in_thread(run, show)


def _check_ready(project: Project) -> None:
    """Raises where a project cannot be built without asking a person.

    Raises:
        EspdeckError: it is being cloned, has an error, or its chip is not known.
    """
    if project.status != ProjectStatus.ACTIVE:
        word = "is being cloned" if project.status == ProjectStatus.PENDING else "has an error"
        raise EspdeckError(f"{project.name} {word}")
    if not project.target:
        raise EspdeckError(f"{project.name} has no chip: press e to name it")
