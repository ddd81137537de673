"""Names of chips in what others wrote: how they are spelled, and in which order they are told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.enums import CHIPS, LINUX, TARGETS

ESP8266 = "esp8266"
"""No ESP32, and nothing that espdeck builds for; repositories for both name it."""

_CHIP = re.compile(r"esp32(?:[a-z]\d{1,2})?")
_INSIDE = re.compile(r"esp32[-_ ]?([a-z]\d{1,2})(?![0-9])|(?<![a-z0-9])esp32(?![a-z0-9])", re.I)


def as_target(name: str) -> str:
    """A chip as ``idf.py set-target`` spells it, from ``ESP32-C3`` too; empty for what is none.

    A chip that espdeck does not know is still one, so that it is named rather than passed over.
    """
    plain = re.sub(r"[-_\s]", "", name[:40]).lower()
    return plain if plain in (LINUX, ESP8266) or _CHIP.fullmatch(plain) else ""


def in_text(text: str) -> tuple[str, ...]:
    """Chips that a text names as words, such as ``ld/esp32c6.ld``, in the order of the text."""
    found = (f"esp32{(match[1] or '').lower()}" for match in _INSIDE.finditer(text))
    return tuple(dict.fromkeys(each for each in found if each in CHIPS))


def in_order(targets: Iterable[str]) -> tuple[str, ...]:
    """Targets, each once: chips as :data:`CHIPS` has them, ``linux``, what is not known."""
    known = {target: at for at, target in enumerate(TARGETS)}
    return tuple(sorted(set(targets), key=lambda target: (known.get(target, len(known)), target)))
