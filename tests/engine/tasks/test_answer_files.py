"""Files out of answers, however models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import ArtifactKind
from engine.tasks.answer_files import (
    MAX_FILES,
    GeneratedFile,
    assembled_code,
    extract,
    keep_fuller,
)
from engine.tasks.file_names import plain_path


def paths(answer: str) -> list[str]:
    return [made.path for made in extract(answer, "step").files]


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ("```c main/main.c\nx\n```", "main/main.c"),
        ("```c:main/main.c\nx\n```", "main/main.c"),
        ("```main/main.c\nx\n```", "main/main.c"),
        ('```c title="main/main.c"\nx\n```', "main/main.c"),
        ("```c {file=main/main.c}\nx\n```", "main/main.c"),
        ("```c\n// main/main.c\nx\n```", "main/main.c"),
        ("```c\n/* main/main.c */\nx\n```", "main/main.c"),
        ("```c\n// File: main/main.c\nx\n```", "main/main.c"),
        ("```cmake\n# main/CMakeLists.txt\nx\n```", "main/CMakeLists.txt"),
        ("```html\n<!-- web/index.html -->\nx\n```", "web/index.html"),
        ("```tsx\n{/* src/App.tsx */}\nx\n```", "src/App.tsx"),
        ("```kconfig\n# Kconfig\nx\n```", "Kconfig"),
        ("**main/main.c**\n```c\nx\n```", "main/main.c"),
        ("### `main/main.c`:\n\n```c\nx\n```", "main/main.c"),
        ("~~~c main/main.c\nx\n~~~", "main/main.c"),
        ("  ```c ./main/main.c\nx\n  ```", "main/main.c"),
        ("```c\nx\n```", "step_c_1.c"),
        ("```C\nx\n```", "step_c_1.c"),
        ("```h\nx\n```", "step_header_1.h"),
        ("```c++\nx\n```", "step_cpp_1.cpp"),
        ("```cmake\nx\n```", "step_cmake_1.cmake"),
        ("```python\nx\n```", "step_python_1.py"),
        ("```jsx\nx\n```", "step_jsx_1.jsx"),
        ("```yml\nx\n```", "step_yaml_1.yaml"),
        ("```diff\nx\n```", "step_diff_1.diff"),
        ("```c /etc/main.c\nx\n```", "step_c_1.c"),
        ("```c ../main.c\nx\n```", "step_c_1.c"),
        ("```c .github/x.c\nx\n```", "step_c_1.c"),
        ("```c a/.hidden.c\nx\n```", "step_c_1.c"),
        ("```c\n// ../../../x.c\nx\n```", "step_c_1.c"),
        ("```c main\\main.c\nx\n```", "main/main.c"),
        ("```c -rf.c\nx\n```", "step_c_1.c"),
    ],
)
def test_a_block_is_a_file_with_a_name(answer: str, path: str) -> None:
    found = extract(answer, "step")
    assert [made.path for made in found.files] == [path]
    assert found.files[0].text.endswith("x\n")
    assert found.files[0].whole


def test_blocks_of_one_kind_are_counted() -> None:
    assert paths("```c\n1\n```\n```py\n2\n```\n```c\n3\n```") == [
        *("step_c_1.c", "step_python_1.py", "step_c_2.c")
    ]


def test_what_a_shell_is_told_is_text() -> None:
    answer = "Run:\n```bash\nidf.py build\n```\nIt prints:\n```\nok\n```\n```console\n$ ls\n```"
    found = extract(answer, "step")
    assert not found.files
    assert found.prose == answer


def test_the_prose_names_the_files_in_place_of_their_text() -> None:
    found = extract("First.\n\n```c a.c\none\ntwo\n```\nThen.", "step")
    assert found.prose == "First.\n\n[file a.c, 2 lines]\nThen."


def test_a_file_that_comes_again_is_the_last_one() -> None:
    (made,) = extract("```c a.c\nold\n```\n```c a.c\nnew\n```", "step").files
    assert made.text == "new\n"


def test_a_block_that_is_not_closed_goes_to_the_end_or_to_the_next_one() -> None:
    (made,) = extract("```c a.c\none\ntwo", "step").files
    assert (made.text, made.whole) == ("one\ntwo\n", False)
    first, second = extract("```c a.c\none\n```py b.py\ntwo\n```", "step").files
    assert (first.path, first.text, first.whole) == ("a.c", "one\n", False)
    assert (second.path, second.text, second.whole) == ("b.py", "two\n", True)


def test_blocks_in_a_document_belong_to_the_document() -> None:
    answer = "```markdown README.md\n# Title\n```c\nx\n```\nend\n```\nafter"
    (made,) = extract(answer, "step").files
    assert made.text == "# Title\n```c\nx\n```\nend\n"
    assert made.artifact_kind is ArtifactKind.DOCUMENT
    (made,) = extract("````md R.md\n```\nx\n```\n````", "step").files
    assert made.text == "```\nx\n```\n"


def test_a_path_is_no_file_and_folder_at_once() -> None:
    found = extract("```c a.c\n1\n```\n```c a.c/b.c\n2\n```", "step")
    assert [made.path for made in found.files] == ["a.c", "step_c_1.c"]
    assert found.problems == ("a.c/b.c is a file and a folder",)


def test_kinds_of_artifacts() -> None:
    kinds = {
        made.path: made.artifact_kind
        for made in extract(
            "```diff x.diff\n1\n```\n```c x.c\n1\n```\n```md x.md\n1\n```", "s"
        ).files
    }
    assert kinds == {
        "x.diff": ArtifactKind.PATCH,
        "x.c": ArtifactKind.SOURCE,
        "x.md": ArtifactKind.DOCUMENT,
    }


def test_assembled_code_heads_each_file_with_its_path() -> None:
    files = extract("```c a.c\nint a;\n```\n```md b.md\n```c\nx\n```\n```", "s").files
    text = assembled_code(files)
    assert text.startswith("## a.c\n\n```c\nint a;\n```\n")
    assert "## b.md\n\n````markdown\n```c\nx\n```\n````\n" in text


@pytest.mark.parametrize(
    "line",
    [
        "//x" + " " * 590 + "x",
        "//" + " " * 590,
        " " * 290 + "//" + " " * 290,
        "/" * 590,
        "//x" + " */" * 190,
        "<!--x" + "-->" * 190 + "x",
        "// " + "file: " * 95,
    ],
)
def test_many_first_lines_that_name_nothing_cost_linear_time(line: str) -> None:
    # Hours, if the blanks of a comment were shared out between the parts of a pattern.
    answer = f"```\n{line}\nx\n```\n" * (300_000 // len(line))

    assert extract(answer, "step").files == ()


@pytest.mark.parametrize(
    "piece", ["```\n", "```c\n", "```md\n", "~~~c\n```c\n", "`", "# ", "a.c\n\n```c\n"]
)
def test_many_fences_cost_linear_time(piece: str) -> None:
    assert len(extract(piece * (200_000 // len(piece)), "step").files) <= MAX_FILES


LINES = st.sampled_from(
    [
        *("```", "```c", "```c a.c", "````", "````md x.md", "~~~", "~~~py", "text", "", "    ```"),
        *("// a/b.c", "```c ../x", "**a.c**", "# ../../etc/passwd", "```c\x1b[2Ja.c", "``` `x`"),
        *("```diff", "```markdown", "/* .git/config */", "```c a.c/b.c", "`````c \u202ea.c"),
    ]
)


@given(st.lists(LINES | st.text(max_size=12), max_size=40).map("\n".join))
def test_any_answer_gives_files_that_are_safe_to_make(answer: str) -> None:
    found = extract(answer, "step")
    names = [made.path for made in found.files]
    assert len(set(names)) == len(names)
    for name in names:
        assert plain_path(name) == name
        assert not any(part.startswith(".") for part in name.split("/"))
        assert not any(other.startswith(f"{name}/") for other in names)
    for made in found.files:
        assert all(line in answer for line in made.text.splitlines())


@pytest.mark.slow
@given(st.text(max_size=40))
def test_a_plain_path_stays_below_its_folder(name: str) -> None:
    path = plain_path(name)
    if path is not None:
        assert path.isascii()
        assert not path.startswith(("/", "-", "."))
        assert ".." not in path.split("/")


def test_thousands_of_names_that_are_none_are_told_in_a_few_lines() -> None:
    assert len(extract("```c /a.c\nx\n```\n" * 30_000, "step").problems) <= 22


def test_what_moved_to_another_file_of_the_answer_is_not_lost() -> None:
    functions = [f"int f{number}(void) {{ return {number}; }}\n" for number in range(12)]
    old = GeneratedFile("led.c", "c", "".join(functions))
    less = GeneratedFile("led.c", "c", "".join(functions[:4]))
    other = GeneratedFile("more.c", "c", "".join(functions[4:]))

    assert keep_fuller({"led.c": old}, [less]) == (
        (),
        ("led.c comes again with 4 of 12 lines: the fuller one is kept",),
    )
    assert keep_fuller({"led.c": old}, [less, other]) == ((less, other), ())


def test_a_file_that_comes_again_and_again_costs_linear_time() -> None:
    first = "```c a.c\n" + "int x;\n" * 50_000 + "```\n"
    found = extract(first + "```c a.c\ny\n```\n" * 20_000, "step")

    assert found.files[0].text.startswith("int x;\n")
    assert "a.c comes more than 16 times" in found.problems


@pytest.mark.parametrize(
    "line",
    [
        "// Other pins",
        "/* Existing connections stay open. */",
        "// Previous value",
        "# wait until",
        "// see the remaining registers in the datasheet",
        "int log_line(const char *format, ...);",
    ],
)
def test_words_of_a_comment_leave_nothing_out(line: str) -> None:
    assert extract(f"```c a.c\n{line}\nint x;\n```", "step").warnings == ()
