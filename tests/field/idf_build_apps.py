"""What idf-build-apps finds in folders: a program of its own, as it reads ESP-IDF when imported.

Usage: ``python -m tests.field.idf_build_apps FOLDER...``, with IDF_PATH an ESP-IDF or what
:func:`stand_in` made. Prints JSON: for each folder and target, apps with their configurations.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from engine.enums import TARGETS

_RULES = "**/.build-test-rules.yml"


def stand_in(folder: Path) -> Path:
    """Make what idf-build-apps reads of an ESP-IDF: targets, what they can, the version."""
    actions, cmake = folder / "tools" / "idf_py_actions", folder / "tools" / "cmake"
    actions.mkdir(parents=True)
    cmake.mkdir()
    supported = [target for target in TARGETS if target not in PREVIEW]
    (actions / "constants.py").write_text(
        f"SUPPORTED_TARGETS = {supported!r}\nPREVIEW_TARGETS = {list(PREVIEW)!r}\n"
    )
    for target in supported:
        caps = folder / "components" / "soc" / target / "include" / "soc" / "soc_caps.h"
        caps.parent.mkdir(parents=True)
        caps.write_text("#define SOC_WIFI_SUPPORTED 1\n")
    parts = {"MAJOR": 5, "MINOR": 5, "PATCH": 0}
    (cmake / "version.cmake").write_text(
        "".join(f"set(IDF_VERSION_{name} {number})\n" for name, number in parts.items())
    )
    return folder


PREVIEW = ("esp32h21", "esp32h4", "esp32s31", "esp32e22", "linux")
"""Targets that the stand-in has as those that are to come."""


def _apps(folder: Path, target: str) -> list[tuple[str, str]]:
    from idf_build_apps import App, find_apps

    App.MANIFEST = None
    found = find_apps(
        str(folder),
        target,
        recursive=True,
        config_rules=["sdkconfig.ci.*=", "="],
        manifest_rootpath=str(folder),
        common_components=["esp_common"],
        manifest_filepatterns=[_RULES] if any(folder.glob(_RULES)) else None,
    )
    paths = (Path(app.app_dir).relative_to(folder).as_posix() for app in found)
    return [
        ("" if path == "." else path, app.config_name or "")
        for path, app in zip(paths, found, strict=True)
    ]


def main() -> None:
    """Print what there is."""
    from idf_build_apps.constants import ALL_TARGETS

    logging.disable()
    folders = [Path(each) for each in sys.argv[1:]]
    print(
        json.dumps(
            {
                str(folder): {target: _apps(folder, target) for target in ALL_TARGETS}
                for folder in folders
            }
        )
    )


if __name__ == "__main__":
    main()
