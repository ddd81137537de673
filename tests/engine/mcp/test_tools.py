"""Tools as data: schemas, arguments, answers that are clean and small, permissions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import jsonschema_rs
import pytest

from engine import McpAllow, parse_mcp_allowed, serve_mcp
from engine.checks.tokens import count_tokens
from engine.errors import MissingToolError, UsageError
from engine.mcp import stdio
from engine.mcp.build_answers import FindingAnswer
from engine.mcp.read_tools import LogAnswer
from engine.mcp.server import TOOLS
from engine.mcp.tool import MAX_LINE_CHARACTERS, bounded_lines, content_of, fold_repeats, schema_of

MAX_TOKENS = 3_500
"""Of all tools: what every conversation of an agent begins with."""

HOSTILE = "\x1b[31mred\x1b[0m\x1b]0;owned\x07\nnext\x00\u202e\tend"


def test_tools_have_names_of_their_own_and_valid_schemas() -> None:
    assert Counter(tool.name for tool in TOOLS).most_common(1)[0][1] == 1
    for tool in TOOLS:
        for model in (tool.takes, tool.answers):
            schema = schema_of(model)
            jsonschema_rs.meta.validate(schema)
            assert schema["type"] == "object"
            assert '"title"' not in json.dumps(schema)


def test_all_tools_together_are_small() -> None:
    told = [
        {"name": tool.name, "description": tool.about, "input_schema": schema_of(tool.takes)}
        for tool in TOOLS
    ]

    assert count_tokens([json.dumps(told)], "gpt-4o").count < MAX_TOKENS


def test_what_leaves_has_no_control_characters_and_no_tokens() -> None:
    token = "espdeck_" + "a" * 40
    for text in (HOSTILE, "lone \ud800", token):
        answer = LogAnswer(lines=(text,), stage=text)
        found = FindingAnswer(severity="error", code="x", message=text, evidence=f"a\n{text}")

        for content in (content_of(answer), content_of(found)):
            said = json.dumps(content, ensure_ascii=False)
            assert said.isprintable(), said
            assert token not in said
            said.encode()


def test_empty_fields_are_left_out_and_the_rest_fits_its_schema() -> None:
    content = content_of(LogAnswer(lines=("one",), total=1))

    assert content == {"lines": ["one"], "total": 1}
    jsonschema_rs.validate(schema_of(LogAnswer), content)


def test_lines_are_kept_from_the_end_that_is_wanted() -> None:
    lines = ["a" * 10, "b" * 10, "c" * 10]

    assert bounded_lines(lines, 22) == (lines[:2], 1)
    assert bounded_lines(lines, 22, newest=True) == (lines[1:], 1)
    assert bounded_lines(lines, 1) == (lines[:1], 2)
    ((long,), left_out) = bounded_lines(["x" * 10_000], 20_000)
    assert (len(long), left_out) == (MAX_LINE_CHARACTERS, 0)


def test_a_line_that_comes_again_and_again_is_told_once() -> None:
    lines = ["boot", *["waiting"] * 100, "up", "twice", "twice"]

    told = ["boot", "waiting", "-- the same 99 times more", "up", "twice", "twice"]
    assert fold_repeats(lines) == told
    assert fold_repeats([]) == []


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "project is missing"),
        ({"project": 1}, "project must be a text"),
        ({"project": "x", "wait_seconds": -1}, "wait_seconds must be a number from 0.0 on"),
        ({"project": "x", "targets": "esp32"}, "build takes no 'targets' (did you mean target?)"),
    ],
)
def test_wrong_arguments_are_a_line(given: dict[str, object], line: str) -> None:
    (build,) = (tool for tool in TOOLS if tool.name == "build")

    with pytest.raises(UsageError) as caught:
        build.read_arguments(given)

    assert str(caught.value) == line


def test_classes_are_named_or_refused() -> None:
    assert parse_mcp_allowed(["build", "flash"]) == {McpAllow.BUILD, McpAllow.FLASH}
    assert parse_mcp_allowed([]) == frozenset()
    with pytest.raises(UsageError, match="did you mean flash"):
        parse_mcp_allowed(["flsh"])


def test_without_its_package_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "find_spec", lambda _name: None)

    with pytest.raises(MissingToolError, match=r"pip install 'espdeck\[mcp\]'"):
        serve_mcp(lambda: pytest.fail("it was opened"), ())


def test_nothing_of_the_protocol_is_loaded_before_it_is_served() -> None:
    program = "import sys, tui.cli.mcp, engine.mcp.stdio; print('mcp' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
