"""ESP-IDF projects: recorded logs of a real ``idf.py``, and the files that a chip's build writes.

No ESP-IDF is needed: its recorded output is printed again by a script in its place, so that finding
it, running it, reading what it says and its exit code go the real way.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.enums import ArtifactKind, Severity
from engine.errors import MissingToolError, ToolError
from engine.images import partitions
from engine.images.image import MemoryRegion
from engine.images.partitions import PartitionTableError
from engine.toolchains.base import CompileRequest, CompileResult, choose_toolchain
from engine.toolchains.idf import IdfToolchain, read_image
from tests.engine.toolchains.tables import entry, whole

LOGS = Path(__file__).parents[2] / "data" / "idf-logs"


TABLE = whole(
    entry(1, 2, 0x9000, 0x6000, "nvs"),
    entry(1, 1, 0xF000, 0x1000, "phy_init"),
    entry(0, 0, 0x10000, 0x100000, "factory"),
)


@pytest.fixture
def build_dir(tmp_path: Path) -> Path:
    """What a build for a chip leaves, as ESP-IDF's templates write it."""
    folder = tmp_path / "build"
    for name in ("bootloader", "partition_table"):
        (folder / name).mkdir(parents=True)
    (folder / "hello_world.elf").write_bytes(b"\x7fELF")
    (folder / "hello_world.bin").write_bytes(b"\xe9" * 5000)
    (folder / "ota_data_initial.bin").write_bytes(b"\xff" * 0x2000)
    (folder / "bootloader/bootloader.bin").write_bytes(b"\xe9" * 100)
    (folder / "partition_table/partition-table.bin").write_bytes(TABLE)
    description = json.loads((LOGS / "project_description.json").read_text())
    description["target"] = "esp32c3"
    (folder / "project_description.json").write_text(json.dumps(description))
    write_flasher_args(folder)
    return folder


def write_flasher_args(folder: Path, **changes: object) -> None:
    arguments: dict[str, Any] = {
        "write_flash_args": ["--flash_mode", "dio", "--flash_size", "2MB", "--flash_freq", "80m"],
        "flash_settings": {"flash_mode": "dio", "flash_size": "2MB", "flash_freq": "80m"},
        "flash_files": {
            "0x10000": "hello_world.bin",
            "0x0": "bootloader/bootloader.bin",
            "0x8000": "partition_table/partition-table.bin",
            "0xd000": "ota_data_initial.bin",
        },
        "bootloader": {"offset": "0x0", "file": "bootloader/bootloader.bin", "encrypted": "false"},
        "app": {"offset": "0x10000", "file": "hello_world.bin", "encrypted": "false"},
        "partition-table": {
            "offset": "0x8000",
            "file": "partition_table/partition-table.bin",
            "encrypted": "false",
        },
        "extra_esptool_args": {"after": "hard_reset", "before": "default_reset"},
    }
    (folder / "flasher_args.json").write_text(json.dumps({**arguments, **changes}))


def test_what_is_to_be_flashed_where_is_read(build_dir: Path) -> None:
    image = read_image(build_dir, "esp32c3")

    assert image.elf.name == "hello_world.elf"
    assert [(part.offset, part.kind, part.path.name) for part in image.parts] == [
        (0x0, ArtifactKind.BOOTLOADER, "bootloader.bin"),
        (0x8000, ArtifactKind.PARTITION_TABLE, "partition-table.bin"),
        (0xD000, ArtifactKind.DATA, "ota_data_initial.bin"),
        (0x10000, ArtifactKind.APP, "hello_world.bin"),
    ]
    assert (image.flash_size, image.flash_mode, image.flash_freq) == (2 << 20, "dio", "80m")


@pytest.mark.parametrize(
    ("said", "baud"),
    [("115200", 115200), ("3000000", 3_000_000), ("", None), ("fast", None), ("0", None)],
)
def test_the_speed_of_the_console_is_the_sdkconfigs(
    build_dir: Path, said: str, baud: int | None
) -> None:
    description = build_dir / "project_description.json"
    project = json.loads(description.read_text())
    description.write_text(json.dumps({**project, "monitor_baud": said}))
    assert read_image(build_dir, "esp32c3").baud == baud


