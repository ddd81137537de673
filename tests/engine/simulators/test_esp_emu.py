"""esp-emu was not to be had: how its process is run is tested with a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import MissingToolError, ToolError
from engine.images.image import FlashPart, Image
from engine.simulators.base import DEFAULT_OPTIONS, ChipOptions
from engine.simulators.esp_emu import EspEmu
from tests.engine.simulators import standins

pytestmark = pytest.mark.slow


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    app = tmp_path / "app.bin"
    app.write_bytes(b"app")
    parts = (FlashPart(0x10000, app, ArtifactKind.APP),)
    return Image("esp32c6", tmp_path / "app.elf", parts, flash_size=4 << 20)


def simulate(image: Image, until: str = "OK", options: ChipOptions = DEFAULT_OPTIONS) -> str:
    output = bytearray()
    reason = EspEmu().run(
        image,
        seconds=30,
        on_output=output.extend,
        until=lambda _passed: until.encode() in output,
        cancel=CancelToken(),
        options=options,
    )
    assert reason is None
    return output.decode()


def test_what_is_not_installed_says_where_it_is(image: Image) -> None:
    assert "https://github.com/espressif/esp-emulator" in (EspEmu().missing() or "")
    with pytest.raises(MissingToolError, match="put it on PATH"):
        simulate(image)


def test_a_stand_in_is_given_flash_and_no_way_out(image: Image, tmp_path: Path) -> None:
    standins.esp_emu(tmp_path / "bin", "print('OK', flush=True)\ntime.sleep(60)")
    said = simulate(image)
    assert "--chip esp32c6 --firmware flash.bin" in said
    assert "--net user,restrict=yes" in said


def test_a_project_may_open_the_network_and_bring_efuses(image: Image, tmp_path: Path) -> None:
    standins.esp_emu(tmp_path / "bin", "print(open('efuse.bin').read(), 'OK', flush=True)")
    burned = tmp_path / "burned.bin"
    burned.write_text("burned")
    said = simulate(image, options=ChipOptions(network=True, efuse=burned))
    assert "--efuse efuse.bin --net user\n" in said
    assert "burned OK" in said


def test_one_that_fails_says_why(image: Image, tmp_path: Path) -> None:
    standins.esp_emu(tmp_path / "bin", "sys.exit('error: bad firmware')")
    with pytest.raises(ToolError, match="esp-emu: error: bad firmware"):
        simulate(image)
