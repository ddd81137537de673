"""One reader of a console for monitor and build: boot messages and panics beside each other."""

from __future__ import annotations

import pytest

from engine.monitor.observer import Observer

CHECKED = "CORRUPT HEAP: Invalid data at 0x3ffb9000. Expected 0xfefefefe got 0xfefefe00"
STARTS_THE_OTHER_SLOT = """\
I (29) boot: ESP-IDF v5.5.1 2nd stage bootloader
E (92) esp_image: image at 0x1d0000 has invalid magic byte (nothing flashed here?)
E (99) boot: OTA app partition slot 1 is not bootable
I (158) boot: Loaded app from partition at offset 0x10000
I (900) node: ready"""


@pytest.mark.parametrize("between", range(20))
def test_the_end_of_what_a_panic_said_is_not_the_end_of_the_boot(between: int) -> None:
    codes: list[str] = []
    panics: list[str] = []
    observer = Observer(on_finding=lambda each: codes.append(each.code), on_panic=panics.append)
    lines = [CHECKED, *(f"I ({index}) boot: goes on" for index in range(between))]

    for line in (*lines, *STARTS_THE_OTHER_SLOT.splitlines()):
        observer.add(line)
    observer.end()

    assert codes == ["boot.fallback"]
    assert len(panics) == 1
