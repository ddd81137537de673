"""Everything that reads a whole file of others, and what such files look like.

Light readers run here: they may neither raise what they do not say nor come to the bounds. What a
child process reads (:mod:`engine.processes.bounded`) is read here as the child does it, without
starting one for each input: it may give up, but has to end.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import manifest
from engine.boards import pytest_suites
from engine.errors import ToolError, UsageError
from engine.formats import xml
from engine.formats.untrusted import yaml_mapping
from engine.images import (
    app_image,
    boot_selection,
    efuses,
    flash_layout,
    image_file,
    linker_map,
    memory,
    partition_checks,
    partition_csv,
    sdkconfig,
)
from engine.monitor import binary_log, program
from engine.processes import bounded
from engine.processes.bounded_child import answer
from engine.projects import dependencies
from engine.quality import coverage_reports
from engine.simulators import labwired_breakpoints
from engine.sizes import from_elf
from engine.tasks import pipeline_file
from engine.toolchains.idf import read_image
from tests import hostile

SECONDS = 1.0
"""Of the processor that a light reader may take for an input; it may never come to it."""

CHILD_SECONDS = 1.0
"""Of the processor after which what a child process reads is given up."""

_LATE = 2.0  # seconds after which that has to have ended

MEMORY = 1 << 30
"""Bytes of address space that an input may take beside what is there before."""

_GIVEN_UP = tuple(
    end.encode()
    for said in (bounded.TIME, bounded.MEMORY)
    for end in (f'"failed": "{said}"}}\n', f', "{said}"]}}\n')
)
FIELD = Path(__file__).parents[1] / "field"
_TARGET = "esp32c3"
_MAX_SEED = 4 << 20

REPORTS = (
    b'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="2">'
    b'<testcase classname="t" name="test_a" time="0.01" file="pytest_a.py" line="3">'
    b'<failure message="AssertionError">x</failure></testcase><testcase name="b" line="7" '
    b'is_unity_case="1" group="g"/></testsuite></testsuites>',
    b'<testsuite name="a"><testcase name="b" line="1"><skipped message="no"/></testcase>'
    b'<testcase name="c"><error message="collection failure">E   x</error></testcase></testsuite>',
)
COVERAGE = (
    b"TN:\nSF:/src/ring.c\nFN:2,ring_push\nDA:2,3\nDA:3,0\nDA:6,3,checksum\nend_of_record\n",
    b'<?xml version="1.0" ?><!DOCTYPE coverage SYSTEM "http://x/coverage-04.dtd"><coverage>'
    b"<sources><source>/src</source></sources><packages><package><classes><class "
    b'filename="ring.c"><lines><line number="2" hits="3"/></lines></class></classes></package>'
    b"</packages></coverage>",
    b'{"files": {"src/ring.py": {"executed_lines": [2, 3], "missing_lines": [4]}}}',
)
MANIFESTS = (
    b'expect = ["^ready", "temp=\\\\d+"]\ntimeout = 20\nbaud = 115200\nunity = true\neol = "crlf"\n'
    b'[build]\nidf = "5.5"\ncmake = { A = "1" }\n[simulator]\nnetwork = false\nefuse = "e.bin"\n'
    b'[quality]\ncoverage = 80\nsize = 1e6\nrequire = ["coverage"]\nexclude = ["third_party/**"]\n'
    b'[[test]]\nname = "help"\nsend = "help"\nexpect = "^commands:"\nwithin = 2\n'
    b'[[test]]\nname = "two"\nsteps = [{ send = "a" }, { expect = "b" }]\n',
    b"a.b.c.d = 1\n[x.y]\nz = [1, [2, {a = 1e999}], nan, 0x7f, 1979-05-27T07:32:00Z]\n",
)
COMPONENTS = (
    b'dependencies:\n  idf: ">=5.0"\n  espressif/led_strip:\n    version: "^2.5"\n    rules:\n'
    b"      - if: target in [esp32c3]\nfiles:\n  exclude: [&a b, *a]\nx: {<<: {y: 1}}\n",
)
PIPELINES = (
    b"name: ring\nsteps:\n  - step_name: design\n    model_type: architect\n    needs: []\n"
    b"    prompt: |\n      write\n  - step_name: code\n    needs: [design]\n    repeat: 3\n",
)
IMAGES = (
    b'{"target": "esp32c3", "elf": "a.elf", "parts": [{"offset": 0, "path": "a.bin", "kind": '
    b'"app"}], "flash_size": 4194304, "regions": [{"name": "DRAM", "used": 1, "total": 2}]}',
)
DESCRIPTION = b'{"target": "esp32", "app_elf": "node.elf", "monitor_baud": "115200"}'


@dataclass(frozen=True)
class Reader:
    """What reads a kind of file.

    Args:
        seeds: files as they should be.
        read: reads one, which lies at the path; tells whether it gave up.
    """

    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path], bool]


def readers(elf: Path, more: Path | None = None) -> dict[str, Reader]:
    """All of them.

    Args:
        elf: a program of a compiler, to begin with.
        more: folder with further programs, maps and tables.
    """

    def files(pattern: str, *below: Path) -> list[bytes]:
        folders = [*below, *([more] if more is not None else [])]
        return [
            path.read_bytes()
            for folder in folders
            for path in sorted(folder.rglob(pattern))
            if path.is_file() and 0 < path.stat().st_size <= _MAX_SEED
        ]

    def programs() -> list[bytes]:
        small = (hostile.own_sibling, hostile.sibling_before, hostile.own_origin)
        return [
            elf.read_bytes(),
            *files("*.elf", FIELD / "programs"),
            *(make() for make in small),
            hostile.debug(hostile.lines(b"\0\5\2\0\0\0\x42\x14\x4b\2\4\0\1\1")),
            hostile.elf(hostile.frames(b"\x41\x81\x01\x41")),
        ]

    def field(*kinds: str) -> Callable[[], list[bytes]]:
        return lambda: [
            data for kind in kinds for data in files("*", FIELD / "cases" / kind) if data
        ]

    return {
        "a program's symbols": Reader(programs, _program),
        "sizes of a program": Reader(programs, _child(from_elf.pieces, _TARGET)),
        "segments of a program": Reader(programs, _child(memory.load_range)),
        "texts of a binary log": Reader(programs, _child(binary_log.text, 0x42000010, None)),
        "breakpoints": Reader(programs, _child(labwired_breakpoints.find_in_file)),
        "a linker's map": Reader(
            lambda: files("*.map", FIELD / "cases"), _child(linker_map.measure, _TARGET, None)
        ),
        "a partition table": Reader(
            lambda: [*field("partitions")(), *files("*.bin")], _light(_table)
        ),
        "flasher_args.json": Reader(field("flasher_args"), _light(_flasher_args)),
        "project_description.json": Reader(lambda: [DESCRIPTION], _light(_description)),
        "image.json": Reader(lambda: IMAGES, _light(image_file.read)),
        "sdkconfig": Reader(field("efuses"), _light(_options)),
        "header of an app": Reader(
            lambda: [b"\xe9\x04\x02\x20" + bytes(28), *files("*.bin")],
            _light(app_image.read_header),
        ),
        "a report of pytest": Reader(lambda: REPORTS, _light(pytest_suites.read_report)),
        "a coverage report": Reader(lambda: COVERAGE, _light(coverage_reports.read)),
        "XML": Reader(lambda: [*REPORTS, COVERAGE[1]], _light(_xml)),
        "espdeck.toml": Reader(lambda: MANIFESTS, _light(lambda path: manifest.load(path.parent))),
        "idf_component.yml": Reader(lambda: COMPONENTS, _light(_component)),
        "a pipeline's YAML": Reader(lambda: PIPELINES, _light(_pipeline)),
    }


def path_of(name: str, folder: Path) -> Path:
    """Where a reader's file lies: some look for one of a name of its own."""
    return folder / (name if "." in name else "file")


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bounds for the block, in time and in memory.

    Raises:
        TimeoutError, MemoryError: it came to one.
    """

    def give_up(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"took longer than {seconds:g} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    previous = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _light(read: Callable[[Path], object]) -> Callable[[Path], bool]:
    def run(path: Path) -> bool:
        with within(SECONDS), contextlib.suppress(ToolError, UsageError):  # it is refused
            read(path)
        return False

    return run


def _child(function: Callable[..., Any], *arguments: object) -> Callable[[Path], bool]:
    def run(path: Path) -> bool:
        return _asked(path, (function, arguments))

    return run


def _asked(path: Path, *questions: tuple[Callable[..., Any], Sequence[object]]) -> bool:
    """Whether one of the questions was given up; each is answered in the end."""
    given_up = False
    with path.open("rb") as file:
        for function, arguments in questions:
            began = time.process_time()
            with within(60.0):
                said = answer(function, file, list(arguments), CHILD_SECONDS)
            if time.process_time() - began > CHILD_SECONDS + _LATE:
                raise TimeoutError(f"{function.__name__}: did not heed the signal")
            given_up |= said.endswith(_GIVEN_UP)
    return given_up


def _program(path: Path) -> bool:
    addresses = (0x42000010, 0x42000100, 0x40380010, 0x42008A1E)
    return _asked(
        path,
        (program.describe, ()),
        *((program.place, (each,)) for each in addresses),
        *((program.frame, (each,)) for each in addresses),
        *((program.call_before, (each,)) for each in addresses),
        (program.extent, (0x42000010,)),
        (program.source, ("main.c",)),
        (program.jumps, (0x42000000, 0x42000400)),
    )


def _table(path: Path) -> None:
    layout = flash_layout.FlashLayout(flash_size=4 << 20)
    found = partition_csv.read_partition_file(path, layout)
    partition_checks.find_partition_problems(found, layout)
    boot_selection.default_app(found)
    boot_selection.selected_app(found, path.read_bytes()[:8192])


def _flasher_args(path: Path) -> None:
    _image(path, path.read_bytes(), DESCRIPTION)


def _description(path: Path) -> None:
    _image(path, b'{"flash_files": {}}', path.read_bytes())


def _image(path: Path, arguments: bytes, description: bytes) -> None:
    build = path.parent / "build"
    build.mkdir(exist_ok=True)
    (build / "flasher_args.json").write_bytes(arguments)
    (build / "project_description.json").write_bytes(description)
    (build / "node.elf").touch()
    read_image(build, "esp32")


def _options(path: Path) -> None:
    options = sdkconfig.read(path)
    efuses.security({name.removeprefix("CONFIG_"): value for name, value in options.items()})
    config = path.parent / "options" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "sdkconfig.json").write_bytes(path.read_bytes())
    flash_layout.read_flash_layout(path.parent)
    efuses.security_of(config.parent)


def _xml(path: Path) -> None:
    xml.text_of(path.read_bytes(), "x", 10_000)


def _component(path: Path) -> None:
    dependencies.scan_dependencies(path.parent)
    yaml_mapping(path.read_bytes().decode("utf-8", "replace"), 1 << 20)


def _pipeline(path: Path) -> None:
    pipeline_file.load(path.read_bytes().decode("utf-8", "replace"), "x.yaml")
