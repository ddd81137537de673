from __future__ import annotations

import pytest

from engine.boards.names import check_names, virtual_chip, virtual_name, virtual_options
from engine.boards.virtual.chips import CHIPS, parse_options
from engine.errors import UsageError


@pytest.mark.parametrize(
    ("name", "chip", "options"),
    [
        ("virtual:esp32c3", "esp32c3", ""),
        ("virtual:esp32c3-2", "esp32c3", ""),
        ("virtual:esp32s3?flash=8MB", "esp32s3", "flash=8MB"),
        (
            "virtual:esp32-32?package=ESP32-PICO-D4&revision=v1.1&security=encryption+secure-boot",
            "esp32",
            "package=ESP32-PICO-D4&revision=v1.1&security=encryption+secure-boot",
        ),
        ("virtual:esp32p4?revision=3.0", "esp32p4", "revision=3.0"),
    ],
)
def test_a_virtual_board_is_named_by_its_chip_and_what_it_is(
    name: str, chip: str, options: str
) -> None:
    check_names([name])

    assert virtual_chip(name) == chip
    assert virtual_options(name) == options


def test_a_number_goes_before_what_the_board_is() -> None:
    assert virtual_name("esp32c6", 1) == "virtual:esp32c6"
    assert virtual_name("esp32c6", 3) == "virtual:esp32c6-3"
    assert virtual_name("esp32c6?flash=8MB", 3) == "virtual:esp32c6-3?flash=8MB"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("virtual:", "give virtual:CHIP"),
        ("virtual:esp32c3-1", "numbers go from 2 to 32"),
        ("virtual:esp8266", "no virtual esp8266 (there is esp32, "),
        ("virtual:esp32c3?", ""),
        ("virtual:esp32c3?colour=red", "'colour=red': give package=, revision="),
        ("virtual:esp32c3?flash", "'flash': give package="),
        ("virtual:esp32c3?flash=3MB", "flash=3MB: give one of 1MB, 2MB, 4MB"),
        ("virtual:esp32c3?revision=four", "revision=four: give it as v0.4"),
        ("virtual:esp32c3?package=ESP32-S3", "package=ESP32-S3: give one of ESP32-C3, "),
        ("virtual:esp32?security=secure-download", "give one of secure-boot, secure-boot-v1"),
        ("virtual:esp32c3?security=", "'security=': give package="),
        ("virtual:esp32c3?flash=../../x", "give package="),
    ],
)
def test_a_name_that_makes_no_sense_is_refused_with_what_does(name: str, reason: str) -> None:
    if not reason:
        check_names([name])
        return
    with pytest.raises(UsageError) as refused:
        check_names([name])
    assert reason in str(refused.value)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_chip_without_options_is_a_current_one_with_flash(chip: str) -> None:
    options = parse_options(chip, "")

    assert options.package == next(iter(CHIPS[chip].packages))
    assert f"v{options.revision[0]}.{options.revision[1]}" == CHIPS[chip].revision
    assert options.flash == 4 << 20
    assert not options.is_encrypted


def test_a_package_with_flash_or_a_revision_of_its_own_brings_them() -> None:
    pico = parse_options("esp32", "package=esp32-pico-d4")
    assert (pico.package, pico.revision) == ("ESP32-PICO-D4", (1, 0))
    assert parse_options("esp32c6", "package=ESP32-C6FH8").flash == 8 << 20
    assert parse_options("esp32c6", "package=ESP32-C6FH8&flash=16mb").flash == 16 << 20
