"""Repairs: real compiler errors in, a patch that real Git applies out."""

from __future__ import annotations

import difflib
import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.enums import Severity
from engine.findings import Finding
from engine.repair import sources
from engine.repair.rule_repair import RuleRepair, propose, suggest
from engine.repair.sources import Sources
from engine.source.c_source import masked
from engine.toolchains.diagnostics import parser
from engine.toolchains.idf_components import hint_components

IDF = "cmake_minimum_required(VERSION 3.16)\ninclude($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "main").mkdir(parents=True)
    git(tree, "init", "-q")
    (tree / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.20)\nproject(x C)\n")
    return tree


def git(tree: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", tree, *words], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def zig(tree: Path, file: str) -> tuple[Finding, ...]:
    """What the real clang says of a file."""
    spec = importlib.util.find_spec("ziglang")
    assert spec is not None
    assert spec.submodule_search_locations
    program = Path(spec.submodule_search_locations[0]) / "zig"
    flags = ["-target", "riscv32-freestanding-none", "-ffreestanding", "-c", "-o", "/dev/null"]
    return _compile([program, "cc", *flags, tree / file], tree)


def gcc(tree: Path, file: str) -> tuple[Finding, ...]:
    """What the real GCC of this machine says of a file."""
    return _compile(["gcc", "-fsyntax-only", "-Werror=implicit", tree / file], tree)


def _compile(argv: list[str | Path], tree: Path) -> tuple[Finding, ...]:
    # zig leaves an object where it runs, whatever -o says.
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=120, cwd=tree.parent
    )
    return parser.parse(done.stdout + done.stderr, root=tree)


def error(message: str, file: str = "main/main.c", line: int = 1, column: int = 1) -> Finding:
    return Finding(Severity.ERROR, "compiler.error", message, file, line, column)


def apply(tree: Path, repair: RuleRepair | None) -> str:
    """Apply with Git and return the first file that it names, after checking it named all."""
    changed = files_of(repair)
    assert repair is not None
    git(tree, "add", "-A")
    patch = tree.parent / "repair.patch"
    patch.write_text(repair.patch, "utf-8", newline="")
    git(tree, "apply", str(patch))
    assert git(tree, "-c", "core.quotePath=off", "diff", "--name-only").splitlines() == changed
    return (tree / changed[0]).read_bytes().decode()


def files_of(repair: RuleRepair | None) -> list[str]:
    """The files that a patch names."""
    assert repair is not None
    lines = repair.patch.split("\n")
    return [line[len("+++ b/") :].rstrip("\t") for line in lines if line.startswith("+++ b/")]


BROKEN = [
    (
        "int f(void) {\n    int a = 1\n    return a;\n}\n",
        "missing-semicolon",
        "int f(void) {\n    int a = 1;\n    return a;\n}\n",
    ),
    (
        "int f(int);\nint g(void) {\n    f(1) /* ; */ // ;\n    return f(2)\n}\n",
        "missing-semicolon",
        "int f(int);\nint g(void) {\n    f(1); /* ; */ // ;\n    return f(2);\n}\n",
    ),
    (
        "/* What it does. */\nuint32_t a;\nsize_t b;\n",
        "missing-include",
        "/* What it does. */\n#include <stdint.h>\n#include <stddef.h>\nuint32_t a;\nsize_t b;\n",
    ),
    (
        '#include <stddef.h>\n#include "own.h"\n\n'
        "int f(void) {\n    bool b = 1;\n    return b;\n}\n",
        "missing-include",
        '#include <stddef.h>\n#include <stdbool.h>\n#include "own.h"\n\n'
        "int f(void) {\n    bool b = 1;\n    return b;\n}\n",
    ),
    (
        '/* "cuont" */\nint f(int count) {\n    return cuont + 1; // cuont\n}\n',
        "misspelled-name",
        '/* "cuont" */\nint f(int count) {\n    return count + 1; // cuont\n}\n',
    ),
    (
        "int read_sensor(void);\nint f(void) {\n    return read_sensro();\n}\n",
        "misspelled-name",
        "int read_sensor(void);\nint f(void) {\n    return read_sensor();\n}\n",
    ),
    (
        "struct s { int value; };\nint f(struct s *s) {\n    return s->vlaue;\n}\n",
        "misspelled-name",
        "struct s { int value; };\nint f(struct s *s) {\n    return s->value;\n}\n",
    ),
]


