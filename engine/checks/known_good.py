"""Firmware that is known to work, on a board that may not: flashed, started, listened to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.boards.board_files import DEFAULT_BAUD
from engine.boards.board_session import BoardSession
from engine.boards.capabilities import FlashOptions
from engine.boards.names import is_virtual
from engine.boards.secure_images import unasked
from engine.boards.service import Boards
from engine.boards.virtual.chips import RUNNABLE, STOPPED
from engine.builds.agents.output_checker import OutputChecker
from engine.builds.agents.silence import is_silent
from engine.builds.agents.tester import as_text, is_done, seconds_of
from engine.builds.service import Builds
from engine.console_input import ConsoleInput
from engine.enums import ArtifactKind, RunStatus
from engine.errors import BoardBusyError, BoardError, EspdeckError, UsageError
from engine.images.image import Image
from engine.manifest import Manifest
from engine.projects.manifests import manifest_at
from engine.projects.service import Projects
from engine.runs.proposals import check_approved
from engine.settings import BoardSettings
from engine.store.tables import Run
from engine.text import clean

MIN_SECONDS = 120.0
"""Seconds that must be left for flashing, or nothing is flashed: what is ended in the midst of it
would look like a fault of the board."""

_MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class KnownGood:
    """A build that is known to work.

    Args:
        build: which.
        project: name of its project.
        image: what is flashed of it.
        manifest: what is expected of it.
    """

    build: Run
    project: str
    image: Image
    manifest: Manifest

    @property
    def seconds(self) -> float:
        """How long it is listened to at the most."""
        return seconds_of(self.manifest)

    def __str__(self) -> str:
        """For people: ``blink #12``."""
        return f"{self.project} #{self.build.number}"


def find(builds: Builds, projects: Projects, settings: BoardSettings, chip: str) -> KnownGood:
    """The build that the settings of a board mean.

    Args:
        chip: of the board.

    Raises:
        UsageError: there is none for this chip, or it may not be flashed unasked; one line.
        AccessError: it is of a pull request that nobody approved.
        ToolError: what it expects cannot be read.
    """
    name, number = settings.known_good_build
    project = projects.get(name)
    if number is not None:
        build = builds.get(number)
        if build.project_id != project.id:
            raise UsageError(f"build {build.number} is not a build of {project.name}")
        if build.target != chip:
            raise UsageError(f"build {build.number} is for {build.target}, not for {chip}")
        check_approved(build)
    else:
        done = builds.list(project_id=project.id, status=RunStatus.SUCCESS, own=True)
        newest = next((each for each in done if each.target == chip and not each.dirty), None)
        if newest is None:
            raise UsageError(f"{project.name} has no successful build for {chip}")
        build = newest
    image = builds.image(build.number)
    try:
        problem = unasked(image)
    except OSError as error:
        raise UsageError(f"build {build.number}: {error.filename}: {error.strerror}") from error
    if problem is not None:
        raise UsageError(f"build {build.number}: {problem}")
    said = manifest_at(Path(project.clone_path), project.app, build.commit_sha)
    return KnownGood(build, project.name, image, said)


def write(
    board: BoardSession,
    known: KnownGood,
    builds: Builds,
    *,
    baud: int,
    seconds: float,
    on_write: Callable[[], None],
) -> str:
    """Flash it.

    Args:
        baud: speed of flashing.
        seconds: that it may take.
        on_write: called before the first byte is written.

    Returns:
        Why it could not be flashed; empty where it was.

    Raises:
        BoardBusyError: another program has the port.
        CancelledError, Interrupted: as the session's token says.
    """
    begun = False

    def progress(_percent: float, what: str) -> None:
        nonlocal begun
        if what.startswith("writing") and not begun:
            begun = True
            on_write()

    try:
        board.flash.write(
            known.image,
            FlashOptions(baud=baud),
            on_output=lambda _line: None,
            on_progress=progress,
            timeout=seconds,
            flashed=builds.flashed(known.build.number, known.image),
        )
    except BoardBusyError:
        raise
    except (BoardError, OSError) as error:
        board.port.cancel.check()
        return _reason(f"{known} cannot be flashed: {error}")
    return ""


def listen(board: BoardSession, known: KnownGood, boards: Boards, *, restart: bool) -> str:
    """Start it, and listen to whether it does what is expected of it.

    Args:
        restart: whether nothing was flashed just now, after which it starts by itself.

    Returns:
        What is wrong; empty where it works.

    Raises:
        BoardBusyError: another program has the port.
        CancelledError, Interrupted: as the session's token says.
    """
    console_input = ConsoleInput()
    checker = OutputChecker(known.manifest, target=known.image.target, console_input=console_input)
    most = known.seconds
    try:
        if restart and board.port.is_socket:
            board.reset.into_program()
        board.console.listen(
            baud=known.image.baud or DEFAULT_BAUD,
            on_output=as_text(known.image, checker.feed),
            until=lambda passed: is_done(checker, passed),
            seconds=most,
            reset=True,
            console_input=console_input,
        )
    except BoardBusyError:
        raise
    except EspdeckError as error:
        board.port.cancel.check()
        return _reason(f"{known} 's console cannot be read: {error}")
    checker.end(f"nothing more came in {most:g} s")
    boots = checker.boots
    boards.count_resets(board.name, brownouts=boots.brownouts, watchdogs=boots.watchdogs)
    if boots.loop:
        with contextlib.suppress(BoardError):
            board.reset.into_bootloader()  # it stays there, and does not boot for hours
    return _reason(fault_of(checker, str(known)))


def cannot_run(board: str, chip: str, known: KnownGood) -> bool:
    """Whether a virtual board only keeps what is flashed on it: its silence tells nothing."""
    has_bootloader = any(part.kind is ArtifactKind.BOOTLOADER for part in known.image.parts)
    return is_virtual(board) and (chip not in RUNNABLE or has_bootloader)


def fault_of(checker: OutputChecker, known: str) -> str:
    """What is wrong with what was heard of a board; empty for nothing. Untrusted text.

    Args:
        checker: that heard it, to its end.
        known: how the firmware is called.
    """
    if checker.boots.loop:
        return f"{known} boots again and again ({checker.boots.loop})"
    if checker.panics:
        return f"{known} panics: {checker.panics[0].strip().splitlines()[0]}"
    transcript = checker.transcript()
    lines = [line for line in transcript.splitlines() if line.strip()]
    if is_silent(transcript) or all(line.startswith(STOPPED) for line in lines):
        return f"{known} printed nothing"
    if unmet := [each.pattern for each in checker.expectations() if each.line is None]:
        return f"{known} never printed {unmet[0]!r}; its last line was {lines[-1]!r}"
    report = checker.report()
    if report is not None and (failed := [case for case in report.cases if case.failed]):
        return f"{known}: test {failed[0].name} failed: {failed[0].message}"
    if report is not None and (report.failures or not report.complete):
        return f"{known}: its tests failed or did not finish"
    return ""


def _reason(text: str) -> str:
    """One line of what a board said among it, for the store and people."""
    return clean(" ".join(text.split()))[:_MAX_REASON_CHARACTERS]
