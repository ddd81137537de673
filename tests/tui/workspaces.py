"""Workspaces with a past, written through the store, and the app on them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from git import Repo
from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import Worker

from engine import Settings
from engine.access.service import Access
from engine.builds import fix_patch
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import ArtifactKind, ProjectStatus, RunStatus, Scope, Severity, StageStatus
from engine.findings import Finding
from engine.images import image_file
from engine.images.image import Image
from engine.runs.pipeline import Stage
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import Artifact, AuditRow, LogChunk, Project, Run, StageRow
from tests.engine.sizes import maps
from tui.app import EspdeckApp
from tui.widgets.text_view import TextView

LOG_LINES = 3000
"""Lines of the compiler's log of the newest build: more than a pane keeps in memory."""

WAIT = 30.0
"""Seconds until what should be seen is missed: many times what it takes on a busy machine."""


def fill(workspace: Path, text: Callable[[str], str] = lambda text: text, count: int = 3) -> None:
    """Write two projects, and builds of the first of which the newest has failed.

    Args:
        text: what becomes of every text that comes from outside.
        count: how many builds.
    """
    store = Store(workspace / "espdeck.db")
    project = _project(text("sensor-hub"), text("https://git.lab/sensor-hub.git"), text("main"))
    projects.add_project(store, project)
    broken = _project(text("broken-link"), text("https://git.lab/gone.git"), text("main"))
    broken.status = ProjectStatus.ERROR
    broken.status_detail = text("https://git.lab/gone.git: cannot be reached")
    projects.add_project(store, broken)
    began = datetime.now(UTC) - timedelta(hours=2, minutes=20)
    with store.write() as session:
        for number in range(1, count + 1):
            failed = number == count
            session.add(
                Run(
                    id=number,
                    project_id=project.id,
                    commit_sha=f"{number:08x}" * 5,
                    commit_message=text(f"Read the humidity, take {number}\n\nAt last."),
                    commit_author=text("Ada"),
                    branch=text("main"),
                    target="esp32c3",
                    status=RunStatus.FAILED if failed else RunStatus.SUCCESS,
                    started_at=began,
                    completed_at=began + timedelta(seconds=4),
                    created_at=began,
                    duration=4.2,
                    error=text("Store access fault in write_reading()") if failed else "",
                    artifacts_path=str(workspace / "artifacts" / str(number)),
                )
            )
    _fill_build(store, count, text)
    store.close()


def keep_image(workspace: Path, number: int, image: Image) -> None:
    """Make an image one that a build kept."""
    folder = workspace / "artifacts" / str(number)
    folder.mkdir(parents=True)
    shutil.copy(image.elf, folder)
    for part in image.parts:
        shutil.copy(part.path, folder)
    image_file.write(image, folder / image_file.FILE_NAME)
    store = Store(workspace / "espdeck.db")
    row = Artifact(
        run_id=number, kind=ArtifactKind.REPORT, path=image_file.FILE_NAME, size=1, sha256="ab" * 32
    )
    runs.put_artifacts(store, number, [row])
    store.close()


def keep_fix(workspace: Path, number: int, text: Callable[[str], str]) -> None:
    """Let a build that failed have been repaired in part.

    Args:
        text: what becomes of every text that comes from outside.
    """
    Repo.init(workspace / "clone", bare=True).close()
    store = Store(workspace / "espdeck.db")
    build = runs.get_run(store, number)
    assert build.project_id is not None

    def change(project: Project) -> None:
        project.status, project.clone_path = ProjectStatus.ACTIVE, str(workspace / "clone")

    projects.change_project(store, build.project_id, change)
    for attempt, status in ((1, StageStatus.SUCCESS), (2, StageStatus.FAILED)):
        row = StageRow(
            run_id=number, key="repair", agent="DEVELOPER", phase="feedback", attempt=attempt,
            status=status, summary=text("the best is attempt 2"),
        )  # fmt: skip
        runs.put_stage(store, row)
    store.close()
    folder = Path(build.artifacts_path)
    folder.mkdir(parents=True, exist_ok=True)
    line = text("int repaired;").replace("\n", "")
    diff = f"diff --git a/main.c b/main.c\n--- a/main.c\n+++ b/main.c\n@@ -1 +1 @@\n-x\n+{line}\n"
    fix_patch.write(folder / fix_patch.NAME, [text("a model: closed the driver")], diff)


def keep_maps(workspace: Path, text: Callable[[str], str] = lambda text: text) -> None:
    """Give the two newest of three builds the maps of their linkers, and a program.

    Args:
        text: what becomes of the name of a component.
    """
    store = Store(workspace / "espdeck.db")
    for number, contents in ((2, maps.FIRST), (3, maps.THEN)):
        folder = workspace / "artifacts" / str(number)
        folder.mkdir(parents=True)
        wifi = text("wifi").replace("/", "")
        named = {
            section: {file.replace("libwifi", f"lib{wifi}"): size for file, size in files.items()}
            for section, files in contents.items()
        }
        maps.write(folder / "hub.map", named)
        (folder / "hub.elf").write_bytes(b"\x7fELF")
        kept = (("hub.elf", ArtifactKind.ELF), ("hub.map", ArtifactKind.MAP))
        runs.put_artifacts(
            store,
            number,
            [
                Artifact(run_id=number, kind=kind, path=name, size=28_262, sha256="ab" * 32)
                for name, kind in kept
            ],
        )
    store.close()


def _project(name: str, source: str, branch: str) -> Project:
    return Project(
        id=uuid.uuid4(),
        name=name,
        source=source,
        branch=branch,
        target="esp32c3",
        status=ProjectStatus.ACTIVE,
        synced_at=datetime.now(UTC) - timedelta(hours=3, minutes=10),
    )


