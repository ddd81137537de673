"""Artifacts over HTTP: whole and in ranges, known ones, links, and names that mean harm."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Engine, Settings
from engine.artifacts import run_files
from engine.enums import ArtifactKind, RunKind, RunStatus, Scope
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run

DATA = bytes(range(256)) * 1200  # 300 KB: more than one chunk
SHA256 = hashlib.sha256(DATA).hexdigest()
ETAG = f'"{SHA256}"'
URL = "/api/v1/builds/1/artifacts/app.elf"


def keep(engine: Engine, path: str = "app.elf", data: bytes = DATA, number: int = 1) -> Path:
    """Make a file something that a build kept."""
    folder = engine.settings.workspace / "artifacts" / str(number)
    source = engine.settings.workspace / "made"
    source.write_bytes(data)
    store = Store(engine.settings.workspace / "espdeck.db")
    try:
        return run_files.keep(
            *(store, folder, source),
            run_id=number, stage="build", attempt=1, kind=ArtifactKind.ELF, path=path,
        )  # fmt: skip
    finally:
        store.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a workspace with build 1, which kept a file, and task 2."""
    folder = tmp_path_factory.mktemp("workspace")
    engine = Engine(Settings(workspace=folder, server=ServerSettings(port=0)))
    engine.open(execute=False)
    store = Store(folder / "espdeck.db")
    for kind in (RunKind.FIRMWARE, RunKind.TASK):
        number = runs.add_run(store, Run(kind=kind, status=RunStatus.SUCCESS)).number
        runs.set_artifacts_path(store, number, str(folder / "artifacts" / str(number)))
    store.close()
    keep(engine)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def url_of_server(engine: Engine) -> Iterator[str]:
    server = HttpServer(engine)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def reader(engine: Engine, url_of_server: str) -> Iterator[httpx.Client]:
    """Who may read."""
    token, _ = engine.access.create_token("reader", Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url_of_server, headers=headers, timeout=30.0) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(url_of_server: str) -> Iterator[httpx.Client]:
    """Who has no token."""
    with httpx.Client(base_url=url_of_server, timeout=30.0) as client:
        yield client


@pytest.mark.parametrize(
    "url", [URL, "/api/builds/1/artifacts/app.elf", f"/api/v1/artifacts/{SHA256}"]
)
def test_a_file(reader: httpx.Client, url: str) -> None:
    answer = reader.get(url)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="app.elf"'


def test_what_a_task_kept_is_had_by_its_content(engine: Engine, reader: httpx.Client) -> None:
    keep(engine, "answer.md", b"# Yes", number=2)
    sha256 = hashlib.sha256(b"# Yes").hexdigest()
    assert reader.get(f"/api/v1/artifacts/{sha256}").text == "# Yes"
    assert reader.get("/api/v1/builds/2/artifacts/answer.md").status_code == 404


