"""``flasher_args.json`` of a build: how its image is flashed, and whether it is unasked."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path

from engine.boards import secure_images
from engine.toolchains.idf import read_image
from tests.field.case import Case

TABLE = struct.pack("<HBBII16sI", 0x50AA, 0, 0, 0x10000, 0x100000, b"factory", 0) + b"\xff" * 3040
"""A partition table with one app."""


def read(case: Case) -> dict[str, object]:
    """The image's ``parts`` by offset, ``before``, ``after``, ``stub``, and why it is refused.

    The files that are named are made: programs, as far as their first byte goes. ``sdkconfig`` is
    what the build folder has beside, ``target`` the chip.
    """
    target = str(case.options.get("target", "esp32"))
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        (build / "flasher_args.json").write_bytes(case.data)
        (build / "node.elf").write_bytes(b"\x7fELF")
        (build / "project_description.json").write_text(
            json.dumps({"target": target, "app_elf": "node.elf", "monitor_baud": "115200"})
        )
        if "sdkconfig" in case.options:
            (build / "sdkconfig").write_text(case.options["sdkconfig"])
        for name in json.loads(case.data)["flash_files"].values():
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            (build / name).write_bytes(TABLE if "partition" in name else b"\xe9" + bytes(31))
        image = read_image(build, target)
        return {
            "parts": [
                {"offset": part.offset, "kind": part.kind, "encrypted": part.encrypted}
                for part in image.parts
            ],
            "before": image.before,
            "after": image.after,
            "stub": image.stub,
            "refused": secure_images.unasked(image),
        }