def _fill_build(store: Store, number: int, text: Callable[[str], str]) -> None:
    at = datetime.now(UTC)
    failed = {"test.board", "diagnose", "judge", "repair"}
    seq = 0
    for stage in FIRMWARE_PIPELINE.stages:
        runs.put_stage(
            store,
            StageRow(
                run_id=number,
                key=stage.key,
                agent=stage.role,
                phase=stage.phase,
                attempt=1,
                status=StageStatus.FAILED if stage.key in failed else StageStatus.SUCCESS,
                started_at=at,
                completed_at=at,
                summary=text(f"{stage.title}: done"),
            ),
        )
        lines = LOG_LINES if stage.key == "build" else 12
        for stream in ("log", "serial") if stage.key.startswith("test.") else ("log",):
            seq += 1
            body = [text(f"{stage.key} {stream} line {line}") for line in range(lines)]
            body[-1] = text("W (12) sensor: the last of them")
            put_log(store, number, stage, body, seq=seq, stream=stream)
    panic = Finding(
        severity=Severity.ERROR,
        code="panic.store-access-fault",
        message=text("Store access fault in write_reading()"),
        file=text("main/main.c"),
        line=21,
        hint=text("0xdead0000 is not an address of this chip"),
        evidence=text("MEPC : 0x403802a8"),
    )
    warning = Finding(
        severity=Severity.WARNING, code="Wunused", message=text("unused variable 'x'")
    )
    runs.put_findings(store, number, "diagnose", 1, [panic])
    runs.put_findings(store, number, "build", 1, [warning])
    artifact = Artifact(
        run_id=number, kind=ArtifactKind.ELF, path="hub.elf", size=28_262, sha256="ab" * 32
    )
    runs.put_artifacts(store, number, [artifact])


def put_log(
    store: Store, number: int, stage: Stage, body: list[str], *, seq: int, stream: str = "log"
) -> None:
    """Write the log of a stage of a run: all of its lines as one chunk."""
    chunk = LogChunk(
        run_id=number,
        stage=stage.key,
        attempt=1,
        stream=stream,
        agent=stage.role,
        seq=seq,
        first_line=0,
        lines=len(body),
        text="\n".join(body) + "\n",
        writer="past",
    )
    logs.append(store, [chunk])


@contextlib.asynccontextmanager
async def running(
    workspace: Path,
    *,
    size: tuple[int, int] = (80, 24),
    load: Callable[[], Settings] | None = None,
    **settings: Any,
) -> AsyncIterator[Story]:
    """The app on a workspace, opened.

    Args:
        load: reads the settings again when their file has changed.
    """
    app = EspdeckApp(Settings(workspace=workspace, **settings), load=load)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            story = Story(app, pilot)
            await story.until(lambda: app.is_open)
            yield story
    finally:
        await asyncio.to_thread(app.close_engine)


class Story:
    """A person before the app: presses keys, waits for what should be seen."""

    def __init__(self, app: EspdeckApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> Screen[Any]:
        """What is in front."""
        return self.app.screen

    def text(self) -> str:
        """All that is on the screen, as lines."""
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def press(self, *keys: str) -> None:
        """Press keys, each when the texts on the screen are laid out, which threads do.

        All are handled then, also those that waited for a screen to open.
        """
        for key in keys:
            await self.pilot.press(key)
            await self.until(lambda: not any(map(_lays_out, self.app.workers)))
        await self.until(lambda: self.app._type_ahead._settling is None)
        await self.pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size, and wait until texts are laid out for it."""
        await self.pilot.resize_terminal(width, height)
        screens = self.app.screen_stack[-2:]  # a dialog shows the screen that is below it
        await self.until(lambda: all(each._compositor.size == (width, height) for each in screens))
        await self.pilot.pause()
        await self.until(lambda: not any(map(_lays_out, self.app.workers)))
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Paste a text."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    async def until(self, seen: Callable[[], bool], timeout: float = WAIT) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + timeout
        while not seen():
            assert time.monotonic() < deadline, self.text()
            await self.pilot.pause(0.02)

    async def sees(self, *texts: str, timeout: float = WAIT) -> None:
        """Wait until all of these are on the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), timeout)


def _lays_out(worker: Worker[Any]) -> bool:
    return isinstance(worker.node, TextView) and not worker.is_finished


def fill_audit(workspace: Path) -> None:
    """Write what was asked of the HTTP API, and two tokens."""
    store = Store(workspace / "espdeck.db")
    began = datetime(2026, 1, 31, 12, 0, 7, tzinfo=UTC)
    access = Access(store, lambda: began)
    access.create_token("ci", Scope.READ)
    access.create_token("desk", Scope.FLASH, timedelta(days=30))
    access.revoke_token("desk")
    entries = (
        ("desk", "192.0.2.7", "POST /api/v1/projects/{project}/build", "sensor-hub", 202, ""),
        ("desk", "192.0.2.7", "POST /api/v1/boards/{board}/reset", "rack-2", 200, ""),
        ("", "198.51.100.23", "GET /api/v1/builds", "", 401, "a token is needed"),
        ("ci", "192.0.2.9", "POST /api/v1/builds/{number}/cancel", "3\x1b[31m", 403,
         "token 'ci' has the scope read: build is needed"),
    )  # fmt: skip
    for actor, address, action, subject, status, detail in entries:
        access.record(
            AuditRow(
                at=began,
                actor=actor,
                address=address,
                action=action,
                subject=subject,
                status=status,
                detail=detail,
            )
        )
    access.close()
    store.close()
