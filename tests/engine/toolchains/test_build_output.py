"""What a build prints, on its way: how far it is, and what is left of it when it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.enums import Severity
from engine.process import Completed
from engine.toolchains.base import CompileRequest
from engine.toolchains.build_output import BuildOutput
from engine.toolchains.diagnostics.ninja_steps import NinjaSteps

BOOTLOADER = (
    "[0/1] Re-running CMake...\n"
    "[1/10] Building C object a.c.obj\n"
    "[2/10] Performing configure step for 'bootloader'\n"
    "-- Configuring done\n"
    "[3/10] Performing build step for 'bootloader'\n"
    "[1/104] Building C object boot.c.obj\n"
    "[10/104] Building C object spi.c.obj\n"
    "[104/104] Linking C executable bootloader.elf\n"
    "[4/10] Building C object b.c.obj\n"
    "[10/10] Generating binary image\n"
)


def follow(text: str) -> list[tuple[float, str]]:
    progress: list[tuple[float, str]] = []
    output = build_output(progress)
    for line in text.splitlines(keepends=True):
        output.feed(line.encode())
    return progress


def build_output(progress: list[tuple[float, str]]) -> BuildOutput:
    request = CompileRequest(
        source=Path("/w"),
        build_dir=Path("/w/build"),
        target="esp32c3",
        timeout=1.0,
        cancel=CancelToken(),
        on_output=lambda _data: None,
        on_progress=lambda percent, doing: progress.append((percent, doing)),
    )
    return BuildOutput(request, 0, 100)


def test_progress_follows_the_outer_ninja_and_says_what_the_inner_one_does() -> None:
    progress = follow(BOOTLOADER)

    assert [percent for percent, _doing in progress] == [0, 10, 20, 30, 30, 30, 30, 40, 100]
    assert progress[6][1] == "Linking C executable bootloader.elf"


@pytest.mark.parametrize(
    ("steps", "shares"),
    [
        # An inner ninja with one step only, as when the bootloader is up to date.
        ([(1, 4, "Performing build step for 'boot'"), (1, 1, "x"), (2, 4, "y")], [25, 25, 50]),
        # As many steps inside as outside.
        ([(2, 4, "Performing build step for 'boot'"), (1, 4, "x"), (2, 4, "y")], [50, 50, 50]),
        # The outer ninja finds that it has less to do.
        ([(5, 20, "Performing build step for 'ulp'"), (1, 3, "x"), (6, 8, "y")], [25, 25, 75]),
        # ... or more.
        ([(5, 10, "x"), (6, 20, "y"), (20, 20, "z")], [50, 50, 100]),
        # A second project within the project.
        (
            [
                (1, 4, "Performing build step for 'boot'"),
                (9, 9, "x"),
                (2, 4, "Performing build step for 'ulp'"),
                (1, 2, "x"),
                (2, 2, "x"),
                (4, 4, "y"),
            ],
            [25, 25, 50, 50, 50, 100],
        ),
    ],
)
def test_steps_of_a_build_within_a_build_do_not_count(
    steps: list[tuple[int, int, str]], shares: list[int]
) -> None:
    ninja, found = NinjaSteps(), []
    for done, total, text in steps:
        ninja.take(done, total, text)
        found.append(round(100 * ninja.share))

    assert found == shares


def test_a_build_that_succeeded_has_no_errors() -> None:
    output = build_output([])
    output.feed(b"[1/2] Generating a.h\nerror: the cache is stale, making it anew\n[2/2] b\n")

    (finding,) = output.findings("ninja", Completed(0, output.text, 1.0))

    assert (finding.severity, finding.code) == (Severity.WARNING, "compiler.warning")


def test_a_build_that_failed_without_a_word_that_is_known_tells_its_last() -> None:
    output = build_output([])
    output.feed(b"-- Detecting\nthe licence has ended\n")

    (finding,) = output.findings("idf.py", Completed(2, output.text, 1.0))

    assert finding.message == "idf.py ended with exit code 2: the licence has ended"
    assert (finding.evidence or "").splitlines() == ["-- Detecting", "the licence has ended"]
