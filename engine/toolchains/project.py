"""What kind of project a ``CMakeLists.txt`` describes."""

from __future__ import annotations

import re
from pathlib import Path

_MAX_BYTES = 1 << 20
_INCLUDE = re.compile(r"^[ \t]*include[ \t]*\([^)\n]*tools/cmake/project\.cmake", re.I | re.M)


def includes_esp_idf(lists: Path) -> bool:
    """Whether it includes ESP-IDF's ``project.cmake`` (ESP-IDF, "Build System", "Minimal Example").

    Args:
        lists: the file; one that cannot be read includes nothing.
    """
    try:
        with lists.open("rb") as stream:
            return mentions_esp_idf(stream.read(_MAX_BYTES).decode("utf-8", "replace"))
    except OSError:
        return False


def mentions_esp_idf(text: str) -> bool:
    """Whether the text of a ``CMakeLists.txt`` includes ESP-IDF's ``project.cmake``."""
    return _INCLUDE.search(text) is not None