@pytest.mark.parametrize("compiler", [zig, gcc])
@pytest.mark.parametrize(("before", "rule", "after"), BROKEN)
def test_what_a_compiler_rejects_is_repaired_in_a_few_rounds(
    tree: Path,
    compiler: Callable[[Path, str], tuple[Finding, ...]],
    before: str,
    rule: str,
    after: str,
) -> None:
    (tree / "main/own.h").write_text("")
    (tree / "main/main.c").write_text(before)
    text = before

    for _round in range(2):
        findings = compiler(tree, "main/main.c")
        if any(each.severity is Severity.ERROR for each in findings):
            repair = propose(findings, tree)
            assert repair is not None
            assert repair.rule == rule
            text = apply(tree, repair)

    # GCC and clang name what is missing in different orders.
    assert sorted(text.splitlines()) == sorted(after.splitlines())
    assert not [each for each in compiler(tree, "main/main.c") if each.severity is Severity.ERROR]


def test_a_name_of_an_included_header_is_near_too(tree: Path) -> None:
    (tree / "main/console.h").write_text("void console_print(const char *text);\n")
    (tree / "main/main.c").write_text(
        '#include "console.h"\nint main(void) { console_pirnt("x"); }\n'
    )

    repair = propose([error("call to undeclared function 'console_pirnt'", line=2)], tree)

    assert "console_print(" in apply(tree, repair)


def test_a_repair_proposes_and_touches_nothing(tree: Path) -> None:
    (tree / "main/main.c").write_text("uint8_t a;\n")

    repair = propose([error("unknown type name 'uint8_t'")], tree)

    assert (tree / "main/main.c").read_text() == "uint8_t a;\n"
    assert repair == RuleRepair(
        rule="missing-include",
        explanation="include <stdint.h> in main/main.c",
        patch=(
            "diff --git a/main/main.c b/main/main.c\n--- a/main/main.c\n+++ b/main/main.c\n"
            "@@ -1 +1,2 @@\n+#include <stdint.h>\n uint8_t a;\n"
        ),
    )


def test_a_header_goes_inside_its_guard(tree: Path) -> None:
    (tree / "main/a.h").write_text("// A.\n#ifndef A_H\n#define A_H\nuint8_t a;\n#endif\n")

    text = apply(tree, propose([error("unknown type name 'uint8_t'", "main/a.h", 4)], tree))

    assert text == "// A.\n#ifndef A_H\n#define A_H\n#include <stdint.h>\nuint8_t a;\n#endif\n"


def test_a_condition_around_an_include_is_not_entered(tree: Path) -> None:
    before = "#pragma once\n#ifdef X\n#include <limits.h>\n#endif\nuint8_t a;\n"
    (tree / "main/a.h").write_text(before)

    text = apply(tree, propose([error("unknown type name 'uint8_t'", "main/a.h", 5)], tree))

    assert text == before.replace("once\n", "once\n#include <stdint.h>\n")


def test_esp_idf_names_bring_their_headers_in_order(tree: Path) -> None:
    (tree / "CMakeLists.txt").write_text(IDF)
    (tree / "main/main.c").write_text(
        '#include <stdio.h>\n#include "own.h"\nvoid app_main(void) {}'
    )
    findings = [
        error("implicit declaration of function ‘vTaskDelay’"),
        error("implicit declaration of function ‘ESP_LOGI’"),
    ]

    text = apply(tree, propose(findings, tree))

    assert text.splitlines()[:5] == [
        "#include <stdio.h>",
        '#include "own.h"',
        '#include "freertos/FreeRTOS.h"',
        '#include "freertos/task.h"',
        '#include "esp_log.h"',
    ]


