"""Tool output as findings: real logs of ESP-IDF and clang, and anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import Severity
from engine.findings import Finding
from engine.toolchains.diagnostics.collector import MAX_FINDINGS
from engine.toolchains.diagnostics.parser import parse

LOGS = Path(__file__).parents[3] / "data" / "idf-logs"
ROOT = Path("/home/user/hello")


def read(name: str) -> tuple[Finding, ...]:
    return parse((LOGS / f"{name}.log").read_text("utf-8"), root=ROOT)


@pytest.mark.parametrize(
    ("log", "code", "where", "message", "hint"),
    [
        (
            "fail_cmake_missing_source",
            "cmake.error",
            "main/CMakeLists.txt:1",
            "Cannot find source file: /home/user/hello/main/nope.c",
            "a source file that is not there",
        ),
        (
            "fail_cmake_unknown_component",
            "cmake.error",
            "CMakeLists.txt:8",
            "Failed to resolve component 'no_such_component'",
            "component name was misspelled",
        ),
        (
            "fail_compile_format_Werror",
            "-Wformat=",
            "main/hello_world_main.c:19:14",
            "format ‘%s’ expects argument of type ‘char *’",
            "",
        ),
        (
            "fail_compile_implicit_function",
            "-Wimplicit-function-declaration",
            "main/hello_world_main.c:18:5",
            "implicit declaration of function ‘print_f’; did you mean ‘printf’?",
            "include the header",
        ),
        (
            "fail_compile_missing_semicolon",
            "compiler.error",
            "main/hello_world_main.c:18:29",
            "expected ‘;’ before ‘esp_chip_info_t’",
            "",
        ),
        (
            "fail_compile_undeclared",
            "compiler.error",
            "main/hello_world_main.c:18:33",
            "‘cuont’ undeclared (first use in this function)",
            "correct its spelling",
        ),
        (
            "fail_link_undefined_reference",
            "linker.error",
            "main/hello_world_main.c:19",
            "undefined reference to `sensor_read'",
            "never defined",
        ),
        (
            "fail_missing_include_requires",
            "compiler.error",
            "main/hello_world_main.c:1:10",
            "esp_http_server.h: No such file or directory",
            "add esp_http_server to PRIV_REQUIRES",
        ),
        (
            "fail_no_cmakelists",
            "idf.error",
            "",
            "CMakeLists.txt not found in project directory",
            "add a CMakeLists.txt",
        ),
        (
            "fail_toolchain_missing_esp32",
            "cmake.error",
            "CMakeLists.txt:8",
            "The CMAKE_C_COMPILER: xtensa-esp32-elf-gcc is not a full path",
            "reinstall the toolchain",
        ),
        ("fail_wrong_target", "idf.error", "", "Invalid value for", "choose a chip"),
    ],
)
def test_the_first_error_of_a_real_idf_build_is_named(
    log: str, code: str, where: str, message: str, hint: str
) -> None:
    first = read(log)[0]

    assert first.severity is Severity.ERROR
    assert (first.code, first.where) == (code, where)
    assert first.message.startswith(message)
    assert hint in (first.hint or "")
    assert first.evidence


def test_warnings_follow_errors_and_keep_their_snippet() -> None:
    error, unused_variable, unused_function = read("fail_compile_format_Werror")

    assert error.severity is Severity.ERROR
    assert (unused_variable.severity, unused_variable.code) == (
        Severity.WARNING,
        "-Wunused-variable",
    )
    assert "static int unused_fn(void) { int x; return 1; }" in (unused_variable.evidence or "")
    assert unused_function.line == 16


@pytest.mark.parametrize("log", ["success_build_linux", "success_rebuild_nothing_to_do"])
def test_a_build_without_problems_has_no_findings(log: str) -> None:
    assert read(log) == ()


def test_notes_and_the_include_chain_are_evidence() -> None:
    (finding,) = parse(
        "In file included from /home/user/hello/main.c:1:\n"
        "/home/user/hello/a.h:1:17: error: unknown type name 'intt'; did you mean 'int'?\n"
        "    1 | intt q;\n"
        "      | ^~~~\n"
        "      | int\n"
        "/home/user/hello/b.h:4:1: note: declared here\n"
        "1 error generated.\n",
        root=ROOT,
    )

    assert finding.file == "a.h"
    assert (finding.evidence or "").splitlines()[0].startswith("In file included from")
    assert (finding.evidence or "").endswith("note: declared here")


def test_lld_errors_point_at_the_line_that_refers() -> None:
    undefined, region = parse(
        "ld.lld: error: undefined symbol: sensor_read\n"
        ">>> referenced by main.c:6 (/home/user/hello/main.c:6)\n"
        ">>>               CMakeFiles/app.dir/main.c.obj:(main)\n"
        "ld.lld: error: section '.text' will not fit in region 'iram': overflowed by 56 bytes\n",
        root=ROOT,
    )

    assert (undefined.code, undefined.where) == ("linker.error", "main.c:6")
    assert region.message.startswith("section '.text' will not fit")
    assert "larger than its memory" in (region.hint or "")


def test_gnu_ld_errors_without_line_numbers_are_errors_too() -> None:
    findings = parse(
        "/opt/bin/riscv32-esp-elf-ld: region `iram0_0_seg' overflowed by 123 bytes\n"
        "/opt/bin/ld: app.elf section `.text' will not fit in region `iram0_0_seg'\n"
        "main.c:(.text.app_main+0x4): undefined reference to `missing'\n"
        "collect2: error: ld returned 1 exit status\n",
        root=ROOT,
    )

    assert [finding.code for finding in findings] == ["linker.error"] * 3
    assert findings[2].file == "main.c"


def test_a_tool_that_complains_without_a_place_is_heard() -> None:
    findings = parse(
        "FAILED: [code=1] tiny.elf \nerror: unsupported linker arg: -Map\n"
        "clang: error: no such file or directory: 'x.c'\n",
        root=ROOT,
    )

    assert [finding.message for finding in findings] == [
        "unsupported linker arg: -Map",
        "no such file or directory: 'x.c'",
    ]


def test_a_failed_command_is_told_by_what_it_printed() -> None:
    (finding,) = parse(
        "[1/2] Generating table\nFAILED: table.h \npython gen.py\nTraceback: boom\n"
        "ninja: build stopped: subcommand failed.\n",
        root=ROOT,
    )

    assert (finding.code, finding.message) == ("ninja.failed", "Traceback: boom")
    assert (finding.evidence or "").splitlines() == [
        "FAILED: table.h",
        "python gen.py",
        "Traceback: boom",
    ]


def test_duplicates_fold_and_a_cascade_is_bounded() -> None:
    same = "/home/user/hello/a.h:1:1: error: bad\n" * 50
    many = "".join(f"x.c:{line}:1: error: bad\n" for line in range(1, 1001))

    findings = parse(same + many, root=ROOT)

    assert findings[0].file == "a.h"
    assert len(findings) == MAX_FINDINGS + 1
    assert findings[-1].message.startswith("801 more")


def test_errors_after_any_number_of_warnings_are_kept() -> None:
    warnings = "".join(f"x.c:{line}:1: warning: odd\n" for line in range(1, 1001))

    findings = parse(f"{warnings}a.c:1:1: error: bad\n{warnings}", root=ROOT)

    assert (findings[0].severity, findings[0].file) == (Severity.ERROR, "a.c")
    assert len(findings) == MAX_FINDINGS + 1
    assert findings[-1].message.startswith("801 more")


def test_a_hint_is_about_the_errors_before_it_and_said_once() -> None:
    hints = "HINT: add it\nHINT: look\nHINT: add it\n"

    before, after = parse(f"a.c:1: error: x\n{hints}a.c:2: error: y\n", root=ROOT)

    assert (before.hint, after.hint) == ("add it look", None)


@pytest.mark.slow
def test_many_errors_with_many_hints_cost_linear_time() -> None:
    # Ten thousand million steps, if each hint were given to each error.
    errors = "".join(f"x.c:{line}:1: error: bad\n" for line in range(1, 100_001))
    hints = "".join(f"HINT: h{number}\n" for number in range(100_000))

    findings = parse(errors + hints, root=ROOT)

    assert findings[-1].message.startswith("99800 more")
    assert "h0 h1 " in (findings[0].hint or "")


def test_paths_outside_the_tree_stay_as_they_are() -> None:
    inside, outside = parse(
        "/home/user/hello/sub/../a.c:1: error: x\n/home/user/hello2/b.c:2: error: y\n", root=ROOT
    )

    assert (inside.file, outside.file) == ("a.c", "/home/user/hello2/b.c")


FRAGMENTS = st.sampled_from(
    [
        "a.c:1:2: error: x\n",
        "CMake Error at a:1 (b):\n",
        "  b\n",
        "\n",
        "FAILED: x\n",
        ">>> ",
        "ld: ",
        " | ^\n",
        "HINT: h\n",
        "\x1b[31m",
        "\r",
        "undefined reference to `a'\n",
        "ninja: error: x\n",
        "[1/2] a\n",
        "make: *** [a] Error 1\n",
        "Traceback (most recent call last):\n",
        '  File "a.py", line 1\n',
        "ValueError: x\n",
        "error[E0001]: x\n --> a.rs:1:2\n",
        "{standard input}: Assembler messages:\n",
        "exit status 1\n",
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=40)).map("".join))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for finding in parse(text, root=ROOT):
        assert "\n" not in finding.message
        assert finding.message


@given(st.binary())
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    parse(data.decode("utf-8", "replace"), root=ROOT)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a:1:",
        "ld: ",
        " [-W",
        "CMake Error at ",
        "x" * 100,
        "x(.y",
        "a\n",
        ": In function ",
        "\x1b[",
        "CMake Error: x\n\n",
        "a.c:1:1: error: x [-Wy]\n",
        "FAILED: x\n",
        "a.c:1:1: note: x\n",
        "[1/2] a\nFAILED: a\nc\nd\n",
        "FAILED: a\nc\nd\n[1/3] a\nFAILED: b\nc\nd\n",
        "d\n*** [x] Error 1\n",
        "Traceback (most recent call last):\n",
        '  File "a.py", line 1\n',
        "ld: undefined reference to `x'\n",
        "error: x\n --> a.rs:1:2\n",
        "x.o: first defined here\n",
        "Sketch uses 1 bytes ",
    ],
)
def test_much_of_anything_takes_linear_time(piece: str) -> None:
    # A run of an hour, if it were quadratic.
    text = piece * (250_000 // len(piece))

    assert len(parse(text, root=ROOT)) <= MAX_FINDINGS + 1


@pytest.mark.parametrize("hint", ["HINT: ", "\x1b[0;33mHINT: ", "HINT:"])
def test_a_hint_that_was_cut_short_is_none(hint: str) -> None:
    (found,) = parse(f"main.c:3:1: error: expected ';'\n{hint}", root=Path("/p"))
    assert found.message == "expected ';'"
    assert not found.hint or found.hint.strip()
