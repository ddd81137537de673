"""Small real projects for the gate, and the gate on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import manifest
from engine.cancel import CancelToken
from engine.quality.gate import measure_tree
from engine.quality.result import BuildReport, GateResult, Measure
from engine.quality_requirements import Aspect
from engine.settings import Settings

README = """# Ring

A ring buffer for the ESP32-C3 that keeps the newest values and forgets the oldest ones. It takes no
memory but its own, and can be used from one interrupt and one task at once without a lock.

    espdeck build ring
"""

RING_H = """#pragma once
/** A ring of one value. */
struct ring { int head; };
/** Keep a value; -1 when it is negative. */
int ring_push(struct ring *ring, int value);
"""

RING_C = """#include "ring.h"
int ring_push(struct ring *ring, int value) {
    if (value < 0) {
        return -1;
    }
    ring->head = value;
    return 0;
}
"""

RING = {"README.md": README, "src/ring.h": RING_H, "src/ring.c": RING_C}
"""A project that passes, as far as it can be measured."""


def write(tree: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tree


def gate(tree: Path, **choices: Any) -> GateResult:
    """What the gate says of a folder."""
    app = tree / choices.get("app", "")
    defaults: dict[str, Any] = {
        "settings": Settings(workspace=tree.parent / "workspace"),
        "manifest": manifest.load(app),
        "built": BuildReport(None),
        "cancel": CancelToken(),
        "on_output": lambda _data: None,
        "chips": ("esp32c3",),
    }
    return measure_tree(tree, **(defaults | choices))


def measure(tree: Path, aspect: Aspect, **choices: Any) -> Measure:
    """One measure of :func:`gate`."""
    (found,) = (each for each in gate(tree, **choices).measures if each.id is aspect)
    return found