def test_the_app_is_measured_against_its_partition(build_dir: Path) -> None:
    region = read_image(build_dir, "esp32c3").regions[0]

    assert (region.name, region.used, region.total) == ("partition factory", 5000, 0x100000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flash_files": {"0x0": "../../../etc/passwd"}}, "not a file in the build folder"),
        ({"flash_files": {"0x0": "/etc/passwd"}}, "not a file in the build folder"),
        ({"flash_files": {"0x0": "absent.bin"}}, "not a file in the build folder"),
        ({"flash_files": {"0x0": "a\0b"}}, "not a file in the build folder"),
        ({"flash_files": {"-1": "hello_world.bin"}}, "not a flash offset"),
        ({"flash_files": {"zero": "hello_world.bin"}}, "not a flash offset"),
        ({"flash_files": {"0x0": 7}}, "0x0 is not a string"),
        ({"flash_files": []}, "not a JSON object"),
        ({"flash_files": {}}, "nothing to flash"),
        ({"app": "hello"}, "not a JSON object"),
    ],
)
def test_a_build_that_says_nonsense_is_refused(
    build_dir: Path, changes: dict[str, object], message: str
) -> None:
    write_flasher_args(build_dir, **changes)

    with pytest.raises(ToolError, match=message):
        read_image(build_dir, "esp32c3")


def test_a_table_that_no_bootloader_takes_is_refused(build_dir: Path) -> None:
    table = build_dir / "partition_table/partition-table.bin"
    table.write_bytes(TABLE[:40] + b"\x55" + TABLE[41:])

    with pytest.raises(ToolError, match=r"partition-table\.bin: the partition table's MD5"):
        read_image(build_dir, "esp32c3")


def test_an_app_that_fits_one_slot_only_is_measured_against_that(build_dir: Path) -> None:
    table = whole(
        entry(0, 0, 0x10000, 0x2000, "factory"),
        entry(0, 0x10, 0x20000, 0x1000, "ota_0"),
    )
    (build_dir / "partition_table/partition-table.bin").write_bytes(table)

    region = read_image(build_dir, "esp32c3").regions[0]

    assert (region.name, region.used, region.total) == ("partition factory", 5000, 0x2000)


def test_a_link_that_leads_out_of_the_build_folder_is_refused(build_dir: Path) -> None:
    (build_dir / "hello_world.bin").unlink()
    (build_dir / "hello_world.bin").symlink_to("/etc/hostname")

    with pytest.raises(ToolError, match="not a file in the build folder"):
        read_image(build_dir, "esp32c3")


def test_a_build_for_another_chip_is_refused(build_dir: Path) -> None:
    with pytest.raises(ToolError, match="built for 'esp32c3', not for esp32s3"):
        read_image(build_dir, "esp32s3")


def test_strange_flash_settings_are_left_to_the_flasher(build_dir: Path) -> None:
    write_flasher_args(
        build_dir,
        flash_settings={"flash_mode": "; rm", "flash_size": "detect", "flash_freq": "--x"},
    )

    image = read_image(build_dir, "esp32c3")

    assert (image.flash_size, image.flash_mode, image.flash_freq) == (None, "keep", "keep")


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda data: TABLE[:96] + data))
def test_any_bytes_can_be_read_as_a_partition_table(data: bytes) -> None:
    with contextlib.suppress(PartitionTableError):
        for each in partitions.parse(data):
            assert each.size >= 0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\n"
        "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(hello_world)\n"
    )
    return source


