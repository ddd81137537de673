"""A real server that speaks S3: away and back, slow, without the bucket, with other keys."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from engine.artifact_settings import ArtifactStoreSettings
from engine.artifacts.object_store import (
    DamagedObjectError,
    MissingObjectError,
    ObjectStore,
)
from engine.cancel import CancelToken
from engine.errors import CancelledError, Interrupted, NotFoundError, ToolError
from engine.store.artifacts import Content
from tests.engine.artifacts import test_s3 as this
from tests.engine.artifacts.conftest import MakeShelf
from tests.engine.artifacts.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed
from tests.engine.artifacts.shelf import LARGE, WORKSPACE_ID, Shelf, digest
from tests.engine.artifacts.tcp_proxy import TcpProxy
from tests.waits import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("s3")]

DATA = bytes(range(251)) * 20_000  # 5 MB
CONTENT = Content(digest(DATA), len(DATA))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


def opened(
    place: str, reached: ArtifactStoreSettings, environ: dict[str, str] | None = None
) -> ObjectStore:
    return ObjectStore(place, reached, WORKSPACE_ID, environ or {})


def reach(listener: socket.socket, **others: float) -> ArtifactStoreSettings:
    """How a server is reached that listens and does nothing else."""
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    keys = {"access_key": "a", "secret_key": "b"}
    return ArtifactStoreSettings.model_validate({"endpoint": endpoint} | keys | others)


def read(store: ObjectStore, content: Content = CONTENT) -> bytes:
    got = io.BytesIO()
    store.read(content, got, CancelToken())
    return got.getvalue()


def key(place: str, sha256: str) -> str:
    return f"{place.removeprefix(f's3://{BUCKET}/')}/{WORKSPACE_ID}/{sha256[:2]}/{sha256}"


def test_a_file_there_and_back(s3: Seaweed, bucket: str, file: Path) -> None:
    store = opened(bucket, s3.settings())
    with pytest.raises(MissingObjectError, match="no longer has this file"):
        read(store)
    store.put(CONTENT, file, CancelToken())
    assert read(store) == DATA
    store.delete(CONTENT.sha256, CancelToken())
    store.delete(CONTENT.sha256, CancelToken())
    with pytest.raises(MissingObjectError):
        read(store)


def test_a_file_in_parts(
    s3: Seaweed, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.artifacts.object_store.MAX_SINGLE_PUT_BYTES", 1 << 20)
    monkeypatch.setattr("engine.artifacts.object_store._PART_BYTES", 5 << 20)
    data = DATA * 2
    content, path = Content(digest(data), len(data)), tmp_path / "large"
    path.write_bytes(data)
    store = opened(bucket, s3.settings())
    store.put(content, path, CancelToken())
    assert read(store, content) == data

    path.write_bytes(data[:-1] + b"x")  # changed as it is sent
    with pytest.raises(DamagedObjectError):
        store.put(content, path, CancelToken())


def test_what_is_sent_is_what_was_kept(s3: Seaweed, bucket: str, file: Path) -> None:
    file.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(DamagedObjectError, match="not the file that was kept"):
        opened(bucket, s3.settings()).put(CONTENT, file, CancelToken())
    assert s3.sizes(bucket.removeprefix(f"s3://{BUCKET}/")) == {}


@pytest.mark.parametrize(
    "data",
    [DATA[:-1], DATA + b"x", DATA[:-1] + b"\xff", b""],
    ids=["shorter", "longer", "other", "empty"],
)
def test_what_somebody_changed_is_not_taken(
    s3: Seaweed, bucket: str, file: Path, data: bytes
) -> None:
    store = opened(bucket, s3.settings())
    store.put(CONTENT, file, CancelToken())
    s3.put(key(bucket, CONTENT.sha256), data)
    with pytest.raises(DamagedObjectError, match="is damaged there"):
        read(store)


def test_a_signed_url_gives_it_to_everybody_for_its_time(
    s3: Seaweed, bucket: str, file: Path
) -> None:
    store = opened(bucket, s3.settings())
    store.put(CONTENT, file, CancelToken())
    url = store.url(CONTENT.sha256, 60, CancelToken())
    assert url is not None
    assert "lab-secret" not in url
    assert httpx.get(url).content == DATA
    part = httpx.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, DATA[10:20])
    assert httpx.get(url.replace("Expires=60", "Expires=600")).status_code == 403
    assert httpx.put(url, content=b"mine").status_code == 403
    assert read(store) == DATA


@pytest.mark.parametrize(
    ("place", "fields", "reason"),
    [
        (f"s3://{BUCKET}", {"secret_key": "wrong"}, "the secret key is not that of the access key"),
        (f"s3://{BUCKET}", {"access_key": "wrong"}, "it does not know this access key"),
        (f"s3://{BUCKET}", {"access_key": "guest-access", "secret_key": "guest-secret"},
         "these keys do not allow this"),
        ("s3://no-such-bucket", {}, "no such bucket"),
        (f"s3://{BUCKET}", {"endpoint": "http://127.0.0.1:1"}, "cannot be reached: nobody answers"),
        (f"s3://{BUCKET}", {"endpoint": "http://store.invalid"},
         "cannot be reached: its name is not known"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(
    s3: Seaweed, file: Path, place: str, fields: dict[str, str], reason: str
) -> None:
    store = opened(place, s3.settings(**fields))
    with pytest.raises(ToolError) as caught:
        store.put(CONTENT, file, CancelToken())
    text = str(caught.value)
    assert text.startswith(f"{place}: {reason}")
    assert "\n" not in text
    assert "lab-secret" not in text


def test_keys_and_endpoint_come_from_the_environment(
    s3: Seaweed, bucket: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lab-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "lab-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{s3.endpoint}/")
    store = opened(bucket, ArtifactStoreSettings(), dict(os.environ))
    store.put(CONTENT, file, CancelToken())
    assert read(store) == DATA


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_set(bucket: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reached = reach(silent, timeout=0.3)
        with pytest.raises(ToolError, match=f"^{bucket}: no answer within 0 s$"):
            read(opened(bucket, reached), Content("0" * 64, 3))


@pytest.mark.parametrize("how", ["cancel", "interrupt"])
def test_whoever_waits_can_be_told_to_stop(bucket: str, file: Path, how: str) -> None:
    cancel = CancelToken()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reached = reach(silent)
        store = opened(bucket, reached)
        threading.Timer(0.1, getattr(cancel, how)).start()
        with pytest.raises(CancelledError if how == "cancel" else Interrupted):
            store.put(CONTENT, file, cancel)


def test_a_server_behind_a_path(s3: Seaweed, bucket: str) -> None:
    store = opened(bucket, s3.settings(endpoint=f"{s3.endpoint}/s3/"))
    url = store.url(CONTENT.sha256, 60, CancelToken())
    assert url is not None
    assert url.startswith(f"{s3.endpoint}/s3/{BUCKET}/")


def test_a_store_that_was_away_gets_all_when_it_is_back(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    proxy = TcpProxy(s3.port)
    shelf = shelf_on(bucket, s3.settings(endpoint=proxy.endpoint, timeout=5.0))
    proxy.close()
    kept = [shelf.keep(bytes([number]) * LARGE) for number in range(5)]

    assert shelf.move() == 5.0
    assert "cannot be reached: nobody answers; 5 files of artifacts wait here" in shelf.said[0]

    shelf.set(bucket, s3.settings())
    shelf.later(seconds=5)
    assert shelf.move() is None
    assert s3.sizes(bucket.removeprefix(f"s3://{BUCKET}/")) == {each.sha256: LARGE for each in kept}


def test_a_connection_that_breaks_in_the_midst_of_a_file_leaves_nothing_there(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    proxy = TcpProxy(s3.port)
    proxy.hold_after = 1 << 20
    shelf = shelf_on(bucket, s3.settings(endpoint=proxy.endpoint, timeout=0.5))
    kept = shelf.keep(DATA)
    cancel = CancelToken()

    def cut() -> None:
        wait_for(lambda: proxy.seen > 1 << 20)
        cancel.interrupt()

    threading.Thread(target=cut).start()
    with pytest.raises(Interrupted):
        shelf.mover.move_due(cancel)
    proxy.close()

    assert s3.sizes(bucket.removeprefix(f"s3://{BUCKET}/")) == {}
    shelf.set(bucket, s3.settings())
    assert shelf.move() is None
    assert s3.sizes(bucket.removeprefix(f"s3://{BUCKET}/")) == {kept.sha256: len(DATA)}


def test_a_process_that_is_killed_as_it_sends_goes_on_at_the_next_start(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    shelf = shelf_on(bucket, s3.settings())
    kept = [shelf.keep(DATA[:-1] + bytes([number])) for number in range(3)]
    proxy = TcpProxy(s3.port)
    proxy.hold_after = len(DATA) + (1 << 20)  # one arrives, the next does not
    child = subprocess.Popen(
        [sys.executable, "-m", this.__name__, str(shelf.folder), bucket, proxy.endpoint]
    )
    wait_for(lambda: proxy.seen > len(DATA) + (1 << 20))
    child.send_signal(signal.SIGKILL)
    child.wait()
    proxy.close()

    assert shelf.waiting() == 2
    assert shelf.move() is None
    assert s3.sizes(bucket.removeprefix(f"s3://{BUCKET}/")) == {
        each.sha256: len(DATA) for each in kept
    }


def test_what_is_only_in_the_store_is_fetched_back(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    shelf = shelf_on(bucket, s3.settings())
    kept = shelf.keep(DATA)
    shelf.move()
    shelf.local_days(10)
    shelf.later(days=11)
    assert shelf.artifacts.sweep(CancelToken()).files == 1
    assert not shelf.path(kept).exists()
    assert shelf.artifacts.locate(kept).read_bytes() == DATA

    shelf.path(kept).unlink()
    (shelf.folder / "cache" / "artifacts" / kept.sha256).unlink()
    s3.delete(key(bucket, kept.sha256))
    with pytest.raises(NotFoundError, match=r"app\.elf of #1 is not here, and .* build it again"):
        shelf.artifacts.locate(kept)


def test_a_link_leads_to_the_store_once_that_has_the_file(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    shelf = shelf_on(bucket, s3.settings())
    kept = shelf.keep(DATA)
    assert shelf.artifacts.link(kept, 60).is_relative
    shelf.move()
    link = shelf.artifacts.link(kept, 60)
    assert not link.is_relative
    assert httpx.get(link.url).content == DATA


def test_the_mover_is_woken_by_what_is_kept_and_ends_when_it_is_told_to(
    s3: Seaweed, bucket: str, shelf_on: MakeShelf
) -> None:
    shelf = shelf_on(bucket, s3.settings())
    cancel = CancelToken()
    ended = threading.Event()

    def run() -> None:
        with pytest.raises(Interrupted):
            shelf.mover.run(cancel)
        ended.set()

    threading.Thread(target=run).start()
    shelf.keep(DATA)
    shelf.artifacts.kept.set()
    wait_for(lambda: shelf.waiting() == 0)
    cancel.interrupt()
    assert ended.wait(10)


def main(folder: str, place: str, endpoint: str) -> None:
    """Move all from a workspace: a process that is killed meanwhile."""
    fields = {
        "endpoint": endpoint,
        "region": "us-east-1",
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }
    reached = ArtifactStoreSettings.model_validate(fields)
    Shelf(Path(folder), place, reached).move()


if __name__ == "__main__":
    main(*sys.argv[1:])
