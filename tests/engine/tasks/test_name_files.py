"""Names that a model gives when it is asked for those of its nameless files."""

from __future__ import annotations

import pytest

from engine.tasks.agents.name_files import names_in


@pytest.mark.parametrize(
    "answer",
    [
        "1: main/led.c\n2: none",
        "1. `main/led.c`\n2. none",
        "1) main/led.c\n2) None, it is an example of use.",
        "**Block 1**: `main/led.c`\n**Block 2**: no file",
        "- Block 1 → main/led.c\n- Block 2 → (none)",
        "| 1 | main/led.c |\n| 2 | none |",
        "1 - main\\led.c (the driver)\n2 - snippet",
        '{\n  "1": "main/led.c",\n  "2": "none"\n}',
        "Here they are:\n\n1: main/led.c\n2: n/a\n\n3: more.c",
    ],
)
def test_names_are_read_however_they_are_listed(answer: str) -> None:
    assert names_in(answer, ["s_c_1.c", "s_c_2.c"]) == {"s_c_1.c": "main/led.c", "s_c_2.c": ""}


@pytest.mark.parametrize(
    "answer", ["", "I do not know.", "3: main/led.c", "0: a.c", "1: the driver"]
)
def test_what_names_nothing_gives_no_names(answer: str) -> None:
    assert names_in(answer, ["s_c_1.c"]) == {}