@pytest.fixture
def replay(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], CompileResult]:
    """Compile with an ``idf.py`` that prints a recorded log, moved to ``source``, and ends so."""

    def compile_with(log: str) -> CompileResult:
        recorded = (LOGS / f"{log}.log").read_text("utf-8").replace("/home/user/hello", str(source))
        lines = recorded.splitlines(keepends=True)
        home = tmp_path / "idf"
        (home / "tools").mkdir(parents=True, exist_ok=True)
        (home / "log").write_text("".join(lines[1:-1]))
        code = int(lines[-1].strip("[]\n").split()[-1])
        (home / "tools/idf.py").write_text(
            "import os, pathlib, sys\nhome = pathlib.Path(__file__).parents[1]\n"
            "(home / 'env').write_text('\\n'.join(os.environ))\n"
            "(home / 'argv').write_text('\\n'.join(sys.argv[1:]))\n"
            f"print((home / 'log').read_text(), end='')\nsys.exit({code})\n"
        )
        monkeypatch.setenv("IDF_PATH", str(home))
        monkeypatch.setenv("IDF_PYTHON_ENV_PATH", str(Path(sys.prefix)))
        return compile_in(tmp_path / "build", source)

    return compile_with


progress: list[tuple[float, str]] = []


def compile_in(build_dir: Path, source: Path) -> CompileResult:
    progress.clear()
    return IdfToolchain().compile(
        CompileRequest(
            source=source,
            build_dir=build_dir,
            target="esp32c3",
            timeout=30,
            cancel=CancelToken(),
            on_output=lambda _data: None,
            on_progress=lambda percent, doing: progress.append((percent, doing)),
        )
    )


def test_a_failed_build_names_file_and_line(replay: Callable[[str], CompileResult]) -> None:
    compiled = replay("fail_compile_missing_semicolon")

    assert compiled.image is None
    assert compiled.findings[0].where == "main/hello_world_main.c:18:29"
    assert compiled.findings[0].severity is Severity.ERROR


@pytest.mark.slow
def test_a_finished_build_is_an_image(
    replay: Callable[[str], CompileResult], build_dir: Path, tmp_path: Path
) -> None:
    compiled = replay("success_build_linux")

    assert compiled.image is not None
    assert compiled.findings == ()
    percents = [percent for percent, _doing in progress]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert any("hello_world_main.c.o" in doing or "elf" in doing for _percent, doing in progress)


@pytest.mark.slow
def test_the_build_keeps_its_files_out_of_the_source_tree(
    replay: Callable[[str], CompileResult], build_dir: Path, source: Path, tmp_path: Path
) -> None:
    (source / "sdkconfig").write_text("CONFIG_A=y\n")

    replay("success_build_linux")

    assert (tmp_path / "idf/argv").read_text().split("\n") == [
        *("-C", str(source), "-B", str(build_dir)),
        *("-D", "IDF_TARGET=esp32c3", "-D", f"SDKCONFIG={build_dir}/sdkconfig", "build"),
    ]
    assert (build_dir / "sdkconfig").read_text() == "CONFIG_A=y\n"
    assert sorted(path.name for path in source.iterdir()) == ["CMakeLists.txt", "sdkconfig"]


