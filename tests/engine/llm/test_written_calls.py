"""Calls of tools in answers: what is no call, or may be cut, stays as it is."""

from __future__ import annotations

import pytest

from engine.llm.written_calls import MAX_CALLS, as_blocks

_CODE = '#include <stdio.h>\n{\n    "text";\n}\n'
_OPEN = "<path>main/a.h</path>\n<content>\n#pragma once\n"
_SCRIPT = "**tools/setup.sh**\n```bash\ncat > a.conf <<'EOF'\nx=1\nEOF\n```\n"
_EXPANDED = "```bash\ncat > a.conf <<EOF\nhome=$HOME\nEOF\n```\n"
_OPEN_COMMAND = "```bash\ncat > a.conf <<'EOF'\nx=1\n```\n"
_README = "````markdown\n```bash\ncat > a.conf <<'EOF'\nx=1\nEOF\n```\n````\n"
_DATA = '```json\n{"name": "write", "unit": "ms"}\n```\n'
_BLOCK = "<<<<<<< SEARCH\n<path>a/b</path>\n<content>\nx\n</content>\n=======\n>>>>>>> REPLACE\n"
_MARKERS = "<path>a.c</path>\n<old_text>\n=======\n</old_text>\n<new_text>\nx\n</new_text>\n"
_FENCED = '<file path="a.c">\n```c\nint a;\n```\n</file>\n'


@pytest.mark.parametrize(
    "answer",
    [
        _CODE,
        _OPEN,
        _SCRIPT,
        _EXPANDED,
        _OPEN_COMMAND,
        _README,
        _DATA,
        _BLOCK,
        _MARKERS,
        _FENCED,
    ],
)
def test_text_that_is_no_whole_call_stays(answer: str) -> None:
    assert as_blocks(answer) == answer


def test_a_text_may_have_fences_of_its_own() -> None:
    answer = "<path>README.md</path>\n<content>\n# A\n```sh\nmake\n```\n</content>\n"
    assert "`README.md`:\n````\n# A\n```sh\nmake\n```\n````\n" in as_blocks(answer)


def test_commands_that_write_no_file_stay_commands() -> None:
    answer = "```sh\nmkdir a\ncat > a/b.h <<'EOF'\n#pragma once\nEOF\nmake\n```\n"
    assert as_blocks(answer) == "`a/b.h`:\n```\n#pragma once\n```\n\n```sh\nmkdir a\nmake\n```\n"


def test_arguments_may_be_a_string() -> None:
    answer = '{"function": {"name": "edit", "arguments": "{\\"path\\": \\"a.c\\", '
    answer += '\\"oldText\\": \\"int a;\\", \\"newText\\": \\"int b;\\"}"}}'
    expected = "`a.c`:\n<<<<<<< SEARCH\nint a;\n=======\nint b;\n>>>>>>> REPLACE\n"
    assert as_blocks(answer) == expected


def test_calls_beyond_the_bound_stay_text() -> None:
    call = "<path>a.h</path>\n<content>\n1\n</content>\n"
    assert as_blocks(call * (MAX_CALLS + 3)).count("<content>") == 3


def test_the_first_end_of_a_new_text_counts() -> None:
    edit = "<old_text>\n{}\n</old_text>\n<new_text>\n{}\n"
    answer = f"{edit.format('a', 'b')}</edits>\n{edit.format('c', 'd')}</new_text>\n"
    block = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
    assert as_blocks(answer) == block.format("a", "b") + block.format("c", "d")
