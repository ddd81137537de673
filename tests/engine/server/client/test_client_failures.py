"""What goes wrong between client and server: each a line that says what and where."""

from __future__ import annotations

import inspect
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine import ApiError, AsyncClient, Client, Engine, LabEvent, Settings
from engine.enums import Scope
from engine.errors import UsageError
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.server.certificates import authority, written
from tests.engine.server.client.conftest import Connect
from tests.engine.server.client.make_synchronous import MADE, ROOT, made, names
from tests.engine.server.client.played_server import Answer, played
from tests.nginx import free_port


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("lab.example:8080", "is not the URL"),
        ("ftp://lab", "is not the URL"),
        ("http://", "is not the URL"),
        ("http://[::1", "is not the URL"),
        ("http://lab:99999", "is not the URL"),
        ("https://espdeck_abc@lab.example", "a token does not belong into a URL"),
        ("https://me:secret@lab.example/lab", "a token does not belong into a URL"),
        ("https://lab.example/?token=secret", "neither a query nor a fragment"),
    ],
)
def test_what_is_no_url_of_a_server_is_refused(connect: Connect, url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        connect(url)
    assert "secret" not in str(caught.value)
    assert "espdeck_abc" not in str(caught.value)


def test_a_token_that_is_none_is_not_repeated(connect: Connect) -> None:
    with pytest.raises(UsageError, match="characters") as caught:
        connect("http://127.0.0.1:1", token="one\ntwo")
    assert "two" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/", "/lab/api/v1/"])
def test_the_root_is_found_in_what_people_copy(connect: Connect, path: str) -> None:
    with played(Answer(b'{"version": "1", "api": "v1"}')) as server:
        assert connect(server.url + path, token=" t\n").version().api == "v1"
    root = "/lab" if "lab" in path else ""
    assert server.asked == [f"GET {root}/api/v1/version"]
    assert server.headers[0]["authorization"] == "Bearer t"


def test_nothing_listens(connect: Connect) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ApiError, match=f"{url} cannot be reached: nothing listens") as caught:
        connect(url).version()
    assert caught.value.status is None


def test_a_name_that_is_not_known(connect: Connect) -> None:
    with pytest.raises(ApiError, match="cannot be reached: its name is not known"):
        connect("http://nosuch.invalid").version()


def test_a_read_is_repeated_and_nothing_that_has_an_effect(connect: Connect) -> None:
    away = Answer(b"<html>bad gateway</html>", 502)
    with played(away, away, Answer(b'{"version": "1", "api": "v1"}')) as server:
        assert connect(server.url).version().version == "1"
    with played(away) as server:
        with pytest.raises(ApiError, match="answered 502 Bad Gateway") as caught:
            connect(server.url).cancel(1)
        assert (caught.value.status, len(server.asked)) == (502, 1)
    with played(away) as server:
        with pytest.raises(ApiError):
            connect(server.url).version()
        assert len(server.asked) == 3


def test_too_many_calls_are_made_again_when_the_server_says(connect: Connect) -> None:
    full = Answer(b'{"detail": "slower"}', 429, {"Retry-After": "0"})
    started = {"build_id": 1, "status": "pending", "commit_sha": "a"}
    started["project_id"] = "2f6d4c1e-6f0a-4a57-9a6d-0c8f6a1d2b3c"
    fine = Answer(json.dumps(started).encode())
    with played(full, fine) as server:
        assert connect(server.url).start_build("p").build_id == 1
    with played(Answer(b'{"detail": "slower"}', 429, {"Retry-After": "3600"})) as server:
        with pytest.raises(ApiError, match="slower") as caught:
            connect(server.url).version()
        assert (caught.value.retry_after, len(server.asked)) == (3600.0, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"<html>hello</html>"), "did not answer with JSON: no espdeck"),
        (Answer(b"[1]"), "does not know"),
        (Answer(b'{"version": 1}'), "does not know .version"),
        (Answer(b"", 302, {"Location": "https://me:pw@other/"}), r"leads to https://\*\*\*@other/"),
        (Answer(b"no", 404), "nothing is at /api/v1/version"),
        (Answer(b'{"detail": "\\u001b[2Jhello\\nworld"}', 403), "^helloworld$"),
        (Answer(b'{"version": "1"}', cut=5), "broke off"),
    ],
)
def test_an_answer_that_is_none(connect: Connect, answer: Answer, said: str) -> None:
    with played(answer) as server, pytest.raises(ApiError, match=said) as caught:
        connect(server.url).version()
    assert "\n" not in str(caught.value)


def test_a_server_that_says_nothing_is_given_up_on(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ApiError, match="answered nothing for too long"):
            connect(url, timeout=0.05).cancel(1)


