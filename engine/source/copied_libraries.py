"""Libraries that somebody copied into a project, by the files that they were published with."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

_LIBRARY_FOLDERS = frozenset({"lib", "libs", "libraries", "library"})
_COMPONENT_FOLDERS = frozenset({"components", "component"})

_PUBLISHED = frozenset({"library.properties", "keywords.txt", ".component_hash"})
"""What Arduino's library manager and ESP-IDF's component manager put or ask for (Arduino library
specification; IDF Component Manager, "Component hash"): no code of an app needs it."""

_LICENCE = re.compile(r"(?:un)?licen[cs]e|copying", re.I)
_CORE = "platform.txt"  # of an Arduino core, whose libraries are its own (Arduino platform spec.)


def copied_libraries(names: Iterable[str]) -> tuple[str, ...]:
    """Folders of libraries that others wrote, each with a slash at its end, sorted.

    Of a folder ``lib`` or ``libraries`` those with a file of a library manager or a licence of
    their own, of ``components`` those with the former: components of a repository that publishes
    several have a licence each.

    Args:
        names: paths of all files.
    """
    found = set()
    cores = set()
    for name in names:
        folder, file = posixpath.split(name)
        if file == _CORE:
            cores.add(folder)
        above = posixpath.dirname(folder)
        around = posixpath.basename(above).lower()
        if around in _LIBRARY_FOLDERS:
            is_copied = file in _PUBLISHED or _LICENCE.match(file) is not None
        else:
            is_copied = around in _COMPONENT_FOLDERS and file in _PUBLISHED
        if is_copied:
            found.add((posixpath.dirname(above), folder))
    return tuple(sorted(f"{folder}/" for home, folder in found if home not in cores))
