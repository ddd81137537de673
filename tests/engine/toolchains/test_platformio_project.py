"""Static reading of ``platformio.ini``: as PlatformIO reads it, and bounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.toolchains.base import App, AppConfiguration
from engine.toolchains.platformio_project import environment_options, find_apps
from tests.engine.source.memory import MemoryFiles

BOARD = "[env:one]\nplatform = espressif32\nboard = acme\n"


def read(text: str, packages: Path = Path("/none"), **more: str) -> App:
    (app,) = find_apps(MemoryFiles({"platformio.ini": text, **more}), packages)
    return app


def test_boards_of_this_machine_are_known(tmp_path: Path) -> None:
    board = tmp_path / "platforms" / "espressif32@6.9.0" / "boards" / "acme.json"
    board.parent.mkdir(parents=True)
    board.write_text(json.dumps({"build": {"mcu": "esp32h2"}}))

    assert read(BOARD, tmp_path).targets == ("esp32h2",)


@pytest.mark.parametrize("text", ["{", "[]", '{"build": 1}', '{"build": {"mcu": ["x"]}}'])
def test_a_board_file_that_makes_no_sense_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "acme.json").write_text(text)

    assert read(BOARD, tmp_path, **{"boards/acme.json": text}).targets == ()


def test_a_name_of_a_board_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps({"build": {"mcu": "esp32h2"}}))

    assert read(BOARD.replace("acme", "../secret"), tmp_path / "boards").targets == ()


def test_sections_that_extend_each_other_end() -> None:
    text = "[env:a]\nextends = env:b\nboard = ${env:b.board}\n[env:b]\nextends = env:a\n"

    assert read(text + "board = ${this.board}\n").configurations == (
        AppConfiguration("a"),
        AppConfiguration("b"),
    )


def test_values_that_grow_are_cut_short() -> None:
    grown = "".join(f"[s{i}]\nx = {f'${{s{i + 1}.x}}' * 200}\n" for i in range(30))

    assert read(f"{grown}[env:a]\nboard = ${{s0.x}}\n").configurations == (AppConfiguration("a"),)


def test_what_follows_a_fault_is_left_out() -> None:
    text = BOARD.replace("acme", "esp32dev") + "no option\n[env:two]\nboard = esp32dev\n"

    assert read(text).targets == ("esp32",)


@pytest.mark.parametrize(
    "platform",
    [
        "espressif8266",
        "espressif8266@4.2.1",
        "platformio/espressif8266 @ ^4",
        "https://github.com/example/platform-espressif8266.git#develop",
    ],
)
def test_a_board_of_the_esp8266_is_no_esp32(platform: str) -> None:
    assert read(f"[env:a]\nplatform = {platform}\nboard = esp32dev\n").targets == ("esp8266",)


def test_values_of_options_are_whole_however_many() -> None:
    libraries = [f"https://git.example/owner/library-{number}.git#v1" for number in range(300)]
    text = "[env]\nlib_deps =\n  " + "\n  ".join(libraries) + "\n  ; a remark\n"
    text += (
        "[env:one]\nplatform = espressif32 @ 6.5.0\nlib_deps =\n  ada/First\n  ${env.lib_deps}\n"
    )

    found = environment_options(
        MemoryFiles({"platformio.ini": text}), "", ("platform", "lib_deps", "platform_packages")
    )

    assert found == {
        "one": {
            "platform": ("espressif32 @ 6.5.0",),
            "lib_deps": ("ada/First", *libraries),
            "platform_packages": (),
        }
    }


def test_values_that_grow_without_end_lose_the_last() -> None:
    lines = "".join(f"  ada/library-{number:05}\n" for number in range(9000))
    found = environment_options(
        MemoryFiles({"platformio.ini": f"[env:one]\nlib_deps =\n{lines}"}), "", ("lib_deps",)
    )

    values = found["one"]["lib_deps"]
    assert 1000 < len(values) < 9000
    assert all(len(value) == len("ada/library-00000") for value in values)
