"""What a build folder says of its compiler: from files as CMake and ESP-IDF write them."""

from __future__ import annotations

import json
from pathlib import Path

from engine.toolchains.compiler_facts import compiler_facts


def test_compiler_version_and_telling_flags_are_found(tmp_path: Path) -> None:
    (tmp_path / "CMakeFiles/4.1.2").mkdir(parents=True)
    (tmp_path / "CMakeFiles/4.1.2/CMakeCCompiler.cmake").write_text(
        'set(CMAKE_C_COMPILER "/opt/gcc")\nset(CMAKE_C_COMPILER_ID "GNU")\n'
        'set(CMAKE_C_COMPILER_VERSION "14.2.0")\n'
    )
    maps = "-ffile-prefix-map=/w/=/ -fmacro-prefix-map=/w=. -fdebug-prefix-map=/w=."
    told = "-march=rv32imc -Os -Wall -Werror=all"
    command = (
        f"/opt/gcc -DA=1 -DWIFI_PASSWORD=hush -I/home/me/x {told} {maps} -o a.o -c /w/main/a.c"
    )
    rows = [
        {"file": "/w/main/b.c", "command": "/opt/gcc -O0 -c /w/main/b.c"},
        {"file": "/w/main/a.c", "command": command},
    ]
    (tmp_path / "compile_commands.json").write_text(json.dumps(rows))
    (tmp_path / "project_description.json").write_text(json.dumps({"git_revision": "v5.5.1"}))

    assert compiler_facts(tmp_path, "idf", "main/a.c") == (
        "toolchain: idf v5.5.1",
        "compiler: GNU 14.2.0",
        "flags: -DA=1 -DWIFI_PASSWORD=... -march=rv32imc -Os -Wall -Werror=all",
    )
    assert compiler_facts(tmp_path, "idf")[-1] == "flags: -O0"


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "compile_commands.json").write_text('[1, {"command": "a \'"}, {"command": 3}]')
    (tmp_path / "project_description.json").write_text("[]")

    assert compiler_facts(tmp_path, "cmake") == ("toolchain: cmake",)
    assert compiler_facts(tmp_path / "absent", "cmake") == ("toolchain: cmake",)
