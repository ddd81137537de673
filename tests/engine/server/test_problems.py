"""What the answer to a wrong request says: one line, what is wrong and what to do."""

from __future__ import annotations

import httpx
import pytest

from engine.server.http_server import HttpServer

_BUILD = "/api/projects/hello/build"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            "{run_qemu: true}",
            "the body is not JSON: "
            "Expecting property name enclosed in double quotes, at character 1",
        ),
        ('{"run_qemu": tru', "the body is not JSON: Expecting value, at character 13"),
        ("[]", "body: a JSON object is needed"),
        ('"x"', "body: a JSON object is needed"),
        ('{"flash": true}', "body.flash: no such field"),
        (
            '{"trigger": "cron"}',
            "body.trigger: Input should be 'manual', 'push' or 'webhook'",
        ),
    ],
)
def test_a_body_that_is_wrong(admin: httpx.Client, body: str, detail: str) -> None:
    answer = admin.post(_BUILD, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


def test_an_unknown_parameter(admin: httpx.Client) -> None:
    answer = admin.get("/api/builds?state=failed")

    assert answer.status_code == 422
    assert answer.json()["detail"] == "query.state: no such parameter"


def test_a_call_that_is_none(admin: httpx.Client) -> None:
    missing = admin.get("/api/build")
    wrong = admin.delete("/api/builds")

    assert missing.status_code == 404
    assert missing.json()["detail"] == "no such path: /docs lists all calls"
    assert wrong.status_code == 405
    assert wrong.json()["detail"] == "this path does not take DELETE: /docs lists all calls"


def test_a_wrong_header_closes_nothing_that_is_open(server: HttpServer) -> None:
    assert httpx.get(f"{server.url}/healthz", headers={"Authorization": "Basic x"}).is_success
