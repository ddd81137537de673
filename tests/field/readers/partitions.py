"""A partition table, binary or CSV: its partitions, what is wrong with it, what is started."""

from __future__ import annotations

from engine.images.boot_selection import default_app, smallest_app
from engine.images.flash_layout import FlashLayout
from engine.images.partition_checks import find_partition_problems
from engine.images.partition_csv import read_partition_file
from engine.images.partitions import PartitionTableError
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``partitions`` and ``problems``, or why the table is ``refused``; the app that is started."""
    layout = FlashLayout(**case.options)
    try:
        found = read_partition_file(case.path, layout)
    except PartitionTableError as error:
        return {"refused": str(error).removeprefix(f"{case.path.name}: ")}
    start, smallest = default_app(found), smallest_app(found)
    return {
        "partitions": [
            f"{each.label} {each.type_name} {each.subtype_name} {each.offset:#x} {each.size:#x} "
            f"{':'.join(each.flag_names)}".rstrip()
            for each in found
        ],
        "problems": find_partition_problems(found, layout),
        "starts": start.label if start else None,
        "smallest_app": smallest.label if smallest else None,
    }
