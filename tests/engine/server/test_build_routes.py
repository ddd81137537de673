"""Routes of builds: lists, one build, findings, artifacts, what two of them differ in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import Artifact, Engine, Finding, Project, Run, StageRow
from engine.enums import ArtifactKind, ProjectStatus, RunStatus, Scope, Severity, StageStatus
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import LogChunk
from tests.engine.git_repos import commit
from tests.engine.server.conftest import ClientOf

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHA = "4f0c8e1b2a3d4f5061728394a5b6c7d8e9f00112"

AddBuild = Callable[..., Run]


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    """The store of the engine, as another process has it."""
    store = Store(engine.settings.workspace / "espdeck.db")
    yield store
    store.close()


@pytest.fixture
def project(store: Store, tmp_path: Path) -> Project:
    """An active project with two commits."""
    folder = tmp_path / "fw"
    commit(folder, {"CMakeLists.txt": "project(fw)\n"}, "First")
    tip = commit(folder, {"main.c": "int main;\n"}, "Second")
    return projects.add_project(
        store,
        Project(
            name="fw",
            source=str(folder),
            target="esp32c3",
            status=ProjectStatus.ACTIVE,
            clone_path=str(folder),
            tip=tip,
        ),
    )


@pytest.fixture
def add_build(store: Store, project: Project) -> AddBuild:
    """A function that adds a build of the project."""

    def add(status: RunStatus = RunStatus.SUCCESS, **fields: Any) -> Run:
        facts: dict[str, Any] = {"project_id": project.id, "status": status, "target": "esp32c3"}
        facts |= fields
        return runs.add_run(store, Run(**facts))

    return add


def numbers(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [build["id"] for build in answer.json()]


def test_a_build_has_all_fields_of_the_wire(
    admin: httpx.Client, project: Project, store: Store
) -> None:
    build = runs.add_run(
        store,
        Run(
            project_id=project.id,
            commit_sha=SHA,
            commit_message="Blink faster",
            commit_author="Ada",
            branch="main",
            target="esp32c3",
            status=RunStatus.FAILED,
            created_at=BEGAN,
            started_at=BEGAN + timedelta(seconds=1),
            completed_at=BEGAN + timedelta(seconds=3.5),
            duration=2.5,
            build_output="main.c:1: error",
            test_results={"test.board": {"lines": 3}},
            artifacts_path="/lab/artifacts/1",
            error="compiling failed",
            asked_by="ci",
        ),
    )
    runs.put_stage(
        store,
        StageRow(
            run_id=build.number,
            key="build",
            agent="BUILDER",
            phase="build",
            attempt=1,
            status=StageStatus.FAILED,
            started_at=BEGAN + timedelta(seconds=1),
            completed_at=BEGAN + timedelta(seconds=3),
            summary="1 error",
        ),
    )

    answer = admin.get(f"/api/builds/{build.number}")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": 1,
        "project_id": str(project.id),
        "commit_sha": SHA,
        "status": "failed",
        "started_at": "2026-03-01T12:00:01Z",
        "completed_at": "2026-03-01T12:00:03.500000Z",
        "duration": 2.5,
        "build_output": "main.c:1: error",
        "test_results": {"test.board": {"lines": 3}},
        "artifacts_path": "/lab/artifacts/1",
        "commit_message": "Blink faster",
        "commit_author": "Ada",
        "branch": "main",
        "triggered_by": "manual",
        "created_at": "2026-03-01T12:00:00Z",
        "target": "esp32c3",
        "configuration": "",
        "dirty": False,
        "asked_by": "ci",
        "proposed_by": "",
        "approved_by": "",
        "error": "compiling failed",
        "verdict": "",
        "result_attempt": None,
        "retries": [],
        "board": "auto",
        "simulator": "auto",
        "cancel_requested": False,
        "notes": [],
        "stages": [
            {
                "stage": "build",
                "agent": "BUILDER",
                "phase": "build",
                "attempt": 1,
                "status": "failed",
                "started_at": "2026-03-01T12:00:01Z",
                "completed_at": "2026-03-01T12:00:03Z",
                "duration": 2.0,
                "summary": "1 error",
                "superseded": False,
            }
        ],
    }


def test_a_build_that_is_not_there_is_a_404(admin: httpx.Client) -> None:
    for path in ("", "/logs", "/log", "/logs/build", "/findings", "/artifacts", "/sizes", "/fix"):
        answer = admin.get(f"/api/v1/builds/7{path}")
        assert answer.status_code == 404, path
        assert answer.json()["detail"].startswith("no build 7 ("), path


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30])
def test_what_is_no_number_is_a_422(admin: httpx.Client, number: str) -> None:
    assert admin.get(f"/api/v1/builds/{number}").status_code == 422


def test_builds_are_listed_newest_first_and_filtered(
    admin: httpx.Client, add_build: AddBuild, project: Project
) -> None:
    add_build(RunStatus.FAILED, branch="main", commit_sha=SHA)
    add_build(RunStatus.SUCCESS, branch="fix", target="esp32", commit_message="Blink")
    add_build(RunStatus.FAILED, branch="fix")

    def listed(query: str) -> list[int]:
        return numbers(admin.get(f"/api/builds?{query}"))

    assert listed("") == [3, 2, 1]
    assert listed("status=failed") == [3, 1]
    assert listed("status=&project_id=&limit=") == [3, 2, 1]  # a script's empty variables
    assert listed(f"project_id={project.id}&limit=1") == [3]
    assert listed("project_id=fw&branch=fix") == [3, 2]
    assert listed("target=esp32") == [2]
    assert listed(f"commit_sha={SHA[:8].upper()}") == [1]
    assert listed("text=blink") == [2]
    assert listed("sort=id") == [1, 2, 3]
    assert listed("after=1") == [3, 2]
    assert listed("before=3&after=1") == [2]
    assert "build_output" not in admin.get("/api/builds").json()[0]


@pytest.mark.parametrize(
    "query", ["state=failed", "status=done", "limit=0", "limit=1001", "sort=name", "before=0"]
)
def test_a_filter_that_is_none_is_no_longer_list(
    admin: httpx.Client, add_build: AddBuild, query: str
) -> None:
    add_build()

    answer = admin.get(f"/api/v1/builds?{query}")

    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]


def test_builds_of_a_project_that_is_not_there_are_a_404(admin: httpx.Client) -> None:
    assert admin.get(f"/api/v1/builds?project_id={uuid.uuid4()}").status_code == 404


def test_pages_have_each_build_once_while_others_start(
    admin: httpx.Client, add_build: AddBuild
) -> None:
    for _ in range(5):
        add_build()
    seen: list[int] = []
    url = "/api/v1/builds?limit=2&status=success"
    while url:
        answer = admin.get(url)
        seen += numbers(answer)
        add_build()
        url = answer.links.get("next", {}).get("url", "")

    assert seen == [5, 4, 3, 2, 1]


def test_pages_from_the_oldest_on(admin: httpx.Client, add_build: AddBuild) -> None:
    for _ in range(3):
        add_build()

    answer = admin.get("/api/v1/builds?limit=2&sort=id")

    assert numbers(answer) == [1, 2]
    assert numbers(admin.get(answer.links["next"]["url"])) == [3]


def test_a_build_waits_for_its_end(admin: httpx.Client, add_build: AddBuild, store: Store) -> None:
    ended = add_build(RunStatus.SUCCESS)
    waits = add_build(RunStatus.PENDING)

    assert admin.get(f"/api/v1/builds/{ended.number}?wait=30").json()["status"] == "success"
    assert admin.get(f"/api/v1/builds/{waits.number}?wait=0.05").json()["status"] == "pending"
    assert admin.get(f"/api/v1/builds/{ended.number}?wait=nan").status_code == 422


@pytest.mark.parametrize("status", ["pending", "running", "success"])
def test_only_a_failed_build_is_retried(
    client_of: ClientOf, add_build: AddBuild, status: str
) -> None:
    build = add_build(RunStatus(status), board="none")

    answer = client_of(Scope.BUILD).post(f"/api/builds/{build.number}/retry")

    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"Build status is '{status}', must be 'failed' or 'cancelled' to be retried"
    )


def test_a_build_on_a_board_is_retried_by_who_may_use_one(
    client_of: ClientOf, add_build: AddBuild
) -> None:
    build = add_build(RunStatus.FAILED, board="auto")

    answer = client_of(Scope.BUILD).post(f"/api/v1/builds/{build.number}/retry")

    assert answer.status_code == 403
    assert "build 1, which may use a board (auto)" in answer.json()["detail"]


def test_a_build_that_ended_is_not_cancelled(admin: httpx.Client, add_build: AddBuild) -> None:
    build = add_build(RunStatus.SUCCESS)

    answer = admin.post(f"/api/builds/{build.number}/cancel")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "build 1 has ended already (success)"


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_a_reader_changes_no_build(client_of: ClientOf, add_build: AddBuild, action: str) -> None:
    build = add_build(RunStatus.FAILED)

    assert client_of(Scope.READ).post(f"/api/v1/builds/{build.number}/{action}").status_code == 403
    assert client_of(None).post(f"/api/v1/builds/{build.number}/{action}").status_code == 401


def test_findings_and_artifacts(admin: httpx.Client, add_build: AddBuild, store: Store) -> None:
    number = add_build().number
    error = Finding(Severity.ERROR, "compiler.error", "no \x1b[31msuch", file="main.c", line=3)
    hint = Finding(Severity.INFO, "qa.untested", "not run")
    runs.put_findings(store, number, "build", 1, [error])
    runs.put_findings(store, number, "judge", 1, [hint])
    kept = Artifact(
        run_id=number,
        stage="build",
        attempt=1,
        kind=ArtifactKind.ELF,
        path="fw.elf",
        size=7,
        sha256="ab",
    )
    runs.put_artifacts(store, number, [kept])

    found = admin.get(f"/api/v1/builds/{number}/findings").json()
    errors = admin.get(f"/api/v1/builds/{number}/findings?severity=error").json()
    first = admin.get(f"/api/v1/builds/{number}/findings?limit=1")

    assert [each["code"] for each in found] == ["compiler.error", "qa.untested"]
    assert errors == [
        {
            "id": 1,
            "stage": "build",
            "attempt": 1,
            "severity": "error",
            "code": "compiler.error",
            "message": "no \x1b[31msuch",
            "file": "main.c",
            "line": 3,
            "column": None,
            "hint": None,
            "evidence": None,
            "superseded": False,
        }
    ]
    assert b"\x1b" not in first.content
    assert admin.get(first.links["next"]["url"]).json() == found[1:]
    assert admin.get(f"/api/v1/builds/{number}/findings?stage=judge").json() == found[1:]
    assert admin.get(f"/api/v1/builds/{number}/artifacts").json() == [
        {
            "path": "fw.elf",
            "kind": "elf",
            "size": 7,
            "sha256": "ab",
            "stage": "build",
            "attempt": 1,
            "superseded": False,
        }
    ]
    assert admin.get(f"/api/v1/builds/{number}/artifacts?stage=judge").json() == []
    again = Artifact(
        run_id=number,
        kind=ArtifactKind.ELF,
        path="fw.elf",
        size=8,
        sha256="cd",
        stage="build",
        attempt=2,
    )
    runs.put_artifacts(store, number, [again])
    kept = admin.get(f"/api/v1/builds/{number}/artifacts?superseded=true&limit=1").json()
    assert [(each["sha256"], each["superseded"]) for each in kept] == [("cd", False), ("ab", True)]


def test_what_a_terminal_obeys_is_escaped(admin: httpx.Client, add_build: AddBuild) -> None:
    message = "a\x9b31m \u202eb \x7f \u2066c é \ud800"
    build = add_build(commit_message=message, test_results={"t": {"x": float("nan")}})

    answer = admin.get(f"/api/v1/builds/{build.number}")

    for unsafe in ("\x9b", "\u202e", "\x7f", "\u2066"):
        assert unsafe.encode() not in answer.content
        assert unsafe in answer.json()["commit_message"]
    assert "é" in answer.text
    assert answer.json()["test_results"] == {"t": {"x": None}}


def test_what_was_not_made_is_a_404(admin: httpx.Client, add_build: AddBuild) -> None:
    number = add_build().number

    gate = admin.get(f"/api/v1/builds/{number}/gate")
    fix = admin.get(f"/api/v1/builds/{number}/fix")
    sizes = admin.get(f"/api/v1/builds/{number}/sizes")

    assert (gate.status_code, gate.json()["detail"]) == (
        404,
        "the quality gate did not measure in build 1",
    )
    assert (fix.status_code, fix.json()["detail"]) == (404, "build 1 has no fix")
    assert (sizes.status_code, sizes.json()["detail"]) == (
        404,
        "build 1 has no sizes: it kept no files",
    )


def test_source_of_a_finding(admin: httpx.Client, add_build: AddBuild, project: Project) -> None:
    number = add_build(commit_sha=project.tip).number

    answer = admin.get(f"/api/v1/builds/{number}/source?file=main.c")
    outside = admin.get(f"/api/v1/builds/{number}/source?file=../../etc/passwd")

    assert answer.json() == {"file": "main.c", "first": 1, "lines": ["int main;"], "total": 1}
    assert outside.status_code == 422


def test_two_builds_are_compared(
    admin: httpx.Client, add_build: AddBuild, store: Store, project: Project
) -> None:
    before = add_build(commit_sha=first_commit(project))
    now = add_build(RunStatus.FAILED, commit_sha=project.tip)
    old = Finding(Severity.WARNING, "-Wunused", "unused x", file="main.c", line=3)
    moved = Finding(Severity.WARNING, "-Wunused", "unused x", file="main.c", line=9)
    gone = Finding(Severity.WARNING, "-Wformat", "format", file="main.c", line=4)
    new = Finding(Severity.ERROR, "compiler.error", "boom", file="main.c", line=1)
    for each, outcome, said in ((before, "PASS", "old"), (now, "FAIL", "new")):
        case = {"file": "", "name": "adds", "outcome": outcome}
        report = {"tests": 1, "failures": int(each is now), "ignored": 0, "cases": [case]}
        results = {"test.simulator": {"report": report}}
        runs.put_outcome(store, each.number, test_results=results, build_output="")
        chunk = LogChunk(
            run_id=each.number, stage="build", attempt=1, stream="log", agent="BUILDER", seq=1,
            first_line=0, lines=1, text=f"{said}\n", writer="",
        )  # fmt: skip
        logs.append(store, [chunk])
        row = StageRow(
            run_id=each.number, key="build", agent="BUILDER", phase="build", attempt=1,
            status=StageStatus.FAILED,
        )  # fmt: skip
        runs.put_stage(store, row)
    runs.put_findings(store, before.number, "build", 1, [old, gone])
    runs.put_findings(store, now.number, "build", 1, [new, moved])

    url = f"/api/v1/builds/{now.number}/compare/{before.number}"
    answer = admin.get(url)
    text = admin.get(url, headers={"Accept": "text/plain"})

    assert answer.status_code == 200
    found = answer.json()
    assert [each["message"] for each in found["new_findings"]] == ["boom"]
    assert [each["message"] for each in found["gone_findings"]] == ["format"]
    assert found["commits"] == {
        "count": 1,
        "behind": 0,
        "commits": [{"commit_sha": project.tip, "subject": "Second"}],
    }
    assert [each["line"] for each in found["same_findings"]] == [9]
    assert found["tests"] == {
        "before": {"tests": 1, "passed": 1, "failures": 0, "ignored": 0},
        "after": {"tests": 1, "passed": 0, "failures": 1, "ignored": 0},
        "changed": [
            {"name": "adds", "before": "PASS", "after": "FAIL", "places": ["test.simulator"]}
        ],
    }
    assert found["files"] == []
    assert [(each["stage"], each["lines"]) for each in found["logs"]] == [
        ("build", ["-old", "+new"])
    ]
    assert (found["regions"], found["components"]) == ([], [])
    assert found["problems"] == ["sizes: build 2 has no sizes: it kept no files"]
    assert (found["build"]["id"], found["other"]["id"]) == (2, 1)
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.headers["x-content-type-options"] == "nosniff"
    lines = text.text.splitlines()
    assert lines[0] == f"build 2 failed {project.tip[:10]}"
    assert "COMMITS 1" in lines
    assert "  build: error: main.c:1: boom" in lines
    assert "SAME FINDINGS 1" in lines
    assert "TESTS 0 of 1 passed, 1 of 1 before" in lines


def first_commit(project: Project) -> str:
    from git import Repo

    with Repo(project.clone_path) as repository:
        return repository.commit("HEAD~1").hexsha


def test_builds_of_two_projects_and_a_build_with_itself_are_not_compared(
    admin: httpx.Client, add_build: AddBuild, store: Store
) -> None:
    other = projects.add_project(store, Project(name="other", source="/x", target="esp32"))
    one, two = add_build(), add_build(project_id=other.id)

    answer = admin.get(f"/api/v1/builds/{one.number}/compare/{two.number}")

    assert answer.status_code == 422
    assert answer.json()["detail"] == "build 2 is of another project than build 1"
    answer = admin.get(f"/api/v1/builds/{one.number}/compare/{one.number}")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "build 1 is compared with itself: name another build"
