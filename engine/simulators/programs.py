"""Where simulators are that other people install: on PATH, or where ESP-IDF keeps its tools."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def find(program: str, tool: str = "") -> Path | None:
    """A program on PATH, else the newest that ``idf_tools.py install`` put there.

    Args:
        program: its name.
        tool: the folder in ``IDF_TOOLS_PATH/tools`` that has it, where ESP-IDF knows it.
    """
    found = shutil.which(program)
    if found:
        return Path(found)
    if not tool:
        return None
    home = Path(os.environ.get("IDF_TOOLS_PATH") or Path.home() / ".espressif")
    # tools/TOOL/VERSION/..., as `export_paths` of ESP-IDF's tools.json adds to it.
    installed = (home / "tools" / tool).glob(f"*/*/bin/{program}")
    return max((path for path in installed if os.access(path, os.X_OK)), key=_version, default=None)


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parts[-4])]
