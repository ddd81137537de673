"""Components of ESP-IDF that have what a build does not find."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.findings import Finding
from engine.toolchains.diagnostics.parser import parse
from engine.toolchains.idf_components import hint_components

HEADERS = (
    "esp_driver_i2c/include/driver/i2c_master.h",
    "esp_driver_i2c/test_apps/i2c/include/i2c_rig.h",
    "lwip/lwip/src/include/lwip/sockets.h",
    "json/cJSON/cJSON.h",
    "esp_adc/esp32/include/esp_adc/adc.h",
    "esp_adc/esp32c3/include/esp_adc/adc.h",
    "esp_wifi/include/esp_wifi.h",
    "wifi_stub/esp_wifi.h",
    "esp_timer/include/esp_timer.h",
    "esp_timer/private_include/esp_timer_impl.h",
    "log/include/log_a.h",
    "heap/include/log_a.h",
)


@pytest.fixture
def idf(tmp_path: Path) -> Path:
    for name in HEADERS:
        path = tmp_path / "components" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def missing(message: str, file: str = "main/a.c", more: str = "") -> Finding:
    (finding,) = parse(f"/w/{file}:1:10: fatal error: {message}\n{more}", root=Path("/w"))
    return finding


@pytest.mark.parametrize(
    ("header", "component"),
    [
        ("driver/i2c_master.h", "esp_driver_i2c"),
        ("lwip/sockets.h", "lwip"),
        ("cJSON.h", "json"),
        ("esp_adc/adc.h", "esp_adc"),
        ("esp_wifi.h", "esp_wifi"),
        ("esp_timer.h", "esp_timer"),
    ],
)
@pytest.mark.parametrize("wording", ["{}: No such file or directory", "'{}' file not found"])
def test_a_header_names_the_component_that_has_it(
    idf: Path, header: str, component: str, wording: str
) -> None:
    (found,) = hint_components([missing(wording.format(header))], idf, [component])

    assert (found.hint or "").startswith(f"ESP-IDF's component {component} has it: ")
    assert f"add {component} to REQUIRES" in (found.hint or "")


@pytest.mark.parametrize(
    ("file", "lists"),
    [
        ("main/net/a.c", "main/CMakeLists.txt"),
        ("components/bus/src/i2c.c", "components/bus/CMakeLists.txt"),
        ("firmware/main/a.c", "firmware/main/CMakeLists.txt"),
        ("source/a.c", "the component that includes it"),
    ],
)
def test_the_file_to_change_is_named(idf: Path, file: str, lists: str) -> None:
    (found,) = hint_components([missing("esp_wifi.h: No such file or directory", file)], idf, [])

    assert (found.hint or "").endswith(lists)


@pytest.mark.parametrize(
    "header", ["bme280.h", "i2c_rig.h", "esp_timer_impl.h", "wifi.h", "../../esp_wifi.hpp"]
)
def test_what_no_component_offers_is_left_as_it_is(idf: Path, header: str) -> None:
    finding = missing(f"{header}: No such file or directory")

    assert hint_components([finding], idf, []) == (finding,)


def test_several_components_are_all_named(idf: Path) -> None:
    (found,) = hint_components([missing("log_a.h: No such file or directory")], idf, [])

    assert "component log has it" in (found.hint or "")
    assert "also in heap" in (found.hint or "")


def test_what_esp_idf_says_itself_stays(idf: Path) -> None:
    said = (
        "To fix this, add esp_wifi to PRIV_REQUIRES list of idf_component_register call in "
        "/w/main/CMakeLists.txt.\n"
    )
    precise = missing("esp_wifi.h: No such file or directory", more=said)
    general = missing("esp_wifi.h: No such file or directory", more="HINT: it has moved.\n")

    assert hint_components([precise], idf, []) == (precise,)
    (found,) = hint_components([general], idf, [])
    assert (found.hint or "").endswith("main/CMakeLists.txt. it has moved.")
