"""Answers of models that change files: what becomes of a small project, or why they are refused."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ToolError
from engine.llm.conversation import Refused
from engine.llm.reasoning import part
from engine.repair.edits import AnswerEdits
from engine.source.diffs import rows_of
from engine.source.editable_tree import EditableTree
from tests.field.case import Case

PROJECT = {
    "CMakeLists.txt": "project(node)\n",
    "main/CMakeLists.txt": (
        'idf_component_register(SRCS "main.c"\n                       INCLUDE_DIRS ".")\n'
    ),
    "main/main.c": """\
#include <stdio.h>
#include "sensor.h"

static int twice(int value)
{
    return value * 3;
}

void app_main(void)
{
    int value = sensor_read();
    printf("value %d\\n", twice(value));

    for (int i = 0; i < 3; i++) {
        if (sensor_ready()) {
            sensor_wait(i);
        }
    }
}
""",
    "main/twice.c": (
        "void first(void)\n{\n    count++;\n}\n\nvoid second(void)\n{\n    count++;\n}\n"
    ),
    "components/sensor/CMakeLists.txt": 'idf_component_register(SRCS "sensor.c")\n',
    "components/sensor/sensor.c": """\
#include "sensor.h"

int sensor_read(void)
{
\tint sum = 0;
\tfor (int i = 0; i < 4; i++) {
\t\tsum += adc_raw(i);
\t}
\treturn sum;
}

int sensor_ready(void)
{
\treturn 1;
}
""",
    "components/sensor/include/sensor.h": "#pragma once\nint sensor_read(void);\n",
    "tools/make_report.py": """\
class Report:
    def total(self, rows):
        total = 0
        for row in rows:
            total += row.value

        return total
""",
    "docs/notes.md": """\
Notes
=======

The \u201craw\u201d value has no unit.
Read it twice.

Set 5\xa0V first.
Then reset.
""",
}


def read(case: Case) -> dict[str, object]:
    """What the answer comes to.

    ``changes`` has a row for each line that goes or comes: file, line and sign. ``told`` is what a
    model hears of a refusal, ``kept`` the files of the blocks that fitted all the same.
    """
    files = {**PROJECT, **case.options.get("files", {})}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode())
        worktree = _Folder(root, EditableTree(root, frozenset(files)))
        edits = AnswerEdits()
        made = edits.take(part(case.text).answer, worktree)
    if isinstance(made, Refused):
        told = edits.refusal(made.reasons).text
        kept = list(edits.kept)
        return {"accepted": False, "refused": list(made.reasons), "told": told, "kept": kept}
    rows = [
        f"{row.file}:{row.line} {'+' if row.added else '-'}{row.text}".replace("\r", "\\r")
        for row in rows_of(made.change)
    ]
    formats = [str(edit_format) for edit_format, _ in edits.outcomes]
    return {"accepted": True, "format": formats[-1], "changes": rows}


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that takes patches as a worktree does: by ``git apply``."""

    root: Path
    tree: EditableTree

    def apply(self, patch: str) -> None:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            input=patch.encode(),
            cwd=self.root,
            capture_output=True,
            timeout=30,
        )
        if done.returncode:
            raise ToolError(done.stderr.decode())

    def diff(self) -> str:
        return ""
