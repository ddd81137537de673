"""Browsers: the page to log in, its cookie, and who else may have the browser ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

import pytest
from httpx2 import Response  # of starlette's client
from starlette.testclient import TestClient

from engine import Engine, Settings
from engine.enums import Scope
from engine.server.app import create_app
from engine.server_settings import ServerSettings

HOST = "http://testserver"
OWN = {"Origin": HOST}


@pytest.fixture
def token(engine: Engine) -> str:
    return engine.access.create_token("ci", Scope.ADMIN)[0]


@pytest.fixture
def browser(engine: Engine) -> Iterator[TestClient]:
    """A browser that follows no redirect."""
    with TestClient(create_app(engine), base_url=HOST, follow_redirects=False) as client:
        yield client


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[tuple[Engine, TestClient]]:
    """An engine, and a browser that reaches it below a path of a reverse proxy with TLS."""
    server = ServerSettings(public_url="https://example.org/lab")
    engine = Engine(Settings(workspace=tmp_path / "lab", server=server))
    engine.open(execute=False)
    client = TestClient(
        create_app(engine),
        base_url="https://example.org/lab",
        root_path="/lab",
        follow_redirects=False,
    )
    yield engine, client
    client.close()
    engine.close()


def log_in(browser: TestClient, token: str) -> Response:
    answer: Response = browser.post("/login", json={"token": token}, headers=OWN)
    assert answer.status_code == 200, answer.text
    return answer


def cookie_of(answer: Response) -> Morsel[str]:
    found = SimpleCookie(answer.headers["set-cookie"])
    assert len(found) == 1
    return next(iter(found.values()))


def test_the_page_asks_for_a_token_and_loads_nothing(browser: TestClient) -> None:
    answer = browser.get("/login")

    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href)=|url\(", answer.text)
    assert answer.headers["cache-control"] == "no-store"


def test_a_person_who_is_not_logged_in_is_led_to_the_page_and_back(
    browser: TestClient, token: str
) -> None:
    sent_away = browser.get("/docs?a=1", headers={"Accept": "text/html"})
    assert sent_away.status_code == 303
    assert sent_away.headers["location"] == "/login?next=/docs%3Fa%3D1"
    page = browser.get(sent_away.headers["location"])
    assert 'name="next" value="/docs?a=1"' in page.text

    answer = browser.post("/login", data={"token": token, "next": "/docs?a=1"}, headers=OWN)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/docs?a=1"
    assert browser.get("/api/v1/tokens").status_code == 200
    assert "Logged in with the token ci" in browser.get("/login").text


def test_a_person_whose_token_is_too_narrow_can_log_in_with_another(
    browser: TestClient, engine: Engine, token: str
) -> None:
    log_in(browser, engine.access.create_token("viewer", Scope.READ)[0])

    page = browser.get("/app/", headers={"Accept": "text/html"})

    assert (page.status_code, page.headers["cache-control"]) == (403, "no-store")
    assert "token &#x27;viewer&#x27; has the scope read: admin is needed" in page.text
    assert 'name="next" value="/app/"' in page.text
    assert "--scope admin" in page.text
    answer = browser.post("/login", data={"token": token, "next": "/app/"}, headers=OWN)
    assert answer.headers["location"] == "/app/"
    assert browser.get("/app/", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "\t//x",
        "/é",
        "",
    ],
)
def test_a_link_cannot_lead_elsewhere_after_the_login(
    browser: TestClient, token: str, target: str
) -> None:
    answer = browser.post("/login", data={"token": token, "next": target}, headers=OWN)

    assert answer.headers["location"] == "/"


def test_what_a_link_says_is_text_on_the_page(browser: TestClient) -> None:
    assert "<b>" not in browser.get("/login", params={"next": '/"><b>'}).text


def test_the_cookie_is_out_of_reach_and_is_not_the_token(
    browser: TestClient, engine: Engine, token: str
) -> None:
    cookie = cookie_of(log_in(browser, token))

    assert cookie.key == engine.access.cookie_name
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert int(cookie["max-age"]) == 7 * 24 * 3600
    assert cookie.value not in token
    assert engine.access.verify(cookie.value) is None
    assert engine.access.session(token) is None


def test_a_cookie_is_no_token_and_a_token_no_cookie_also_just_after_its_use(
    browser: TestClient, engine: Engine, token: str
) -> None:
    cookie = engine.access.open_session(token)
    name = engine.access.cookie_name
    right = ({"Cookie": f"{name}={cookie}"}, {"Authorization": f"Bearer {token}"})
    wrong = ({"Cookie": f"{name}={token}"}, {"Authorization": f"Bearer {cookie}"})

    for headers in (*right, *wrong):
        status = browser.get("/api/v1/tokens", headers=headers).status_code
        assert status == (200 if headers in right else 401), headers


def test_behind_a_proxy_with_tls_the_cookie_is_for_its_path_and_https(
    behind: tuple[Engine, TestClient],
) -> None:
    engine, browser = behind
    token, _ = engine.access.create_token("ci", Scope.ADMIN)

    answer = browser.post(
        "/login", data={"token": token}, headers={"Origin": "https://example.org"}
    )

    cookie = cookie_of(answer)
    assert cookie.key == f"__Secure-{engine.access.cookie_name}"
    assert cookie["path"] == "/lab"
    assert cookie["secure"]
    assert answer.headers["location"] == "/lab/"
    assert browser.get("/api/v1/tokens").status_code == 200


def test_a_wrong_token_logs_nobody_in(browser: TestClient) -> None:
    as_form = browser.post("/login", data={"token": "espdeck_wrong"}, headers=OWN)
    as_json = browser.post("/login", json={"token": "espdeck_wrong"})

    assert as_form.status_code == as_json.status_code == 401
    assert 'role="alert"' in as_form.text
    assert as_json.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in as_form.headers
    assert "set-cookie" not in as_json.headers


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 5_000, "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"token": 1}', "application/json", 422),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"token=\xff", "application/x-www-form-urlencoded", 422),
        (b"&".join([b"a=b"] * 50), "application/x-www-form-urlencoded", 422),
        (b"token=x", "text/plain", 415),
        (b"token=x", "", 415),
        (b"x" * 10_000, "application/json", 413),
    ],
)
def test_what_is_no_login_is_refused(
    browser: TestClient, body: bytes, kind: str, status: int
) -> None:
    answer = browser.post("/login", content=body, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_logging_out_ends_the_session_also_for_who_kept_the_cookie(
    browser: TestClient, engine: Engine, token: str
) -> None:
    kept = cookie_of(log_in(browser, token))

    answer = browser.post("/logout", headers=OWN)

    assert answer.status_code == 204
    assert browser.get("/api/v1/tokens").status_code == 401
    again = {"Cookie": f"{kept.key}={kept.value}"}
    assert browser.get("/api/v1/tokens", headers=again).status_code == 401
    assert engine.access.verify(token) is not None


def test_revoking_its_token_logs_a_browser_out_at_once(
    browser: TestClient, engine: Engine, token: str
) -> None:
    log_in(browser, token)
    assert browser.get("/api/v1/tokens").status_code == 200

    engine.access.revoke_token("ci")

    assert browser.get("/api/v1/tokens").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:8081"},
        {"Origin": "https://testserver"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_page_of_another_server_changes_nothing_with_the_cookie(
    browser: TestClient, engine: Engine, token: str, headers: dict[str, str]
) -> None:
    log_in(browser, token)
    wanted = {"name": "mine", "scope": "admin"}

    answer = browser.post("/api/v1/tokens", json=wanted, headers=headers)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert [row.name for row in engine.access.tokens()] == ["ci"]
    logged_out = browser.post("/logout", headers=headers)
    assert logged_out.status_code == 403
    assert browser.get("/api/v1/tokens").status_code == 200


@pytest.mark.parametrize("headers", [OWN, {"Sec-Fetch-Site": "same-origin"}])
def test_a_page_of_this_server_does_what_the_token_may(
    browser: TestClient, token: str, headers: dict[str, str]
) -> None:
    log_in(browser, token)
    wanted = {"name": "mine", "scope": "read"}

    assert browser.post("/api/v1/tokens", json=wanted, headers=headers).status_code == 201


def test_a_page_of_another_server_logs_nobody_in(browser: TestClient, token: str) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post("/login", data={"token": token}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_cookies_that_a_neighbour_adds_do_no_harm(
    browser: TestClient, engine: Engine, token: str
) -> None:
    name = engine.access.cookie_name
    mine = engine.access.open_session(token)
    other_token, _ = engine.access.create_token("other", Scope.READ)
    other = engine.access.open_session(other_token)

    def ask(cookies: str) -> int:
        return int(browser.get("/api/v1/tokens", headers={"Cookie": cookies}).status_code)

    assert ask(f"{name}={mine}") == 200
    assert ask(f"{name}=x; {name}={mine}") == 200
    assert ask(f"{name}={mine}; {name}=") == 200
    assert ask(f"{name}={mine}; {name}={other}") == 400
    assert ask("; ".join([f"{name}={number}" for number in range(9)])) == 401


def test_a_token_in_the_header_counts_before_a_cookie(
    browser: TestClient, engine: Engine, token: str
) -> None:
    log_in(browser, token)
    reader, _ = engine.access.create_token("reader", Scope.READ)

    def ask(header: str) -> int:
        answer = browser.get("/api/v1/tokens", headers={"Authorization": header})
        return int(answer.status_code)

    assert ask(f"Bearer {reader}") == 403
    assert ask("Bearer espdeck_wrong") == 401
