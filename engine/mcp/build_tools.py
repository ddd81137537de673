"""Tools that start work: builds, with tests in simulators or on boards, and their end."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from engine import Project, check_targets
from engine.errors import CancelledError, EspdeckError, UsageError
from engine.mcp.build_answers import BuildAnswer
from engine.mcp.following import follow
from engine.mcp.lab import Lab
from engine.mcp.permissions import McpAllow
from engine.mcp.read_tools import BuildNumber
from engine.mcp.tool import DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, Arguments, Call, Tool

CANCEL_SECONDS = 10.0
"""How long a cancelled build is waited for; its programs end within a second."""

_Wait = Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS)]


class _Build(Arguments):
    project: str
    """A project's name, or the path of a firmware's folder, or a Git URL."""

    dirty: bool | None = None
    """Build the folder as it is, with uncommitted changes. Without it: yes, where the project is
    a folder of this machine and no commit is named."""

    commit: str = ""
    """Commit, tag or branch; empty is what the project follows."""

    target: str = ""
    """Chip, such as esp32c3; empty is the project's."""

    configuration: str = ""
    """Configuration of ESP-IDF, environment of PlatformIO or profile of a sketch."""

    board: str = "none"
    """none, or where to flash and test it too: auto, or a board as list_boards names it."""

    simulator: str = "auto"
    """auto, none, or a simulator's name."""

    wait_seconds: _Wait = DEFAULT_WAIT_SECONDS
    """How long to wait for its end. It goes on where that takes longer: show_build waits on."""


def _build(lab: Lab, arguments: _Build, call: Call) -> BuildAnswer:
    if arguments.board != "none":
        lab.check_allowed(f"a build on board {arguments.board[:80]}", McpAllow.FLASH)
    engine, commit = lab.engine, arguments.commit or None
    if arguments.dirty and commit:
        raise UsageError("dirty takes the folder as it is now: leave commit out")
    board = arguments.board
    if board not in ("none", "auto") and not board.startswith("virtual:"):
        board = lab.board(board).name
    chips = check_targets([arguments.target] if arguments.target else [])
    call.say("finding the project")
    project = engine.projects.find_or_add(arguments.project, targets=chips)
    call.cancel.check()
    dirty = arguments.dirty
    if dirty is None:
        dirty = commit is None and _is_folder(project)
    variants = engine.builds.choose_variants(
        project,
        targets=chips,
        configurations=[arguments.configuration] if arguments.configuration else [],
        commit=commit,
        dirty=dirty,
    )
    started = engine.builds.start(
        project.id,
        variant=variants[0],
        commit=commit,
        dirty=dirty,
        board=board,
        simulator=arguments.simulator,
        asked_by=lab.who(call),
    )
    return _follow(lab, started.number, call, arguments.wait_seconds)


def _is_folder(project: Project) -> bool:
    return Path(project.source).is_dir()


class _RunTests(Arguments):
    build: BuildNumber
    wait_seconds: _Wait = DEFAULT_WAIT_SECONDS
    """How long to wait for the end."""


def _run_tests(lab: Lab, arguments: _RunTests, call: Call) -> BuildAnswer:
    engine, number = lab.engine, arguments.build
    run = engine.builds.get(number)
    if run.board != "none":
        lab.check_allowed(
            f"tests of build {number}, which was asked for with a board,", McpAllow.FLASH
        )
    ran = {row.key for row in engine.builds.stages(number)}
    stage = "test.board" if run.board != "none" and "test.board" in ran else "test.simulator"
    engine.builds.retry(number, stage)
    return _follow(lab, number, call, arguments.wait_seconds)


def _follow(lab: Lab, number: int, call: Call, seconds: float) -> BuildAnswer:
    """Wait for a build that this call asked for; who cancels the call cancels the build."""
    try:
        follow(lab.engine, number, call, seconds)
    except CancelledError:
        with contextlib.suppress(EspdeckError):  # it ended meanwhile
            lab.engine.builds.cancel(number)
        raise
    return BuildAnswer.whole(lab.engine, number)


class _CancelBuild(Arguments):
    build: BuildNumber


def _cancel_build(lab: Lab, arguments: _CancelBuild, _call: Call) -> BuildAnswer:
    lab.engine.builds.cancel(arguments.build)
    lab.engine.builds.wait(arguments.build, timeout=CANCEL_SECONDS)
    return BuildAnswer.whole(lab.engine, arguments.build)


TOOLS = (
    Tool(
        "build",
        "Build firmware, run its tests in a simulator (and on a board, where one is named), "
        "diagnose and judge it. Takes a folder as it is on disk: edit, then build. Answers with "
        "findings and failed tests.",
        _Build,
        BuildAnswer,
        _build,
        needs=(McpAllow.BUILD,),
    ),
    Tool(
        "run_tests",
        "Run the tests of a finished build again (Unity, [[test]] of espdeck.toml, expect), "
        "where the build was tested: in its simulator, on its board.",
        _RunTests,
        BuildAnswer,
        _run_tests,
        needs=(McpAllow.BUILD,),
    ),
    Tool(
        "cancel_build",
        "Cancel a build that waits or runs.",
        _CancelBuild,
        BuildAnswer,
        _cancel_build,
        needs=(McpAllow.BUILD,),
    ),
)
"""They start work, or end it."""
