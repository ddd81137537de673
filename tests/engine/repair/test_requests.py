"""What a model may ask to see: files and definitions; and why it is not shown others."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.repair.requests import MAX_NAMES, Requested, look_up, names_requested
from engine.repair.source_index import SourceIndex
from engine.source.editable_tree import EditableTree

FILES = {
    "main/pool.c": '#include "pool.h"\nint pool_size;\n\nint take(void) {\n    return 1;\n}\n',
    "main/pool.h": "#define POOL_SLOTS 4\nstruct slot {\n    int number;\n};\n",
    "lib/a/config.h": "int a;\n",
    "lib/b/config.h": "int b;\n",
    "keys/device.pem": "hush\n",
    "espdeck.toml": "unity = true\n",
    "managed_components/x/x.c": "int x;\n",
}


def ask(folder: Path, *names: str) -> Requested:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tree = EditableTree(folder, frozenset(FILES))
    return look_up(names, SourceIndex(tree), tree)


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("NEED: main/pool.c\n", ("main/pool.c",)),
        ("I must see it.\n\n- **NEED:** `struct slot`\nNEED: take()\n", ("struct slot", "take()")),
        ("```\nNEED: main/pool.c\n```", ("main/pool.c",)),
        ("There is a need: more memory.\n", ()),
        ("NEED: a.c\n\na.c\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", ()),
        ("".join(f"NEED: {n}.c\n" for n in range(9)), tuple(f"{n}.c" for n in range(MAX_NAMES))),
    ],
)
def test_lines_that_ask_are_found(answer: str, names: tuple[str, ...]) -> None:
    assert names_requested(answer) == names


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("main/pool.c", {"main/pool.c": []}),
        ("./pool.h", {"main/pool.h": []}),
        ("take()", {"main/pool.c": [4]}),
        ("struct slot", {"main/pool.h": [2]}),
        ("POOL_SLOTS", {"main/pool.h": [1]}),
    ],
)
def test_files_and_definitions_are_shown(
    tmp_path: Path, name: str, places: dict[str, list[int]]
) -> None:
    assert ask(tmp_path, name) == Requested(places, ())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("config.h", "which of lib/a/config.h, lib/b/config.h"),
        ("keys/device.pem", "may hold a secret"),
        ("espdeck.toml", "cannot be changed"),
        ("managed_components/x/x.c", "is not shown: not the project's own"),
        ("main/poll.c", "is not in the project; near it are main/pool.c"),
        ("../../etc/passwd", "is not in the project"),
    ],
)
def test_it_is_said_why_others_are_not(tmp_path: Path, name: str, why: str) -> None:
    found = ask(tmp_path, name)

    assert not found.places
    assert why in found.reasons[0]
