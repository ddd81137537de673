"""Hints for plain CMake projects, and for the built-in compiler, which has no C library."""

from __future__ import annotations

import re

from engine.toolchains.hints.hint import CMAKE, OWN_COMPILER, ZIG, Hint

C_LIBRARY = (
    "the built-in compiler has no C library: write it without, add picolibc to the project, or "
    "bring a toolchain.cmake that names a GCC with newlib or picolibc (Debian: "
    "gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf, with -march=rv32imc -mabi=ilp32 "
    "--specs=picolibc.specs)"
)
"""What is said where a program wants one."""

_HEADERS = (
    "alloca|assert|complex|ctype|errno|fcntl|fenv|inttypes|locale|malloc|math|memory|setjmp|signal"
    "|stdio|stdlib|string|strings|tgmath|threads|time|uchar|unistd|wchar|wctype|sys/[a-z]{2,20}"
    "|newlib|picolibc|pthread|sched|dirent"
)
"""Those of a C library; the others are the compiler's own."""

_FUNCTIONS = (
    "_?_?(?:v?(?:f|s|sn|as|d)?i?printf|v?(?:f|s)?scanf|f?puts|f?putc(?:har)?|f?gets|f?getc(?:har)?"
    "|[mc]alloc|realloc|free|calloc|aligned_alloc|str(?:n?(?:len|cpy|cat|cmp|dup)|r?chr|str|tok"
    "|tok_r|to[dful]{1,3}|error|spn|cspn|pbrk|casecmp|ncasecmp)|mem(?:chr|mem)|ato[ifl]{1,2}"
    "|qsort|bsearch|s?rand|l?labs|abs|exit|abort|atexit|assert_func|assert|errno|time|clock"
    "|[fl]?f(?:open|close|read|write|flush|seek)|setjmp|longjmp|is(?:alnum|alpha|digit|print|space"
    "|upper|lower|xdigit)|to(?:upper|lower)|a?(?:sin|cos|tan)h?f?|atan2f?|sqrtf?|powf?|expf?"
    "|log(?:10|2)?f?|floorf?|ceilf?|roundf?|fmodf?|fabsf?)"
)

_CPP_HEADERS = (
    "algorithm|array|atomic|bitset|chrono|functional|initializer_list|ios(?:tream)?|iterator|limits"
    "|list|map|memory|mutex|new|numeric|optional|queue|set|span|s?stream|string(?:_view)?|thread"
    "|tuple|type_traits|unordered_map|utility|variant|vector|c(?:assert|ctype|errno|inttypes|limits"
    "|math|setjmp|std(?:arg|def|int|io|lib)|string|time)"
)

HINTS: tuple[Hint, ...] = (
    Hint(
        re.compile(r"opcode `[^'\n]{1,200}', extension `zi(?:csr|fencei)' required"),
        "newer binutils want these instructions named in the options: -march=rv32imc_zicsr_zifencei"
        " instead of -march=rv32imc",
        CMAKE,
    ),
    Hint(
        re.compile(
            r"undefined reference to "
            r"`_(?:sbrk|write|read|close|lseek|fstat|isatty|exit|kill|getpid)'"
        ),
        "newlib asks the program for this function: write it, or link with --specs=nosys.specs, or "
        "take picolibc (--specs=picolibc.specs)",
        OWN_COMPILER,
    ),
    Hint(
        re.compile(rf"^'(?:{_CPP_HEADERS})' file not found"),
        "the built-in compiler has no C++ library for a chip: do without it, or bring a "
        "toolchain.cmake that names a GCC with newlib and libstdc++",
        ZIG,
    ),
    Hint(
        re.compile(rf"^['`]?(?:{_HEADERS})\.h['`]? file not found"),
        C_LIBRARY,
        ZIG,
    ),
    Hint(
        re.compile(
            rf"^(?:(?:{_HEADERS})\.h: No such file or directory|'(?:{_HEADERS})\.h' file not found)"
        ),
        "the compiler that toolchain.cmake names has no C library here: install newlib or picolibc "
        "for it, and name it in the options (such as --specs=picolibc.specs)",
        OWN_COMPILER,
    ),
    Hint(
        re.compile(rf"^(?:ld\.lld: )?undefined symbol: {_FUNCTIONS}$", re.MULTILINE),
        C_LIBRARY,
        ZIG,
    ),
    Hint(
        re.compile(r"unable to find (?:dynamic system )?library '(?:c|m|gcc|nosys)'"),
        C_LIBRARY,
        ZIG,
    ),
    Hint(
        re.compile(r"^[\w./+-]{1,200}: No such file or directory|' file not found"),
        "correct the name, or add the folder that has this header with target_include_directories",
        CMAKE,
    ),
    Hint(
        re.compile(r"Cannot find source file"),
        "CMakeLists.txt names a source file that is not there: add the file or correct its name",
    ),
    Hint(
        re.compile(r"CMakeLists\.txt not found|does not contain a CMakeLists\.txt"),
        "add a CMakeLists.txt at the root of the repository",
    ),
)
