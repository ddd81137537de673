"""Maps as GNU ld writes them, small, with the memories of an ESP32-C3 of ESP-IDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

REGIONS = (
    ("iram0_0_seg", 0x40380000, 0x50000, "xr"),
    ("iram0_2_seg", 0x42000020, 0x7FFFE0, "xr"),
    ("dram0_0_seg", 0x3FC80000, 0x50000, "rw"),
    ("drom0_0_seg", 0x3C000020, 0x7FFFE0, "r"),
)
STARTS = {".iram0.text": 0x40380000, ".dram0.bss": 0x3FC90000, ".flash.text": 0x42000020}

Contents = Mapping[str, Mapping[str, int]]
"""Sections, and in each the bytes of files, named as the linker does."""

FIRST: Contents = {
    ".iram0.text": {"esp-idf/freertos/libfreertos.a(tasks.c.obj)": 0x1200},
    ".dram0.bss": {"esp-idf/main/libmain.a(main.c.obj)": 0x400},
    ".flash.text": {
        "esp-idf/main/libmain.a(main.c.obj)": 0x800,
        "esp-idf/json/libjson.a(cJSON.c.obj)": 0x2000,
        "/opt/esp/lib/libc.a(vfprintf.o)": 0x3400,
        "CMakeFiles/hub.elf.dir/project_elf_src.c.obj": 0x4,
    },
}
THEN: Contents = {
    ".iram0.text": {"esp-idf/freertos/libfreertos.a(tasks.c.obj)": 0x1200},
    ".dram0.bss": {"esp-idf/main/libmain.a(main.c.obj)": 0x2400},
    ".flash.text": {
        "esp-idf/main/libmain.a(main.c.obj)": 0x7C0,
        "esp-idf/wifi/libwifi.a(scan.c.obj)": 0x1000,
        "/opt/esp/lib/libc.a(vfprintf.o)": 0x3400,
        "CMakeFiles/hub.elf.dir/project_elf_src.c.obj": 0x4,
    },
}


def write(path: Path, contents: Contents, *, fill: int = 0) -> Path:
    """Write a map; ``fill`` bytes of padding end each section."""
    lines = ["Memory Configuration", ""]
    lines.append("Name             Origin             Length             Attributes")
    lines += [f"{n:16} {o:#010x}         {s:#010x}         {a}" for n, o, s, a in REGIONS]
    lines += ["*default*        0x00000000         0xffffffff", "", "Linker script and memory map"]
    lines += ["", "                0x00000000                        IDF_TARGET_ESP32C3 = 0x0"]
    for section, files in contents.items():
        at = STARTS[section]
        size = sum(files.values()) + fill
        lines += ["", f"{section:15} {at:#010x} {size:#10x}", f" *({section}.*)"]
        for number, (file, each) in enumerate(files.items()):
            lines += [f" {section}.part{number}", f"                {at:#010x} {each:#10x} {file}"]
            at += each
        if fill:
            lines.append(f" *fill*         {at:#010x} {fill:#10x} ")
    lines += ["", "Cross Reference Table", "", "Symbol                  File", ""]
    path.write_text("\n".join(lines), "utf-8")
    return path
