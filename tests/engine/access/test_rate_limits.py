"""How often somebody may ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.access import rate_limits
from engine.access.rate_limits import RateLimit, address_key


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_then_a_steady_rate() -> None:
    clock = Clock()
    limit = RateLimit(0.5, 3, clock)

    assert [limit.take("a") for _ in range(5)] == [0.0, 0.0, 0.0, 2.0, 2.0]
    assert limit.take("b") == 0.0
    clock.seconds = 1.5
    assert limit.take("a") == 0.5
    clock.seconds = 2.0
    assert limit.take("a") == 0.0
    assert limit.take("a") == 2.0
    clock.seconds = 60.0
    assert [limit.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(1.0, 5, clock)
    let_through: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        wait = limit.take("a")
        if wait == 0.0:
            let_through.append(clock.seconds)
        else:
            clock.seconds += wait  # what was said is right
            assert limit.take("a") < 1e-6
            let_through.append(clock.seconds)
    for first in range(len(let_through)):
        for last in range(first, len(let_through)):
            span = let_through[last] - let_through[first]
            assert last - first + 1 <= 5 + span + 1e-6


def test_strangers_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_MAX_KEYS", 10)
    limit = RateLimit(0.001, 1, Clock())

    for number in range(100):
        assert limit.take(number) == 0.0

    assert limit.take(95) > 0.0  # one of the last is known
    assert limit.take(5) == 0.0  # one of the first is not any more


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_address_of_ipv6_counts_as_its_network(address: str, key: str) -> None:
    assert address_key(address) == key
