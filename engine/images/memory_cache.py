"""A program's memory, measured once for what it is measured of: most builds link nothing new.

To read a map takes ``esp-idf-size`` a tenth of a second, as long as much of a build with nothing
to do. The answer lies beside the build folder, by the content of the map, of the program and of
what measured them. Not in it: what is there a project can bring along or have its build write, and
the answer decides whether a program fits.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ValidationError

from engine.files import open_file, read_file
from engine.images import linker_map, memory
from engine.images.image import MemoryRegion

_MAX_CACHE_BYTES = 1 << 20
_READERS = (linker_map.__file__, memory.__file__)


class _CachedMemory(BaseModel):
    """What was measured; ``of`` names all that it depends on."""

    of: str
    regions: tuple[MemoryRegion, ...]


def measured_regions(elf: Path, target: str, folder: Path) -> tuple[MemoryRegion, ...]:
    """Memory that a program takes, as :func:`engine.images.memory.memory_regions` says.

    Args:
        elf: the linked program. Untrusted.
        target: the target.
        folder: the build folder; where the answer cannot be kept, the next build measures.
    """
    kept = cache_path(folder)
    try:
        key = _key(elf, target)
    except OSError:
        return memory.memory_regions(elf, target)
    try:
        answer = _CachedMemory.model_validate_json(read_file(kept, _MAX_CACHE_BYTES))
        if answer.of == key:
            return answer.regions
    except (OSError, ValidationError):
        pass  # there is none yet, or none that makes sense
    regions = memory.memory_regions(elf, target)
    part = kept.with_name(f"{kept.name}.part")
    try:
        part.write_text(_CachedMemory(of=key, regions=regions).model_dump_json(), "utf-8")
        part.replace(kept)
    except OSError:
        part.unlink(missing_ok=True)
    return regions


def cache_path(folder: Path) -> Path:
    """Where the answer of a build folder lies: in the folder of espdeck's own that it is in."""
    return folder.with_name(f"memory-{folder.name}.json")


def _key(elf: Path, target: str) -> str:
    """A digest of everything that the answer depends on."""
    digest = hashlib.sha256(f"{target}\0{elf.name}\0{version('esp-idf-size')}".encode())
    for path in (*map(Path, _READERS), elf, *linker_map.find_maps(elf)):
        with open_file(path) as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
