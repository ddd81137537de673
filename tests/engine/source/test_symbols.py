"""Public symbols, and whether they say what they are for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source.symbols import of_header, of_module

HEADER = """/* Licence: do as you like. */
#ifndef RING_H
#define RING_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TWICE(x) \\
    ((x) * 2)
int after_macro(void);

/** A ring; { is no brace here. */
struct ring {
    int head; // not public by itself
    struct { int inner; } nested;
};
struct forward;
typedef struct { int x; } point_t; /* where it is */
// A callback.
typedef void (*handler_t)(int event, void *context);
typedef uint32_t plain_t;
enum mode { MODE_A, MODE_B };

/**
 * Push.
 */
esp_err_t ring_push(struct ring *ring,
                    int value) __attribute__((warn_unused_result));
int ring_pop(struct ring *ring);
static inline int ring_size(const struct ring *ring)
{
    if (ring) { return 1; }
    return 0;
}
// Which build this is.
extern const char *const version[];
extern int counter;
ESP_EVENT_DECLARE_BASE(RING_EVENTS);
static const int table[] = { 1, 2, 3 };
struct ring *ring_new(void);

#ifdef __cplusplus
}
#endif
#endif
"""


def test_a_header_has_functions_types_and_variables() -> None:
    found = {each.name: (each.line, each.documented) for each in of_header(HEADER)}

    assert found == {
        "after_macro": (12, False),
        "ring": (15, True),
        "point_t": (20, True),
        "handler_t": (22, True),
        "plain_t": (23, False),
        "mode": (24, False),
        "ring_push": (29, True),
        "ring_pop": (31, False),
        "ring_size": (32, False),
        "version": (38, True),
        "counter": (39, False),
        "ring_new": (42, False),
    }


def test_c_plus_plus_is_read_as_far_as_it_looks_like_c() -> None:
    text = """namespace lab::ring {
// Keeps values.
class Ring final : public Base {
  public:
    int pop();
};
template <typename T> T any(T value);
using Other = Ring;
enum class Mode : std::uint8_t { A };
int free_function(Ring &ring, int value = 3);
}
"""
    assert [(each.name, each.documented) for each in of_header(text)] == [
        ("Ring", True),
        ("Mode", False),
        ("free_function", False),
    ]


def test_a_module_has_public_functions_classes_and_methods() -> None:
    text = '''
def bare(): ...

async def said():
    """What."""

class Thing:
    """A thing."""

    def method(self): ...
    def _own(self): ...

    class Inner: ...

def _private(): ...
'''
    assert [(each.name, each.line, each.documented) for each in of_module(text)] == [
        ("bare", 2, False),
        ("said", 4, True),
        ("Thing", 7, True),
        ("Thing.method", 10, False),
        ("Thing.Inner", 13, False),
    ]


def test_odd_escapes_of_a_module_do_not_reach_the_terminal() -> None:
    script = "from engine.source.symbols import of_module; of_module('x = \\'\\\\d\\'')"
    argv = [sys.executable, "-W", "always:invalid escape", "-c", script]

    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)

    assert done.stderr == ""


@pytest.mark.parametrize(
    ("piece", "times"), [("def (:", 1), ("\0", 1), ("(", 5000), ("-", 300_000), ("1", 5000)]
)
def test_what_is_no_python_is_a_value_error(piece: str, times: int) -> None:
    with pytest.raises(ValueError, match=r"Error\("):
        of_module(piece * times)


@pytest.mark.slow
def test_a_macro_around_a_type_declares_the_function_behind_it() -> None:
    found = of_header(
        "/* The version. */\n"
        "LIB_PUBLIC(const char *) lib_version(void);\n"
        "LIB_PUBLIC(void) *lib_new(int size);\n"
        "DECLARE_EVENTS(LIB_EVENTS);\n"
    )

    assert [(each.name, each.documented) for each in found] == [
        *(("lib_version", True), ("lib_new", False))
    ]


@given(
    text=st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                *("extern", '"C"', "{", "}", ";", "(", ")", "struct", "typedef", "x", "*", "/*"),
                *("*/", "//", "\n", "#define", "\\", '"', "'", "=", "[", "]", "namespace", "enum"),
                *(",", "int "),
            ]
        ),
        max_size=60,
    ).map(" ".join)
)
def test_no_header_does_more_than_have_symbols_in_order(text: str) -> None:
    found = of_header(text)

    lines = [each.line for each in found]
    assert lines == sorted(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
    assert all(each.name.isidentifier() for each in found)
