"""How the API is served: addresses, what is refused, limits, and the end."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from engine import Engine, Settings
from engine.enums import Scope
from engine.errors import EspdeckError, UsageError
from engine.server import http_server, listener, protocol, request_limits
from engine.server.addresses import check_exposure, is_loopback, open_sockets
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.server.certificates import trusting, written
from tests.engine.server.small_app import served
from tests.waits import wait_for

ELSEWHERE = "192.0.2.1"  # RFC 5737: of no machine


def unserved(folder: Path, **settings: Any) -> Engine:
    said = ServerSettings(**{"port": 0, **settings})
    engine = Engine(Settings(workspace=folder / "lab", server=said))
    engine.open(execute=False)
    return engine


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with served(tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture
def client(small: HttpServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=small.url, timeout=30.0) as client:
        yield client


def raw(server: HttpServer, data: bytes) -> socket.socket:
    address = httpx.URL(server.url)
    connection = socket.create_connection((address.host, address.port), timeout=30)
    connection.sendall(data)
    return connection


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        part = connection.recv(10_000)
        assert part, data
        data += part
    return data


# Addresses


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("fe80::1%lo", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.5", False),
        ("10.0.0.5", False),
        ("lab", False),
    ],
)
def test_addresses_of_this_machine_are_known(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "::1"])
def test_it_is_reached_under_the_host_that_it_listens_on(tmp_path: Path, host: str) -> None:
    with served(tmp_path, host=host) as server:
        assert httpx.get(f"{server.url}/seen").status_code == 200


def test_a_port_in_use_is_told_with_who_has_it(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(EspdeckError, match=rf"port {port} is in use by process \d+ .*port"):
            open_sockets(ServerSettings(port=port))


def test_what_cannot_be_listened_on_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EspdeckError, match=r"^192\.0\.2\.1 is not an address of this machine"):
        open_sockets(ServerSettings(host=ELSEWHERE))
    with pytest.raises(UsageError, match="'no host' is not known as a host"):
        open_sockets(ServerSettings(host="no host"))

    def refuse(*_arguments: object, **_options: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(
        EspdeckError, match=r"may not listen on 127\.0\.0\.1 port 80: choose a port"
    ):
        open_sockets(ServerSettings(port=80))


# Beyond this machine


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", ELSEWHERE])
def test_beyond_this_machine_a_token_and_tls_are_needed(tmp_path: Path, host: str) -> None:
    engine = unserved(tmp_path, host=host)
    try:
        with pytest.raises(UsageError, match=r"a token \(espdeck token create\) and TLS \(server"):
            check_exposure(engine)
        engine.access.create_token("ci", Scope.READ)
        with pytest.raises(UsageError, match=r"needs TLS .*or a reverse proxy .*public_url"):
            HttpServer(engine)
        engine.access.revoke_token("ci")
        with pytest.raises(UsageError, match="a token"):
            check_exposure(engine)
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("public_url", "is_enough"),
    [("https://example.org/lab", True), ("http://example.org/lab", False)],
)
def test_a_reverse_proxy_that_does_tls_is_enough(
    tmp_path: Path, public_url: str, is_enough: bool
) -> None:
    engine = unserved(tmp_path, host="0.0.0.0", public_url=public_url)
    try:
        engine.access.create_token("ci", Scope.READ)
        if is_enough:
            check_exposure(engine)
        else:
            with pytest.raises(UsageError, match="TLS"):
                check_exposure(engine)
    finally:
        engine.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_url": "example.org/lab"},
        {"public_url": "ftp://example.org"},
        {"public_url": "https://"},
        {"public_url": "https://a:b@example.org"},
        {"public_url": "https://example.org/?a=1"},
        {"public_url": "https://example.org:port"},
        {"public_url": "https://[::1"},
        {"proxies": ("nginx",)},
        {"proxies": ("10.0.0.0/33",)},
        {"host": ""},
        {"port": 65536},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ServerSettings(**wrong)


# What is answered to nobody


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST.:9", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:8080", 200),
        ("192.168.1.20:8080", 200),
        (socket.gethostname(), 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io", 421),
        ("localhost@evil.example", 421),
        ("localhost/x", 421),
        ("", 421),
        ("[evil]", 421),
        ("localhost, evil.example", 421),
    ],
)
def test_only_names_of_this_server_are_answered(
    client: httpx.Client, host: str, status: int
) -> None:
    answer = client.get("/seen", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert "another name" in answer.json()["detail"]


def test_a_websocket_under_another_name_is_refused(
    small: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    head = (
        b"GET /ws HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    )
    with closing(raw(small, head + key + b"\r\n")) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 421 ")
    assert {each.name for each in caplog.records} <= {"espdeck.http"}


def test_a_preflight_is_refused(client: httpx.Client) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/body", headers=headers)
    assert answer.status_code == 405
    read = client.get("/seen", headers={"Origin": "http://evil.example"})
    for each in (answer, read):
        assert not [name for name in each.headers if name.startswith("access-control")]


def test_every_answer_has_its_headers(admin: httpx.Client) -> None:
    answers = [admin.get("/healthz"), admin.get("/nothing"), admin.post("/healthz")]
    assert [each.status_code for each in answers] == [200, 404, 405]
    for answer in answers:
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["date"].endswith("GMT")
        assert "server" not in headers
        assert "strict-transport-security" not in headers


def test_without_tls_other_machines_are_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.server.guard.is_loopback", lambda _host: False)
    with served(tmp_path) as server:
        answer = httpx.get(f"{server.url}/seen")
        assert answer.status_code == 403
        assert "127.0.0.1 is neither" in answer.json()["detail"]


# Limits


def test_a_large_body_is_refused_whether_its_length_is_said_or_not(
    small: HttpServer, client: httpx.Client
) -> None:
    limit = request_limits.MAX_BODY_BYTES
    assert client.post("/body", content=bytes(limit)).json() == {"bytes": limit}
    head = f"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit + 1}\r\n\r\n"
    with closing(raw(small, head.encode())) as connection:
        answer = read_until(connection, b"}")  # the body is not waited for
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert f"a body may have {limit} bytes here".encode() in answer

    def chunks() -> Iterator[bytes]:
        yield from [bytes(1 << 20)] * 16

    unsaid = client.post("/body", content=chunks())
    assert (unsaid.status_code, unsaid.headers["content-type"]) == (413, "application/problem+json")
    assert client.post("/body", content=b"a").json() == {"bytes": 1}
    larger = bytes(limit + 1)
    assert client.post("/api/webhook", content=larger).json() == {"bytes": limit + 1}


def test_large_webhooks_that_nobody_signed_yet_are_few_at_once(
    small: HttpServer, client: httpx.Client
) -> None:
    size = request_limits.SMALL_WEBHOOK_BYTES
    head = f"POST /api/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size + 2}\r\n\r\n"
    partly = head.encode() + bytes(size + 1)
    with contextlib.ExitStack() as held:
        for _ in range(request_limits.LARGE_WEBHOOKS):
            held.enter_context(closing(raw(small, partly)))
        beyond = held.enter_context(closing(raw(small, partly)))
        answer = read_until(beyond, b"}")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer.lower()
        assert b"deliver it again in a minute" in answer
        assert client.post("/api/webhook", content=bytes(size)).json() == {"bytes": size}
    more = bytes(size + 1)
    wait_for(lambda: client.post("/api/webhook", content=more).status_code == 200)


def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_limits.RequestLimits.__init__, "__kwdefaults__",
                        {"max_bytes": 1 << 20, "seconds": 0.1})  # fmt: skip
    head = b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"
    with served(tmp_path) as server, closing(raw(server, head)) as connection:
        assert b" 408 Request Timeout" in connection.makefile("rb").read()


@pytest.mark.parametrize("sent", [b"", b"GET /seen HT", b"GET /seen HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    with served(tmp_path) as server, closing(raw(server, sent)) as connection:
        assert connection.recv(100) == b""
        wait_for(lambda: server.connections == 0)


def test_the_head_of_a_second_request_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    first = b"GET /seen HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(tmp_path) as server, closing(raw(server, first)) as connection:
        assert read_until(connection, b"}").startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /se")
        assert connection.makefile("rb").read() == b""


def test_a_websocket_is_waited_for_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    with served(tmp_path) as server, connect(server.url.replace("http", "ws") + "/ws") as echo:
        echo.recv()
        with pytest.raises(TimeoutError):
            echo.recv(timeout=0.3)
        echo.send("a")
        assert echo.recv(timeout=5) == "a"


def test_an_idle_connection_is_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http_server.KEEP_ALIVE_SECONDS > 60  # nginx keeps its own for as long
    monkeypatch.setattr(http_server, "KEEP_ALIVE_SECONDS", 0.2)
    with served(tmp_path) as server:
        connection = raw(server, b"GET /seen HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with closing(connection):
            read_until(connection, b"}")
            connection.settimeout(3)
            assert connection.recv(1) == b""


def test_a_long_head_is_refused(small: HttpServer) -> None:
    head = b"GET /seen HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000
    with closing(raw(small, head)) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_more_connections_than_there_may_be_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 2)
    with served(tmp_path) as server:
        url = server.url.replace("http", "ws") + "/ws"
        with connect(url) as first, connect(url):
            assert httpx.get(f"{server.url}/seen").status_code == 503
            first.send("a")
        wait_for(lambda: server.connections == 0)
        assert httpx.get(f"{server.url}/seen").status_code == 200


@pytest.mark.parametrize("has_tls", [True, False])
def test_connections_that_say_nothing_take_no_more_files_than_they_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_tls: bool
) -> None:
    monkeypatch.setattr(listener, "MAX_ACCEPTED", 4)
    with served(tmp_path, host="localhost", **(written(tmp_path) if has_tls else {})) as server:
        address = httpx.URL(server.url)

        def silent() -> socket.socket:
            return socket.create_connection((address.host, address.port), timeout=30)

        taken = [silent() for _ in range(4)]
        with closing(silent()) as beyond:
            assert beyond.recv(1) == b""
        for each in taken:
            each.close()
        wait_for(lambda: _is_answered(server))


def _is_answered(server: HttpServer) -> bool:
    try:
        return httpx.get(f"{server.url}/seen", verify=trusting()).status_code == 200
    except httpx.TransportError:
        return False


# The log


def test_the_log_tells_requests_without_their_query(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "espdeck.http"):
        client.get("/seen?ticket=secret")
        client.get("/seen?ticket=secret", headers={"Host": "evil.example"})
    lines = [each for each in caplog.records if each.name == "espdeck.http"]
    assert [each.levelname for each in lines] == ["DEBUG", "INFO"]
    assert lines[0].getMessage().startswith("127.0.0.1 GET /seen: 200 after ")
    assert "secret" not in caplog.text


# The end


def test_it_ends_with_streams_and_slow_clients_that_are_there(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        ws = server.url.replace("http", "ws") + "/ws"
        request = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        stream = raw(server, request % b"/stream")
        read_until(stream, b"first\n\n\r\n")
        large = raw(server, request % b"/large")
        large.recv(10)
        slow = raw(server, request % b"/slow")
        partly = raw(server, b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        silent = raw(server, b"")
        with connect(ws) as echo:
            echo.recv()
            wait_for(lambda: server.connections == 6)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 5
            with pytest.raises(ConnectionClosed, match="1012"):
                echo.recv()
        assert stream.makefile("rb").read() == b"0\r\n\r\n"  # a stream that ends, and is not cut
        for refused in (slow, partly):
            assert b"503 Service Unavailable" in refused.makefile("rb").read()
        for each in (stream, large, slow, partly, silent):
            each.close()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/seen")


def test_it_can_be_stopped_before_it_began(tmp_path: Path) -> None:
    engine = unserved(tmp_path)
    server = HttpServer(engine)
    server.stop()
    engine.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
