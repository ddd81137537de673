"""Search/replace blocks out of what models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.repair.blocks import MAX_BLOCKS, Block, parse
from engine.repair.edit_formats import EditFormat


def edit(file: str, search: tuple[str, ...], replace: tuple[str, ...]) -> Block:
    return Block(EditFormat.SEARCH_REPLACE, (file,), search, replace)


EDIT = "<<<<<<< SEARCH\nint x\n=======\nint x;\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "head",
    [
        "main/main.c\n",
        "`main/main.c`\n",
        "**main/main.c**\n",
        "**`main/main.c`**:\n",
        "### main/main.c\n",
        "File: main/main.c\n",
        "1. ./main/main.c\n",
        "// main/main.c\n",
        "main/main.c\n```c\n",
        "```c\nmain/main.c\n",
        "```main/main.c\n",
        "```c main/main.c\n",
        "```c:main/main.c\n",
        "A semicolon is missing.\n\nmain/main.c\n\n```\n",
    ],
)
def test_the_path_is_found_in_the_ways_that_models_write_it(head: str) -> None:
    found = parse(head + EDIT)

    assert found.problems == ()
    assert found.blocks == (edit("main/main.c", ("int x",), ("int x;",)),)


def test_blocks_of_one_file_name_it_once() -> None:
    found = parse(f"Kconfig\n{EDIT}\nAnd then:\n```\n{EDIT}```\n`my file.c`\n{EDIT}")

    assert [block.files[0] for block in found.blocks] == ["Kconfig", "Kconfig", "my file.c"]


def test_prose_is_no_path() -> None:
    assert "names no file" in parse(f"Here is the fix:\n\nDone.\n{EDIT}").problems[0]


def test_an_empty_search_makes_a_file_and_an_empty_replace_deletes_lines() -> None:
    made, cut = parse(
        "a.c\n<<<<<<< SEARCH\n=======\nint x;\n>>>>>>> REPLACE\n"
        "<<<<<<< SEARCH\nint y;\n=======\n>>>>>>> REPLACE\n"
    ).blocks

    assert made == edit("a.c", (), ("int x;",))
    assert cut == edit("a.c", ("int y;",), ())


def test_a_second_divider_is_text_and_line_ends_do_not_matter() -> None:
    text = "a.md\n<<<<<<< SEARCH\nTitle\n=======\nTitles\n=======\n>>>>>>> REPLACE".replace(
        "\n", "\r\n"
    )

    assert parse(text).blocks == (edit("a.md", ("Title",), ("Titles", "=======")),)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("a.c\n<<<<<<< SEARCH\nint x\n=======\nint x;\n", "block 1 has no end"),
        ("a.c\n<<<<<<< SEARCH\nint x\n>>>>>>> REPLACE\n", "block 1 has no end"),
        (f"a.c\n<<<<<<< SEARCH\nx\n=======\n{EDIT}", "block 1 has no end"),
        (f"a.c\n{EDIT}>>>>>>> REPLACE\n", "line 7: a block ends here that never began"),
        (EDIT * 2, "block 1 names no file"),
        ("a.c\n" + EDIT * (MAX_BLOCKS + 1), f"more than {MAX_BLOCKS} blocks"),
    ],
)
def test_what_is_no_block_is_told(answer: str, problem: str) -> None:
    assert parse(answer).problems[0].startswith(problem)


PIECES = (
    "<<<<<<< SEARCH",
    "=======",
    ">>>>>>> REPLACE",
    "```c",
    "`a.c`",
    "main/main.c",
    "int x;",
    "",
    "\r",
)


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20)).map("\n".join))
def test_any_text_gives_blocks_of_its_own_lines_or_problems(answer: str) -> None:
    found = parse(answer)

    lines = {line.removesuffix("\r") for line in answer.split("\n")}
    for block in found.blocks:
        assert block.search or block.replace or not block.files
        assert {*block.search, *block.replace} <= lines


LINES = st.lists(
    st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=12).filter(
        lambda line: not line.startswith(("<<<<<", ">>>>>", "====="))
    ),
    max_size=5,
)


@pytest.mark.slow
@given(st.lists(st.tuples(LINES, LINES), min_size=1, max_size=5))
def test_what_was_written_as_blocks_comes_back(edits: list[tuple[list[str], list[str]]]) -> None:
    answer = "".join(
        "\n".join(
            (
                "main/main.c", "```c", "<<<<<<< SEARCH", *search,
                "=======", *replace, ">>>>>>> REPLACE", "```", "",
            )
        )
        for search, replace in edits
    )  # fmt: skip

    found = parse(answer)

    assert found.problems == ()
    assert found.blocks == tuple(
        edit("main/main.c", tuple(search), tuple(replace)) for search, replace in edits
    )


def test_thousands_of_problems_are_told_in_a_few_lines() -> None:
    problems = parse(">>>>>>> REPLACE\n" * 30_000).problems
    assert len(problems) == 21
    assert problems[-1] == "29980 more of this kind"
