"""A linker's map, with or without its program: what takes how much of which memory."""

from __future__ import annotations

from engine.enums import ArtifactKind
from engine.sizes.measure import measure
from engine.sizes.tables import SizeGroup
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``regions`` by name, the ``image``, bytes by component, and whether those add up."""
    files = {ArtifactKind.MAP: case.path}
    if case.path.is_dir():
        files = {
            ArtifactKind.MAP: case.path / "hub.map",
            ArtifactKind.ELF: case.path / "hub.elf",
        }
    sizes = measure(files, case.options["target"])
    memories = sorted(
        (region for region in sizes.regions if region.name not in ("app", "image")),
        key=lambda region: region.name,
    )
    return {
        "regions": memories,
        "image": sizes.image_size,
        "rows": {row.name: row.size for row in sizes.table(SizeGroup.COMPONENT)},
        "adds_up": sizes.total == sum(region.used for region in memories),
    }
