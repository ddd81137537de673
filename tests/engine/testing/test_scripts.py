"""[[test]] tables: read, checked, never trusted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.formats.toml import Document
from engine.testing.scripts import Script, ScriptStep, read

FILE = "espdeck.toml"


def read_toml(text: str) -> tuple[Script, ...]:
    return read(Document(text, FILE))


def test_a_simple_test_is_one_table() -> None:
    assert read_toml(
        '[[test]]\nname = "help"\nsend = "help"\nexpect = "^commands:"\nwithin = 2\n'
        '[[test]]\nname = "boots"\nexpect = "ready"\n'
    ) == (
        Script("help", (ScriptStep("help", "^commands:", 2.0),), 1),
        Script("boots", (ScriptStep(None, "ready", 5.0),), 6),
    )


def test_a_longer_one_has_its_steps_in_a_list() -> None:
    assert read_toml(
        '[[test]]\nname = "led"\nsteps = [\n'
        '  { send = "led on" },\n  { send = "led", expect = "on$", within = 0.5 },\n]\n'
    ) == (Script("led", (ScriptStep("led on", None), ScriptStep("led", "on$", 0.5)), 1),)


def test_each_test_knows_its_line_whatever_texts_hold() -> None:
    text = "# tests\n[[test]]\nname = 'a'\nsend = 'a'\n\n  [[ test ]]\nname = 'b'\nsend = 'b'\n"
    assert [script.line for script in read_toml(text)] == [2, 6]

    text = '[[test]]\nname = \'a\'\nexpect = """\n[[test]]"""\n'
    assert [script.line for script in read_toml(text)] == [1]


NAMED = "[[test]]\nname = 'x'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("test = 1", "test must be written as [[test]] tables"),
        ("test = [1]", "test must be written as [[test]] tables"),
        ("[[test]]\nsend = 'a'", "[[test]] 1: name is missing"),
        ("[[test]]\nname = ' '\nsend = 'a'", "[[test]] 1: name is missing"),
        ("[[test]]\nname = 3\nsend = 'a'", "[[test]] 1: name must be text"),
        (NAMED, "[[test]] 1 ('x'): says neither what to send nor what to expect"),
        (NAMED + "sned = 'a'", "[[test]] 1: unknown key 'sned'"),
        (NAMED + "send = 1", "[[test]] 1 ('x'): send must be text"),
        (NAMED + "send = 'a'\nexpect = '('", "[[test]] 1 ('x'): expect '(': missing )"),
        (NAMED + "send = 'a'\nwithin = 0", "[[test]] 1 ('x'): within must be a number"),
        (NAMED + "send = 'a'\nwithin = nan", "[[test]] 1 ('x'): within must be a number"),
        (NAMED + "send = 'a'\nwithin = true", "[[test]] 1 ('x'): within must be a number"),
        (NAMED + 'send = "a\\nb"', "[[test]] 1 ('x'): send is one line"),
        (NAMED + f"send = '{'x' * 501}'", "[[test]] 1 ('x'): send is longer than 500"),
        (NAMED + f"expect = '{'x' * 501}'", "[[test]] 1 ('x'): expect is longer than 500"),
        (NAMED + "send = 'a'\nsteps = []", "[[test]] 1 ('x'): send belongs into steps"),
        (NAMED + "steps = []", "[[test]] 1 ('x'): steps must be a list of tables"),
        (NAMED + "steps = 'a'", "[[test]] 1 ('x'): steps must be a list of tables"),
        (NAMED + f"steps = {[{'send': 'a'}] * 101}".replace(":", "=").replace("'send'", "send"),
         "[[test]] 1 ('x'): 101 steps, at most 100"),
        (NAMED + "steps = [{send = 'a'}, {name = 'b'}]",
         "[[test]] 1 ('x'), step 2: unknown key 'name'"),
        ((NAMED + "send = 'a'\n") * 2, "[[test]] 2: another test is called 'x'"),
        ((NAMED + "send = 'a'\n") * 101, "101 [[test]] tables, at most 100"),
        ("".join(f"[[test]]\nname = '{n}'\nsend = 'a'\nwithin = 600\n" for n in range(7)),
         "may wait 3600 s together"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_file_table_and_key(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_toml(text)

    assert re.match(rf"{FILE}(:\d+)?: ", str(raised.value))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "send", "expect", "within", "steps", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(value=values)
def test_no_value_does_more_than_raise_a_usage_error(value: Any) -> None:
    try:
        document = Document("", FILE)
        document.data = {"test": value}
        assert isinstance(read(document), tuple)
    except UsageError as error:
        assert str(error).startswith(f"{FILE}: ")
