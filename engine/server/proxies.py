"""Requests that come through a reverse proxy: who asked, under which URL, below which path."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.server.addresses import ip_address
from engine.server_settings import ServerSettings

_FORWARDED = ("x-forwarded-for", "x-forwarded-proto")


class BehindProxy:
    """Makes a request what it was before a reverse proxy took it.

    ``root_path`` is the path of the public URL, whether the proxy leaves it in what it sends on
    or not. What proxies that are believed send on has the scheme and host of the public URL, so
    links lead to where the client came from even where the proxy says nothing of it, and as client
    the last address that is not such a proxy's. Others' ``X-Forwarded-*`` headers mean nothing.

    Args:
        app: what takes the request then.
        settings: say the public URL and which proxies are believed.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._public = urlsplit(settings.public_url)
        self._path = self._public.path.rstrip("/")
        networks = settings.proxies if settings.public_url else ()
        self._networks = [ipaddress.ip_network(each, strict=False) for each in networks]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        if scope["type"] in ("http", "websocket"):
            scope = self._put_below_path(dict(scope))
            client = scope.get("client")
            scope["peer"] = client[0] if client else ""
            if self.believes(scope["peer"]):
                scope["is_from_proxy"] = True
                self._put_back(scope)
        await self._app(scope, receive, send)

    def believes(self, host: str) -> bool:
        """Whether an address is of a proxy that is believed."""
        address = ip_address(host)
        return address is not None and any(address in network for network in self._networks)

    def _put_below_path(self, scope: Scope) -> Scope:
        path = scope["path"]
        if self._path and path != self._path and not path.startswith(f"{self._path}/"):
            scope["path"] = self._path + path
            scope["raw_path"] = self._path.encode() + scope["raw_path"]
        scope["root_path"] = self._path
        return scope

    def _put_back(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not any(name in headers for name in _FORWARDED):
            return  # from this machine itself, past the proxy
        said = headers.get("x-forwarded-proto", "").strip().lower()
        scheme = said if said in ("http", "https") else self._public.scheme
        is_socket = scope["type"] == "websocket"
        scope["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
        hops = [each.strip() for each in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        addresses = [ip_address(_without_port(each)) for each in hops if each]
        for address in reversed(addresses):  # each proxy adds to the end the one that it heard
            if address is None:
                break
            scope["client"] = (str(address), 0)
            if not self.believes(str(address)):
                break
        changed = MutableHeaders(scope=scope)
        changed["host"] = self._public.netloc


def _without_port(hop: str) -> str:
    """The address of a hop, which may be written as ``[2001:db8::1]:4711`` or ``192.0.2.1:80``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
