"""Tokens and the audit log through the API."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from engine import Engine
from engine.enums import Scope
from tests.engine.server.conftest import ClientOf


def test_a_token_is_made_used_and_revoked(
    engine: Engine, admin: httpx.Client, client_of: ClientOf
) -> None:
    wanted = {"name": "ci", "scope": "build", "expires_in": 3600}

    made = admin.post("/api/v1/tokens", json=wanted)

    assert made.status_code == 201
    body = made.json()
    assert (body["name"], body["scope"], body["status"]) == ("ci", "build", "active")
    assert body["created_at"].endswith("Z")
    assert made.headers["cache-control"] == "no-store"
    found = engine.access.verify(body["token"])
    assert found is not None
    assert found.scope is Scope.BUILD
    row = next(row for row in engine.access.tokens() if row.name == "ci")
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == timedelta(hours=1)
    assert admin.post("/api/v1/tokens", json=wanted).status_code == 409

    gone = admin.delete("/api/v1/tokens/ci")

    assert (gone.status_code, gone.json()["status"]) == (200, "revoked")
    assert engine.access.verify(body["token"]) is None
    assert admin.delete("/api/v1/tokens/nobody").status_code == 404


def test_tokens_are_listed_without_what_they_are(admin: httpx.Client, engine: Engine) -> None:
    token, row = engine.access.create_token("ci", Scope.READ)

    answer = admin.get("/api/v1/tokens")

    assert [each["name"] for each in answer.json()] == ["admin 0", "ci"]
    assert token not in answer.text
    assert row.sha256 not in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "", "scope": "read"},
        {"name": "\x1b[2J", "scope": "read"},
        {"name": "ci", "scope": "root"},
        {"name": "ci"},
        {"name": "ci", "scope": "read", "expires_in": 0},
        {"name": "ci", "scope": "read", "expires_in": 9_999_999_999},
        {"name": "ci", "scope": "read", "expires_in": 10**30},
        {"name": "ci", "scope": "read", "forever": True},
    ],
)
def test_what_is_no_token_is_refused(admin: httpx.Client, wanted: dict[str, object]) -> None:
    answer = admin.post("/api/v1/tokens", json=wanted)

    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_who_did_what_is_recorded_with_the_newest_first(
    admin: httpx.Client, client_of: ClientOf
) -> None:
    admin.get("/api/v1/tokens")
    admin.post("/api/v1/tokens", json={"name": "ci", "scope": "read"})
    admin.delete("/api/tokens/ci")
    client_of(Scope.FLASH).get("/api/v1/audit")
    client_of(None).post("/api/v1/tokens", json={})

    entries = admin.get("/api/v1/audit").json()

    shown = [(each["actor"], each["action"], each["subject"], each["status"]) for each in entries]
    assert shown == [
        ("", "POST /api/v1/tokens", "", 401),
        ("flash 1", "GET /api/v1/audit", "", 403),
        ("admin 0", "DELETE /api/tokens/{name}", "ci", 200),
        ("admin 0", "POST /api/v1/tokens", "ci (read)", 201),
    ]
    assert "admin is needed" in entries[1]["detail"]
    assert "a token is needed" in entries[0]["detail"]
    assert {each["address"] for each in entries} == {"127.0.0.1"}
    assert [each["number"] for each in entries] == [4, 3, 2, 1]


def test_the_audit_log_has_pages(admin: httpx.Client) -> None:
    for number in range(5):
        admin.delete(f"/api/v1/tokens/none-{number}")

    first = admin.get("/api/v1/audit", params={"limit": 3})
    second = admin.get(first.links["next"]["url"])

    assert [each["subject"] for each in first.json()] == ["none-4", "none-3", "none-2"]
    assert [each["subject"] for each in second.json()] == ["none-1", "none-0"]
    assert "next" not in second.links
    assert "next" not in admin.get("/api/v1/audit", params={"limit": 5}).links


def test_no_secret_reaches_the_audit_log(
    admin: httpx.Client, client_of: ClientOf, engine: Engine
) -> None:
    token, _ = engine.access.create_token("ci", Scope.READ)
    stranger = client_of(None)
    stranger.get(f"/api/v1/{token}")
    stranger.get(f"/{token}?token={token}")
    stranger.post("/login", json={"token": token[:-1] + "x"})
    stranger.post("/login", json={"token": token})
    stranger.get("/api/v1/x", headers={"Authorization": f"Bearer {token}x"})
    admin.delete(f"/api/v1/tokens/{token[:64]}")

    text = admin.get("/api/v1/audit").text

    assert "***" in text
    assert token[8:30] not in text
    assert '"actor":"ci","address":"127.0.0.1","action":"POST /login"' in text