def test_the_next_page_is_asked_of_the_same_server(connect: Connect) -> None:
    link = '<http://inside.example:1/api/v1/builds?limit=3&before=7>; rel="next"'
    first = Answer(b"[]", headers={"Link": link})
    with played(first, Answer(b"[]")) as server:
        assert list(connect(server.url).builds(text="x y")) == []
    assert server.asked == [
        "GET /api/v1/builds?limit=200&text=x+y",
        "GET /api/v1/builds?limit=3&before=7",
    ]


def test_a_stream_that_breaks_off_is_come_back_to(connect: Connect) -> None:
    def event(number: int) -> bytes:
        body = {"id": f"s-{number}", "type": "problem", "job_id": None, "seq": number,
                "timestamp": "2026-01-02T03:04:05.678Z", "message": str(number)}  # fmt: skip
        return f"id: s-{number}\ndata: {json.dumps(body)}\n\n".encode()

    kind = {"content-type": "text/event-stream"}
    start = b': espdeck\nretry: 1\n\nid: s-0\ndata: {"id": "s-0", "type": "hello"}\n\n'
    with played(
        Answer(start + event(1) + event(2)[:-9] + b"         ", headers=kind, cut=9),
        Answer(b"", 503),
        Answer(event(2) + event(3), headers=kind),
    ) as server:
        events = connect(server.url).events()
        seen = [next(events) for _ in range(3)]

    assert [each.body["message"] for each in seen if isinstance(each, LabEvent)] == ["1", "2", "3"]
    asked = [each.get("last-event-id") for each in server.headers[:3]]
    assert asked == [None, "s-1", "s-1"]


def test_the_end_of_a_server_is_not_the_end_of_a_build(connect: Connect) -> None:
    kind = {"content-type": "text/event-stream"}
    gone = b'event: end\ndata: {"build_id": 1, "status": "running"}\n\n'
    over = b'event: end\ndata: {"build_id": 1, "status": "success"}\n\n'
    with played(Answer(gone, headers=kind), Answer(over, headers=kind)) as server:
        assert list(connect(server.url).follow_log(1)) == []
        assert len(server.asked) == 2


def test_a_server_that_is_away_for_too_long_ends_what_follows(connect: Connect) -> None:
    with played(Answer(b"", 503)) as server, pytest.raises(ApiError, match="503"):
        next(connect(server.url, patience=0.0).events())


@pytest.mark.slow  # an engine of its own
def test_certificates(tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(tmp_path)
    trusted = authority(tmp_path)
    served = ServerSettings.model_validate({"host": "localhost", "port": 0, **files})
    settings = Settings(workspace=tmp_path / "lab", server=served)
    with Engine(settings) as engine:
        server = HttpServer(engine)
        server.start()
        token, _ = engine.access.create_token("ci", Scope.READ)
        try:
            assert connect(server.url, token=token, verify=trusted).version()
            assert connect(server.url, token=token, verify=False).version()
            with pytest.raises(ApiError, match="its certificate is not trusted") as caught:
                connect(server.url, token=token).version()
            assert "SSL_CERT_FILE" in str(caught.value)
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            assert connect(server.url, token=token).version()
            with played(Answer()) as plain, pytest.raises(ApiError, match="no TLS is spoken"):
                connect(plain.url.replace("http", "https"), token=token).version()
        finally:
            server.stop()
    with pytest.raises(UsageError, match="no certificates"):
        connect("https://lab", verify=tmp_path / "lab.key")
    with pytest.raises(UsageError, match="nosuch: no certificates"):
        connect("https://lab", verify=tmp_path / "nosuch")


def test_proxies_of_the_environment_are_for_other_machines(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(Answer(b'{"version": "1", "api": "v1"}')) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        assert connect(server.url).version()
        monkeypatch.setenv("http_proxy", server.url)
        assert connect("http://lab.example").version()
        assert server.asked[-1] == "GET http://lab.example/api/v1/version"
    monkeypatch.setenv("all_proxy", "gopher://old")
    with pytest.raises(UsageError, match="the proxy of the environment cannot be used"):
        connect("https://lab.example")


def test_both_clients_have_the_same_methods() -> None:
    renamed = {"aclose": "close"}

    def methods(kind: type) -> dict[str, list[str]]:
        return {
            renamed.get(name, name): [str(each.replace(annotation="")) for each in
                   inspect.signature(member).parameters.values()]
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }  # fmt: skip

    assert methods(Client) == methods(AsyncClient)
    assert {"wait_for_completion", "quality_gate", "events", "download"} < methods(Client).keys()
    for name in names():
        assert (ROOT / MADE / name).read_text() == made(name), "run make_synchronous"


@pytest.mark.slow  # a process
def test_it_is_imported_without_the_server() -> None:
    heavy = {"fastapi", "starlette", "uvicorn", "dbos", "websockets", "textual"}
    code = "import sys; from engine import AsyncClient, Client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy.isdisjoint(done.stdout.split())
