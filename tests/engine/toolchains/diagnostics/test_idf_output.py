"""Findings of real failures of ESP-IDF: recorded output, read again by the same parsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.enums import Severity
from engine.findings import Finding
from engine.toolchains.diagnostics.parser import parse
from engine.toolchains.idf_components import hint_components

LOGS = Path(__file__).parents[3] / "data" / "idf-logs-6.2"


def findings(log: str) -> tuple[Finding, ...]:
    lines = (LOGS / f"{log}.log").read_text("utf-8").splitlines()
    return parse("\n".join(lines[1:-1]), root=Path("/home/user/hello"))


def errors(log: str) -> list[Finding]:
    return [each for each in findings(log) if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("log", "code", "where", "message", "hint"),
    [
        (
            "fail_app_too_large",
            "partition.error",
            "",
            "app partition is too small for binary app.bin size 0x11170",
            "CONFIG_COMPILER_OPTIMIZATION_SIZE",
        ),
        (
            "fail_bootloader_too_large_5.5",
            "partition.error",
            "",
            "Bootloader binary size 0x11170 bytes is too large",
            "CONFIG_PARTITION_TABLE_OFFSET",
        ),
        (
            "fail_partitions_flash_size",
            "partition.error",
            "",
            "does not fit in configured flash size 2MB",
            "CONFIG_ESPTOOLPY_FLASHSIZE",
        ),
        (
            "fail_partitions_overlap",
            "partition.error",
            "",
            "CSV Error at line 2: Partitions overlap",
            "partition table",
        ),
        (
            "fail_component_manifest",
            "component.error",
            "",
            'Invalid field "dependencies"',
            "correct idf_component.yml",
        ),
        (
            "fail_component_yaml",
            "component.error",
            "main/idf_component.yml",
            "Cannot parse the manifest file",
            "correct idf_component.yml",
        ),
        (
            "fail_component_offline",
            "component.error",
            "",
            "Cannot establish a connection to the component registry",
            "no network",
        ),
        (
            "fail_component_version",
            "component.error",
            "",
            "Version solving failed: - no versions of idf match >=7.0",
            "component(s): main",
        ),
        (
            "fail_embed_missing",
            "cmake.error",
            "main/CMakeLists.txt",
            "Cannot find source file: /home/user/hello/main/logo.png",
            "add the file",
        ),
        (
            "fail_idf_submodule",
            "cmake.error",
            "CMakeLists.txt:5",
            "Git submodule init failed for",
            "git submodule update",
        ),
        (
            "fail_idf_submodule_5.5",
            "cmake.error",
            "/opt/esp-idf-5.5/components/mqtt/CMakeLists.txt:3",
            "Missing esp-mqtt submodule.",
            "git submodule update",
        ),
        (
            "fail_include_requires",
            "compiler.error",
            "main/hello_world_main.c:8:10",
            "esp_timer.h: No such file or directory",
            "add esp_timer to PRIV_REQUIRES",
        ),
        (
            "fail_kconfig_syntax",
            "kconfig.error",
            "main/Kconfig.projbuild:5",
            "couldn't parse 'rang 1 10': syntax error",
            "correct the Kconfig file",
        ),
        (
            "fail_link_no_app_main",
            "linker.error",
            "/opt/esp-idf/components/freertos/FreeRTOS-Kernel/portable/linux/port_idf.c:113",
            "undefined reference to `app_main'",
            "void app_main(void)",
        ),
        (
            "fail_python_none",
            "idf.python",
            "",
            "No module named 'esp_pylib'",
            "install.sh",
        ),
        (
            "fail_python_packages",
            "idf.python",
            "",
            "The following Python requirements are not satisfied",
            "install.sh",
        ),
    ],
)
def test_a_failure_is_one_error_with_a_hint(
    log: str, code: str, where: str, message: str, hint: str
) -> None:
    (error,) = errors(log)

    assert (error.code, error.where) == (code, where)
    assert error.message.startswith(message) or message in error.message
    assert hint in (error.hint or "")


def test_the_evidence_of_a_full_partition_names_it() -> None:
    (error,) = errors("fail_app_too_large")

    assert "Part 'factory' 0/0 @ 0x10000 size 0x1000 (overflow 0x10170)" in (error.evidence or "")


def test_the_evidence_of_an_incomplete_python_names_the_packages() -> None:
    (error,) = errors("fail_python_packages")

    assert "esp-idf-sbom" in (error.evidence or "")
    assert "construct" in (error.evidence or "")


def test_what_kconfig_ignores_is_a_warning_at_its_place() -> None:
    warned = [each for each in findings("success_kconfig_notes") if each.code == "kconfig.warning"]

    assert [each.where for each in warned] == [
        "main/Kconfig.projbuild:2",
        "main/Kconfig.projbuild:2",
        "sdkconfig.defaults",
    ]
    assert warned[2].message == "unknown kconfig symbol 'NO_SUCH_OPTION' assigned to 'y'"
    assert all(each.hint for each in warned)


def test_the_component_that_has_an_undefined_function_is_named(tmp_path: Path) -> None:
    header = tmp_path / "components/esp_timer/include/esp_timer.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        "/* esp_timer_get_time() is monotonic */\nint64_t esp_timer_get_time(void);\n"
    )
    caller = tmp_path / "components/caller/include/caller.h"
    caller.parent.mkdir(parents=True)
    caller.write_text("static inline int now(void)\n{\n    return esp_timer_get_time();\n}\n")
    undefined = errors("fail_link_component")

    (absent,) = hint_components(undefined, tmp_path, ["main"])
    (built,) = hint_components(undefined, tmp_path, ["main", "esp_timer"])

    assert "add esp_timer to REQUIRES" in (absent.hint or "")
    assert "is part of the build" in (built.hint or "")
    assert hint_components(errors("fail_link_no_app_main"), tmp_path, []) == tuple(
        errors("fail_link_no_app_main")
    )
