"""``espdeck.toml`` in a firmware repository: what a project expects of its own firmware."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine import quality_requirements, watch_rules
from engine.errors import UsageError
from engine.files import read_file
from engine.formats.toml import Document, KeyPath
from engine.quality_requirements import QualityRequirements
from engine.testing import scripts
from engine.testing.scripts import Script
from engine.watch_rules import WatchRules

FILE_NAME = "espdeck.toml"
_MAX_BYTES = 64 * 1024
_MAX_PATTERNS = 100
_MAX_PATTERN_CHARACTERS = 500
_MAX_DEFINITIONS = 50
_IDF_VERSION = re.compile(r"(\d{1,3}(\.\d{1,3}){0,2})?")
_CMAKE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_EOL = {"lf": "\n", "cr": "\r", "crlf": "\r\n", "none": ""}


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a project wants to be built: the table ``[build]``.

    Args:
        idf: beginning of the version of ESP-IDF, such as ``5.5``; empty for any.
        cmake: what CMake is told, each ``NAME=VALUE``.
    """

    idf: str = ""
    cmake: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a project says of itself.

    Args:
        expect: regular expressions (RE2 syntax, so that a hostile one cannot take forever) that
            must appear in the serial output, in any order, each found in one line; at most 100.
        timeout: seconds of firmware time to wait for them.
        baud: speed of the console; None is as the image says.
        unity: whether a Unity summary (``N Tests M Failures K Ignored``) must appear.
        build: how it wants to be built.
        eol: what ends a line that is typed to the console.
        tests: what is typed once everything in ``expect`` has appeared, and what must come back.
        network: ``[simulator] network``: whether a simulated chip reaches this machine's network.
        efuse: ``[simulator] efuse``: file in the repository with the eFuses that a simulated chip
            begins with, as ``idf.py qemu --efuse-file`` keeps them; empty for a chip as delivered.
        quality: what it demands of its quality; None where it says nothing of it.
        watch: what starts builds of it by itself, where the settings do not say.
    """

    expect: tuple[str, ...] = ()
    timeout: float = 10.0
    baud: int | None = None
    unity: bool = False
    build: BuildOptions = field(default_factory=BuildOptions)
    eol: str = _EOL["lf"]
    tests: tuple[Script, ...] = ()
    network: bool = False
    efuse: str = ""
    quality: QualityRequirements | None = None
    watch: WatchRules = field(default_factory=WatchRules)


def load(tree: Path) -> Manifest:
    """Read ``espdeck.toml`` of a source tree; a tree without one has the defaults.

    Args:
        tree: root of the source tree. The file is untrusted: size and types are checked.

    Raises:
        UsageError: the file says something that makes no sense; a MistakeError names line and key.
    """
    path = tree / FILE_NAME
    try:
        return parse(read_file(path, _MAX_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise UsageError(f"{FILE_NAME}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{FILE_NAME} is not UTF-8: save it in that encoding") from error


def parse(text: str) -> Manifest:
    """What the text of an ``espdeck.toml`` says.

    Args:
        text: untrusted.

    Raises:
        UsageError: as :func:`load`.
    """
    if len(text) > _MAX_BYTES:
        raise UsageError(f"{FILE_NAME}: larger than {_MAX_BYTES} bytes")
    document = Document(text, FILE_NAME)
    data = document.data
    tables = {
        "build",
        "simulator",
        scripts.TABLE,
        quality_requirements.TABLE,
        watch_rules.TABLE,
    }
    known = {"expect", "timeout", "baud", "unity", "eol", *tables}
    _only(document, data, known, ())
    chip = data.get("simulator", {})
    if not isinstance(chip, dict):
        raise document.wrong(("simulator",), "simulator must be a table")
    _only(document, chip, {"network", "efuse"}, ("simulator",))
    efuse = chip.get("efuse", "")
    if not isinstance(efuse, str):
        raise document.wrong(("simulator", "efuse"), "simulator.efuse must be the path of a file")
    return Manifest(
        expect=_patterns(document),
        timeout=_number(document, "timeout", 10.0, 0.1, 3600.0),
        baud=int(_number(document, "baud", 0, 300, 5_000_000)) if "baud" in data else None,
        unity=_flag(document, data, ("unity",)),
        network=_flag(document, chip, ("simulator", "network")),
        efuse=efuse,
        build=_build(document),
        eol=_eol(document),
        tests=scripts.read(document),
        quality=quality_requirements.read(document) if quality_requirements.TABLE in data else None,
        watch=watch_rules.read(document),
    )


def _only(document: Document, table: Mapping[str, object], known: set[str], place: KeyPath) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        name = ".".join((*map(str, place), unknown[0]))[:100]
        raise document.wrong(
            (*place, unknown[0]), f"unknown key {name!r} (known: {', '.join(sorted(known))})"
        )


def _build(document: Document) -> BuildOptions:
    value = document.data.get("build", {})
    if not isinstance(value, dict):
        raise document.wrong(("build",), "build must be a table")
    _only(document, value, {"idf", "cmake"}, ("build",))
    idf, cmake = value.get("idf", ""), value.get("cmake", {})
    if not isinstance(idf, str) or not _IDF_VERSION.fullmatch(idf):
        raise document.wrong(("build", "idf"), 'build.idf must be a version such as "5.5"')
    place = ("build", "cmake")
    if not isinstance(cmake, dict) or len(cmake) > _MAX_DEFINITIONS:
        raise document.wrong(
            place, f"build.cmake must be a table of at most {_MAX_DEFINITIONS} texts"
        )
    for name, text in cmake.items():
        if (
            not isinstance(text, str)
            or not text.isprintable()
            or len(text) > _MAX_PATTERN_CHARACTERS
        ):
            what = f"build.cmake.{name[:40]} must be a text of one line"
            raise document.wrong((*place, name), what)
        if not _CMAKE_NAME.fullmatch(name):
            what = f"build.cmake: {name[:40]!r} is not a name of a CMake variable"
            raise document.wrong((*place, name), what)
    return BuildOptions(idf=idf, cmake=tuple(f"{name}={text}" for name, text in cmake.items()))


def _patterns(document: Document) -> tuple[str, ...]:
    value, place = document.data.get("expect", []), ("expect",)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise document.wrong(place, "expect must be a list of regular expressions")
    # Each is looked for in each line that the firmware prints.
    if len(value) > _MAX_PATTERNS:
        what = f"expect has {len(value)} patterns, at most {_MAX_PATTERNS} are accepted"
        raise document.wrong(place, what)
    for pattern in value:
        if len(pattern) > _MAX_PATTERN_CHARACTERS:
            what = (
                f"expect {pattern[:40] + '…'!r}: longer than {_MAX_PATTERN_CHARACTERS} characters"
            )
            raise document.wrong(place, what)
        if problem := scripts.problem_of(pattern):
            raise document.wrong(place, problem)
    return tuple(value)


def _eol(document: Document) -> str:
    name = document.data.get("eol", "lf")
    if not isinstance(name, str) or name not in _EOL:
        raise document.wrong(("eol",), f"eol must be one of {', '.join(_EOL)}")
    return _EOL[name]


def _number(document: Document, key: str, default: float, low: float, high: float) -> float:
    value = document.data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise document.wrong((key,), f"{key} must be a number from {low:g} to {high:g}")
    return float(value)


def _flag(document: Document, table: Mapping[str, object], place: tuple[str, ...]) -> bool:
    value = table.get(place[-1], False)
    if not isinstance(value, bool):
        raise document.wrong(place, f"{'.'.join(place)} must be true or false")
    return value
