"""A firmware's bytes as pieces, and tables of them: by component, archive or file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from engine.images.image import MemoryRegion

PADDING = "(padding)"
"""Owner of the bytes that the linker put between pieces."""

UNKNOWN = "(no map)"
"""Archive of pieces of a program whose linker wrote no map."""


class SizeGroup(StrEnum):
    """What the rows of a table are."""

    COMPONENT = "component"
    ARCHIVE = "archive"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that one object file or source file has in one section of the program.

    Args:
        memory: the memory that holds them, such as ``IRAM`` or ``Flash Code``.
        archive: the archive as the linker names it, empty for an object of its own.
        file: the object file or, where only debug information tells, the source file.
        size: bytes.
    """

    memory: str
    archive: str
    file: str
    size: int

    def name(self, by: SizeGroup) -> str:
        """The row of a table that it belongs to."""
        if self.file == PADDING:
            return PADDING
        base = PurePosixPath(self.archive).name
        if by is SizeGroup.ARCHIVE:
            return base or "(program)"
        if by is SizeGroup.FILE:
            return f"{base}:{self.file}" if base and base != UNKNOWN else self.file
        return _component(self.archive, self.file)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Where the bytes of a program are.

    Args:
        regions: how full memories and the app's partition are.
        pieces: every byte of the memories, once.
        image_size: bytes of what is loaded, before the image is padded; None where not known.
    """

    regions: tuple[MemoryRegion, ...]
    pieces: tuple[Piece, ...]
    image_size: int | None = None

    @property
    def total(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self.pieces)

    def table(self, by: SizeGroup, before: Sizes | None = None) -> tuple[SizeRow, ...]:
        """Rows, the largest first; what is gone since ``before`` is there with size 0."""
        now, then = _sums(self.pieces, by), _sums(before.pieces if before else (), by)
        rows = [
            SizeRow(
                name=name,
                size=sum(now.get(name, {}).values()),
                before=sum(then.get(name, {}).values()) if before is not None else None,
                memories=dict(now.get(name, {})),
            )
            for name in dict.fromkeys((*now, *then))
        ]
        return tuple(sorted(rows, key=lambda row: (-row.size, row.name)))

    def region_table(self, before: Sizes | None = None) -> tuple[RegionRow, ...]:
        """The regions, in their order, each with what it was."""
        then = {each.name: each.used for each in before.regions} if before else {}
        return tuple(
            RegionRow(each.name, each.used, each.total, then.get(each.name), each.grows)
            for each in self.regions
        )


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One row of a table.

    Args:
        name: of the component, archive or file.
        size: bytes now; 0 when it is gone.
        before: bytes in the other build, None when there is no other.
        memories: bytes in each memory that it has some in.
    """

    name: str
    size: int
    before: int | None
    memories: dict[str, int]

    @property
    def change(self) -> int:
        """Bytes that were added since, negative where some went."""
        return self.size - self.before if self.before is not None else 0


@dataclass(frozen=True, slots=True)
class RegionRow:
    """How full a region is, and was: bytes; None where not known.

    Args:
        name, used, total, grows: as :class:`engine.images.image.MemoryRegion` has them.
        before: bytes in use in the other build.
    """

    name: str
    used: int
    total: int | None
    before: int | None
    grows: bool = True

    @property
    def change(self) -> int:
        """Bytes that were added since, negative where some went."""
        return self.used - self.before if self.before is not None else 0


def _sums(pieces: Iterable[Piece], by: SizeGroup) -> dict[str, Counter[str]]:
    sums: dict[str, Counter[str]] = {}
    for piece in pieces:
        sums.setdefault(piece.name(by), Counter())[piece.memory] += piece.size
    return sums


def _component(archive: str, file: str) -> str:
    """The component: ESP-IDF makes ``esp-idf/NAME/libNAME.a`` of each (Build System guide)."""
    path = PurePosixPath(archive)
    if archive and archive != UNKNOWN:
        built = path.parts[:1] == ("esp-idf",) or "/esp-idf/" in archive
        return path.stem.removeprefix("lib") if built else path.name
    parts = PurePosixPath(file).parts
    for folder in ("components", "managed_components"):
        if folder in parts[:-2]:
            return parts[parts.index(folder) + 1]
    if file.startswith("/"):
        return "(toolchain)"
    return parts[0] if len(parts) > 1 else "(program)"
