"""Two builds side by side: files, memories, and what takes them."""

from __future__ import annotations

from engine.builds.comparison import compare_builds, compare_files
from engine.enums import ArtifactKind
from engine.images.image import MemoryRegion
from engine.sizes.tables import Piece, SizeGroup, Sizes
from engine.store.tables import Artifact, Run

BEFORE, AFTER = Run(id=1, target="esp32c3"), Run(id=2, target="esp32c3")


def artifact(path: str, size: int, sha256: str) -> Artifact:
    return Artifact(run_id=1, kind=ArtifactKind.APP, path=path, size=size, sha256=sha256)


def sizes(used: int, **components: int) -> Sizes:
    pieces = [
        Piece("IRAM", f"esp-idf/{name}/lib{name}.a", "a.o", size)
        for name, size in components.items()
    ]
    return Sizes((MemoryRegion("IRAM", used, 1000),), tuple(pieces), used + 24)


def test_files_that_came_went_grew_or_stayed() -> None:
    before = [artifact("app.bin", 100, "a"), artifact("boot.bin", 10, "b"), artifact("old", 1, "c")]
    after = [artifact("app.bin", 130, "d"), artifact("boot.bin", 10, "b"), artifact("new", 2, "e")]
    changes = compare_files(before, after)
    assert [(each.path, each.before, each.after, each.change, each.same) for each in changes] == [
        ("app.bin", 100, 130, 30, False),
        ("boot.bin", 10, 10, 0, True),
        ("new", None, 2, 2, False),
        ("old", 1, None, -1, False),
    ]


def test_memories_and_what_takes_them() -> None:
    both = (sizes(300, wifi=200, main=100), sizes(350, wifi=200, main=150))
    compared = compare_builds(BEFORE, AFTER, (), both, SizeGroup.COMPONENT, [])
    (region,) = compared.regions
    assert (region.name, region.used, region.before, region.change) == ("IRAM", 350, 300, 50)
    assert [(row.name, row.size, row.change) for row in compared.sizes] == [
        ("wifi", 200, 0),
        ("main", 150, 50),
    ]
    assert (compared.image_before, compared.image_after, compared.problems) == (324, 374, ())


def test_without_the_sizes_of_one_there_is_nothing_to_compare() -> None:
    compared = compare_builds(
        BEFORE, AFTER, (), (None, sizes(1)), SizeGroup.COMPONENT, ["build 1 has no sizes"]
    )
    assert (compared.regions, compared.sizes) == ((), ())
    assert compared.problems == ("build 1 has no sizes",)


def test_builds_for_another_chip_are_compared_and_that_is_said() -> None:
    other = Run(id=3, target="esp32")
    compared = compare_builds(BEFORE, other, (), (None, None), SizeGroup.COMPONENT, [])
    assert compared.problems == ("build 3 is for another chip than build 1",)
