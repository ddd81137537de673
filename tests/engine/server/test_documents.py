"""Pages of the OpenAPI document: from this server alone, for those who may read."""

from __future__ import annotations

import re

import httpx
import pytest

from engine.enums import Scope
from tests.engine.server.conftest import ClientOf


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_needs_nothing_of_another_server(client_of: ClientOf, page: str) -> None:
    reader = client_of(Scope.READ)
    answer = reader.get(page)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "://" not in answer.text
    files = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert files
    for file in files:
        if not file.startswith("data:"):
            assert reader.get(f"/{file}").status_code == 200, file
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/docs/static/swagger-ui.css"]
)
def test_nobody_reads_it_without_a_token(client_of: ClientOf, path: str) -> None:
    stranger = client_of(None)
    assert stranger.get(path).status_code == 401
    browser = stranger.get(path, headers={"Accept": "text/html"})
    assert (browser.status_code, browser.headers["location"]) == (303, f"/login?next={path}")


def test_files_are_asked_for_again_and_sent_once(admin: httpx.Client) -> None:
    first = admin.get("/docs/static/swagger-ui.css")
    assert first.headers["cache-control"] == "private, no-cache"
    again = admin.get(
        "/docs/static/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("scope", "target"), [(Scope.ADMIN, "app/"), (Scope.FLASH, "docs")])
def test_the_start_leads_to_what_a_token_may_use(
    client_of: ClientOf, scope: Scope, target: str
) -> None:
    answer = client_of(scope).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, target)
