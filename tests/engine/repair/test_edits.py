"""A model's answer comes to a patch that real Git applies, or is refused with reasons."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.repair.edit_formats import EditFormat
from engine.repair.edits import AnswerEdits, Edits
from engine.repair.sources import MAX_FILE_BYTES
from engine.source.editable_tree import EditableTree

MAIN = "int main(void)\n{\n    return 0\n}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "main").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", root], check=True, timeout=30)
    (root / "main" / "main.c").write_text(MAIN)
    return root


def tree_of(root: Path) -> EditableTree:
    files = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and ".git/" not in str(path)
    }
    return EditableTree(root, frozenset(files))


def edits_of(answer: str, tree: EditableTree) -> Edits:
    return AnswerEdits().read(answer, tree)


def block(file: str, search: str, replace: str) -> str:
    return f"{file}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def applied(root: Path, edits: Edits) -> None:
    assert edits.refusals == ()
    subprocess.run(
        ["git", "-C", root, "apply", "--whitespace=nowarn", "-"],
        input=edits.patch.encode(),
        check=True,
        timeout=30,
    )


def test_lines_are_replaced_and_a_file_is_made(root: Path) -> None:
    answer = (
        block("main/main.c", "    return 0\n", "    return answer();\n")
        + block("main/main.c", "int main(void)\n", '#include "answer.h"\n\nint main(void)\n')
        + block("include/answer.h", "", "#pragma once\nint answer(void);\n")
    )

    edits = edits_of(answer, tree_of(root))
    applied(root, edits)

    assert edits.files == ("include/answer.h", "main/main.c")
    assert (root / "main/main.c").read_text() == (
        '#include "answer.h"\n\nint main(void)\n{\n    return answer();\n}\n'
    )
    assert (root / "include/answer.h").read_text() == "#pragma once\nint answer(void);\n"


def test_line_ends_and_blanks_at_ends_do_not_count_and_stay(root: Path) -> None:
    (root / "main/main.c").write_bytes(b"int a;  \r\nint b\r\nint c;\t\r\n")

    applied(root, edits_of(block("main/main.c", "int a;\nint b \nint c;\n",
                                 "int a;\nint b;\nint c;\n"), tree_of(root)))  # fmt: skip

    assert (root / "main/main.c").read_bytes() == b"int a;  \r\nint b;\r\nint c;\t\r\n"


def test_a_file_without_a_last_newline_stays_so(root: Path) -> None:
    (root / "main/main.c").write_text("int a;\nint b")

    applied(root, edits_of(block("main/main.c", "int b\n", "int b;\nint c;\n"), tree_of(root)))

    assert (root / "main/main.c").read_text() == "int a;\nint b;\nint c;"


def test_a_later_block_sees_what_an_earlier_one_left(root: Path) -> None:
    answer = block("main/main.c", "    return 0\n", "    return 1\n") + block(
        "main/main.c", "    return 1\n", "    return 2;\n"
    )

    applied(root, edits_of(answer, tree_of(root)))

    assert "return 2;" in (root / "main/main.c").read_text()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("../outside.c", "leaves the project"),
        ("main/../../outside.c", "leaves the project"),
        ("/etc/passwd.c", "leaves the project"),
        ("main//main.c", "is not a relative path inside the folder"),
        (".git/config", "is hidden"),
        (".github/workflows/ci.yml", "is hidden"),
        (".gitlab-ci.yml", "is hidden"),
        ("main/.env", "is hidden"),
        ("GIT~1/config", "is Git's"),
        ("ci/Jenkinsfile", "runs on other machines"),
        ("azure-pipelines.yml", "runs on other machines"),
        ("keys/signing.PEM", "is a secret"),
        ("main/prod.env", "is a secret"),
        ("main/arduino_secrets.h", "is a secret"),
        ("espdeck.toml", "says what is expected of the firmware: it stays as it is"),
        ("build/out.c", "exists, but Git does not track it"),
        ("link/new.c", "is reached through a link"),
        ("vendor/lib/new.c", "is a link or a submodule, or lies in one"),
        ("main/main.c/new.c", "lies below a file"),
    ],
)
def test_files_that_are_not_the_models_are_refused(root: Path, file: str, reason: str) -> None:
    (root / "build").mkdir()
    (root / "build" / "out.c").write_text("x\n")
    (root / "link").symlink_to(root.parent)
    tree = EditableTree(root, frozenset({"main/main.c"}), frozenset({"vendor/lib"}))

    edits = edits_of(block(file, "", "int x;\n"), tree)

    assert edits.patch == ""
    assert reason in edits.refusals[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I would add a semicolon.", "no change of a file"),
        (block("main/main.c", "}\n{\n", "x\n"), "does not have these lines in a row"),
        (block("main/main.c", "return 1\n", "x\n"), "has no line 'return 1'; near is line 3"),
        (block("main/main.c", "nothing\n", "x\n"), "has no line 'nothing'"),
        (block("main/twice.c", "int x;\n", "int y;\n"), "more than once"),
        (block("main/main.c", "", "int x;\n"), "already exists"),
        (block("main/main.c", "\n\n", "x\n"), "already exists"),
        (block("main/new.c", "x\n", "y\n"), "is not a tracked file"),
        (block("main/new.c", "", "\n"), "would be empty"),
        (block("main/main.c", "{\n", "{\n"), "change nothing"),
        (block("main/main.c", "{\n", "{ // \x1b[2J\n"), "control characters"),
        (block("main/new.c", "", "int x; // \u202e\n"), "U+202E"),
        (block("main/main.c", "{\n", "{ // \ud800\n"), "control characters"),
        pytest.param(
            block("main/new.c", "", "x" * (MAX_FILE_BYTES + 1) + "\n"),
            "more than 1 MiB",
            id="large",
        ),
        (block("data.bin", "x\n", "y\n"), "is not a text file"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(root: Path, answer: str, reason: str) -> None:
    (root / "main" / "twice.c").write_text("int x;\nint x;\nint x;\n")
    (root / "data.bin").write_bytes(b"x\n\0")

    edits = edits_of(answer, tree_of(root))

    assert edits.patch == ""
    assert reason in edits.refusals[0]
    assert all("\n" not in line for line in edits.refusals)


def test_one_refused_block_refuses_the_answer(root: Path) -> None:
    answer = block("main/main.c", "    return 0\n", "    return 0;\n") + block(
        ".git/config", "", "[core]\n"
    )

    assert edits_of(answer, tree_of(root)).patch == ""


def test_lines_that_are_copied_with_the_numbers_of_a_refusal_are_taken(root: Path) -> None:
    edits, tree = AnswerEdits(), tree_of(root)
    first = edits.read(block("main/main.c", "    return 9\n", "    return 1;\n"), tree)
    shown = edits.refusal(first.refusals).text.partition("```\n")[2].partition("\n```")[0]
    (numbered,) = [line for line in shown.split("\n") if line.endswith("    return 0")]

    second = edits.read(block("main/main.c", f"{numbered}\n", "    return 1;\n"), tree)

    assert "-    return 0\n+    return 1;\n" in second.patch


def test_blocks_that_fit_are_kept_and_only_the_rest_is_asked_again(root: Path) -> None:
    edits, tree = AnswerEdits(), tree_of(root)
    good = block("main/main.c", "int main(void)\n", "int app_main(void)\n")

    first = edits.read(good + block("main/main.c", "    return 9\n", "    return 1;\n"), tree)
    told = edits.refusal(first.refusals).text
    second = edits.read(block("main/main.c", "    return 0\n", "    return 1;\n"), tree)
    applied(root, second)

    assert first.patch == ""
    assert "block 2: main/main.c has no line 'return 9'" in first.refusals[0]
    assert "3 |     return 0\n" in told
    assert "kept (1, in main/main.c)" in told
    assert (root / "main/main.c").read_text() == "int app_main(void)\n{\n    return 1;\n}\n"


def test_a_block_that_was_kept_may_come_again(root: Path) -> None:
    edits, tree = AnswerEdits(), tree_of(root)
    good = block("main/main.c", "int main(void)\n", "int app_main(void)\n")
    as_diff = (
        "```diff\n--- main/main.c\n+++ main/main.c\n@@ @@\n-int main(void)\n+int app_main(void)\n"
    )

    assert edits.read(good + block("main/main.c", "x\n", "y\n"), tree).refusals
    again = edits.read(good + as_diff + "```\n", tree)

    assert again.refusals == ()
    assert again.patch.count("+int app_main(void)") == 1


def test_an_answer_without_the_rest_is_refused_and_nothing_is_applied(root: Path) -> None:
    edits, tree = AnswerEdits(), tree_of(root)
    good = block("main/main.c", "int main(void)\n", "int app_main(void)\n")

    assert edits.read(good + block("main/main.c", "x\n", "y\n"), tree).refusals
    assert edits.read("I do not know.", tree).patch == ""
    assert (root / "main/main.c").read_text() == MAIN


def test_refusals_are_told_one_a_line() -> None:
    assert "- one\n- two\n" in AnswerEdits().refusal(("one", "two")).text


def test_the_format_of_each_answer_is_told(root: Path) -> None:
    edits, tree = AnswerEdits(), tree_of(root)
    whole = "main/main.c\n```c\nint main(void)\n{\n    return 0;\n}\n```\n"

    edits.read(block("main/main.c", "x\n", "y\n"), tree)
    edits.read(block(".git/config", "", "x\n"), tree)
    edits.read(whole, tree)

    assert edits.outcomes == (
        (EditFormat.SEARCH_REPLACE, False),
        (EditFormat.SEARCH_REPLACE, True),
        (EditFormat.WHOLE_FILE, True),
    )


ROWS = st.lists(st.sampled_from(["a", "b", "", "  c ", "d\t", "}"]), max_size=12)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    old=ROWS,
    ended=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    start=st.integers(0, 11),
    length=st.integers(1, 4),
    replace=ROWS,
)
def test_git_makes_of_the_patch_what_the_block_says(
    root: Path, old: list[str], ended: bool, end: str, start: int, length: int, replace: list[str]
) -> None:
    text = end.join(old) + (end if ended and old else "")
    (root / "main" / "main.c").write_bytes(text.encode())
    kept = text.split("\n")
    kept = kept[:-1] if not kept[-1] else kept
    search = [line.rstrip() for line in old[start : start + length]]
    answer = "main/main.c\n" + "\n".join(
        ("<<<<<<< SEARCH", *search, "=======", *replace, ">>>>>>> REPLACE", "")
    )

    edits = edits_of(answer, tree_of(root))
    if not edits.patch:
        return
    applied(root, edits)

    got = [line.rstrip() for line in (root / "main" / "main.c").read_text().split("\n")]
    before = [line.rstrip() for line in kept]
    found = [at for at in range(len(before)) if before[at : at + len(search)] == search]
    if search and any(search):
        if not found:  # blank lines do not count then
            before, search, got = (list(filter(None, rows)) for rows in (before, search, got))
            replace = list(filter(None, map(str.rstrip, replace)))
            found = [at for at in range(len(before)) if before[at : at + len(search)] == search]
        assert len(found) == 1
        before[found[0] : found[0] + len(search)] = [line.rstrip() for line in replace]
        while got and not got[-1]:
            got.pop()
        while before and not before[-1]:
            before.pop()
        assert got == before


@pytest.mark.slow
def test_a_large_file_of_lines_that_are_all_alike_is_no_trouble(root: Path) -> None:
    rows = [f"l{number % 120}" for number in range(200_000)]
    (root / "main" / "main.c").write_text("\n".join(("first", *rows, "last")) + "\n")
    answer = block("main/main.c", "first\n", "FIRST\n") + block("main/main.c", "last\n", "LAST\n")

    edits = edits_of(answer, tree_of(root))
    applied(root, edits)

    assert len(edits.patch) < 300


PIECES = st.sampled_from(
    [
        *("main/main.c", "`main.c`", "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "```c", "```"),
        *("```diff", "--- main/main.c", "+++ main/main.c", "@@ -1 +1 @@", "@@", "*** End Patch"),
        *("*** Begin Patch", "*** Update File: main/main.c", "*** Add File: main/new.c"),
        *("int main(void)", "{", "    return 0", "}", " {", "+{", "-}", " }", "+    x", "", "..."),
        *("  return 0", "\treturn 0;", "3 | }", "&lt;", "// rest of the code", "x\u200by"),
    ]
)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.lists(PIECES, max_size=25).map("\n".join), min_size=1, max_size=3))
def test_any_answers_come_to_a_patch_that_git_applies_or_to_reasons(
    root: Path, answers: list[str]
) -> None:
    (root / "main" / "main.c").write_text(MAIN)
    (root / "main" / "new.c").unlink(missing_ok=True)
    edits, tree = AnswerEdits(), EditableTree(root, frozenset({"main/main.c"}))

    for answer in answers:
        found = edits.read(answer, tree)
        assert bool(found.patch) != bool(found.refusals)
        assert edits.refusal(found.refusals).text
        if found.patch:
            applied(root, found)
            assert "\u200b" not in (root / "main" / "main.c").read_text()
            return
    assert (root / "main" / "main.c").read_text() == MAIN


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("main/main.c\n" + block("", "a\n" * 3000 + "b\n", "c\n") * 60, id="misses"),
        pytest.param("<<<<<<< SEARCH\n=======\n" * 60_000, id="heads"),
        pytest.param("```c\n" * 300_000, id="fences that never end"),
        pytest.param("`" * 9 + "c\n" + "```\n" * 400_000, id="fences that are too short"),
        pytest.param("```diff\n" + "@@ @@\n-a\n+b\n" * 100_000 + "```\n", id="hunks"),
        pytest.param("*** Update File: main/main.c\n" * 60_000, id="sections"),
        pytest.param(
            "main/main.c\n" + block("", "\n" * 300_000 + "a\n", "\n" * 300_000), id="blank"
        ),
        pytest.param("main/main.c\n```c\n" + "a\n" * 500_000 + "```\n", id="whole"),
        pytest.param("/" * 2_000_000, id="a long line"),
    ],
)
def test_answers_that_are_made_to_take_long_are_refused(root: Path, answer: str) -> None:
    (root / "main" / "main.c").write_text("a\n" * (MAX_FILE_BYTES // 4))
    edits = AnswerEdits()

    found = edits.read(answer, tree_of(root))

    assert found.refusals
    assert sum(map(len, found.refusals)) < 50_000
    assert len(edits.refusal(found.refusals).text) < 100_000
