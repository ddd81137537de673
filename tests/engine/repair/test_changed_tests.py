"""Which changes touch the tests, or weaken what finds faults; and which are repairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import Severity
from engine.findings import Finding
from engine.repair.changed_tests import TextChange, changes_of_tests
from engine.source.test_files import is_test_file

MAIN = """\
#include <assert.h>
#include "pool.h"
int run_tests(void);

static int level(int raw) {
    assert(raw < 100);
    return raw / 2;
}

void app_main(void) {
    ESP_ERROR_CHECK(nvs_flash_init());
    configASSERT(level(4) == 2);
    run_tests();
}
"""
TEST = """\
#include "unity.h"
static void test_a(void) {
    TEST_ASSERT_EQUAL(4, half(8));
}
static void test_b(void) {
    TEST_ASSERT_EQUAL_HEX8(0xF4, sum());
}
int run_tests(void) {
    UNITY_BEGIN();
    RUN_TEST(test_a);
    RUN_TEST(test_b);
    return UNITY_END();
}
"""
CMAKE = "idf_component_register(SRCS main.c test_pool.c test/test_half.c REQUIRES unity)\n"


def reasons(path: str, text: str, old: str, new: str, *findings: Finding) -> tuple[str, ...]:
    assert old in text
    return changes_of_tests({path: TextChange(text, text.replace(old, new))}, findings)


@pytest.mark.parametrize(
    ("path", "text", "old", "new", "said"),
    [
        ("test/test_half.c", TEST, "(4, half", "(3, half", "is a test: it stays"),
        ("components/pool/test/cases.c", TEST, "(4, half", "(3, half", "is a test"),
        ("test_apps/boot/main/app.c", MAIN, "/ 2", "/ 3", "is a test"),
        ("pytest_boot.py", "dut.expect('a')\n", "'a'", "'b'", "is a test"),
        ("main/test_half.c", TEST, "(4, half", "(3, half", "is a test"),
        ("espdeck.toml", 'expect = ["a"]\n', '"a"', '"b"', "is a test"),
        ("main/cases.c", TEST, "(4, half", "(3, half", "test_a(void) is a test"),
        ("main/cases.c", TEST, "    RUN_TEST(test_b);\n", "", "RUN_TEST() is gone"),
        (
            "main/cases.c",
            TEST,
            "    RUN_TEST(test_b);\n",
            "#if 0\n    RUN_TEST(test_b);\n#endif\n",
            "RUN_TEST() is gone",
        ),
        ("main/main.c", MAIN, "    assert(raw < 100);\n", "", "loses assert()"),
        ("main/main.c", MAIN, "    assert(raw", "    // assert(raw", "loses assert()"),
        ("main/main.c", MAIN, "raw < 100", "raw < 1000", "expects another value"),
        ("main/main.c", MAIN, "raw < 100", "true", "checks nothing"),
        ("main/main.c", MAIN, "raw < 100", "raw < 100 || 1", "checks nothing"),
        ("main/main.c", MAIN, "== 2", "== 3", "expects another value"),
        ("main/main.c", MAIN, "ESP_ERROR_CHECK(nvs_flash_init())", "nvs_flash_init()", "loses ESP"),
        (
            "main/main.c",
            MAIN,
            "ESP_ERROR_CHECK(",
            "ESP_ERROR_CHECK_WITHOUT_ABORT(",
            "loses ESP_ERROR_CHECK()",
        ),
        (
            "main/main.c",
            MAIN,
            "    assert(raw < 100);\n",
            "#if 0\n    assert(raw < 100);\n#endif\n",
            "loses assert()",
        ),
        (
            "main/main.c",
            MAIN,
            "    assert(raw < 100);\n",
            "#ifdef STRICT\n    assert(raw < 100);\n#endif\n",
            "only under a new condition",
        ),
        ("main/main.c", MAIN, "    run_tests();\n", "", "run_tests() is gone"),
        ("main/main.c", MAIN, "#include <assert", "#define NDEBUG\n#include <assert", "NDEBUG"),
        (
            "main/main.c",
            MAIN,
            "int run",
            "#define TEST_ASSERT_EQUAL(a, b)\nint run",
            "switches off",
        ),
        ("main/a.h", "_Static_assert(sizeof(x) == 8);\n", "== 8", "== 12", "another value"),
        ("main/a.h", '#ifndef A\n#error "A"\n#endif\n', '#error "A"\n', "", "loses #error()"),
        ("CMakeLists.txt", CMAKE, " test/test_half.c", "", "leaves test/test_half.c out"),
        ("CMakeLists.txt", CMAKE, "REQUIRES", "REQUIRES -DNDEBUG", "NDEBUG"),
        (
            "sdkconfig.defaults",
            "CONFIG_A=y\n",
            "CONFIG_A=y\n",
            "CONFIG_A=y\nCONFIG_COMPILER_OPTIMIZATION_ASSERTIONS_DISABLE=y\n",
            "switches off",
        ),
        ("platformio.ini", "[env:a]\n", "[env:a]\n", "[env:a]\ntest_ignore = *\n", "test_ignore"),
    ],
)
def test_what_weakens_tests_is_said(path: str, text: str, old: str, new: str, said: str) -> None:
    found = reasons(path, text, old, new)

    assert found
    assert path in found[0]
    assert said in found[0]


@pytest.mark.parametrize(
    ("path", "text", "old", "new"),
    [
        ("main/main.c", MAIN, "raw / 2", "raw / 3"),
        ("main/main.c", MAIN, "level(4)", "level_of(4)"),
        ("main/main.c", MAIN, "    return raw", "    assert(raw >= 0);\n    return raw"),
        (
            "main/main.c",
            MAIN,
            "    ESP_ERROR_CHECK(nvs_flash_init());\n",
            "    int err = nvs_flash_init();\n    if (err) {\n"
            "        ESP_ERROR_CHECK(nvs_flash_erase());\n        err = nvs_flash_init();\n    }\n"
            "    ESP_ERROR_CHECK(err);\n",
        ),
        ("main/main.c", "ESP_ERROR_CHECK(open(0, 8));\n", "0, 8", "1, 16"),
        ("main/self_test.c", "int self_test(void) { return 1; }\n", "1", "2"),
        ("main/contest.c", "int a = 1;\n", "1", "2"),
        ("main/latest/a.c", "int a = 1;\n", "1", "2"),
        ("CMakeLists.txt", CMAKE, "main.c", "main.c pool.c"),
        ("main/cases.c", TEST, '#include "unity.h"', '#include "unity.h"\n#include "half.h"'),
    ],
)
def test_a_repair_is_none(path: str, text: str, old: str, new: str) -> None:
    assert reasons(path, text, old, new) == ()


def test_a_new_test_is_none() -> None:
    assert changes_of_tests({"test/test_new.c": TextChange(None, TEST)}) == ()


def test_a_test_that_is_deleted_is_one() -> None:
    assert changes_of_tests({"test/test_half.c": TextChange(TEST, None)}) != ()


def error(code: str, message: str, file: str) -> Finding:
    return Finding(Severity.ERROR, code, message, file, 3)


def test_a_test_in_which_the_compiler_found_an_error_may_be_mended_but_not_shortened() -> None:
    path, wrong = "test/test_half.c", "too many arguments to function call"
    compiler = error("compiler.error", wrong, path)

    assert reasons(path, TEST, "half(8)", "half(8, 0)", compiler) == ()
    assert reasons(path, TEST, "half(8)", "half(8, 0)", error("test.failed", wrong, path)) != ()
    (shorter,) = reasons(path, TEST, "    TEST_ASSERT_EQUAL(4, half(8));\n", "", compiler)
    assert shorter == f"{path} has 1 assertion less"
    assert reasons(path, TEST, "    RUN_TEST(test_a);\n", "", compiler) != ()


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("TEST_ASSERT_EQUAL(3, half(8))", "expects another value"),
        ("TEST_ASSERT_EQUAL(4, 4)", "checks nothing"),
        ("TEST_ASSERT_EQUAL(half(8), half(8))", "checks nothing"),
        ("TEST_ASSERT_TRUE(1)", "checks nothing"),
    ],
)
def test_where_the_compiler_found_an_error_a_test_expects_what_it_did(new: str, said: str) -> None:
    wrong = Finding(Severity.ERROR, "compiler.error", "undeclared half", "main/test_half.c", 3)

    found = reasons("main/test_half.c", TEST, "TEST_ASSERT_EQUAL(4, half(8))", new, wrong)

    assert any(said in each for each in found)


def test_assertions_that_a_file_has_under_several_conditions_may_stay_as_they_are() -> None:
    check = "    ESP_ERROR_CHECK(ret);\n"
    text = f"void start(void) {{\n#ifdef CONFIG_A\n{check}#endif\n{check}    int a = 1;\n}}\n"

    assert reasons("main/main.c", text, "a = 1", "a = 2") == ()
    moved = f"#ifdef CONFIG_B\n{check}#endif\n    int a"
    assert reasons("main/main.c", text, f"{check}    int a", moved) == (
        "main/main.c: ESP_ERROR_CHECK() is checked only under a new condition",
    )


def test_of_a_file_with_very_many_assertions_the_first_ones_are_read() -> None:
    many = "assert(ready);" * 3000

    assert reasons("main/main.c", f"assert(a == 1); {many}", "a == 1", "a == 2") != ()


def test_a_greater_stack_is_no_other_value() -> None:
    text = 'void start(void) { configASSERT(xTaskCreate(run, "a", 2048, 0, 5, 0) == 1); }\n'

    assert reasons("main/main.c", text, "2048", "4096") == ()
    assert "expects another value" in reasons("main/main.c", text, "== 1", "== 0")[0]


def test_a_static_assertion_that_fails_is_evidence_as_any_other() -> None:
    text = 'static_assert(sizeof(struct frame) == 8, "as on the wire");\n'
    failed = error("compiler.error", "static assertion failed: as on the wire", "main/frame.h")

    assert reasons("main/frame.h", text, "== 8", "== 12", failed) != ()


def test_the_name_alone_decides_where_there_is_no_text() -> None:
    assert is_test_file("main/test_pool.c")
    assert is_test_file("components/pool/test/cases.c")
    assert not is_test_file("main/self_test.c", "int self_test(void);\n")
    assert not is_test_file("main/main.c")


@given(st.text(st.sampled_from('#if 0\nassert(){};"/*')), st.text(st.sampled_from("assert(){}\n")))
def test_any_text_is_read(before: str, after: str) -> None:
    changes_of_tests({"a.c": TextChange(before, after), "test/a.c": TextChange(before, after)})
