"""A real ``git push`` ends in a build: a hook of the repository posts the webhook with curl.

And what a killed server had answered is worked off by the next, once; commits of a pull request
reach no board; the forge is told how each pushed commit ended.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from engine import Engine, Settings
from engine.boards.board_files import Flashed
from engine.enums import HookStatus, RunStatus, StageStatus
from engine.errors import AccessError
from engine.samples import demo
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from engine.settings import ProjectSettings, WatchSettings
from engine.store.tables import HookDelivery, Run
from engine.webhook_settings import WebhookSettings
from tests.engine.git_repos import commit
from tests.engine.notify.receivers import Sink, http_sink
from tests.engine.projects.repositories import git
from tests.engine.webhooks import requests
from tests.engine.webhooks.requests import SECRET
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("first-light"), pytest.mark.slow]

SOURCE = "https://127.0.0.1/lab/fw.git"

_HOOK = """#!/bin/sh
# What Gitea sends when somebody pushes.
while read -r old new ref; do
  body=$(printf '{{"ref": "%s", "before": "%s", "after": "%s", "commits": [], "repository":
    {{"clone_url": "http://127.0.0.1:3000/Lab/FW.git", "default_branch": "main"}},
    "pusher": {{"login": "ada"}}}}' "$ref" "$old" "$new")
  signature=$(printf %s "$body" | openssl dgst -sha256 -hmac {secret} | sed 's/.*= *//')
  curl -fsS -o /dev/null -H 'Content-Type: application/json' -H 'X-Gitea-Event: push' \\
    -H "X-Gitea-Delivery: $new" -H "X-Gitea-Signature: $signature" \\
    -H 'X-GitHub-Event: push' -H "X-GitHub-Delivery: $new" \\
    --data-binary "$body" {url}/api/v1/webhook
done
"""

_SERVE = """
import sys, time
from pathlib import Path
from engine import Engine, Settings
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from engine.webhook_settings import WebhookSettings
settings = Settings(workspace=Path(sys.argv[1]), server=ServerSettings(port=0),
                    webhooks=WebhookSettings(secret=sys.argv[2]))