@pytest.mark.slow
def test_a_project_sees_no_secrets_of_the_environment(
    replay: Callable[[str], CompileResult],
    build_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")

    replay("success_build_linux")

    names = (tmp_path / "idf/env").read_text().split("\n")
    assert "GITHUB_TOKEN" not in names
    assert {"PATH", "IDF_PATH", "IDF_PYTHON_ENV_PATH", "IDF_TARGET"} <= set(names)


@pytest.mark.slow
def test_a_changed_default_makes_the_configuration_anew(
    replay: Callable[[str], CompileResult], build_dir: Path, source: Path
) -> None:
    replay("success_build_linux")
    (build_dir / "sdkconfig").write_text("CONFIG_OLD=y\n")
    replay("success_rebuild_nothing_to_do")
    assert (build_dir / "sdkconfig").exists()

    (source / "sdkconfig.defaults").write_text("CONFIG_NEW=y\n")
    replay("success_rebuild_nothing_to_do")

    assert not (build_dir / "sdkconfig").exists()


@pytest.mark.slow
def test_a_cache_of_another_source_folder_is_forgotten(
    replay: Callable[[str], CompileResult], build_dir: Path
) -> None:
    cache = build_dir / "CMakeCache.txt"
    cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else\n")

    replay("success_build_linux")

    assert not cache.exists()
    assert (build_dir / "hello_world.elf").exists()


@pytest.mark.slow
def test_what_another_esp_idf_built_is_not_used(
    replay: Callable[[str], CompileResult], build_dir: Path, tmp_path: Path
) -> None:
    replay("success_build_linux")
    assert (build_dir / "hello_world.elf").exists()
    version = tmp_path / "idf/tools/cmake/version.cmake"
    version.parent.mkdir()
    version.write_text("set(IDF_VERSION_MAJOR 6)\nset(IDF_VERSION_MINOR 0)\n")

    with pytest.raises(ToolError, match=r"project_description\.json"):
        replay("success_build_linux")

    assert not (build_dir / "hello_world.elf").exists()


def test_without_esp_idf_it_says_how_to_get_it(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDF_PATH", raising=False)
    monkeypatch.setenv("IDF_TOOLS_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = IdfToolchain().missing("esp32s3") or ""
    assert "get-started" in missing
    assert "\n" not in missing

    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    assert "no tools/idf.py" in (IdfToolchain().missing("esp32s3") or "")
    with pytest.raises(MissingToolError):
        compile_in(tmp_path / "build", source)


def test_the_include_of_project_cmake_decides(source: Path) -> None:
    assert IdfToolchain().recognises(source) == 10
    assert choose_toolchain(source).name == "idf"

    (source / "CMakeLists.txt").write_text("# include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n")
    assert IdfToolchain().recognises(source) == 0


def test_the_linux_target_has_a_program_and_nothing_to_flash(build_dir: Path) -> None:
    (build_dir / "flasher_args.json").unlink()
    (build_dir / "project_description.json").write_text(
        (LOGS / "project_description.json").read_text()
    )

    image = read_image(build_dir, "linux")

    assert (image.elf.name, image.parts) == ("hello_world.elf", ())


def test_every_partition_that_gets_something_is_measured(build_dir: Path) -> None:
    table = whole(
        entry(1, 0, 0xD000, 0x2000, "otadata"),
        entry(0, 0x10, 0x10000, 0x100000, "ota_0"),
        entry(0, 0x11, 0x110000, 0x100000, "ota_1"),
    )
    (build_dir / "partition_table/partition-table.bin").write_bytes(table)

    regions = read_image(build_dir, "esp32c3").regions

    assert regions[:2] == (
        MemoryRegion("partition ota_0", 5000, 0x100000),
        MemoryRegion("partition otadata", 0x2000, 0x2000, grows=False),
    )


@pytest.mark.slow
def test_a_configuration_of_another_chip_is_not_used(
    replay: Callable[[str], CompileResult], build_dir: Path, source: Path
) -> None:
    (source / "sdkconfig").write_text('CONFIG_IDF_TARGET="esp32s3"\n')

    replay("success_build_linux")

    assert not (build_dir / "sdkconfig").exists()


@pytest.mark.slow
def test_what_the_project_tells_cmake_comes_before_what_espdeck_does(
    replay: Callable[[str], CompileResult], build_dir: Path, source: Path, tmp_path: Path
) -> None:
    (source / "espdeck.toml").write_text('[build.cmake]\nAPP_REV = "7"\n')

    replay("success_build_linux")

    words = (tmp_path / "idf/argv").read_text().split("\n")
    assert words.index("APP_REV=7") < words.index("IDF_TARGET=esp32c3")


@pytest.mark.slow
def test_a_configuration_is_laid_on_the_defaults_of_an_app(
    replay: Callable[[str], CompileResult], build_dir: Path, source: Path, tmp_path: Path
) -> None:
    for name in ("sdkconfig.defaults", "sdkconfig.ci.fast"):
        (source / name).write_text("CONFIG_A=y\n")
    replay("fail_cmake_missing_source")
    request = CompileRequest(
        source=source,
        build_dir=build_dir,
        target="esp32c3",
        timeout=30,
        cancel=CancelToken(),
        on_output=lambda _data: None,
        on_progress=lambda _percent, _doing: None,
        root=source.parent,
        configuration="fast",
    )

    compiled = IdfToolchain().compile(request)

    words = (tmp_path / "idf/argv").read_text().split("\n")
    assert "SDKCONFIG_DEFAULTS=sdkconfig.defaults;sdkconfig.ci.fast" in words
    assert compiled.findings[0].file == "source/main/CMakeLists.txt"
