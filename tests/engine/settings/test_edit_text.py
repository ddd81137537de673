"""Editing TOML: what was asked for changes, every other byte stays."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings.edit_text import set_in, unset_in

CASES = {
    "below its commented default": (
        "# What n is.\n#n = 3\n\n#m = 4\nx = 1\n",
        ("n",),
        "# What n is.\n#n = 3\nn = 5\n\n#m = 4\nx = 1\n",
    ),
    "not below that of another table": (
        '[t]\nx = 1\n\n#[t."u"]\n#n = 3\n',
        ("t", "n"),
        '[t]\nx = 1\nn = 5\n\n#[t."u"]\n#n = 3\n',
    ),
    "not below one inside a text": (
        "s = '''\n#n = 3\n'''\n[t]\n",
        ("n",),
        "s = '''\n#n = 3\n'''\nn = 5\n[t]\n",
    ),
    "below the last key of its table, above the comment about the next": (
        "[t]\nx = 1 # c\n\n# about u\n[u]\ny = 1\n",
        ("t", "n"),
        "[t]\nx = 1 # c\nn = 5\n\n# about u\n[u]\ny = 1\n",
    ),
    "before the first table and the comment about it": (
        "# mine\n\n# about t\n[t]\nx = 1\n",
        ("n",),
        "# mine\n\nn = 5\n\n# about t\n[t]\nx = 1\n",
    ),
    "in an empty file": ("", ("n",), "n = 5\n"),
    "in a file of comments": ("# mine\n", ("n",), "# mine\nn = 5\n"),
    "in a new table, quoted": ("a = 1\n", ("t", "/dev/x", "n"), 'a = 1\n\n[t."/dev/x"]\nn = 5\n'),
    "in a table whose parts are out of order": (
        "[a.c]\nz = 1 # c\n[b]\ny = 1\n[a]\nx = 1\n",
        ("a", "n"),
        "[a.c]\nz = 1 # c\n[b]\ny = 1\n[a]\nx = 1\nn = 5\n",
    ),
    "in an inline table": ("t = { a = 1, b = 2 } # c\n", ("t", "n"), None),
    "in a table inside an inline table": ("t = { a = 1 } # c\n", ("t", "u", "n"), None),
    "in a table of dotted keys": ("t.a = 1 # c\nx = 1\n", ("t", "n"), None),
    "after a dotted inline table at the end without a newline": (
        "[t]\na.b = {}",
        ("t", "n"),
        "[t]\na.b = {}\nn = 5",
    ),
    "in place": ("[t]\n  n = 1   # why\nm = 2\n", ("t", "n"), "[t]\n  n = 5   # why\nm = 2\n"),
    "in place of a list of many lines": (
        "n = [\n  1, # one\n]  # c\nm = 2\n",
        ("n",),
        "n = 5  # c\nm = 2\n",
    ),
    "in place in an inline table": (
        "t = { n = 1, b = 2 } # c\n",
        ("t", "n"),
        "t = { n = 5, b = 2 } # c\n",
    ),
    "in place of a dotted key": ("t.n = 1 # c\nt.m = 2\n", ("t", "n"), "t.n = 5 # c\nt.m = 2\n"),
    "with CRLF": ("[t]\r\nx = 1\r\n", ("t", "n"), "[t]\r\nx = 1\r\nn = 5\r\n"),
    "beside an array of tables": (
        "[[b]]\nx = 1\n[[b]]\nx = 2\n",
        ("t", "n"),
        "[[b]]\nx = 1\n[[b]]\nx = 2\n\n[t]\nn = 5\n",
    ),
    "beside tables that tomlkit cannot read": (
        "[y]\n[y.l.a]\n[y.l]\n[[z]]\n[y.l.b]\n[t]\nm = 1\n",
        ("t", "n"),
        "[y]\n[y.l.a]\n[y.l]\n[[z]]\n[y.l.b]\n[t]\nm = 1\nn = 5\n",
    ),
}


@pytest.mark.parametrize(("text", "path", "wanted"), CASES.values(), ids=CASES)
def test_a_value_comes_where_a_person_would_write_it(
    text: str, path: tuple[str, ...], wanted: str | None
) -> None:
    changed = set_in(text, path, 5)

    assert value_at(tomllib.loads(changed), path) == 5
    if wanted is not None:
        assert changed == wanted
    assert all(part in changed for part in text.split() if part.startswith("#"))


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("# about x\nx = 1 # c\n\n# about t\n[t]\n", ("x",), "# about x\n\n# about t\n[t]\n"),
        ("[t]\r\nx = 1\r\ny = 2\r\n", ("t", "x"), "[t]\r\ny = 2\r\n"),
        ("t = { a = 1, b = 2 }\n", ("t", "b"), None),
        ("[t]\nx = 1\n", ("t", "y"), "[t]\nx = 1\n"),
        ("x = [\n 1, # one\n]\ny = 2", ("x",), "y = 2"),
    ],
)
def test_what_is_taken_out_leaves_the_rest(
    text: str, path: tuple[str, ...], wanted: str | None
) -> None:
    changed = unset_in(text, path)

    assert value_at(tomllib.loads(changed), path) is None
    if wanted is not None:
        assert changed == wanted


def test_a_table_is_not_taken_out() -> None:
    with pytest.raises(UsageError, match=r"t is a table: unset its keys \(x, y\)"):
        unset_in("[t]\nx = 1\ny = 2\n", ("t",))


def test_a_key_below_a_value_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.b\.c: b is not a table"):
        set_in("[a]\nb = 1\n", ("a", "b", "c"), 5)


def test_what_tomlkit_cannot_read_is_left_alone() -> None:
    text = "[y]\n[y.l.a]\nx = 1\n[y.l]\n[[z]]\n[y.l.b]\n"

    with pytest.raises(UsageError, match=r"y\.l\.a\.x cannot be changed without changing more"):
        set_in(text, ("y", "l", "a", "x"), 5)


def value_at(data: object, path: tuple[str, ...]) -> object:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data


NAMES = st.sampled_from(["a", "b", "c", "n", '"/dev/x"', "'q r'", "m-1"])
COMMENTS = st.sampled_from(["", '  # why: = [x] """', "\t#'''"])
VALUES = st.sampled_from(
    [
        *("1", "-2.5", "true", '"a # b"', "'c'", "1979-05-27T07:32:00Z", "[]", "{}", "[ 1, 2,3 ]"),
        *("[\n  1, # one\n\n  [2]\n]", '"""\n[t]\n#n = 1\n"""', "'''\nb = 2\n'''"),
        *("{ a = 1, b = { c = 2 } }", '["]", "#"]', '"\\"q\\u00e9"'),
    ]
)
STATEMENTS = st.builds(
    lambda indent, key, space, value, comment: f"{indent}{key}{space}={space}{value}{comment}",
    st.sampled_from(["", "  ", "\t"]),
    st.lists(NAMES, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", " "]),
    VALUES,
    COMMENTS,
)
HEADERS = st.builds(
    lambda names, comment: f"[{'.'.join(names)}]{comment}",
    st.lists(NAMES, min_size=1, max_size=3),
    COMMENTS,
)
LINES = st.one_of(STATEMENTS, HEADERS, st.sampled_from(["", "# [a]", "#n = 3", "# b = 1", "   "]))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A text of TOML as people write it; lines that make it none are left out."""
    kept: list[str] = []
    for line in draw(st.lists(LINES, max_size=12)):
        try:
            tomllib.loads("\n".join((*kept, line)))
        except ValueError:
            continue
        kept.append(line)
    text = "\n".join(kept) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


PATHS = st.lists(st.sampled_from(["a", "b", "c", "n", "/dev/x", "q r", "new"]), min_size=1,
                 max_size=3).map(tuple)  # fmt: skip
NEW_VALUES = st.one_of(
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.lists(st.text("ab\"'\\#\n", max_size=4), max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(documents(), PATHS, NEW_VALUES)
@settings(max_examples=30)
def test_any_value_in_any_file_is_read_again_as_it_was_set(
    text: str, path: tuple[str, ...], value: Any
) -> None:
    before = tomllib.loads(text)
    assume(not isinstance(value_at(before, path), dict))
    try:
        changed = set_in(text, path, value)
    except UsageError:
        return  # refused: see the test below
    after = tomllib.loads(changed)

    assert value_at(after, path) == value
    assert without(after, path) == without(before, path)


@given(documents(), PATHS)
@settings(max_examples=30)
def test_comments_and_all_that_is_not_the_key_stay_byte_for_byte(
    text: str, path: tuple[str, ...]
) -> None:
    before = tomllib.loads(text)
    found = value_at(before, path)
    assume(not isinstance(found, dict))
    try:
        changed = set_in(text, path, 5)
    except UsageError:
        return
    start, end = same_ends(text, changed)
    replaced = text[start : len(text) - end]

    if found is None:
        assert replaced.strip(" ,}\r\n") == "", "nothing goes where a key is new"
    else:
        assert "#" not in replaced or isinstance(found, list | str), "a comment stays"
        lines = replaced.replace("\r\n", "\n").split("\n")
        assert len(lines) == 1 or isinstance(found, list | str), "one line is concerned"


@given(documents(), st.sampled_from([("n",), ("a", "new"), ("new", "n"), ("/dev/x", "new")]))
@settings(max_examples=30)
def test_set_and_unset_come_back_to_where_they_began(text: str, path: tuple[str, ...]) -> None:
    assume(value_at(tomllib.loads(text), path) is None)
    try:
        back = unset_in(set_in(text, path, 5), path)
    except UsageError:
        return
    # A table that was made for it stays, and perhaps an empty line.
    left = back.replace("\r\n", "\n").split("\n")
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.strip():
            while left and left[0] != line:
                extra = left.pop(0).strip()
                assert not extra or extra.startswith("["), extra
            assert left
            left.pop(0)


def without(data: Any, path: tuple[str, ...]) -> Any:
    """Data without a key and without empty tables."""
    return {
        name: below
        for name, value in data.items()
        if path != (name,)
        and (
            below := without(value, path[1:] if path[:1] == (name,) else ())
            if isinstance(value, dict)
            else value
        )
        != {}
    }


def same_ends(one: str, other: str) -> tuple[int, int]:
    """How many characters two texts have in common at the beginning and at the end."""
    most = min(len(one), len(other))
    start = next((at for at in range(most) if one[at] != other[at]), most)
    rest = most - start
    end = next((at for at in range(rest) if one[-1 - at] != other[-1 - at]), rest)
    return start, end
