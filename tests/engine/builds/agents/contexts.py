"""What a firmware agent sees, made without a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.boards.service import Boards
from engine.builds.context import BuildContext
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.llm.service import Models
from engine.projects.worktrees import Slot
from engine.repair.model_formats import ModelFormats
from engine.runs.pipeline import Reporter, StageContext, StageResult
from engine.settings import LlmSettings, Settings
from engine.store.database import Store
from engine.store.tables import Project

Keep = Callable[[ArtifactKind, Path, str], Path]


def build_context(
    folder: Path,
    stage: str,
    results: Mapping[str, StageResult],
    *,
    board: str = "none",
    settings: Settings | None = None,
    log: Callable[[str], None] = lambda _line: None,
    keep: Keep = lambda _kind, path, _name: path,
) -> BuildContext:
    """The context of a stage of build 1, with a slot and boards below a folder."""
    store = Store(folder / "espdeck.db")
    return BuildContext(
        stage=StageContext(
            run_id=1,
            definition=FIRMWARE_PIPELINE.stage(stage),
            attempt=1,
            source=folder / "src",
            results=results,
            settings=settings or Settings(),
            models=Models(LlmSettings()),
            formats=ModelFormats(store, Models(LlmSettings())),
            cancel=CancelToken(),
            report=Reporter(
                log=log,
                output=lambda _data: None,
                serial=lambda _data: None,
                progress=lambda _percent, _message: None,
                board=lambda _name: None,
                keep=lambda _stage, kind, path, name: keep(kind, path, name),
                withdraw=lambda _path: None,
            ),
        ),
        project=Project(name="fw", source="/fw", target="esp32c3"),
        target="esp32c3",
        board=board,
        simulator="none",
        build_dir=folder / "build",
        slot=Slot(folder, CancelToken()),
        boards=Boards((), folder / "boards", store),
        image_before=lambda: None,
    )
