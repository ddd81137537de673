"""The line that tells a repair: of what models write, the first that says something."""

from __future__ import annotations

import pytest

from engine.repair.subject import MAX_SUBJECT, shortened, subject_of

BLOCK = "main/main.c\n<<<<<<< SEARCH\na b\n=======\nc d\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("answer", "subject"),
    [
        ("SUBJECT: Give led_set a percent\n\nIt lacks it.\n", "Give led_set a percent"),
        ("**SUBJECT:** Enlarge the `pool` to four entries.\n", "Enlarge the pool to four entries"),
        ("## SUBJECT: Close the driver once\n", "Close the driver once"),
        ("Sure! Here is the fix:\n\nThe pool is too small.\n", "The pool is too small."),
        ("Certainly! I'll fix it. The pool is too small.\n", "The pool is too small."),
        ("Okay.\n\nLooking at the log, I see.\nThe driver is shut.", "The driver is shut."),
        ("**Cause:** the divider is 0. So it traps.\n", "the divider is 0."),
        ("Here's the corrected code:\n\n", ""),
        ("", ""),
        ("The value of `a.b` is missing. It was 3.5 before.\n", "The value of a.b is missing."),
    ],
)  # fmt: skip
def test_it_is_what_the_answer_says_of_the_repair(answer: str, subject: str) -> None:
    assert subject_of(f"{answer}\n{BLOCK}") == subject


def test_a_block_is_no_sentence() -> None:
    assert subject_of(BLOCK) == ""


def test_it_is_cut_between_words() -> None:
    words = "Enlarge the pool of entries so that the log can hold as many as it is asked to keep"

    cut = shortened(words, MAX_SUBJECT)

    assert len(cut) <= MAX_SUBJECT
    assert words.startswith(cut.removesuffix("...") + " ")
    assert len(shortened("x" * 200, MAX_SUBJECT)) == MAX_SUBJECT
