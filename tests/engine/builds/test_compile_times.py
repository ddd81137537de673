"""Compile times: which source file a step of ninja compiled, in this build and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.builds import compile_times
from engine.builds.compile_times import CompileTimes, CompileWatch

MTIME = 1795814019107234506


def log(folder: Path, *rows: tuple[int, int, str]) -> None:
    """Add a step for each row to a log of ninja: start, end, output."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".ninja_log"
    if not path.exists():
        path.write_text("# ninja log v7\n")
    with path.open("a") as file:
        for start, end, output in rows:
            file.write(f"{start}\t{end}\t{MTIME}\t{output}\t{abs(hash(output)):x}\n")


@pytest.fixture
def slot(tmp_path: Path) -> tuple[Path, Path]:
    """A source tree, and a folder in which it was built before."""
    source, build = tmp_path / "0" / "src", tmp_path / "0" / "build-esp32c3"
    source.mkdir(parents=True)
    log(build, (0, 9000, "CMakeFiles/hub.dir/main/main.c.obj"))
    return source, build


def test_what_this_build_compiled_is_named_by_its_source(slot: tuple[Path, Path]) -> None:
    source, build = slot
    watch = CompileWatch(build)
    log(
        build,
        (0, 250, "CMakeFiles/hub.dir/main/main.c.obj"),
        (3, 1503, "esp-idf/freertos/CMakeFiles/__idf_freertos.dir/tasks.c.obj"),
        (4, 104, "CMakeFiles/hub.dir/generated/version.c.obj"),
        (5, 55, "CMakeFiles/hub.dir/left-out.S.obj"),
        (1503, 1603, "libfreertos.a"),
        (1603, 1903, "hub.elf"),
    )
    rows = [
        # CMake 3.30 and later, with whole paths
        {"file": f"{source}/main/main.c", "output": f"{build}/CMakeFiles/hub.dir/main/main.c.obj"},
        # earlier, where only the command says it
        {"file": "/opt/idf/components/freertos/tasks.c",
         "command": "gcc -Os -o esp-idf/freertos/CMakeFiles/__idf_freertos.dir/tasks.c.obj -c x"},
        {"file": f"{build}/generated/version.c",
         "output": "CMakeFiles/hub.dir/generated/version.c.obj"},
        7, {"file": None, "output": 3},
    ]  # fmt: skip
    (build / "compile_commands.json").write_text(json.dumps(rows))
    assert watch.times(source) == CompileTimes(
        files={
            "/opt/idf/components/freertos/tasks.c": 1.5,
            "main/main.c": 0.25,
            "generated/version.c": 0.1,
            "left-out.S": 0.05,
        },
        seconds=1.9,
        others=0.4,
    )


def test_a_file_that_is_compiled_for_two_programs_has_the_time_of_both(
    slot: tuple[Path, Path],
) -> None:
    source, build = slot
    watch = CompileWatch(build)
    rows = [{"file": f"{source}/log.c", "output": "log.c.obj"}]
    for folder, end in ((build, 200), (build / "bootloader", 300)):
        log(folder, (0, end, "log.c.obj"))
        (folder / "compile_commands.json").write_text(json.dumps(rows))
    times = watch.times(source)
    assert times is not None
    assert times.files == {"log.c": 0.5}


def test_a_build_with_nothing_to_do_compiled_nothing(slot: tuple[Path, Path]) -> None:
    source, build = slot
    assert CompileWatch(build).times(source) == CompileTimes({}, 0.0, 0.0)


def test_without_ninja_nobody_knows(tmp_path: Path) -> None:
    assert CompileWatch(tmp_path).times(tmp_path) is None


@pytest.mark.parametrize("commands", [None, "[", "{}", '[{"file": []}]', "[" * 100_000])
def test_compile_commands_that_make_no_sense_leave_the_objects(
    slot: tuple[Path, Path], commands: str | None
) -> None:
    source, build = slot
    watch = CompileWatch(build)
    log(build, (0, 20, "CMakeFiles/hub.dir/src/a.c.obj"))
    if commands is not None:
        (build / "compile_commands.json").write_text(commands)
    times = watch.times(source)
    assert times is not None
    assert times.files == {"src/a.c": 0.02}


def test_times_are_kept_by_attempt_and_joined(tmp_path: Path) -> None:
    first = CompileTimes({"a.c": 2.0, "b.c": 1.0}, 3.0, 0.5)
    then = CompileTimes({"b.c": 1.5}, 1.5, 0.25)
    names = [compile_times.file_name(attempt) for attempt in (1, 2)]
    assert names == ["compile-times.json", "compile-times-2.json"]
    assert all(map(compile_times.is_file_name, names))
    assert not compile_times.is_file_name("old-compile-times.json")
    kept = []
    for name, times in zip(names, (first, then), strict=True):
        compile_times.write(times, tmp_path / name)
        kept.append(compile_times.read(tmp_path / name))
    assert kept == [first, then]
    assert compile_times.joined([first, then]) == CompileTimes({"b.c": 2.5, "a.c": 2.0}, 4.5, 0.75)


def test_times_that_are_gone_or_damaged_are_none(tmp_path: Path) -> None:
    assert compile_times.read(tmp_path / "compile-times.json") is None
    (tmp_path / "compile-times.json").write_text('{"files": {"a.c": "long"}}')
    assert compile_times.read(tmp_path / "compile-times.json") is None
