"""How often somebody may ask: the generic cell rate algorithm (ITU-T I.371) over a bounded table.

Libraries for this (``limits``, ``pyrate-limiter``) keep each request of a window, or run a thread
that forgets them, and bound no table of keys that strangers choose; this needs one number a key.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

_MAX_KEYS = 10_000
_IPV6_NETWORK_BITS = 64  # what one customer has at least (RFC 6177)


class RateLimit:
    """Lets each key do something at a steady rate, after a burst. Any thread may call.

    Args:
        per_second: the steady rate.
        burst: how many may come at once.
        clock: seconds that only go forward.
    """

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._interval = 1.0 / per_second
        self._tolerance = self._interval * (burst - 1)
        self._clock = clock
        self._lock = threading.Lock()
        self._due: OrderedDict[object, float] = OrderedDict()
        """When the next one of each key would be due at the steady rate; who asked last is last."""

    def take(self, key: object) -> float:
        """Do it once.

        Returns:
            0.0 where that may be; else the seconds after which it may.
        """
        now = self._clock()
        with self._lock:
            due = max(self._due.get(key, now), now)
            wait = due - self._tolerance - now
            if wait <= 0:
                self._due[key] = due + self._interval
                self._due.move_to_end(key)
                if len(self._due) > _MAX_KEYS:
                    self._due.popitem(last=False)
        return max(wait, 0.0)


def address_key(address: str) -> str:
    """What counts as one address: an IPv6 one by its network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _IPV6_NETWORK_BITS), strict=False))
