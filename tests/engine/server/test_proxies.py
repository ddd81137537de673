"""Behind a reverse proxy: whom it asks for, under which URL, below which path; with nginx, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets.sync.client import connect

from engine.server.http_server import HttpServer
from engine.server.proxies import BehindProxy
from engine.server_settings import ServerSettings
from tests.engine.server.behind_nginx import behind_nginx
from tests.engine.server.certificates import trusting
from tests.engine.server.small_app import served

PUBLIC = "https://example.org/lab"


async def seen(headers: dict[str, str], path: str = "/api", **more: Any) -> Scope:
    """What an app sees of a request."""
    found: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    scope = {
        "type": more.pop("type", "http"),
        "path": path,
        "raw_path": path.encode(),
        "scheme": "http",
        "client": (more.pop("peer", "127.0.0.1"), 4711),
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }
    settings = ServerSettings(**{"public_url": PUBLIC, **more})
    await BehindProxy(app, settings)(scope, receive, send)
    return found[0]


@pytest.mark.parametrize(
    ("path", "public_url", "expected"),
    [
        ("/api", PUBLIC, "/lab/api"),
        ("/lab/api", PUBLIC, "/lab/api"),
        ("/lab", PUBLIC, "/lab"),
        ("/lab/", PUBLIC, "/lab/"),
        ("/labels", PUBLIC, "/lab/labels"),
        ("/", PUBLIC, "/lab/"),
        ("/api", "https://example.org/", "/api"),
        ("/api", "", "/api"),
        ("/b/api", "https://example.org/a/b/", "/a/b/b/api"),
    ],
)
async def test_the_path_is_below_the_public_one(path: str, public_url: str, expected: str) -> None:
    scope = await seen({}, path, public_url=public_url)
    assert scope["path"] == expected
    assert scope["raw_path"] == expected.encode()
    assert (scope["root_path"] + "/").startswith("/")


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("nonsense", "127.0.0.1"),
        ("6.6.6.6, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        (", ,", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_that_no_proxy_is(hops: str, client: str) -> None:
    scope = await seen({"X-Forwarded-For": hops}, proxies=("127.0.0.1", "10.0.0.0/8"))
    assert scope["client"][0] == client


@pytest.mark.parametrize(
    ("said", "kind", "scheme"),
    [
        ("https", "http", "https"),
        ("http", "http", "http"),
        ("HTTPS ", "http", "https"),
        ("gopher", "http", "https"),
        ("", "http", "https"),
        ("https", "websocket", "wss"),
        ("http", "websocket", "ws"),
    ],
)
async def test_the_scheme_is_the_one_that_the_proxy_says(said: str, kind: str, scheme: str) -> None:
    scope = await seen({"X-Forwarded-Proto": said, "Host": "127.0.0.1"}, type=kind)
    assert scope["scheme"] == scheme
    assert (b"host", b"example.org") in scope["headers"]


@pytest.mark.parametrize(
    "more",
    [
        {"peer": "203.0.113.9"},
        {"peer": "203.0.113.9", "proxies": ("203.0.113.0/29",)},
        {"proxies": ()},
        {"public_url": ""},
    ],
)
async def test_what_others_say_is_not_believed(more: dict[str, Any]) -> None:
    said = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "Host": "a"}
    scope = await seen(said, **more)
    assert scope["client"][0] == more.get("peer", "127.0.0.1")
    assert (scope["scheme"], (b"host", b"a") in scope["headers"]) == ("http", True)


# nginx


@pytest.fixture(scope="module", params=["kept", "stripped"])
def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of the small app; nginx leaves the path in what it sends on, or takes it away."""
    folder = tmp_path_factory.mktemp("nginx")

    def serve(public_url: str) -> AbstractContextManager[HttpServer]:
        return served(folder, public_url=public_url)

    with behind_nginx(folder, serve, is_stripped=request.param == "stripped") as url:
        yield url


@contextmanager
def asking(url: str, address: str = "127.0.0.1") -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(verify=trusting(), local_address=address)
    with httpx.Client(base_url=url, transport=transport, timeout=30.0) as client:
        yield client


@pytest.mark.slow
def test_urls_lead_back_through_the_proxy(behind: str) -> None:
    with asking(behind) as client:
        assert client.get("/seen").json() == {
            "url": f"{behind}/seen",
            "client": "127.0.0.1",
            "root_path": "/lab",
            "self": f"{behind}/seen",
        }
        assert client.get("/folder").headers["location"] == f"{behind}/folder/"
        assert client.get("/elsewhere").headers["location"] == f"{behind}/seen"
        assert "server" in client.get("/seen").headers  # nginx's own


@pytest.mark.slow
def test_the_client_is_told_by_the_proxy(behind: str) -> None:
    with asking(behind, "127.0.0.2") as client:
        answer = client.get("/seen", headers={"X-Forwarded-For": "6.6.6.6"})
        assert answer.json()["client"] == "127.0.0.2"


@pytest.mark.slow
def test_a_stream_is_not_held_back(behind: str) -> None:
    with asking(behind) as client, client.stream("GET", "/stream") as answer:
        assert next(answer.iter_text()) == "data: first\n\n"


@pytest.mark.slow
def test_a_websocket_goes_through(behind: str) -> None:
    url = behind.replace("https", "wss") + "/ws"
    with connect(url, ssl=trusting()) as socket:
        assert socket.recv() == url
        socket.send("a")
        assert socket.recv() == "a"


@pytest.mark.slow
def test_bodies_go_through_and_large_ones_are_refused(behind: str) -> None:
    with asking(behind) as client:
        assert client.post("/body", content=bytes(2 << 20)).json() == {"bytes": 2 << 20}
        assert client.post("/body", content=bytes(5 << 20)).status_code == 413
        large = client.post("/api/webhook", content=bytes(20 << 20))
        assert large.json() == {"bytes": 20 << 20}
