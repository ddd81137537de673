"""Where the server listens, and whether it may."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from engine import Engine, describe_process
from engine.enums import TokenStatus
from engine.errors import EspdeckError, UsageError
from engine.server.listener import Accepted, Listener
from engine.server_settings import ServerSettings

_BACKLOG = 128

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def ip_address(text: str) -> IpAddress | None:
    """An address; one of IPv4 also where it is written as one of IPv6. None for what is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether an address is one that only this machine reaches."""
    address = ip_address(host)
    return address is not None and address.is_loopback


def open_sockets(settings: ServerSettings) -> list[socket.socket]:
    """Listen where the settings say: on each address of the host.

    Raises:
        EspdeckError: it is not possible; says why and what to do.
    """
    found: list[socket.socket] = []
    accepted = Accepted()
    port = settings.port
    wrong: OSError | None = None
    for family, address in _resolve(settings.host):
        both = address == "::" and socket.has_dualstack_ipv6()
        try:
            opened = socket.create_server(
                (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
            )
        except OSError as error:
            wrong = error
            if error.errno == errno.EADDRNOTAVAIL:
                continue  # ``localhost`` where IPv6 is off has an address that is not there
            break
        found.append(Listener(opened, accepted))
        port = found[-1].getsockname()[1]  # of a free one, the same for each address
    else:
        if found:
            return found
    for each in found:
        each.close()
    assert wrong is not None
    raise EspdeckError(_explain(settings, wrong)) from wrong


def check_exposure(engine: Engine) -> None:
    """See that what other machines can reach is closed to strangers and cannot be listened to.

    Raises:
        UsageError: it is not; says what is missing.
    """
    settings = engine.settings.server
    if all(is_loopback(address) for _, address in _resolve(settings.host)):
        return
    missing = []
    now = datetime.now(UTC)
    if not any(token.status(now) is TokenStatus.ACTIVE for token in engine.access.tokens()):
        missing.append("a token (espdeck token create)")
    is_behind = settings.public_url.startswith("https://")
    if settings.tls_certificate is None and not is_behind:
        missing.append(
            "TLS (server.tls_certificate and server.tls_key), or a reverse proxy that does it "
            "(server.public_url = https://...)"
        )
    if missing:
        raise UsageError(
            f"other machines reach {settings.host}: listening there needs {' and '.join(missing)}; "
            "see espdeck guide api"
        )


def _resolve(host: str) -> Sequence[tuple[socket.AddressFamily, str]]:
    """Addresses of a host.

    Raises:
        UsageError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"server.host: {host!r} is not known as a host") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _explain(settings: ServerSettings, error: OSError) -> str:
    port, where = settings.port, f"{settings.host} port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        by = "".join(f" by {each}" for each in _listeners(port))
        return f"{where} is in use{by}: choose another port (server.port), or end that"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"this user may not listen on {where}: choose a port from 1024 on (server.port), with "
            "a reverse proxy in front of it"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{settings.host} is not an address of this machine (server.host)"
    return f"cannot listen on {where}: {error.strerror}"


def _listeners(port: int) -> Iterator[str]:
    """Which process listens on a port, as far as this user may know it."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            is_it = each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
            if is_it and each.pid:
                yield describe_process(each.pid)
                return
