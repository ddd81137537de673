"""``sdkconfig`` files as text: what two of them differ in, and defaults that make the difference.

Format: Kconfig's ``.config``, a line an option: ``CONFIG_NAME=value``, or ``# CONFIG_NAME is not
set`` for one that is off (ESP-IDF, "Project Configuration").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from engine.files import read_file

MAX_BYTES = 4 << 20
"""Of a file that is read; those of ESP-IDF have some 100 KiB."""

_OPTION = re.compile(r"(?P<name>CONFIG_\w+)=(?P<value>.*)|# (?P<off>CONFIG_\w+) is not set\s*")


def options(text: str) -> dict[str, str]:
    """The value of every option, as it is written; ``n`` for one that is off. The last one wins."""
    found = {}
    for line in text.splitlines():
        match = _OPTION.fullmatch(line.strip())
        if match:
            found[match["name"] or match["off"]] = "n" if match["off"] else match["value"]
    return found


def read(path: Path) -> dict[str, str]:
    """The options of a file, as :func:`options`.

    Args:
        path: the file. Untrusted: a build or a repository may have written it.

    Raises:
        OSError: it is absent, no file, or has more than :data:`MAX_BYTES`.
    """
    return options(read_file(path, MAX_BYTES).decode("utf-8", "replace"))


def changed_options(
    before: Mapping[str, str], after: Mapping[str, str], whole: Mapping[str, str]
) -> dict[str, str | None]:
    """What a person changed.

    Args:
        before, after: options that are not at their default (``save-defconfig``).
        whole: every option afterwards.

    Returns:
        The new value by name, None for an option that cannot be set any more.
    """
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: after.get(name, whole.get(name)) for name in names}


def with_changes(defaults: str, changed: Mapping[str, str | None]) -> str:
    """A text of defaults with some options changed: in their place where they have one."""
    left = dict(changed)
    lines = []
    for line in defaults.splitlines():
        match = _OPTION.fullmatch(line.strip())
        name = (match["name"] or match["off"]) if match else None
        if name not in changed:
            lines.append(line)
        elif name in left and (value := left.pop(name)) is not None:
            lines.append(f"{name}={value}")
    lines += [f"{name}={value}" for name, value in left.items() if value is not None]
    return "".join(f"{line}\n" for line in lines)
