"""Sizes from the map that GNU ld wrote: what ``idf.py size`` says, file by file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from engine.images import linker_map
from engine.images.linker_map import LinkedFile
from engine.sizes.tables import PADDING, Piece, Sizes

_CMAKE_TARGET_FOLDER = re.compile(r"^(?:.*/)?CMakeFiles/[^/]+\.dir/")


def read(path: Path, target: str, elf: Path | None = None) -> Sizes | None:
    """Sizes from a map.

    Args:
        path: the map. Untrusted: one that cannot be made out has no sizes.
        target: the chip.
        elf: the program that the map is of, where it was kept.

    Returns:
        None when it is no map of GNU ld, or of a chip that ``esp-idf-size`` does not know.
    """
    found = linker_map.read(path, target, elf)
    if found is None:
        return None
    pieces = [_piece(each) for each in found.files]
    known: Counter[str] = Counter()
    for piece in pieces:
        known[piece.memory] += piece.size
    pieces += [
        Piece(region.name, "", PADDING, region.used - known[region.name])
        for region in found.regions
    ]
    return Sizes(found.regions, tuple(each for each in pieces if each.size), found.image_size)


def _piece(linked: LinkedFile) -> Piece:
    if linked.archive != "(exe)":  # as the library calls what comes from no archive
        return Piece(linked.memory, linked.archive, linked.file, linked.size)
    return Piece(linked.memory, "", _CMAKE_TARGET_FOLDER.sub("", linked.file), linked.size)