def test_a_c_library_that_bare_metal_does_not_have_is_not_included(tree: Path) -> None:
    (tree / "main/main.c").write_text('int main(void) { printf("x"); }\n')
    finding = error("call to undeclared library function 'printf' with type 'int (...)'")

    assert propose([finding], tree) is None

    (tree / "main/other.c").write_text("#include <stdio.h>\n")
    assert apply(tree, propose([finding], tree)).startswith("#include <stdio.h>\n")


def test_the_project_s_own_header_is_included_as_others_include_it(tree: Path) -> None:
    (tree / "lib").mkdir()
    (tree / "lib/console.h").write_text("void console_print(const char *text);\n")
    (tree / "main/other.c").write_text('#include "lib/console.h"\n')
    (tree / "main/main.c").write_text('int main(void) { console_print("x"); }\n')

    repair = propose([error("call to undeclared function 'console_print'; ISO C99")], tree)

    assert apply(tree, repair).startswith('#include "lib/console.h"\n')


def test_a_component_that_idf_py_misses_is_required(tree: Path) -> None:
    log = Path(__file__).parents[2] / "data/idf-logs/fail_missing_include_requires.log"
    (tree / "CMakeLists.txt").write_text(IDF)
    (tree / "main/CMakeLists.txt").write_text(
        'idf_component_register(SRCS "hello_world_main.c"\n                    INCLUDE_DIRS "")\n'
    )
    text = log.read_text("utf-8").replace("/home/user/hello", str(tree))

    repaired = apply(tree, propose(parser.parse(text, root=tree), tree))

    assert 'INCLUDE_DIRS "" PRIV_REQUIRES esp_http_server)' in repaired


def test_the_component_of_esp_idf_that_has_a_header_is_required(tree: Path) -> None:
    idf = tree.with_name("esp-idf")
    header = idf / "components/esp_driver_i2c/include/driver/i2c_master.h"
    header.parent.mkdir(parents=True)
    header.touch()
    (tree / "CMakeLists.txt").write_text(IDF)
    (tree / "main/CMakeLists.txt").write_text('idf_component_register(SRCS "main.c")\n')
    text = f"{tree}/main/main.c:1:10: fatal error: driver/i2c_master.h: No such file or directory\n"

    findings = hint_components(parser.parse(text, root=tree), idf, [])

    repaired = apply(tree, propose(findings, tree))
    assert 'idf_component_register(SRCS "main.c" REQUIRES esp_driver_i2c)' in repaired


def test_the_semicolon_comes_before_the_names_that_its_absence_hides(tree: Path) -> None:
    log = Path(__file__).parents[2] / "data/idf-logs/fail_compile_missing_semicolon.log"
    (tree / "main/hello_world_main.c").write_text(
        "#include <stdio.h>\n" * 15
        + "void app_main(void)\n{\n"
        + '    printf("Hello world!\\n")\n\n\n    esp_chip_info_t chip_info;\n}\n'
    )
    text = log.read_text("utf-8").replace("/home/user/hello", str(tree))

    repaired = apply(tree, propose(parser.parse(text, root=tree), tree))

    assert '    printf("Hello world!\\n");\n' in repaired


def test_two_names_as_near_as_each_other_are_left_to_a_person(tree: Path) -> None:
    (tree / "main/main.c").write_text("int count1, count2;\nint f(void) { return count3; }\n")

    assert (
        propose([error("use of undeclared identifier 'count3'", line=2, column=22)], tree) is None
    )


