"""Programs of the ``linux`` target. Scripts stand for what ESP-IDF builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, Interrupted, ToolError
from engine.images.image import Image
from engine.simulators.base import find_simulators
from engine.simulators.linux import LinuxHost

LONG = 30.0
"""Seconds that no test waits for."""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Image]:
    """A program of these lines of shell, kept as an artifact is: not executable."""

    def write(lines: str) -> Image:
        elf = tmp_path / "hello_world.elf"
        elf.write_text(f"#!/bin/sh\n{lines}\n")
        return Image(target="linux", elf=elf, parts=())

    return write


def simulate(
    image: Image, until: str | None = None, seconds: float = LONG, cancel: CancelToken | None = None
) -> tuple[str, str | None]:
    output = bytearray()
    stop = LinuxHost().run(
        image,
        seconds=seconds,
        on_output=output.extend,
        until=lambda _passed: until is not None and until.encode() in output,
        cancel=cancel or CancelToken(),
    )
    return output.decode(), stop.reason if stop else None


def test_it_is_registered_and_ready() -> None:
    (linux,) = [each for each in find_simulators() if each.name == "linux"]

    assert linux.targets == {"linux"}
    assert linux.missing() is None


def test_it_runs_until_it_has_shown_enough(program: Callable[[str], Image]) -> None:
    output, reason = simulate(program("echo ready; exec tail -f /dev/null"), until="ready\n")

    assert (output, reason) == ("ready\n", None)


def test_what_is_typed_is_its_standard_input(program: Callable[[str], Image]) -> None:
    console_input, output = ConsoleInput(), bytearray()

    def answer(data: bytes) -> None:
        output.extend(data)
        if output == b"name?\n":
            console_input.send(b"Ada\n")

    LinuxHost().run(
        program("echo name?; read name; echo hello $name; exec tail -f /dev/null"),
        seconds=LONG,
        on_output=answer,
        until=lambda _passed: b"hello" in output,
        cancel=CancelToken(),
        console_input=console_input,
    )

    assert output == b"name?\nhello Ada\n"


def test_it_runs_no_longer_than_asked_for(program: Callable[[str], Image]) -> None:
    assert simulate(program("exec tail -f /dev/null"), seconds=0.05) == ("", None)


def test_it_runs_in_an_empty_folder_that_is_gone_afterwards(
    program: Callable[[str], Image],
) -> None:
    output, _ = simulate(program("pwd; ls -A; touch left-behind"))

    (folder,) = output.splitlines()
    assert not Path(folder).exists()


def test_it_sees_no_secrets(
    program: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")

    assert "ghp_secret" not in simulate(program("env"))[0]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("exit 0", None),
        ("exit 3", "the program ended with exit code 3"),
        ("kill -ABRT $$", "the program was ended by SIGABRT"),
        ("kill -40 $$", "the program was ended by signal 40"),
    ],
)
def test_how_it_ended_is_told(
    program: Callable[[str], Image], lines: str, reason: str | None
) -> None:
    assert simulate(program(lines))[1] == reason


@pytest.mark.parametrize(
    ("stop", "error"),
    [(CancelToken.cancel, CancelledError), (CancelToken.interrupt, Interrupted)],
)
def test_it_ends_with_the_build(
    program: Callable[[str], Image],
    stop: Callable[[CancelToken], None],
    error: type[BaseException],
) -> None:
    cancel = CancelToken()
    output = bytearray()

    def take(data: bytes) -> None:
        output.extend(data)
        threading.Thread(target=stop, args=(cancel,)).start()

    with pytest.raises(error):
        LinuxHost().run(
            program("echo $$; exec tail -f /dev/null"),
            seconds=LONG,
            on_output=take,
            until=lambda _passed: False,
            cancel=cancel,
        )

    with pytest.raises(ProcessLookupError):
        os.kill(int(output), 0)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler of this machine")
def test_what_it_prints_is_seen_though_it_never_flushes(tmp_path: Path) -> None:
    elf, source = tmp_path / "prompt.elf", tmp_path / "prompt.c"
    source.write_text(
        "#include <stdio.h>\n#include <unistd.h>\n"
        'int main(void) { printf("prompt> "); for (;;) pause(); }\n'
    )
    subprocess.run(["cc", "-o", elf, source], check=True, timeout=60)

    output, _ = simulate(Image(target="linux", elf=elf, parts=()), until="prompt> ")

    assert output == "prompt> "


def test_firmware_of_a_chip_is_refused(program: Callable[[str], Image]) -> None:
    image = program("echo no")
    wrong = Image(target="esp32", elf=image.elf, parts=())

    with pytest.raises(ToolError, match="cannot run firmware for esp32"):
        simulate(wrong)
