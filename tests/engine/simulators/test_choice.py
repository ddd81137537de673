from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import MissingToolError, UsageError
from engine.images.image import Image
from engine.simulators import base
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions, Stop, choose_simulator


@dataclass(frozen=True)
class Fake:
    name: str
    targets: frozenset[str]
    bare: bool = False
    absent: str | None = None

    def missing(self) -> str | None:
        return self.absent

    def run(
        self,
        image: Image,
        *,
        seconds: float,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        cancel: CancelToken,
        console_input: ConsoleInput | None = None,
        options: ChipOptions = DEFAULT_OPTIONS,
    ) -> Stop | None:
        raise NotImplementedError


C3, ESP32 = frozenset({"esp32c3"}), frozenset({"esp32"})


@pytest.fixture(autouse=True)
def simulators(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Fake("a-flash", C3),
        Fake("b-bare", C3, bare=True),
        Fake("c-absent", ESP32, absent="c: install it"),
    ]
    monkeypatch.setattr(base, "find_simulators", lambda: found)


def chosen(wanted: str, target: str, *, bare: bool) -> str | None:
    simulator, reason = choose_simulator(wanted, target, bare=bare)
    assert (simulator is None) == bool(reason)
    return simulator.name if simulator else reason


def test_a_plain_program_goes_to_the_simulator_that_is_made_for_it() -> None:
    assert chosen("auto", "esp32c3", bare=True) == "b-bare"


def test_a_program_with_a_bootloader_goes_to_one_that_boots_as_the_chip_does() -> None:
    assert chosen("auto", "esp32c3", bare=False) == "a-flash"


def test_what_is_named_is_taken() -> None:
    assert chosen("a-flash", "esp32c3", bare=True) == "a-flash"
    assert chosen("b-bare", "esp32c3", bare=False) == "b-bare"


def test_why_there_is_none_is_said() -> None:
    assert chosen("none", "esp32c3", bare=True) == "no simulator was wanted"
    assert chosen("auto", "esp32", bare=False) == "simulator c: install it"
    assert chosen("auto", "esp32h2", bare=False) == "no simulator runs esp32h2"


def test_what_is_named_and_cannot_is_an_error() -> None:
    with pytest.raises(UsageError, match="a-flash does not run esp32"):
        choose_simulator("a-flash", "esp32", bare=False)
    with pytest.raises(MissingToolError, match="install it"):
        choose_simulator("c-absent", "esp32", bare=False)
