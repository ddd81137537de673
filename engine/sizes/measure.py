"""The sizes of a build, from the files that it kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.enums import ArtifactKind
from engine.errors import UsageError
from engine.formats.elf import TIMEOUT_SECONDS
from engine.images import partitions
from engine.images.boot_selection import smallest_app
from engine.images.image import MemoryRegion
from engine.images.partitions import PartitionTableError
from engine.processes import bounded
from engine.sizes import from_elf, from_map
from engine.sizes.tables import Sizes

SLOT_PATH = re.compile(r"^.*/worktrees/[\w-]+/\d+/(?:src|build-\w+)/")
"""Where a build stood: the same file has another path in the next build (projects/worktrees)."""


def measure(files: Mapping[ArtifactKind, Path], target: str) -> Sizes:
    """Where a build's bytes are: by the linker's map where it wrote one, else by the program.

    Args:
        files: what the build kept.
        target: the chip.

    Raises:
        UsageError: there is neither a map nor a program that can be read.
    """
    linked, elf = files.get(ArtifactKind.MAP), files.get(ArtifactKind.ELF)
    sizes = from_map.read(linked, target, elf) if linked else None
    if sizes is None and elf is not None:
        sizes = from_elf.read(elf, target)
    if sizes is None:
        raise UsageError(
            "no sizes: the build kept no program and no map that can be read within "
            f"{TIMEOUT_SECONDS:g} s and {bounded.MAX_MEMORY_BYTES >> 20} MiB of memory"
        )
    pieces = tuple(
        replace(piece, file=SLOT_PATH.sub("", piece.file), archive=SLOT_PATH.sub("", piece.archive))
        for piece in sizes.pieces
    )
    return Sizes((*_app(files), *sizes.regions, *_image(sizes)), pieces, sizes.image_size)


def _image(sizes: Sizes) -> tuple[MemoryRegion, ...]:
    """What idf.py size calls the total image size."""
    size = sizes.image_size
    return (MemoryRegion("image", size, None),) if size is not None else ()


def _app(files: Mapping[ArtifactKind, Path]) -> tuple[MemoryRegion, ...]:
    """How full the smallest partition is that the app may go into, as ESP-IDF's own check."""
    app, table = files.get(ArtifactKind.APP), files.get(ArtifactKind.PARTITION_TABLE)
    try:
        used = app.stat().st_size if app else 0
    except OSError:
        return ()
    if not used:
        return ()
    try:
        entries = partitions.read(table) if table else ()
    except (OSError, PartitionTableError):
        entries = ()
    room = smallest_app(entries)
    return (MemoryRegion("app", used, room.size if room else None),)
