"""Sample firmware, built as a user's build does it but without espdeck's pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import engine.toolchains
from engine import samples
from engine.enums import ArtifactKind
from engine.images.image import FlashPart, Image

TOOLCHAIN = Path(engine.toolchains.__file__).parent / "riscv32-zig.cmake"


def build_firmware(name: str, folder: Path, main_c: str | None = None) -> Image:
    """Build a sample with the lab's own tools.

    Args:
        name: of the sample; ``broken`` is repaired first.
        folder: where to build.
        main_c: another ``main.c`` instead of the sample's.
    """
    source, build = folder / "source", folder / "build"
    samples.write(name, source)
    main = source / "main" / "main.c"
    text = main_c or main.read_text("utf-8")
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
