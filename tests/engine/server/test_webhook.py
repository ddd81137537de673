"""Webhooks at the door: signed or refused, kept once, answered at once; and badges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from pydantic import SecretStr

from engine import Engine, Settings
from engine.enums import ProjectStatus, RunStatus, Scope
from engine.server_settings import ServerSettings
from engine.settings import ProjectSettings
from engine.store import projects, runs
from engine.store.tables import Project, Run
from engine.webhook_settings import WebhookSettings
from tests.engine.server.conftest import ClientOf
from tests.engine.webhooks import requests
from tests.engine.webhooks.requests import SECRET, Request

PATH = "/api/v1/webhook"
PUSH = requests.push("https://git.lab/me/fw.git", "a" * 40)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(
        workspace=tmp_path / "lab",
        server=ServerSettings(port=0),
        webhooks=WebhookSettings(secret=SecretStr(SECRET)),
        projects={"open": ProjectSettings(badge=True)},
    )
    engine = Engine(settings)
    engine.open(execute=False)
    yield engine
    engine.close()


@pytest.fixture
def nobody(client_of: ClientOf) -> httpx.Client:
    return client_of(None)


def post(client: httpx.Client, request: Request, path: str = PATH) -> httpx.Response:
    headers, body = request
    return client.post(path, content=body, headers=headers)


def test_a_webhook_needs_a_signature_and_no_token(nobody: httpx.Client, engine: Engine) -> None:
    answer = post(nobody, requests.github("push", PUSH))

    assert answer.status_code == 202
    assert answer.json() == {
        "id": 1,
        "status": "waiting",
        "message": "kept as webhook 1: espdeck webhooks show 1",
    }
    assert post(nobody, requests.gitea("push", PUSH), "/api/webhook").status_code == 202
    assert [row.forge for row in engine.webhooks.list()] == ["gitea", "github"]


def test_a_slash_behind_the_address_does_not_matter(nobody: httpx.Client) -> None:
    """WeblateOrg/weblate#3976, treeverse/dvc#9240: a redirect loses the body."""
    for path in ("/api/v1/webhook/", "/api/webhook/"):
        assert post(nobody, requests.github("push", PUSH), path).status_code == 202


def test_a_ping_and_a_repeat_are_answered_with_200(nobody: httpx.Client) -> None:
    request = requests.github("push", PUSH)
    post(nobody, request)
    again = post(nobody, request)
    ping = post(nobody, requests.github("ping", {"zen": "Keep it logically awesome."}))

    assert (again.status_code, ping.status_code) == (200, 200)
    assert again.json()["message"].startswith("was delivered before")
    assert ping.json()["message"] == "ping: the webhook is set up"


def test_a_form_as_github_sends_it_by_default(nobody: httpx.Client) -> None:
    """dlang/ci#27: signatures of forms that did not match."""
    payload = PUSH | {"head_commit": {"message": "größer & höher + 100 %\n"}}

    assert post(nobody, requests.github("push", payload, form=True)).status_code == 202
    assert post(nobody, requests.gitea("push", payload, form=True)).status_code == 202


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (requests.github("push", PUSH, secret="x"), 403, "signed with another secret"),
        (requests.gitea("push", PUSH, secret=""), 403, "enter a secret there"),
        (requests.gitlab(PUSH, token=""), 403, "no X-Gitlab-Token"),
        (({}, b"{}"), 422, "X-…-Event is missing"),
        (({"X-Event-Key": "repo:push"}, b"{}"), 422, "webhooks of Bitbucket are not supported"),
    ],
)
def test_what_is_not_signed_changes_nothing(
    nobody: httpx.Client, engine: Engine, request_: Request, status: int, said: str
) -> None:
    answer = post(nobody, request_)

    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert SECRET not in answer.text
    assert engine.webhooks.list() == []


