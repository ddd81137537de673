"""What several rooms' tests need: sample firmware, built once, and a virtual board."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engine.toolchains
from engine import samples
from engine.boards.virtual import VirtualBoard
from engine.image import FlashPart, Image
from engine.words import ArtifactKind

TOOLCHAIN = Path(engine.toolchains.__file__).parent / "riscv32-zig.cmake"


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    """A function that builds a sample with the lab's own tools (once a session): its image."""
    built: dict[str, Image] = {}

    def build(name: str) -> Image:
        if name not in built:
            built[name] = _build(name, tmp_path_factory.mktemp(name))
        return built[name]

    return build


@pytest.fixture(scope="session")
def virtual_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    """A virtual ESP32-C3 that runs for the whole session; what is in its flash is anyone's."""
    with VirtualBoard(folder=tmp_path_factory.mktemp("board")) as board:
        yield board


def _build(name: str, folder: Path) -> Image:
    source, build = folder / "source", folder / "build"
    samples.write(name, source)
    main = source / "main" / "main.c"
    text = main.read_text("utf-8")
    if name == "broken":
        main.write_text(text.replace('semicolon"\n', 'semicolon";\n'), "utf-8")
    bin_folder = Path(sys.executable).parent
    _run(
        bin_folder / "cmake", "-G", "Ninja", "-S", source, "-B", build,
        f"-DCMAKE_MAKE_PROGRAM={bin_folder / 'ninja'}",
        f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}", f"-DESPDECK_PYTHON={sys.executable}",
    )  # fmt: skip
    output = _run(bin_folder / "cmake", "--build", build)
    assert "warning" not in output
    elf, app = build / f"{name}.elf", build / f"{name}.bin"
    _run(sys.executable, "-m", "esptool", "--chip", "esp32c3", "elf2image", "-o", app, elf)
    return Image(target="esp32c3", elf=elf, parts=(FlashPart(0, app, ArtifactKind.APP),))


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
