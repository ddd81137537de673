"""How full an app's partition is, by where the app is flashed and started from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.images.app_image import app_regions
from engine.images.image import MemoryRegion
from engine.images.partitions import Partition
from engine.quality.performance import tight

SMALL_FACTORY = Partition("factory", 0, 0x00, 0x10000, 0x10000)
OTA_0 = Partition("ota_0", 0, 0x10, 0x20000, 0x100000)
OTA_1 = Partition("ota_1", 0, 0x11, 0x120000, 0x40000)


@pytest.mark.parametrize(
    ("table", "size", "region", "blocks"),
    [
        ((SMALL_FACTORY, OTA_0), 0x8000, ("partition factory", 0x10000), False),
        ((SMALL_FACTORY, OTA_0), 0x20000, ("partition factory", 0x10000), True),
        ((OTA_0, OTA_1), 0x80000, ("partition ota_0", 0x100000), False),
        ((OTA_0, OTA_1), 0x20000, ("partition ota_1", 0x40000), False),
    ],
    ids=["fits", "started from where it does not fit", "fits where it starts", "the smallest"],
)
def test_an_app_is_measured_where_it_starts_if_it_does_not_fit_there(
    tmp_path: Path,
    table: tuple[Partition, ...],
    size: int,
    region: tuple[str, int],
    blocks: bool,
) -> None:
    app = tmp_path / "app.bin"
    app.write_bytes(b"\xe9".ljust(size, b"\0"))

    (found,) = app_regions(app, table)

    assert found == MemoryRegion(region[0], size, region[1])
    assert any("partition factory" in each.message for each in tight((found,))) is blocks
