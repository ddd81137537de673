from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.enums import ArtifactKind
from engine.errors import UsageError
from engine.images import linker_map
from engine.images.image import Image, MemoryRegion
from engine.processes.bounded_child import answer
from engine.sizes import from_elf, from_map
from engine.sizes.measure import measure
from engine.sizes.tables import PADDING, Piece, SizeGroup, Sizes
from tests.engine.sizes import maps


@pytest.fixture
def linked(tmp_path: Path) -> Sizes:
    sizes = from_map.read(maps.write(tmp_path / "hub.map", maps.THEN), "esp32c3")
    assert sizes is not None
    return sizes


def test_a_map_tells_every_byte_by_component(linked: Sizes) -> None:
    rows = {row.name: row.size for row in linked.table(SizeGroup.COMPONENT)}
    assert rows == {
        "libc.a": 0x3400,
        "main": 0x2BC0,
        "freertos": 0x1200,
        "wifi": 0x1000,
        "(program)": 4,
    }


def test_a_map_tells_archives_and_files(linked: Sizes) -> None:
    archives = [row.name for row in linked.table(SizeGroup.ARCHIVE)]
    assert archives == ["libc.a", "libmain.a", "libfreertos.a", "libwifi.a", "(program)"]
    files = {row.name: row.memories for row in linked.table(SizeGroup.FILE)}
    assert files["libmain.a:main.c.obj"] == {"DRAM": 0x2400, "Flash Code": 0x7C0}
    assert files["project_elf_src.c.obj"] == {"Flash Code": 4}


def test_a_map_tells_how_full_memories_are(linked: Sizes) -> None:
    assert linked.regions == (
        MemoryRegion("DRAM", 0x2400 + 0x1200, 0x50000),  # the buses of this chip share it
        MemoryRegion("Flash Code", 0x4BC4, None),
    )


@pytest.mark.slow
def test_padding_is_a_row_so_that_rows_add_up(tmp_path: Path) -> None:
    sizes = from_map.read(maps.write(tmp_path / "a.map", maps.THEN, fill=12), "esp32c3")
    assert sizes is not None
    rows = {row.name: row.size for row in sizes.table(SizeGroup.FILE)}
    assert rows[PADDING] == 36
    assert sum(rows.values()) == sum(region.used for region in sizes.regions)


@pytest.mark.slow
def test_what_came_and_went_is_told(tmp_path: Path, linked: Sizes) -> None:
    first = from_map.read(maps.write(tmp_path / "first.map", maps.FIRST), "esp32c3")
    changes = {row.name: row.change for row in linked.table(SizeGroup.COMPONENT, first)}
    assert changes == {
        "libc.a": 0,
        "main": 0x2000 - 0x40,
        "freertos": 0,
        "wifi": 0x1000,
        "(program)": 0,
        "json": -0x2000,
    }
    assert {row.name: row.change for row in linked.region_table(first)} == {
        "DRAM": 0x2000,
        "Flash Code": -0x1040,
    }


@pytest.mark.slow
def test_a_program_without_a_map_is_told_by_its_symbols(
    built_sample: Callable[[str], Image],
) -> None:
    image = built_sample("hello")
    sizes = from_elf.read(image.elf, "esp32c3")
    assert sizes is not None
    rows = {row.name: row for row in sizes.table(SizeGroup.FILE)}
    assert rows["main/main.c"].memories.keys() == {"IRAM", "DRAM"}
    assert rows["runtime/panic.c"].size > 1000
    with image.elf.open("rb") as stream:
        allocated = sum(
            section["sh_size"]
            for section in ELFFile(stream).iter_sections()
            if section["sh_flags"] & 2
        )
    assert sizes.total == allocated
    rest = sum(row.size for name, row in rows.items() if name.startswith("(rest of .text"))
    assert rest < 64


@pytest.mark.slow
def test_programs_of_one_source_are_compared_file_by_file(
    built_sample: Callable[[str], Image],
) -> None:
    hello, crash = (from_elf.read(built_sample(name).elf, "esp32c3") for name in ("hello", "crash"))
    assert hello is not None
    changes = {row.name: row.change for row in hello.table(SizeGroup.FILE, crash)}
    assert changes["test/test_math.c"] > 0
    assert changes["runtime/startup.S"] == 0


@pytest.mark.slow
def test_a_broken_map_gives_way_to_the_program(
    tmp_path: Path, built_sample: Callable[[str], Image]
) -> None:
    broken = tmp_path / "hello.map"
    broken.write_text("Memory Configuration\n\nName\n", "utf-8")
    sizes = measure(
        {ArtifactKind.MAP: broken, ArtifactKind.ELF: built_sample("hello").elf}, "esp32c3"
    )
    assert {row.name for row in sizes.table(SizeGroup.COMPONENT)} >= {"main", "runtime"}


