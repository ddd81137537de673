"""One file with all that is in flash, as simulators that boot from flash take it."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.images.image import Image
from engine.last_line import last_line
from engine.process import run

SIZES_BYTES = (2 << 20, 4 << 20, 8 << 20, 16 << 20)
"""Bytes of flash chips that Espressif's QEMU knows (esp-toolchain-docs, "qemu/README.md")."""

_MERGE_TIMEOUT_SECONDS = 60.0


def merge(image: Image, path: Path, cancel: CancelToken) -> Path:
    """Write the flash of a chip with an image in it; everything else is erased.

    Args:
        image: what to merge.
        path: the file to write, of the image's flash size or the next that there is.
        cancel: ends it.

    Raises:
        ToolError: the image does not fit into any flash, or is none.
    """
    end = max(part.offset + part.path.stat().st_size for part in image.parts)
    wanted = max(end, image.flash_size or 0)
    size = next((each for each in SIZES_BYTES if each >= wanted), None)
    if size is None:
        raise ToolError(f"an image of {wanted >> 20} MB: simulated flash has 16 MB at the most")
    files = [word for part in image.parts for word in (hex(part.offset), str(part.path))]
    done = run(
        [
            *(sys.executable, "-P", "-m", "esptool", "--chip", image.target, "merge-bin"),
            *("--output", str(path), "--pad-to-size", f"{size >> 20}MB"),
            # What the image's header says of the flash stays: the bootloader was built for it.
            *("--flash-mode", "keep", "--flash-freq", "keep", "--flash-size", "keep"),
            *files,
        ],
        timeout=_MERGE_TIMEOUT_SECONDS,
        cancel=cancel,
        env={"NO_COLOR": "1", "COLUMNS": "200"},
    )
    if done.returncode:
        last = last_line(done.tail) or f"exit code {done.returncode}"
        raise ToolError(f"esptool merge-bin: {last}")
    return path
