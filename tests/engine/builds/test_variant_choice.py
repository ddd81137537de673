"""Variants that a person names, of PlatformIO's environments and ESP-IDF's configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.builds.variant_choice import choose_variants
from engine.errors import UsageError
from engine.projects.variants import Variant
from tests.engine.git_repos import commit

pytestmark = pytest.mark.slow

BOARDS = {
    "platformio.ini": "[env:lamp]\nboard = esp32-c3-devkitm-1\n[env:bell]\nboard = esp32dev\n"
    "[env:horn]\nboard = esp32dev\n",
    "src/main.cpp": "void setup() {}\nvoid loop() {}\n",
}
MATRIX = {
    "CMakeLists.txt": "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n",
    "sdkconfig.defaults.esp32": "",
    "sdkconfig.defaults.esp32c6": "",
    "sdkconfig.ci.debug": "",
    "sdkconfig.ci.small": 'CONFIG_IDF_TARGET="esp32c6"\n',
}


def test_variants_are_named_by_chip_and_configuration(tmp_path: Path) -> None:
    commit(tmp_path / "boards", BOARDS)
    commit(tmp_path / "matrix", MATRIX)
    with Engine(Settings(workspace=tmp_path / "ws")) as engine:
        boards, matrix = (
            engine.projects.find_or_add(str(tmp_path / name)) for name in ("boards", "matrix")
        )

        def ways(*targets: str, **how: Any) -> list[str]:
            project = how.pop("project", matrix)
            return [
                each.label
                for each in choose_variants(engine.projects, project, targets=targets, **how)
            ]

        assert ways() == ["esp32"]
        assert ways("esp32s3", "esp32") == ["esp32s3", "esp32"]
        assert ways(configurations=["debug"]) == ["esp32 debug"]
        assert ways(configurations=["small"]) == ["esp32c6 small"]
        assert ways("esp32", "esp32c6", configurations=["debug", "small"]) == [
            "esp32 debug", "esp32c6 debug", "esp32c6 small",
        ]  # fmt: skip
        assert ways(every=True) == [
            "esp32", "esp32c6", "esp32 debug", "esp32c6 debug", "esp32c6 small",
        ]  # fmt: skip
        assert ways("esp32c6", every=True) == ["esp32c6", "esp32c6 debug", "esp32c6 small"]
        assert ways(configurations=["debug"], every=True) == ["esp32 debug", "esp32c6 debug"]
        assert ways(project=boards, configurations=["horn", "lamp"]) == [
            "esp32 horn", "esp32c3 lamp",
        ]  # fmt: skip
        with pytest.raises(UsageError, match="no configuration 'old'"):
            ways(configurations=["old"])
        found = choose_variants(engine.projects, matrix, configurations=["old"], strict=False)
        assert found == (Variant("esp32", "old"),)  # another commit may have it
        with pytest.raises(UsageError, match="small is for esp32c6"):
            ways("esp32", configurations=["small"])