@pytest.mark.parametrize(
    "name",
    [
        "../outside.c",
        "/etc/passwd",
        "main/../main/main.c",
        "./main/main.c",
        "link.c",
        "folder/main.c",
        ".git/config.c",
        "main/main.py",
        "main/binary.c",
        "main/large.c",
        "main/latin1.c",
        "main/absent.c",
        "main",
        "",
        "main/a\nb.c",
    ],
)
def test_a_file_that_a_repair_must_not_touch_is_refused(tree: Path, name: str) -> None:
    text = "uint8_t a;\n"
    (tree / "main/main.c").write_text(text)
    (tree.parent / "outside.c").write_text(text)
    (tree / "link.c").symlink_to(tree.parent / "outside.c")
    (tree / "folder").symlink_to(tree / "main")
    (tree / "main/main.py").write_text(text)
    (tree / "main/binary.c").write_bytes(b"uint8_t a;\0")
    (tree / "main/large.c").write_text(text * 200_000)
    (tree / "main/latin1.c").write_bytes(b"uint8_t a; // \xe9\n")

    assert propose([error("unknown type name 'uint8_t'", name)], tree) is None


def test_warnings_are_not_repaired(tree: Path) -> None:
    (tree / "main/main.c").write_text("uint8_t a;\n")
    warning = Finding(
        Severity.WARNING, "-Wx", "implicit declaration of function 'offsetof'", "main/main.c", 1
    )

    assert propose([warning], tree) is None


def test_suggestions_are_the_hints_of_the_first_errors() -> None:
    known = Finding(Severity.ERROR, "linker.error", "undefined", "a.c", 3, hint="define it")
    strange = Finding(Severity.ERROR, "x", "strange")

    assert suggest([known, known, strange]) == (
        "a.c:3: undefined - define it",
        "strange",
    )
    assert suggest([]) == ()


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ('int a = "b//c"; // "d', 'int a = "    ";      '),
        ('f("a\\"b", x);', 'f("    ", x);'),
        ('f("open, x);\nint y;', 'f("open, x);\nint y;'),
        ('"', '"'),
        ('"a\\', '"a\\'),
        ("char c = '\"'; int n = 1'000'000;", "char c = ' '; int n = 1'   '000;"),
        ("int a; /* open\n int b;", "int a;        \n       "),
    ],
)
def test_comments_strings_and_characters_are_masked(code: str, left: str) -> None:
    assert masked(code) == left


@pytest.mark.slow
@pytest.mark.parametrize("piece", ['\\"', "\\'", '"', "'", "'\\", "/*", "//"])
@pytest.mark.parametrize("end", ["", "\\"])
def test_masking_costs_linear_time_whatever_is_not_closed(piece: str, end: str) -> None:
    code = f'"{piece * 1_000_000}{end}'  # Hours, if each piece were tried against all the rest.

    assert len(masked(code)) == len(code)