@pytest.mark.slow
def test_wrong_signatures_are_counted(nobody: httpx.Client) -> None:
    wrong = requests.github("push", PUSH, secret="x")
    codes = [post(nobody, wrong).status_code for _ in range(60)]

    assert 429 in codes
    assert set(codes) <= {403, 429}


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000, '{"a": NaN}', "\ud800"])
def test_a_payload_that_is_no_object_is_said_so(nobody: httpx.Client, text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    headers = {
        "x-github-event": "push",
        "x-github-delivery": "1",
        "x-hub-signature-256": f"sha256={requests.sign(body)}",
    }

    answer = nobody.post(PATH, content=body, headers=headers)

    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


@pytest.mark.slow
def test_a_payload_of_25_mb_is_taken_and_a_larger_one_refused(nobody: httpx.Client) -> None:
    large = PUSH | {"commits": [{"message": "x" * 1000}] * 20_000}
    assert post(nobody, requests.github("push", large)).status_code == 202

    answer = post(nobody, requests.github("push", PUSH | {"pad": "x" * (25 << 20)}))
    assert answer.status_code == 413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below),
    max_leaves=10,
)


@pytest.mark.slow
def test_no_signed_payload_is_a_5xx(nobody: httpx.Client) -> None:
    """Whatever stands where a forge writes something else."""
    places = (
        *("ref", "before", "after", "deleted", "repository", "pusher", "project"),
        *("object_kind", "object_attributes", "pull_request", "number", "action", "push_options"),
    )

    @given(
        st.sampled_from(["push", "pull_request", "ping", "create", "merge_group"]),
        st.dictionaries(st.sampled_from(places), json_values, max_size=4),
    )
    @of_hypothesis(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def try_one(event: str, payload: dict[str, object]) -> None:
        merged = PUSH | payload
        for request in (requests.github(event, merged), requests.gitlab(merged)):
            assert post(nobody, request).status_code in (200, 202)

    try_one()


@pytest.mark.slow
def test_no_request_without_the_secret_is_a_5xx_or_kept(
    nobody: httpx.Client, engine: Engine
) -> None:
    names = (
        *("X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256", "X-Gitea-Event"),
        *("X-Gitea-Delivery", "X-Gitlab-Event", "X-Gitlab-Token", "webhook-signature"),
    )
    values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30).map(
        lambda text: text.strip().encode("latin-1")
    )

    @given(st.dictionaries(st.sampled_from(names), values), st.binary(max_size=100))
    @of_hypothesis(max_examples=25, deadline=None)
    def try_one(headers: dict[str, bytes], body: bytes) -> None:
        raw = [(name.encode(), value) for name, value in headers.items()]
        answer = nobody.post(PATH, content=body, headers=raw)
        assert answer.status_code in (403, 422, 429)

    try_one()
    assert engine.webhooks.list() == []


def test_deliveries_are_for_admins(client_of: ClientOf, nobody: httpx.Client) -> None:
    for event in ("create", "merge_group", "star"):
        post(nobody, requests.github(event, {}))
    admin = client_of(Scope.ADMIN)
    first = admin.get("/api/v1/webhooks", params={"limit": 2})

    assert [each["event"] for each in first.json()] == ["star", "merge_group"]
    assert first.json()[0]["message"] == "star starts no build"
    assert first.json()[0]["received_at"].endswith("Z")
    rest = admin.get(first.links["next"]["url"])
    assert [each["event"] for each in rest.json()] == ["create"]
    assert admin.get("/api/v1/webhooks", params={"status": "failed"}).json() == []
    assert admin.get("/api/v1/webhooks/1").json() == rest.json()[0]
    assert admin.get("/api/v1/webhooks/9").status_code == 404
    assert client_of(Scope.FLASH).get("/api/v1/webhooks").status_code == 403
    assert nobody.get("/api/v1/webhooks").status_code == 401


