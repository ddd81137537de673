"""The quality gate of a large tree, the first and the second time, against flawfinder run once.

The tree is generated: 1,500 files in C with what the tools look at, and README, settings and tools
beside them. The baseline is flawfinder on the same sources, as one would run it by hand: the
quickest of the tools, and less than any gate does. The first gate finds nothing known; of the
second one nothing has changed; of the third one file has.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine import Settings
from engine.cancel import CancelToken
from engine.manifest import Manifest
from engine.quality.gate import measure_tree, processors
from engine.quality.result import BuildReport
from tests.bench.table import show

FILES = 1500
SOURCE = """#include <stdio.h>
#include <string.h>
#include "esp_log.h"
#define NAME_{n} "part-{n}"
static const char *TAG = NAME_{n};
struct part_{n} {{ char name[32]; int value; }};

/** Part {n} of the tree. */
int part_{n}(struct part_{n} *part, const char *name, int value) {{
    char text[64];
    if (value < {n}) {{
        snprintf(text, sizeof(text), NAME_{n} "/%d", value);
        ESP_LOGI(TAG, "%s", text);
    }}
    for (int i = 0; i < value; i++) {{
        switch (i % 5) {{
            case 0: part->value += {n} * i; break;
            case 1: part->value -= i; break;
            case 2: part->value ^= value; break;
            default: part->value++; break;
        }}
    }}
    if (strlen(name) < sizeof(part->name)) {{
        strcpy(part->name, name);
    }}
    return part->value + {n};
}}

static int twice_{n}(int value) {{ return 2 * value; }}
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        tree, workspace = Path(name) / "tree", Path(name) / "workspace"
        _write(tree)
        bare = _timed(lambda: _flawfinder(tree))
        first = _timed(lambda: _gate(tree, workspace))
        second = _timed(lambda: _gate(tree, workspace))
        changed = tree / "part0" / "part_0.c"
        changed.write_text(SOURCE.format(n=FILES))
        third = _timed(lambda: _gate(tree, workspace))
        rows = [
            ("flawfinder by hand (baseline)", bare),
            ("first gate", first),
            ("second gate, nothing changed", second),
            ("third gate, one file changed", third),
        ]
        show(
            f"{FILES} files, {processors()} jobs",
            ("", "seconds", "ratio"),
            [(what, f"{seconds:.2f}", f"{seconds / bare:.2f}") for what, seconds in rows],
        )


def _write(tree: Path) -> None:
    for number in range(FILES):
        path = tree / f"part{number // 50}" / f"part_{number}.c"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOURCE.format(n=number))
    (tree / "README.md").write_text("# A tree for the ESP32-C3\n\n    idf.py build\n" * 10)
    (tree / "sdkconfig.defaults").write_text("CONFIG_ESP_WIFI_PASSWORD=mypassword\n")
    (tree / "tool.py").write_text("import subprocess\nsubprocess.run(['idf.py', 'build'])\n")


def _flawfinder(tree: Path) -> None:
    argv = [sys.executable, "-m", "flawfinder", "--quiet", "--dataonly", "--csv", str(tree)]
    subprocess.run(argv, check=True, capture_output=True)


def _gate(tree: Path, workspace: Path) -> None:
    measure_tree(
        tree,
        settings=Settings(workspace=workspace),
        manifest=Manifest(),
        built=BuildReport(None),
        cancel=CancelToken(),
        on_output=lambda _data: None,
    )


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
