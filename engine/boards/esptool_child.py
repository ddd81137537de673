"""The process of esptool: ``python -m engine.boards.esptool_child REQUEST``.

It connects once, says what the board is, sees whether what is asked for may be done, and does it by
esptool's own commands on that connection (esptool documentation, "Embedding into Custom Scripts").
A process of its own, because esptool is ended when it takes too long and knows no other way.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.boards import secure_images
from engine.boards.identity import UNSUPPORTED, Protection
from engine.enums import ArtifactKind
from engine.errors import EspdeckError
from engine.images.image import FlashPart, Image, Security

SAYS = "espdeck: "
"""Begins the line with a :class:`Description`; nothing else here begins so."""

WRITES = "espdeck writes"
"""The line before the first byte of flash is changed."""

REFUSED = "Refused: "
"""Begins the line that says why nothing was done."""

ROM_BAUD = 115200
"""Speed at which every ROM answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be done.

    Args:
        port, before, after, baud: how the board is reached; empty and None for esptool's choice.
        attempts: how often an answer is tried for.
        command: of esptool, empty to only say what the board is. To what writes an image, the
            parts of the image are added.
        image: what is written or compared, None for nothing.
        compares: whether it is only compared.
        erases: whether the command erases.
        look: offset and length of flash whose MD5 is told, None for nothing.
    """

    port: str
    before: str = ""
    after: str = ""
    baud: int | None = None
    attempts: int = 5
    command: tuple[str, ...] = ()
    image: Image | None = None
    compares: bool = False
    erases: bool = False
    look: tuple[int, int] | None = None

    def to_json(self) -> str:
        """As one word of a command line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Request:
        """What :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["command"] = tuple(fields["command"])
        fields["look"] = fields["look"] and tuple(fields["look"])
        fields["image"] = fields["image"] and _image(fields["image"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Description:
    """What esptool's library says of a board beside what esptool prints.

    Args:
        chip: as a target is spelled.
        flash_size: bytes, None where it cannot be told.
        protection: what its eFuses enforce.
        md5: of the flash that was looked at, empty for none.
    """

    chip: str
    flash_size: int | None = None
    protection: Protection = field(default=Protection())
    md5: str = ""

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Description:
        """What :meth:`to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "protection": Protection(**fields["protection"])})


def main(word: str) -> int:
    """Do what a request asks for; 0 when it was done, 2 when not, which a line then explains."""
    import serial
    from esptool import FatalError

    try:
        _run(Request.from_json(word))
    except EspdeckError as error:
        _say(f"{REFUSED}{error}")
    except FatalError as error:
        _say(f"\nA fatal error occurred: {error}")
    except (serial.SerialException, OSError) as error:
        _say(f"\nA serial exception error occurred: {error}")
    else:
        return 0
    return 2


def _run(request: Request) -> None:
    import esptool
    from esptool.cmds import attach_flash, detect_chip, run_stub

    before = request.before or "default-reset"
    baud = min(request.baud or ROM_BAUD, ROM_BAUD)
    if before == "no-reset-no-sync":
        baud = request.baud or ROM_BAUD
    esp = detect_chip(request.port, baud, before, False, request.attempts)
    chip = esptool.cli_util.strip_chip_name(esp.CHIP_NAME)
    if chip == UNSUPPORTED:
        raise EspdeckError("the board is an ESP8266, which ESP-IDF and espdeck build nothing for")
    image = request.image
    if image is not None and image.target != chip:
        wanted = esptool.CHIP_DEFS.get(image.target)
        name = wanted.CHIP_NAME if wanted else image.target
        raise EspdeckError(f"the board is an {esp.CHIP_NAME}, the image is for {name}")
    protection = _protection(esp)
    if request.erases and (protection.encryption or protection.secure_boot):
        raise EspdeckError(f"the chip has {protection}: erased, it may never start: not erased")
    written = _added(request, protection)
    size, md5 = None, ""
    if not protection.download:
        if image is None or image.stub:
            esp = run_stub(esp)
        attach_flash(esp)
        word = esptool.detect_flash_size(esp)
        size = esptool.flash_size_bytes(word) if word else None
        if request.look and not protection.encryption and _is_within(request.look, size):
            md5 = esp.flash_md5sum(*request.look)
    _say(f"{SAYS}{Description(chip, size, protection, md5).to_json()}")
    options = ["--no-stub", "--baud", str(request.baud or baud)]
    options += ["--after", request.after] if request.after else []
    if request.erases or (image is not None and not request.compares):
        _say(WRITES)
    if protection.download and not request.command:
        command = ["get-security-info"]  # the only one that asks and is answered in that mode
    else:
        command = [*(request.command or ("read-mac",)), *written]
    # The stub, where there is one, runs already.
    esptool.main([*options, *command], esp=esp)


def _say(text: str) -> None:
    """Print a line, at once: esptool prints between."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _protection(esp: Any) -> Protection:
    """What the eFuses of a chip enforce, as esptool reads them."""
    if esp.secure_download_mode:
        found = esp.get_security_info()
        # Whether it may still be handed plain data does not show: taken for that it may not.
        is_encrypted = found["flash_crypt_cnt"].bit_count() % 2
        has_boot = found["parsed_flags"]["SECURE_BOOT_EN"]
        return Protection("release" if is_encrypted else "", "v2" if has_boot else "", True)
    mode = ""
    if esp.get_flash_encryption_enabled():
        mode = "release" if esp.get_encrypted_download_disabled() else "development"
    boot = ""
    if esp.get_secure_boot_enabled():
        boot = "v1" if esp.get_secure_boot_v1_enabled() else "v2"
    return Protection(mode, boot)


def _added(request: Request, chip: Protection) -> list[str]:
    """The words that an image adds to a command.

    Raises:
        BoardError: it is not written, see :func:`engine.boards.secure_images.writing`.
        EspdeckError: it cannot be compared with what is in flash.
    """
    image = request.image
    if image is None:
        return []
    if request.compares:
        if chip.encryption or chip.download:
            raise EspdeckError(f"what is in flash cannot be compared: the chip has {chip}")
        return _files(image.parts)
    how = secure_images.writing(image, chip)
    words = ["--force"] if how.force else []
    plain = [part for part in image.parts if part not in how.encrypt]
    if how.encrypt and not plain:
        return [*words, "--encrypt", *_files(how.encrypt)]
    encrypted = ["--encrypt-files", *_files(how.encrypt)] if how.encrypt else []
    return [*words, *_files(plain), *encrypted]


def _files(parts: Iterable[FlashPart]) -> list[str]:
    return [word for part in parts for word in (hex(part.offset), str(part.path))]


def _is_within(look: tuple[int, int], size: int | None) -> bool:
    return size is not None and sum(look) <= size


def _image(fields: dict[str, Any]) -> Image:
    parts = [
        FlashPart(**{**each, "path": Path(each["path"]), "kind": ArtifactKind(each["kind"])})
        for each in fields["parts"]
    ]
    security = fields["security"]
    if security is not None:
        security = Security(**{**security, "burns": tuple(security["burns"])})
    return Image(
        **{
            **fields,
            "elf": Path(fields["elf"]),
            "parts": tuple(parts),
            "security": security,
            "regions": (),
        }
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
