"""Surveys: whose a folder is, what is said where nothing can be built."""

from __future__ import annotations

import pytest

from engine.projects.survey import survey
from tests.engine.source.memory import MemoryFiles

APP = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(app)\n"
PIO = "[env:esp32dev]\nplatform = espressif32\nboard = esp32dev\n"


def test_a_folder_belongs_to_the_toolchain_of_the_highest_rank() -> None:
    found = survey(
        MemoryFiles(
            {
                "a/CMakeLists.txt": APP,
                "a/platformio.ini": PIO,
                "a/a.ino": "",
                "b/CMakeLists.txt": APP,
                "b/b.ino": "",
            }
        )
    )

    assert [(app.path, app.toolchain) for app in found.apps] == [
        ("a", "platformio"),
        ("b", "arduino"),
    ]


def test_names_that_no_terminal_shows_are_no_apps() -> None:
    names = ("a\x1b[2J", "b\udc80", "c\n")

    assert survey(MemoryFiles({f"{name}/CMakeLists.txt": APP for name in names})).apps == ()


def test_many_apps_are_named_by_the_first() -> None:
    found = survey(MemoryFiles({f"apps/a{i}/CMakeLists.txt": APP for i in range(10)}))

    assert found.explain_absence("").endswith("apps/a6, apps/a7 and 2 more")


def test_kinds_that_come_together_are_told_together() -> None:
    found = survey(
        MemoryFiles(
            {
                "fw/Cargo.toml": '[dependencies]\nesp-hal = "1"\n',
                "home.yaml": "esphome:\n  name: x\nesp32:\n  board: esp32dev\n",
            }
        )
    )

    assert found.explain_absence("") == (
        "Rust with esp-hal (fw/Cargo.toml), ESPHome, which espdeck does not build: "
        "use cargo build (espup installs the compiler)"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Cargo.toml", "esp = [" * 50_000),
        ("CMakeLists.txt", "zephyr_(" * 50_000),
        ("x.yaml", "esphome:\n" * 50_000),
        ("Makefile", "include " * 50_000),
        ("main.go", "import " * 50_000),
        ("platformio.ini", "[env:a]\na" + " " * 200_000 + "b\n"),
        ("a/a.ino", '#include "' * 50_000),
    ],
    ids=lambda value: value[:20],
)
def test_hostile_files_say_nothing(name: str, text: str) -> None:
    assert survey(MemoryFiles({name: text})).unsupported == ()
