"""The sizes of a build, from the files that it kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.errors import UsageError
from engine.image import MemoryRegion
from engine.sizes import from_elf, from_map
from engine.sizes.model import Sizes
from engine.toolchains import partitions
from engine.words import ArtifactKind

_OF_A_SLOT = re.compile(r"^.*/worktrees/[\w-]+/\d+/(?:src|build-\w+)/")
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
    sizes = from_map.read(linked, target) if linked else None
    if sizes is None and elf is not None:
        sizes = from_elf.read(elf, target)
    if sizes is None:
        raise UsageError("no sizes: the build kept no program and no map that can be read")
    pieces = tuple(
        replace(
            piece, file=_OF_A_SLOT.sub("", piece.file), archive=_OF_A_SLOT.sub("", piece.archive)
        )
        for piece in sizes.pieces
    )
    return Sizes((*_app(files), *sizes.regions), pieces)


def _app(files: Mapping[ArtifactKind, Path]) -> tuple[MemoryRegion, ...]:
    """How full the smallest partition is that the app may go into, as ESP-IDF's own check."""
    app, table = files.get(ArtifactKind.APP), files.get(ArtifactKind.PARTITION_TABLE)
    try:
        used = app.stat().st_size if app else 0
        entries = partitions.parse(table.read_bytes()[: partitions.MAX_BYTES]) if table else ()
    except OSError:
        return ()
    rooms = [each.size for each in entries if each.type == partitions.APP]
    return (MemoryRegion("app", used, min(rooms, default=None)),) if used else ()
