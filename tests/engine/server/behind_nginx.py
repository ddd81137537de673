"""A server behind nginx with the manual's configuration, TLS and a path."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.server.http_server import HttpServer
from tests import nginx
from tests.engine.server.certificates import written
from tests.tui.guide.pages import ROOT, Block, blocks

Serve = Callable[[str], contextlib.AbstractContextManager[HttpServer]]


@contextlib.contextmanager
def behind_nginx(folder: Path, serve: Serve, *, is_stripped: bool = False) -> Iterator[str]:
    """The URL, while the block runs.

    Args:
        folder: for files.
        serve: serves, given the public URL.
        is_stripped: whether nginx takes the path away from what it sends on.
    """
    assert nginx.is_installed(), "apt-get install nginx-light"
    port = nginx.free_port()
    public_url = f"https://localhost:{port}/lab"
    files = written(folder)
    with serve(public_url) as server:
        config = _manual().text
        for told, own in (
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("example.org;", "localhost;"),
            ("/etc/ssl/lab.pem", str(files["tls_certificate"])),
            ("/etc/ssl/lab.key", str(files["tls_key"])),
            ("http://127.0.0.1:8080;", server.url + ("/;" if is_stripped else ";")),
        ):
            assert told in config
            config = config.replace(told, own)
        with nginx.running(folder, config, port):
            yield public_url


def _manual() -> Block:
    (block,) = (each for each in blocks("nginx") if each.page == ROOT / "tui" / "guide" / "api.md")
    return block