def test_no_file_is_masked_twice_however_many_errors_there_are(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def count(text: str) -> str:
        seen.append(text)
        return masked(text)

    monkeypatch.setattr(sources, "masked", count)
    for number in range(30):
        (tree / f"main/h{number}.h").write_text(f"int other_{number}(void);\n")
    (tree / "main/main.c").write_text("int a;\n")

    propose([error(f"use of undeclared identifier 'far_away_{n}'") for n in range(40)], tree)

    assert len(seen) == len(set(seen))
    assert len(seen) == 31


def test_what_is_read_in_all_has_a_bound_and_broken_files_come_first(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_TOTAL_BYTES", 100)
    for number in range(10):
        (tree / f"main/h{number}.h").write_text("int far(void);".ljust(40))
    (tree / "main/main.c").write_text("uint8_t a;\nuint8_t b;\nuint8_t c;\n")

    read = Sources(tree)
    repair = propose([error("unknown type name 'uint8_t'")], tree)

    assert [read.read(name) is not None for name in read.c_files] == [True] * 2 + [False] * 9
    assert files_of(repair) == ["main/main.c"]


def test_of_thousands_of_like_names_few_are_compared(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    compare = difflib.get_close_matches

    def count(word: str, possibilities: list[str], n: int, cutoff: float) -> list[str]:
        compared.append(len(possibilities))
        return compare(word, possibilities, n, cutoff)

    monkeypatch.setattr(difflib, "get_close_matches", count)
    others = "".join(f"int {'a' * 40}{number:05d};\n" for number in range(4000))
    (tree / "main/main.c").write_text(f"int near_enough;\n{others}int b = naer_enough;\n")

    repair = propose([error("use of undeclared identifier 'naer_enough'", line=4002)], tree)
    propose([error(f"use of undeclared identifier '{'a' * 45}'")], tree)
    propose([error(f"use of undeclared identifier '{'a' * 100}'")], tree)

    assert repair is not None
    assert repair.rule == "misspelled-name"
    assert compared == [1, 20]


def test_only_the_first_errors_are_looked_at(tree: Path) -> None:
    (tree / "main/main.c").write_text("int a;\n")
    (tree / "main/late.c").write_text("uint8_t a;\n")
    cascade = [error("strange")] * 1000

    assert propose([*cascade, error("unknown type name 'uint8_t'", "main/late.c")], tree) is None


@pytest.mark.slow
def test_sources_are_found_below_any_number_of_folders(tree: Path) -> None:
    deepest = "d/" * 1100
    # Python's own functions that make and delete folders call themselves for each level.
    subprocess.run(["mkdir", "-p", tree / deepest], check=True)
    (tree / deepest / "deep.h").touch()
    try:
        assert Sources(tree).c_files == (f"{deepest}deep.h",)
    finally:
        subprocess.run(["rm", "-rf", tree / "d"], check=True)


NAMES = st.sampled_from(["main.c", "a b.c", "ä.h", "-x.c", "sub/deep.cpp", "tab'x.c"])
PIECES = [
    "int a = 1",
    "#include <x.h>",
    '#include "y.h"',
    "uint8_t z;",
    "cuont = count;",
    "}",
    "{",
    "#ifndef G",
    "#define G",
    "#endif",
    "// c",
    "/* open",
    "*/",
    's = "q',
    "",
    "\t",
    "é = ü",
    "",
]
LINES = st.lists(
    st.sampled_from(PIECES)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    max_size=12,
)
MESSAGES = st.sampled_from(
    [
        "unknown type name 'uint8_t'",
        "use of undeclared identifier 'cuont'",
        "expected ';' after x",
        "expected ‘,’ or ‘;’ before ‘int’",
        "‘size_t’ undeclared",
        "no member named 'z' in 'struct s'",
        "use of undeclared identifier 'z'; did you mean 'a'?",
    ]
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    tree = tmp_path_factory.mktemp("repository") / "tree"
    (tree / "sub").mkdir(parents=True)
    git(tree, "init", "-q")
    yield tree


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@example(
    name="a b.c", lines=["uint8_t z;"], end="", problems=[("unknown type name 'uint8_t'", 1, 1)]
)
@given(
    name=NAMES,
    lines=LINES,
    end=st.sampled_from(["\n", "\r\n", ""]),
    problems=st.lists(
        st.tuples(MESSAGES, st.integers(0, 15), st.integers(0, 30)), min_size=1, max_size=4
    ),
)
def test_any_patch_applies_and_touches_only_what_it_names(
    repository: Path, name: str, lines: list[str], end: str, problems: list[tuple[str, int, int]]
) -> None:
    for old in repository.rglob("*.*"):
        if ".git" not in old.parts:
            old.unlink()
    ends = end or "\n"
    path = repository / name
    path.write_bytes((ends.join(lines) + end).encode())

    repair = propose(
        [error(text, name, line, column) for text, line, column in problems], repository
    )

    if repair is not None:
        assert files_of(repair) == [name]
        before = path.read_bytes()
        assert apply(repository, repair).encode() != before