@pytest.mark.slow
def test_a_broken_program_leaves_the_map_and_writes_on_no_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    elf = tmp_path / "hub.elf"
    elf.write_bytes(b"\x7fELF")

    sizes = from_map.read(maps.write(tmp_path / "hub.map", maps.THEN), "esp32c3", elf)

    assert sizes is not None
    assert sizes.regions[0].used == 0x2400 + 0x1200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("target", ["../../etc/esp32", "esp32c3.yaml", "", "linux"])
def test_a_target_is_never_a_path(tmp_path: Path, target: str) -> None:
    assert from_map.read(maps.write(tmp_path / "hub.map", maps.THEN), target) is None


@pytest.mark.slow
def test_a_build_that_kept_nothing_has_no_sizes(tmp_path: Path) -> None:
    broken = tmp_path / "hello.elf"
    broken.write_bytes(b"\x7fELF nothing")
    with pytest.raises(UsageError, match="no program and no map"):
        measure({ArtifactKind.ELF: broken}, "esp32c3")


@pytest.mark.slow
def test_a_slot_is_not_part_of_a_name(tmp_path: Path) -> None:
    contents = {
        ".flash.text": {"/home/ada/lab/worktrees/hub/3/build-esp32c3/main/blink.c.obj": 0x40}
    }
    path = maps.write(tmp_path / "a.map", contents)
    sizes = measure({ArtifactKind.MAP: path}, "esp32c3")
    assert [row.name for row in sizes.table(SizeGroup.FILE)] == ["main/blink.c.obj"]


def test_the_app_is_measured_against_the_smallest_partition(tmp_path: Path) -> None:
    app, partition_table = tmp_path / "app.bin", tmp_path / "table.bin"
    app.write_bytes(bytes(5000))
    entry = b"\xaa\x50\x00%c%s%s" + b"app".ljust(16, b"\0") + bytes(4)
    rooms = [(0x10, 0x10000, 0x180000), (0x11, 0x190000, 0x140000)]
    partition_table.write_bytes(
        b"".join(
            entry % (kind, at.to_bytes(4, "little"), size.to_bytes(4, "little"))
            for kind, at, size in rooms
        )
        + b"\xff" * 32
    )
    sizes = measure(
        {
            ArtifactKind.APP: app,
            ArtifactKind.PARTITION_TABLE: partition_table,
            ArtifactKind.MAP: maps.write(tmp_path / "a.map", maps.FIRST),
        },
        "esp32c3",
    )
    assert sizes.regions[0] == MemoryRegion("app", 5000, 0x140000)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_whatever_a_map_or_program_holds_is_read_or_refused(data: bytes) -> None:
    # What the child process does: to start a hundred of them takes a while.
    for start, function, arguments in (
        (b"Memory Configuration\n\nName Origin\n", linker_map.measure, ["esp32c3", None]),
        (b"\x7fELF\x01\x01\x01", from_elf.pieces, ["esp32c3"]),
    ):
        with tempfile.TemporaryFile() as file:
            file.write(start + data)
            assert answer(function, file, arguments, 2.0)


@pytest.mark.slow
def test_of_a_map_or_program_that_makes_no_sense_nothing_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"Memory Configuration\n\nName Origin\n\xff")
    assert from_map.read(path, "esp32c3") is None
    path.write_bytes(b"\x7fELF\x01\x01\x01\xff")
    assert from_elf.read(path, "esp32c3") is None


_PIECES = st.lists(
    st.builds(
        Piece,
        memory=st.sampled_from(["IRAM", "DRAM"]),
        archive=st.sampled_from(["", "esp-idf/a/liba.a", "/opt/libc.a"]),
        file=st.sampled_from(["a.c.obj", "main/a.c", PADDING]),
        size=st.integers(1, 1 << 20),
    )
)


@pytest.mark.slow
@settings(max_examples=60)
@given(_PIECES, _PIECES, st.sampled_from(list(SizeGroup)))
def test_rows_add_up_whatever_they_are(now: list[Piece], then: list[Piece], by: SizeGroup) -> None:
    sizes, before = Sizes((), tuple(now)), Sizes((), tuple(then))
    rows = sizes.table(by, before)
    assert sum(row.size for row in rows) == sizes.total
    assert sum(row.change for row in rows) == sizes.total - before.total
