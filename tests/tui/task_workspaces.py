"""Workspaces in which models have done something, written through the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.enums import ArtifactKind, RunKind, RunStatus, Severity, StageStatus
from engine.findings import Finding
from engine.llm.placeholder import PLACEHOLDER
from engine.quality.gate import GATE_REPORT
from engine.quality.result import evaluate, measured, unknown
from engine.quality_requirements import Aspect
from engine.runs.pipeline import Pipeline, Stage
from engine.store import projects, runs, tasks
from engine.store.database import Store
from engine.store.tables import Artifact, Run, StageRow
from engine.tasks.request import TaskRequest, plan_for, row_of
from tests.engine import git_repos
from tests.tui.workspaces import put_log

ANSWER = """\
## Findings

1. `main/main.c:21` **blocker**: the pointer is never checked, so a failed `malloc` writes to 0.
2. `main/queue.c:7` minor: the queue holds *four* items.

| Place | Problem | Remedy |
|---|---|--:|
| main.c:21 | unchecked pointer | check it |

```c main/main.c
static void write_reading(struct reading *reading) {
    xQueueSend(queue, reading, 0); // was 4
}
```

> The datasheet says otherwise.
"""

PATCH = """\
diff --git a/main/main.c b/main/main.c
--- a/main/main.c
+++ b/main/main.c
@@ -1,2 +1,2 @@
 #include "queue.h"
-static int depth = 4;
+static int depth = 16; /* items */
"""

GATE = evaluate(
    (
        measured(Aspect.COVERAGE, 61.2, 80, "coverage.xml"),
        measured(Aspect.CODE, 91, 85, "lizard, cppcheck"),
        measured(Aspect.SECURITY, 0, 0, "flawfinder, bandit"),
        unknown(Aspect.DOCUMENTATION, 60, "no public header"),
        measured(Aspect.SIZE, 283_000, 1 << 20, "image of build 3"),
    )
)


def fill_tasks(workspace: Path, text: Callable[[str], str] = lambda text: text) -> None:
    """Add tasks to a workspace that :func:`tests.tui.workspaces.fill` made, after its builds.

    A review that went well, one that asked nobody, and a bug fix that the gate did not let pass.

    Args:
        text: what becomes of every text that comes from outside.
    """
    store = Store(workspace / "espdeck.db")
    _clone(store, workspace / "clone")
    review = TaskRequest(workflow="code_review", description=text("Look at it"))
    nobody = TaskRequest(workflow="documentation")
    fix = TaskRequest(workflow="bug_fix", description=text("It hangs"), gate=True)
    _task(store, workspace, review, RunStatus.SUCCESS, "ollama", text)
    _task(store, workspace, nobody, RunStatus.SUCCESS, PLACEHOLDER, text)
    _task(store, workspace, fix, RunStatus.FAILED, "ollama", text)
    store.close()


def _clone(store: Store, folder: Path) -> None:
    """Give the project its repository: its own pipelines are looked for."""
    tip = git_repos.commit(folder, {"main/main.c": "int main(void);\n"})
    with store.write() as session:
        project = next(each for each in projects.all_projects(store) if "sensor" in each.name)
        project.clone_path, project.tip = str(folder), tip
        session.merge(project)


def _task(
    store: Store,
    workspace: Path,
    order: TaskRequest,
    status: RunStatus,
    server: str,
    text: Callable[[str], str],
) -> None:
    project = next(each for each in projects.all_projects(store) if "sensor" in each.name)
    order = replace(order, project_id=project.id)
    began = datetime.now(UTC) - timedelta(minutes=50)
    plan = plan_for(order)
    failed = status is RunStatus.FAILED
    run = tasks.add_task(
        store,
        Run(
            kind=RunKind.TASK,
            project_id=project.id,
            commit_sha="00000003" * 5,
            target="esp32c3",
            status=status,
            started_at=began,
            completed_at=began + timedelta(seconds=33),
            created_at=began,
            duration=33.2,
            error=text("quality gate failed with a score of 94") if failed else "",
        ),
        row_of(order, plan, 2),
    )
    folder = workspace / "artifacts" / str(run.number)
    folder.mkdir(parents=True)
    with store.write() as session:
        run.artifacts_path = str(folder)
        session.merge(run)
    if not failed:
        tasks.put_result(store, run.number, text("4 answers, 1 finding"))
    files = {
        f"{stage.key}.md": "\n".join(map(text, ANSWER.split("\n")))
        for stage in plan.pipeline.stages
        if _asks(stage)
    }
    files["changes.patch"] = "\n".join(map(text, PATCH.split("\n")))
    if order.gate:
        files[GATE_REPORT] = json.dumps(asdict(GATE))
    _keep(store, run.number, folder, files)
    _stages(store, run.number, plan.pipeline, server, text)
    finding = Finding(
        severity=Severity.ERROR,
        code="quality.coverage",
        message=text("test coverage 61.2 %, demanded is >= 80 %"),
        file=text("main/main.c"),
        line=21,
    )
    runs.put_findings(store, run.number, plan.pipeline.stages[-1].key, 1, [finding])


def _asks(stage: Stage) -> bool:
    return stage.key not in ("gather", "gate") and "." not in stage.key


def _keep(store: Store, number: int, folder: Path, files: Mapping[str, str]) -> None:
    rows = []
    for name, contents in files.items():
        data = contents.encode("utf-8", "surrogateescape")
        (folder / name).write_bytes(data)
        rows.append(
            Artifact(
                run_id=number,
                kind=ArtifactKind.PATCH if name.endswith(".patch") else ArtifactKind.DOCUMENT,
                path=name,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    runs.put_artifacts(store, number, rows)


def _stages(
    store: Store, number: int, pipeline: Pipeline, server: str, text: Callable[[str], str]
) -> None:
    at = datetime.now(UTC)
    usage = {
        "server": server,
        "model": "placeholder" if server == PLACEHOLDER else text("codellama:7b"),
        "tokens_in": 1_207,
        "tokens_out": 342,
        "seconds": 6.2,
        "cost": None,
        "cut": False,
        "left_out": 0,
        "attempts": 1,
    }
    for seq, stage in enumerate(pipeline.stages, 1):
        went_wrong = stage.key in ("gate", "revise")
        runs.put_stage(
            store,
            StageRow(
                run_id=number,
                key=stage.key,
                agent=stage.role,
                phase=stage.phase,
                attempt=1,
                status=StageStatus.FAILED if went_wrong else StageStatus.SUCCESS,
                started_at=at,
                completed_at=at,
                summary=text("342 tokens in 6.2 s"),
                usage=[usage] if _asks(stage) else None,
            ),
        )
        lines = [f"{stage.key} begins", *ANSWER.split("\n")]
        put_log(store, number, stage, [text(line) for line in lines], seq=seq)
