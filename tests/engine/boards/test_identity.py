"""Chips by the names that esptool and ESP-IDF give them: whatever esptool knows is known here."""

from __future__ import annotations

import pytest
from esptool.targets import CHIP_DEFS

from engine.boards.identity import UNSUPPORTED, parse_identity, target_of
from engine.enums import CHIPS
from engine.images import app_image
from engine.toolchains import arduino

KNOWN = {name: chip for name, chip in CHIP_DEFS.items() if name != UNSUPPORTED}


def test_every_chip_that_esptool_knows_is_known() -> None:
    assert set(CHIPS) == set(KNOWN)
    assert set(KNOWN) == app_image.CHIPS


@pytest.mark.parametrize("name", CHIP_DEFS)
def test_a_chip_is_the_target_of_its_name(name: str) -> None:
    called = CHIP_DEFS[name].CHIP_NAME
    text = f"Connected to {called} on /dev/ttyUSB0:\nChip type:          ESP1-X (revision v1.2)\n"

    identity = parse_identity(text)

    assert target_of(called) == name
    assert identity is not None
    assert (identity.chip, identity.package, identity.revision) == (name, "ESP1-X", "v1.2")


@pytest.mark.parametrize("name", KNOWN)
def test_a_chip_says_in_its_image_which_one_it_is_and_where_its_bootloader_goes(name: str) -> None:
    assert app_image.CHIP_IDS[KNOWN[name].IMAGE_CHIP_ID] == name
    assert arduino.BOOTLOADER_OFFSETS.get(name, 0) == KNOWN[name].BOOTLOADER_FLASH_OFFSET
