"""The whole way by HTTP: a repository is imported, built, followed, compared: real curl and lab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import Scope
from engine.samples import demo
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.git_repos import commit
from tests.tui.guide.pages import blocks

pytestmark = [pytest.mark.xdist_group("first-light"), pytest.mark.slow]

BARE = {"flash_device": False, "run_qemu": False}

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings = Settings(
        workspace=tmp_path_factory.mktemp("workspace"), server=ServerSettings(port=0)
    )
    with Engine(settings) as engine:
        yield engine


@pytest.fixture(scope="module")
def server(engine: Engine) -> Iterator[HttpServer]:
    server = HttpServer(engine)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def token(engine: Engine) -> str:
    return engine.access.create_token("ci", Scope.ADMIN)[0]


@pytest.fixture(scope="module")
def curl(server: HttpServer, token: str) -> Call:
    """A function that asks by curl; its answer, as JSON unless it is text, and its HTTP status."""

    def call(path: str, body: object = None, *options: str, token: str = token) -> Any:
        arguments = [
            "curl",
            "-sS",
            "-N",
            "--max-time",
            "120",
            "-H",
            f"Authorization: Bearer {token}",
        ]
        if body is not None:
            arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        form = ["-w", "\n%{http_code} %{content_type}"]
        done = subprocess.run(
            [*arguments, *form, *options, f"{server.url}{path}"],
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, last = done.stdout.rpartition("\n")
        status, _, kind = last.partition(" ")
        return int(status), json.loads(text) if "json" in kind else text

    return call


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.make_repository("hello", tmp_path_factory.mktemp("sources") / "hello")


@pytest.fixture(scope="module")
def project(curl: Call, source: Path) -> str:
    status, added = curl(
        "/api/projects", {"source": f"file://{source}", "name": "hello", "target": "esp32c3"}
    )
    assert (status, added["status"]) == (202, "pending")
    assert curl(f"/api/projects/{added['id']}?wait=60")[1]["status"] == "active"
    return str(added["id"])


def built(curl: Call, project: str, **asked: object) -> Any:
    """Start a build and wait until it has ended."""
    status, started = curl(f"/api/projects/{project}/build", BARE | asked)
    assert status == 202, started
    status, build = curl(f"/api/builds/{started['build_id']}?wait=60")
    assert status == 200
    return build


def test_a_commit_is_built_by_curl(curl: Call, project: str, source: Path) -> None:
    tip = commit(source, {"README.md": "Hello\n"}, "Say hello")

    status, started = curl(
        f"/api/projects/{project}/build",
        {"commit_sha": tip, "trigger": "push", "flash_device": False, "run_qemu": True},
    )
    number = started["build_id"]

    assert (status, started) == (
        202,
        {"build_id": number, "status": "pending", "project_id": project, "commit_sha": tip},
    )
    assert curl(f"/api/builds/{number}")[0] == 200  # it is there at once
    _, log = curl(f"/api/builds/{number}/log?follow=true")
    _, build = curl(f"/api/builds/{number}")
    lines = log.splitlines()
    assert lines[0] == f"build {number} pending"
    assert any(line.startswith("build           | ") for line in lines)
    assert any(line.startswith("test.simulator  > ") for line in lines)
    assert lines[-1] == f"build {number} success in {build['duration']:.1f} s"
    assert build["status"] == "success"
    assert (build["commit_message"], build["commit_author"]) == ("Say hello", "Ada")
    assert (build["branch"], build["triggered_by"], build["asked_by"]) == ("main", "push", "ci")
    assert build["test_results"]["test.simulator"]["report"]["failures"] == 0
    assert (build["board"], build["simulator"]) == ("none", "auto")
    assert build["build_output"]
    assert Path(build["artifacts_path"]).is_dir()
    status, artifacts = curl(f"/api/builds/{number}/artifacts")
    assert {"elf", "app"} <= {each["kind"] for each in artifacts}
    assert all(len(each["sha256"]) == 64 and each["size"] > 0 for each in artifacts)
    stats = curl(f"/api/projects/{project}/stats")[1]
    assert (stats["successful"], stats["success_rate"]) == (1, 100.0)


def test_a_token_to_build_uses_no_board(curl: Call, project: str, engine: Engine) -> None:
    narrow, _ = engine.access.create_token("narrow", Scope.BUILD)

    status, started = curl(f"/api/projects/{project}/build", {"run_qemu": False}, token=narrow)
    build = curl(f"/api/builds/{started['build_id']}?wait=60")[1]

    assert status == 202
    assert (build["board"], build["asked_by"], build["status"]) == ("none", "narrow", "success")


def test_a_build_without_a_body(curl: Call, project: str) -> None:
    status, started = curl(f"/api/projects/{project}/build", None, "-X", "POST")

    assert (status, started["status"]) == (202, "pending")
    assert curl(f"/api/builds/{started['build_id']}?wait=60")[1]["triggered_by"] == "manual"


def test_two_builds_are_compared(curl: Call, project: str, source: Path) -> None:
    first = built(curl, project)
    text = (source / "main" / "main.c").read_text()
    added = 'const char much[] __attribute__((used)) = "' + "x" * 3000 + '";\n'
    commit(source, {"main/main.c": text + added}, "Say more")
    second = built(curl, project)
    url = f"/api/v1/builds/{second['id']}"

    _, found = curl(f"{url}/compare/{first['id']}")
    _, table = curl(f"{url}/compare/{first['id']}", None, "-H", "Accept: text/plain")
    _, sizes = curl(f"{url}/sizes?by=file&against={first['id']}")

    assert found["commits"]["count"] == 1
    assert found["commits"]["commits"][0]["subject"] == "Say more"
    grown = [row["size"] - row["before"] for row in found["components"]]
    assert sum(grown) >= 3000
    assert any(region["used"] - region["before"] >= 3000 for region in found["regions"])
    assert {"build", "judge"} <= {stage["stage"] for stage in found["stages"]}
    assert found["problems"] == []
    assert "COMMITS 1" in table.splitlines()
    assert (sizes["build_id"], sizes["against"], sizes["by"]) == (second["id"], first["id"], "file")
    assert sum(row["size"] - row["before"] for row in sizes["rows"]) >= 3000


def test_a_failed_build_is_retried(curl: Call, project: str, source: Path) -> None:
    text = (source / "main" / "main.c").read_text()
    commit(source, {"main/main.c": text + "#error stop here\n"}, "Break it")
    broken = built(curl, project)
    commit(source, {"main/main.c": text}, "Mend it")
    number = broken["id"]
    errors = curl(f"/api/v1/builds/{number}/findings?severity=error")[1]
    before = curl(f"/api/v1/builds/{number}/log")[1]

    with ThreadPoolExecutor(4) as several:
        asked = several.map(lambda _: curl(f"/api/builds/{number}/retry", {}), range(4))
        answers = sorted(asked, key=lambda answer: answer[0])
    log = curl(f"/api/builds/{number}/log?follow=true")[1]
    again = curl(f"/api/builds/{number}")[1]

    assert broken["status"] == "failed"
    assert any("stop here" in each["message"] for each in errors)
    assert [status for status, _ in answers] == [202, 409, 409, 409]
    retried = answers[0][1]
    assert (retried["id"], retried["status"]) == (number, "pending")
    assert (retried["started_at"], retried["duration"], retried["build_output"]) == (None, None, "")
    assert again["status"] == "failed"
    assert again["started_at"] > broken["started_at"]
    assert log.count(f"build {number} pending") == 1
    assert before.splitlines()[-1].startswith(f"build {number} failed in ")
    from_build = curl(f"/api/builds/{number}/retry", {"stage": "build"})
    assert from_build[0] == 202
    assert curl(f"/api/builds/{number}?wait=60")[1]["status"] == "failed"
    assert curl(f"/api/builds/{number}/retry", {"stage": "flash"})[0] == 422


def test_a_running_build_is_cancelled(
    curl: Call, server: HttpServer, token: str, tmp_path: Path
) -> None:
    slow = demo.make_repository("crash", tmp_path / "crash")
    project = curl("/api/projects", {"source": str(slow), "target": "esp32c3"})[1]["id"]
    curl(f"/api/projects/{project}?wait=60")
    number = curl(f"/api/projects/{project}/build", BARE)[1]["build_id"]
    log = f"{server.url}/api/builds/{number}/log?follow=true"
    follow = subprocess.Popen(
        ["curl", "-sS", "-N", "-H", f"Authorization: Bearer {token}", log],
        stdout=subprocess.PIPE,
        text=True,
    )
    with follow:
        assert follow.stdout is not None
        for line in follow.stdout:
            if line.startswith("build           |"):
                break
        status, asked = curl(f"/api/builds/{number}/cancel", None, "-X", "POST")
        rest = follow.stdout.read().splitlines()

    assert (status, asked["cancel_requested"]) == (202, True)
    assert rest[-1].startswith(f"build {number} cancelled in ")
    assert curl(f"/api/builds/{number}")[1]["status"] == "cancelled"
    assert curl(f"/api/builds/{number}/cancel", None, "-X", "POST")[0] == 409
    assert curl(f"/api/builds/{number}/retry", None, "-X", "POST")[0] == 202
    assert curl(f"/api/builds/{number}?wait=60")[1]["status"] != "cancelled"


def test_a_repaired_build_has_a_fix(curl: Call, tmp_path: Path) -> None:
    broken = demo.make_repository("broken", tmp_path / "broken")
    project = curl("/api/projects", {"source": str(broken), "target": "esp32c3"})[1]["id"]
    curl(f"/api/projects/{project}?wait=60")
    build = built(curl, project, run_qemu=True)

    status, fix = curl(f"/api/v1/builds/{build['id']}/fix")

    assert status == 200, build
    assert (fix["build_id"], fix["state"], fix["proved"]) == (build["id"], "open", True)
    assert fix["diff"].startswith("diff --git")
    assert fix["files"]


def test_what_the_gate_said(curl: Call, project: str) -> None:
    build = built(curl, project)

    status, gate = curl(f"/api/v1/builds/{build['id']}/gate")

    assert status == 200, build
    assert gate["passed"] in (True, False)
    assert {"id", "title", "status", "value", "threshold"} <= gate["measures"][0].keys()


@pytest.fixture
def shell(server: HttpServer, token: str, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """A function that runs a script of the manual."""

    def run(script: str, *arguments: str) -> tuple[int, str, str]:
        file = tmp_path / "script.sh"
        file.write_text(script)
        (tmp_path / "espdeck.header").write_text(f"Authorization: Bearer {token}\n")
        done = subprocess.run(
            ["bash", file, *arguments],
            cwd=tmp_path,
            env=os.environ | {"LAB": server.url, "TOKEN": token},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def of_manual(name: str) -> str:
    """A block of the manual that is run here."""
    here = [each for each in blocks("sh") if "test_http_builds.py" in each.mark]
    (found,) = [each.text for each in here if name in each.mark]
    return found


def test_examples_of_the_manual(shell: Callable[..., tuple[int, str, str]], project: str) -> None:
    status, output, errors = shell("set -e\n" + of_manual("against a server"))

    assert status == 0, errors
    assert '"detail"' not in output
    assert '"status":"' in output


def test_a_ci_job_builds_a_commit_and_waits(
    shell: Callable[..., tuple[int, str, str]], project: str, source: Path
) -> None:
    script = of_manual("build-and-wait.sh")
    text = (source / "main" / "main.c").read_text()
    good = commit(source, {"main/main.c": text}, "Good")
    bad = commit(source, {"main/main.c": text + "#error no\n"}, "Bad")
    commit(source, {"main/main.c": text}, "Good again")

    passed = shell(script, "hello", good)
    failed = shell(script, "hello", bad)
    refused = shell(script, "hello", "f" * 40)
    unknown = shell(script, "nothing", good)

    assert passed[0] == 0, passed
    assert failed[0] == 1, failed
    assert "#error" in failed[1] or "error: no" in failed[1]
    assert refused[0] == 2
    assert refused[2].endswith(f"\nno commit, branch or tag '{'f' * 40}'\n")
    assert unknown[0] == 2
    assert "no project 'nothing'" in unknown[2]
