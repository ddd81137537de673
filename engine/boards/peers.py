"""Who is at the other end of a TCP connection on this machine.

The kernel knows the user of each socket: ``sock_diag`` tells it of one connection at once, however
many there are (sock_diag(7)); ``/proc/net/tcp`` (proc_net_tcp in the kernel's documentation) says
the same where the kernel has no such module, at the cost of reading them all. A socket that was
closed belongs to nobody, and is listed as root's: only one that a process still has open, which
has an inode, is taken for somebody's.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
from pathlib import Path

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG of linux/netlink.h
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY of linux/sock_diag.h
_REQUEST = 1  # NLM_F_REQUEST of linux/netlink.h
_HEAD = struct.Struct("=IHHII")  # struct nlmsghdr
_ASKED = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, before its socket
_ADDRESSES = struct.Struct("!HH16s16s")  # struct inet_diag_sockid: ports, addresses ...
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # ... of any interface, with any cookie
_TOLD = struct.Struct("=4x48x12xII")  # struct inet_diag_msg: its uid and its inode
_ALL_STATES = 0xFFFFFFFF
_ANSWER_SECONDS = 5.0
_TABLE = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _UID, _INODE = 1, 2, 7, 9  # words of a row

_Address = tuple[str, int]


def uid_of_peer(connection: socket.socket) -> int | None:
    """The user whose process has the other end of a connection over IPv4's loopback.

    Returns:
        None where no process of this machine has it open any more, or the kernel does not say.
    """
    try:
        theirs, ours = connection.getpeername(), connection.getsockname()
    except OSError:
        return None
    try:
        return (_asked if _has_sock_diag() else _listed)(theirs, ours)
    except OSError:
        return None  # such as ENOENT: it is gone


@functools.cache
def _has_sock_diag() -> bool:
    """Whether the kernel tells; without its module it says the same as of what is gone."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as own,
        contextlib.suppress(OSError),
    ):
        return _asked(own.getsockname(), own.getpeername()) is not None
    return False


def _asked(local: _Address, remote: _Address) -> int | None:
    """What ``sock_diag`` says.

    Raises:
        OSError: there is no such connection, or no such module.
    """
    addresses = (socket.inet_aton(host).ljust(16, b"\0") for host in (local[0], remote[0]))
    body = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_STATES)
    body += _ADDRESSES.pack(local[1], remote[1], *addresses) + _ANY
    head = _HEAD.pack(_HEAD.size + len(body), _BY_FAMILY, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_SECONDS)
        kernel.sendto(head + body, (0, 0))
        answer = kernel.recv(1 << 13)
    _length, kind, _flags, _number, _port = _HEAD.unpack_from(answer)
    if kind == _BY_FAMILY:
        uid, inode = _TOLD.unpack_from(answer, _HEAD.size)
        return int(uid) if inode else None
    # NLMSG_ERROR: a number that is negative.
    raise OSError(-struct.unpack_from("=i", answer, _HEAD.size)[0], "no answer of sock_diag")


def _listed(local: _Address, remote: _Address) -> int | None:
    """What the table says.

    Raises:
        OSError: it is hidden.
    """
    rows = _TABLE.read_text("ascii", "replace").splitlines()[1:]
    wanted = [_spelled(local), _spelled(remote)]
    for row in rows:
        words = row.split()
        if len(words) > _INODE and words[_LOCAL : _REMOTE + 1] == wanted:
            return int(words[_UID]) if words[_INODE] != "0" else None
    return None


def _spelled(address: _Address) -> str:
    """An address as the table has it: a number of this machine's byte order, in hexadecimal."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