def test_a_delivery_is_worked_off_again(client_of: ClientOf, nobody: httpx.Client) -> None:
    post(nobody, requests.github("star", {}))
    post(nobody, requests.github("push", PUSH))
    admin = client_of(Scope.ADMIN)

    assert admin.post("/api/v1/webhooks/1/redeliver").status_code == 409
    assert admin.post("/api/v1/webhooks/2/redeliver").status_code == 409  # it waits already
    assert admin.post("/api/v1/webhooks/3/redeliver").status_code == 404


# ----------------------------------------------------------------- approvals and badges


def add(engine: Engine, name: str) -> Project:
    assert engine._store is not None
    return projects.add_project(
        engine._store,
        Project(
            name=name,
            source="https://git.lab/me/fw.git",
            branch="main",
            target="esp32c3",
            status=ProjectStatus.ACTIVE,
        ),
    )


def ended(engine: Engine, project: Project, status: RunStatus, **values: str) -> Run:
    assert engine._store is not None
    row: dict[str, Any] = {"branch": "main", "target": "esp32c3", "commit_sha": "a" * 40, **values}
    return runs.add_run(engine._store, Run(project_id=project.id, status=status, **row))


def test_an_approval_needs_the_scope_flash(client_of: ClientOf, engine: Engine) -> None:
    ended(engine, add(engine, "fw"), RunStatus.SUCCESS)

    assert client_of(Scope.BUILD).post("/api/v1/builds/1/approve").status_code == 403
    own = client_of(Scope.FLASH).post("/api/v1/builds/1/approve")
    assert own.status_code == 422
    assert "needs no approval" in own.json()["detail"]
    assert client_of(Scope.FLASH).post("/api/v1/builds/9/approve").status_code == 404


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ((), "unknown"),
        ((RunStatus.SUCCESS,), "passing"),
        ((RunStatus.SUCCESS, RunStatus.FAILED), "failing"),
        ((RunStatus.FAILED, RunStatus.SUCCESS, RunStatus.CANCELLED, RunStatus.RUNNING), "passing"),
    ],
)
def test_a_badge_tells_the_newest_result(
    nobody: httpx.Client, engine: Engine, statuses: tuple[RunStatus, ...], word: str
) -> None:
    project = add(engine, "open")
    for status in statuses:
        ended(engine, project, status)
    ended(engine, project, RunStatus.FAILED, proposed_by="mallory", branch="main")

    answer = nobody.get("/badge/open.svg")

    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-cache, no-store, max-age=0"
    image = ElementTree.fromstring(answer.text)
    texts = image.findall(".//{http://www.w3.org/2000/svg}text")
    assert [text.text for text in texts] == ["build", word]
    end = int(texts[1].attrib["x"]) + int(texts[1].attrib["textLength"])
    assert end < int(image.attrib["width"])


def test_a_badge_of_a_branch(nobody: httpx.Client, engine: Engine) -> None:
    project = add(engine, "open")
    ended(engine, project, RunStatus.SUCCESS)
    ended(engine, project, RunStatus.FAILED, branch="dev")

    assert ">passing<" in nobody.get("/badge/open.svg").text
    assert ">failing<" in nobody.get("/badge/open.svg", params={"branch": "dev"}).text
    assert ">unknown<" in nobody.get("/badge/open.svg", params={"branch": "<b>"}).text


def test_a_private_project_looks_like_none(
    client_of: ClientOf, nobody: httpx.Client, engine: Engine
) -> None:
    ended(engine, add(engine, "closed"), RunStatus.SUCCESS)
    private, absent = nobody.get("/badge/closed.svg"), nobody.get("/badge/absent.svg")

    assert (private.status_code, absent.status_code) == (404, 404)
    assert json.loads(private.text) == json.loads(absent.text)
    assert ">passing<" in client_of(Scope.READ).get("/badge/closed.svg").text


def test_a_name_with_markup_stays_out_of_the_image(nobody: httpx.Client) -> None:
    answer = nobody.get("/badge/<script>.svg")

    assert answer.status_code == 404
    assert "<script>" not in answer.text
