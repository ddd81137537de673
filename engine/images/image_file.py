"""How a build keeps its image: ``image.json`` beside the files that are to be flashed."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.errors import UsageError
from engine.files import read_file
from engine.images.image import Image

FILE_NAME = "image.json"

_MAX_BYTES = 1 << 20
_IMAGE = TypeAdapter(Image)


def write(image: Image, path: Path) -> None:
    """Write what an image is; its files are named relative to the file.

    Raises:
        OSError: it cannot be written.
    """
    fields = _IMAGE.dump_python(image, mode="json")
    fields["elf"] = image.elf.name
    for part, fields_of_part in zip(image.parts, fields["parts"], strict=True):
        fields_of_part["path"] = part.path.name
    path.write_text(json.dumps(fields, indent=1), "utf-8")


def read(path: Path) -> Image:
    """Read what an image is; its files may be elsewhere (:func:`check_files`).

    Raises:
        UsageError: it is not there, damaged, or of another version.
    """
    try:
        fields = json.loads(read_file(path, _MAX_BYTES))
        fields["elf"] = path.with_name(fields["elf"])
        for part in fields["parts"]:
            part["path"] = path.with_name(part["path"])
        image = _IMAGE.validate_python(fields)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, ValidationError) as error:
        raise UsageError(f"{path} is not the image of a build: {error}") from error
    return image


def check_files(image: Image) -> None:
    """See that what is to be flashed is there.

    Raises:
        UsageError: it is not.
    """
    missing = next((part.path for part in image.parts if not part.path.is_file()), None)
    if missing is not None:
        raise UsageError(f"{missing}: gone; build it again")
