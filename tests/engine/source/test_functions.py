"""Functions of sources that are odd; those that are not are field cases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.source.functions import functions_of

PIECES = st.lists(
    st.sampled_from(
        [
            *("{", "}", "(", ")", ";", "\n", '"', "'", "/*", "*/", "//", "#if A\n", "#else\n"),
            *(
                "#endif\n",
                "int f(int a)",
                "class A",
                'R"(',
                ')"',
                "= ",
                ",",
                " : a",
                "\\\n",
                "fn g",
            ),
        ]
    ),
    max_size=60,
).map("".join)


def test_another_python_has_no_functions_and_is_no_error() -> None:
    assert functions_of("old.py", 'def old():\n    print "x"\n') == ()


@given(PIECES, st.sampled_from(["a.cpp", "a.rs", "a.py"]))
def test_whatever_a_file_has_functions_lie_in_it(text: str, path: str) -> None:
    lines = text.count("\n") + 1

    for each in functions_of(path, text):
        assert 1 <= each.first <= each.head <= each.last <= lines


def test_a_text_of_rust_that_ends_in_a_backslash_costs_linear_time() -> None:
    # Minutes, if each quote were tried as the beginning of a text.
    assert functions_of("a.rs", '"\\' * 50_001) == ()
