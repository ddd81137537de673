"""Chips of boards, by the names that PlatformIO and Arduino give them."""

from __future__ import annotations

import pytest

from engine.toolchains.board_chips import chip_of


@pytest.mark.parametrize(
    ("board", "chip"),
    [
        ("esp32dev", "esp32"),
        ("esp32-poe-iso", "esp32"),
        ("az-delivery-devkit-v4", "esp32"),
        ("nodemcu-32s", "esp32"),
        ("ESP32-S3-DevKitC-1", "esp32s3"),
        ("esp32_c3_devkitm_1", "esp32c3"),
        ("XIAO_ESP32C6", "esp32c6"),
        ("esp32c61", "esp32c61"),
        ("m5stack-core2", "esp32"),
        ("m5stack_cores3", "esp32s3"),
        # Whose names would tell another one.
        ("arduino_nano_esp32", "esp32s3"),
        ("sparkfun_esp32s2_thing_plus_c", "esp32"),
        # What does not tell: a panel's number, a chip that is not known, another maker's.
        ("esp32-4848S040CIY1", ""),
        ("esp32x9dev", ""),
        ("acme_one", ""),
        ("uno", ""),
        ("", ""),
    ],
)
def test_a_name_tells_the_chip_or_nothing(board: str, chip: str) -> None:
    assert chip_of(board) == chip