engine = Engine(settings)
engine.open(execute=False)
server = HttpServer(engine)
server.start()
print(server.url, flush=True)
time.sleep(600)
"""


@dataclass
class Forge:
    """A repository whose pushes are told, and a server that takes statuses as Gitea does.

    Args:
        work: where somebody works.
        bare: the repository at the server.
        statuses: what was posted.
    """

    work: Path
    bare: Path
    statuses: Sink

    def tell(self, url: str) -> None:
        """Set the webhook up."""
        hook = self.bare / "hooks" / "post-receive"
        hook.write_text(_HOOK.format(secret=shlex.quote(SECRET), url=url))
        hook.chmod(0o755)

    def push(self, text: str, ref: str = "HEAD:refs/heads/main") -> str:
        """Somebody changes the firmware and pushes it."""
        sha = commit(self.work, {"notes.txt": text}, text)
        git(self.work, "push", "-q", str(self.bare), ref)
        return sha

    def states(self, sha: str) -> list[str]:
        """What a commit was said to be, in order; each once."""
        said = [
            each.json["state"]
            for each in self.statuses.requests
            if each.path == f"/api/v1/repos/lab/fw/statuses/{sha}"
        ]
        return list(dict.fromkeys(said))


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    work = demo.make_repository("hello", tmp_path / "work")
    git(tmp_path, "clone", "-q", "--bare", str(work), "fw.git")
    bare = tmp_path / "fw.git"
    # What the source's URL reaches in this test.
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "{bare}"]\n\tinsteadOf = {SOURCE}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    with http_sink() as statuses:
        yield Forge(work, bare, statuses)


def settings_of(workspace: Path, forge: Forge, **more: Any) -> Settings:
    channel = {
        "commit_status": "gitea",
        "base_url": f"{forge.statuses.url}/api/v1",
        "token": "token of the forge",
    }
    return Settings(
        workspace=workspace,
        boards=(demo.DEMO_BOARD,),
        server=ServerSettings(port=0),
        webhooks=WebhookSettings(secret=SecretStr(SECRET)),
        projects={"fw": ProjectSettings(watch=WatchSettings(pull_requests=True))},
        notifications={"channels": {"forge": channel}},
        **more,
    )


@pytest.fixture
def engine(tmp_path: Path, forge: Forge) -> Iterator[Engine]:
    with Engine(settings_of(tmp_path / "lab", forge)) as engine:
        added = engine.projects.add(SOURCE, name="fw", targets=["esp32c3"])
        assert engine.projects.wait(added.id, timeout=60).status == "active"
        server = HttpServer(engine)
        server.start()
        forge.tell(server.url)
        yield engine
        server.stop()


def delivery(engine: Engine, sha: str) -> HookDelivery:
    """The webhook of a push, when it was worked off."""

    def found() -> HookDelivery | None:
        return next((row for row in engine.webhooks.list() if row.delivery_id == sha), None)

    wait_for(lambda: (row := found()) is not None and row.status is not HookStatus.WAITING)
    row = found()
    assert row is not None
    return row


def build_of(engine: Engine, sha: str) -> Run:
    """The build of a commit, when it has ended."""
    wait_for(lambda: any(each.commit_sha == sha for each in engine.builds.list()))
    started = next(each for each in engine.builds.list() if each.commit_sha == sha)
    return engine.builds.wait(started.number, timeout=120)


def test_a_push_ends_in_a_flashed_build_and_a_status(engine: Engine, forge: Forge) -> None:
    sha = forge.push("one")

    row, run = delivery(engine, sha), build_of(engine, sha)

    assert (row.forge, row.status) == ("gitea", HookStatus.DONE)
    assert (run.status, run.error, run.asked_by) == (RunStatus.SUCCESS, "", "gitea: ada")
    assert engine.boards.board_files(demo.DEMO_BOARD).flashed == Flashed(run.number, 921600)
    wait_for(lambda: forge.states(sha)[-1:] == ["success"])
    assert forge.states(sha) == ["pending", "success"]
    sent = forge.statuses.requests[0]
    assert sent.headers["authorization"] == "token token of the forge"


def test_every_pushed_commit_has_a_final_status_and_the_newest_is_built(
    engine: Engine, forge: Forge
) -> None:
    shas = [forge.push(f"change {number}") for number in range(4)]
    skipped = forge.push("typo [skip ci]")

    for sha in (*shas, skipped):
        delivery(engine, sha)
        wait_for(lambda sha=sha: forge.states(sha)[-1:] in (["success"], ["error"]))  # type: ignore[misc]
    assert forge.states(skipped) == ["error"]
    built = [each for each in engine.builds.list() if each.commit_sha == skipped]
    assert [each.status for each in built] == [RunStatus.CANCELLED]
    assert "[skip ci]" in built[0].error


def test_a_pull_request_reaches_no_board_before_it_is_approved(
    engine: Engine, forge: Forge
) -> None:
    git(forge.work, "checkout", "-q", "--detach", "main")
    sha = forge.push("evil", "HEAD:refs/pull/7/head")
    payload = requests.pull_request("https://127.0.0.1/lab/fw.git", 7, sha)
    headers, body = requests.gitea("pull_request", payload)
    url = f"{_url(forge)}/api/v1/webhook"
    assert httpx.post(url, content=body, headers=headers, timeout=30).status_code == 202

    run = build_of(engine, sha)

    assert (run.status, run.is_held) == (RunStatus.SUCCESS, True)
    assert _board_stage(engine, run.number) is StageStatus.SKIPPED
    simulated = {row.key: row.status for row in engine.builds.stages(run.number)}
    assert simulated["test.simulator"] is StageStatus.SUCCESS
    engine.builds.retry(run.number, "test.simulator")
    assert engine.builds.wait(run.number, timeout=120).status is RunStatus.SUCCESS
    assert _board_stage(engine, run.number) is StageStatus.SKIPPED
    assert engine.boards.board_files(demo.DEMO_BOARD).flashed is None
    with pytest.raises(AccessError, match=f"espdeck approve {run.number}"):
        engine.builds.flashed(run.number, engine.builds.image(run.number))

    again = engine.builds.approve(run.number, "ada")

    assert engine.builds.wait(again.number, timeout=120).status is RunStatus.SUCCESS
    assert _board_stage(engine, again.number) is StageStatus.SUCCESS
    flashed = engine.boards.board_files(demo.DEMO_BOARD).flashed
    assert flashed is not None
    assert flashed.build == again.number


def _url(forge: Forge) -> str:
    hook = (forge.bare / "hooks" / "post-receive").read_text()
    return hook.rpartition("/api/v1/webhook")[0].rpartition(" ")[2]


def _board_stage(engine: Engine, number: int) -> StageStatus:
    return next(row.status for row in engine.builds.stages(number) if row.key == "test.board")


def test_what_a_killed_server_answered_is_built_once(tmp_path: Path, forge: Forge) -> None:
    workspace = tmp_path / "lab"
    with Engine(settings_of(workspace, forge)) as engine:
        added = engine.projects.add(SOURCE, name="fw", targets=["esp32c3"])
        engine.projects.wait(added.id, timeout=60)

    def serve() -> tuple[subprocess.Popen[str], str]:
        words = [sys.executable, "-c", _SERVE, str(workspace), SECRET]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        return child, child.stdout.readline().strip()

    child, url = serve()
    forge.tell(url)
    sha = forge.push("one")  # curl fails unless it was answered
    child.send_signal(signal.SIGKILL)
    child.wait()
    with Engine(settings_of(workspace, forge)) as engine:
        assert delivery(engine, sha).status is HookStatus.DONE
        assert build_of(engine, sha).status is RunStatus.SUCCESS
        # Another process takes the next one, and wakes this.
        child, url = serve()
        forge.tell(url)
        second = forge.push("two")
        assert build_of(engine, second).status is RunStatus.SUCCESS
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert [each.commit_sha for each in engine.builds.list()] == [second, sha]