def test_head_tells_the_same_without_the_file(reader: httpx.Client) -> None:
    whole, head = reader.get(URL), reader.head(URL)
    assert (head.status_code, head.content) == (200, b"")
    names = ("ETag", "Content-Length", "Content-Type", "Content-Disposition")
    assert [head.headers[name] for name in names] == [whole.headers[name] for name in names]


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=299999-", 299999, len(DATA)),
        ("bytes=-5", len(DATA) - 5, len(DATA)),
        ("bytes=-9999999", 0, len(DATA)),
        ("bytes=5-9999999", 5, len(DATA)),
    ],
)
def test_a_range(reader: httpx.Client, wanted: str, start: int, end: int) -> None:
    answer = reader.get(URL, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert answer.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("wanted", [f"bytes={len(DATA)}-", "bytes=9999999-10000000", "bytes=-0"])
def test_a_range_that_is_not_there(reader: httpx.Client, wanted: str) -> None:
    answer = reader.get(URL, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize(
    "wanted",
    ["bytes=5-4", "bytes=0-1,4-5", "lines=0-1", "bytes", "bytes=-", "bytes=a-b", "bytes=\u0661-"],
)
def test_what_is_no_range_gives_all(reader: httpx.Client, wanted: str) -> None:
    answer = reader.get(URL, headers={b"Range": wanted.encode()})
    assert (answer.status_code, answer.content) == (200, DATA)


@given(st.binary(max_size=20))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_range_is_too_strange(reader: httpx.Client, text: bytes) -> None:
    clean = bytes(each for each in text if each >= 0x20 and each != 0x7F)
    answer = reader.get(URL, headers={b"Range": b"bytes=" + clean.strip()})
    assert answer.status_code in (200, 206, 416)


def test_a_download_goes_on_where_it_was_cut_off_if_it_is_still_the_same(
    reader: httpx.Client,
) -> None:
    rest = {"Range": "bytes=100-"}
    assert reader.get(URL, headers=rest | {"If-Range": ETAG}).content == DATA[100:]
    assert reader.get(URL, headers=rest | {"If-Range": '"other"'}).content == DATA
    date = "Wed, 01 Jul 2026 00:00:00 GMT"
    assert reader.get(URL, headers=rest | {"If-Range": date}).content == DATA


@pytest.mark.parametrize("known", [ETAG, f'"x", W/{ETAG}', "*"])
def test_who_has_it_already_is_told_so(reader: httpx.Client, known: str) -> None:
    answer = reader.get(URL, headers={"If-None-Match": known})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", ETAG)
    assert reader.get(URL, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_empty_file(engine: Engine, reader: httpx.Client) -> None:
    keep(engine, "empty.log", b"")
    url = "/api/v1/builds/1/artifacts/empty.log"
    assert (reader.get(url).status_code, reader.get(url).content) == (200, b"")
    assert reader.get(url, headers={"Range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize(
    ("path", "kind", "saved_as"),
    [
        ("report.html", "application/octet-stream", "report.html"),
        ("picture.svg", "application/octet-stream", "picture.svg"),
        ("junit.xml", "application/octet-stream", "junit.xml"),
        ("final/report.md", "text/plain; charset=utf-8", "report.md"),
        ("gate.json", "application/json", "gate.json"),
        ('a"b\r\nX-Evil: 1;.txt', "text/plain; charset=utf-8", 'a"bX-Evil: 1;.txt'),
        ("Größe ☂.map", "application/octet-stream", "Größe ☂.map"),
    ],
)
def test_no_file_is_shown_as_a_page_and_no_name_does_harm(
    engine: Engine, reader: httpx.Client, path: str, kind: str, saved_as: str
) -> None:
    data = path.encode()
    keep(engine, path, data)
    answer = reader.get(f"/api/v1/artifacts/{hashlib.sha256(data).hexdigest()}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert "X-Evil" not in answer.headers
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    _, _, encoded = disposition.partition("filename*=UTF-8''")
    plain = disposition.removeprefix('attachment; filename="').partition('"')[0]
    assert (unquote(encoded) if encoded else plain) == saved_as


@pytest.mark.parametrize(
    "path",
    [
        "none.elf",
        "../1/app.elf",
        "..%2f..%2fespdeck.db",
        "%2e%2e/espdeck.db",
        "/etc/passwd",
        "app.elf/",
        "app.elf%00",
        "x" * 3000,
    ],
)
def test_nothing_but_artifacts_can_be_had(reader: httpx.Client, path: str) -> None:
    answer = reader.get(f"/api/v1/builds/1/artifacts/{path}")
    assert answer.status_code in (404, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "url", ["/api/v1/builds/99/artifacts/app.elf", f"/api/v1/artifacts/{'0' * 64}"]
)
def test_what_is_not_there(reader: httpx.Client, url: str) -> None:
    assert reader.get(url).status_code == 404
    assert reader.post(f"{url}/url").status_code == 404


def test_a_damaged_file_is_not_given(engine: Engine, reader: httpx.Client) -> None:
    kept, url = keep(engine, "fw.map", b"x" * 100), "/api/v1/builds/1/artifacts/fw.map"
    os.truncate(kept, 10)
    answer = reader.get(url)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "fw.map of #1 is damaged, and no store has it: build it again"
    kept.unlink()
    assert reader.get(url).status_code == 404


def test_a_browser_downloads_with_a_ticket(reader: httpx.Client, stranger: httpx.Client) -> None:
    ticket = reader.post("/api/v1/tickets", json={"path": URL}).json()["ticket"]
    assert stranger.get(URL).status_code == 401
    assert stranger.get(f"{URL}?ticket={ticket}").content == DATA
    assert stranger.get(f"{URL}?ticket={ticket}").status_code == 401


@pytest.mark.parametrize("url", [URL, f"/api/v1/artifacts/{SHA256}"])
def test_a_link_needs_no_token(reader: httpx.Client, stranger: httpx.Client, url: str) -> None:
    told = reader.post(f"{url}/url", json={"expires_in": 60}).json()
    assert (told["name"], told["size"], told["sha256"]) == ("app.elf", len(DATA), SHA256)
    answer = stranger.get(told["url"])
    assert (answer.status_code, answer.content) == (200, DATA)
    assert 'filename="app.elf"' in answer.headers["Content-Disposition"]
    assert stranger.head(told["url"]).status_code == 200
    part = stranger.get(told["url"], headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, DATA[1:3])


def test_a_link_that_was_changed_or_is_too_old_gives_nothing(
    engine: Engine, reader: httpx.Client, stranger: httpx.Client
) -> None:
    keep(engine, "secret.elf", b"secret")
    other = hashlib.sha256(b"secret").hexdigest()
    url = reader.post(f"{URL}/url").json()["url"]
    before, _, after = url.partition("expires=")
    for changed in (
        url.replace(SHA256, other),
        url.replace("app.elf", "app.html"),
        f"{before}expires=9{after}",
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("&")[0],
        url.partition("?")[0],
    ):
        answer = stranger.get(changed)
        assert answer.status_code in (403, 422), changed
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("seconds", [0, -1, 604_801, "x", 1.5])
def test_a_link_holds_for_a_week_at_most(reader: httpx.Client, seconds: object) -> None:
    assert reader.post(f"{URL}/url", json={"expires_in": seconds}).status_code == 422


def test_each_call_needs_a_token(reader: httpx.Client, stranger: httpx.Client) -> None:
    for url in (URL, f"/api/v1/artifacts/{SHA256}"):
        assert stranger.get(url).status_code == 401
        assert stranger.head(url).status_code == 401
        assert stranger.post(f"{url}/url").status_code == 401
