"""What a repository holds that espdeck does not build, and what builds it: rules as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.formats import toml
from engine.source.files import SourceFiles, folder_of, is_own
from engine.toolchains.cmake_lists import describe
from engine.toolchains.cmake_project_kind import LISTS, ProjectKind, kind_of
from engine.toolchains.idf_apps import lists_of

COMPONENT = "ESP-IDF component"
"""Name of what an app uses and which is built with it."""

_MAX_FILES_READ = 1000
_MAX_TEXT_CHARACTERS = 16 << 20  # characters in all
_MAX_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class UnsupportedProject:
    """Something in a repository that another tool builds.

    Args:
        name: what it is, as people call it.
        file: that tells so, from the root. Untrusted text.
        builds_with: what builds it: a command, or what to do.
    """

    name: str
    file: str
    builds_with: str


_Holds = Callable[[SourceFiles, str], bool]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind.

    Args:
        name, builds_with: of :class:`UnsupportedProject`.
        files: names of files that are looked at, ``*.ENDING`` for any of an ending.
        holds: whether such a file tells so.
    """

    name: str
    builds_with: str
    files: tuple[str, ...]
    holds: _Holds

    def looks_at(self, name: str) -> bool:
        """Whether a file may tell."""
        base = name.rpartition("/")[2]
        return base in self.files or f"*.{base.rpartition('.')[2]}" in self.files


def find_unsupported(files: SourceFiles) -> tuple[UnsupportedProject, ...]:
    """Every kind that is there, each once, by the file that lies nearest to the root."""
    names = sorted(filter(is_own, files.names), key=lambda name: (name.count("/"), name))
    found: list[UnsupportedProject] = []
    told: set[str] = set()
    for rule in _RULES:
        if any(each.name == rule.name for each in found):
            continue
        if rule.name == _ANY_MAKE and any(name.rpartition("/")[2] in _MAKE for name in told):
            continue
        candidates = [name for name in names if rule.looks_at(name) and name not in told]
        left = _MAX_TEXT_CHARACTERS
        for name in candidates[:_MAX_FILES_READ]:
            left -= len(files.text(name))
            if left < 0:
                break
            if rule.holds(files, name):
                told.add(name)
                found.append(UnsupportedProject(rule.name, name, rule.builds_with))
                break
    return tuple(found)


def _says(pattern: str) -> _Holds:
    compiled = re.compile(pattern, re.M)
    return lambda files, name: compiled.search(files.text(name)) is not None


def _both(one: _Holds, other: _Holds) -> _Holds:
    return lambda files, name: one(files, name) and other(files, name)


def _depends_on(pattern: str) -> _Holds:
    """A ``Cargo.toml`` that asks for a crate whose whole name the pattern matches."""
    compiled = re.compile(pattern)

    def holds(files: SourceFiles, name: str) -> bool:
        text = files.text(name)
        if "esp" not in text:
            return False
        try:
            data: object = toml.load(text)
        except ValueError:
            return False
        return any(compiled.fullmatch(crate) for crate in _crates(data))

    return holds


def _crates(data: object) -> Sequence[str]:
    """Names of all dependencies, of a workspace and of single targets too."""
    tables, found = [data], list[str]()
    for _ in range(_MAX_LOOKED_AT):
        if not tables:
            break
        table = tables.pop()
        for key, value in table.items() if isinstance(table, dict) else ():
            if not isinstance(value, dict):
                continue
            if key.endswith("dependencies"):
                found += value
            elif key in ("workspace", "target") or key.startswith("cfg(") or "-" in key:
                tables.append(value)
    return found


def _is(kind: ProjectKind, word: str) -> _Holds:
    """A ``CMakeLists.txt`` of a kind; those that do not hold the word are not taken apart."""
    return lambda files, name: (
        word in files.text(name) and kind_of(describe(files.text(name))) is kind
    )


def _is_component(files: SourceFiles, name: str) -> bool:
    """One at the root: those in folders are for the apps beside them."""
    if folder_of(name):
        return False
    return name == "idf_component.yml" or _is(ProjectKind.COMPONENT, "register")(files, name)


def _is_for_computers(files: SourceFiles, name: str) -> bool:
    """One at the root: in folders there are tests and simulators of what is firmware."""
    return not folder_of(name) and kind_of(lists_of(files, "")) is ProjectKind.HOST


def _is_for_esp8266(files: SourceFiles, name: str) -> bool:
    """A project of ESP-IDF's old kind whose options or sources are the ESP8266's."""
    folder = folder_of(name)
    start = f"{folder}/" if folder else ""
    options = "".join(files.text(f"{start}{each}") for each in ("sdkconfig", "sdkconfig.defaults"))
    if re.search(r"ESP8266|esp8266", options + files.text(name)):
        return True
    sources = [
        each for each in files.names if each.startswith(f"{start}main/") and each.endswith(".c")
    ]
    pattern = re.compile(r'#[ \t]*include[ \t]*[<"](?:esp8266/|rom/ets_sys_esp8266)')
    return any(pattern.search(files.text(each)) for each in sources[:_MAX_LOOKED_AT])


def _has_no_lists(files: SourceFiles, name: str) -> bool:
    """A Makefile that is not there beside what ESP-IDF builds today."""
    start = f"{folder_of(name)}/" if folder_of(name) else ""
    return kind_of(describe(files.text(start + LISTS))) is not ProjectKind.APP


_MAKE = ("Makefile", "makefile", "GNUmakefile")
_ANY_MAKE = "GNU Make"
_PROJECT_MK = r"^[ \t]*-?include[ \t]+\$[({]IDF_PATH[)}]/make/project\.mk"

_RULES = (
    _Rule(
        COMPONENT,
        "an app that uses it",
        (LISTS, "idf_component.yml"),
        _is_component,
    ),
    _Rule(
        "Rust with ESP-IDF",
        "cargo build (espup installs the compiler)",
        ("Cargo.toml",),
        _depends_on(r"esp-idf-(?:sys|svc|hal)"),
    ),
    _Rule(
        "Rust with esp-hal",
        "cargo build (espup installs the compiler)",
        ("Cargo.toml",),
        _depends_on(
            r"esp-hal|esp32(?:[a-z]\d{1,2})?-hal|esp-(?:wifi|radio|rtos|backtrace|println)"
        ),
    ),
    _Rule("Zephyr", "west build -b BOARD", (LISTS,), _is(ProjectKind.ZEPHYR, "ephyr")),
    _Rule("Zephyr", "west build -b BOARD", ("west.yml",), _says(r"\bzephyr\b")),
    _Rule(
        "NuttX",
        "tools/configure.sh BOARD:CONFIG and make, in NuttX",
        (LISTS,),
        _is(ProjectKind.NUTTX, "nuttx"),
    ),
    _Rule(
        "NuttX",
        "tools/configure.sh BOARD:CONFIG and make, in NuttX",
        (*_MAKE, "defconfig"),
        _says(
            r"^[ \t]*include[ \t]+\$\(APPDIR\)/(?:Make\.defs|Application\.mk)"
            r"|^CONFIG_ARCH_CHIP=\"esp32"
        ),
    ),
    _Rule(
        "CMake project with ESP-IDF as a library",
        "cmake with a toolchain file of ESP-IDF",
        (LISTS,),
        _is(ProjectKind.LIBRARY, "idf"),
    ),
    _Rule(
        "Raspberry Pi Pico SDK", "cmake with the Pico SDK", (LISTS,), _is(ProjectKind.PICO, "pico_")
    ),
    _Rule(
        "ESP8266 RTOS SDK",
        "make with the ESP8266 RTOS SDK",
        _MAKE,
        _both(_says(_PROJECT_MK), _is_for_esp8266),
    ),
    _Rule(
        "ESP8266 SDK",
        "make with the SDK that it names",
        _MAKE,
        _says(r"ESP8266_(?:RTOS|NONOS)_SDK|esp-open-(?:rtos|sdk)|xtensa-lx106-elf|\$\(SDK_PATH\)/"),
    ),
    _Rule(
        "ESP-IDF project for GNU Make",
        "make with an ESP-IDF before 5.0, or a CMakeLists.txt beside its Makefile",
        _MAKE,
        _both(_says(_PROJECT_MK), _has_no_lists),
    ),
    _Rule(
        "mdk, bare metal with GNU Make",
        "make build with ARCH and MDK set",
        _MAKE,
        _says(r"^[ \t]*include[ \t]+\$[({]MDK[)}]/"),
    ),
    _Rule(
        "RIOT",
        "make with a BOARD of RIOT",
        _MAKE,
        _says(r"^[ \t]*include[ \t]+\$[({]RIOTBASE[)}]/Makefile\.include"),
    ),
    _Rule(ProjectKind.HOST.value, "cmake", (LISTS,), _is_for_computers),
    _Rule("makeEspArduino", "make", _MAKE, _says(r"makeEspArduino\.mk")),
    _Rule(_ANY_MAKE, "make", _MAKE, _says(r"\besp32|esptool|-esp-elf-|xtensa-esp")),
    _Rule("Mongoose OS", "mos build --platform esp32", ("mos.yml",), _says(r"^\w")),
    _Rule(
        "MicroPython",
        "mpremote, which copies it to a board that runs MicroPython",
        ("main.py", "boot.py"),
        _says(r"^[ \t]*(?:import|from)[ \t]+(?:machine|esp32|esp|network|micropython)\b"),
    ),
    _Rule(
        "MicroPython",
        "make BOARD_DIR=FOLDER in MicroPython's ports/esp32",
        ("mpconfigboard.cmake",),
        _says(r"IDF_TARGET|SDKCONFIG_DEFAULTS"),
    ),
    _Rule(
        "CircuitPython",
        "a board that runs CircuitPython: its files are copied to it",
        ("code.py",),
        _says(r"^[ \t]*(?:import|from)[ \t]+(?:board|microcontroller)\b"),
    ),
    _Rule(
        "TinyGo",
        "tinygo build -target=BOARD",
        ("*.go",),
        _says(r"^[ \t]*(?:import[ \t]+)?\"machine\"[ \t]*$"),
    ),
    _Rule(
        "ESPHome",
        "esphome compile FILE",
        ("*.yaml", "*.yml"),
        _both(_says(r"^esphome:"), _says(r"^(?:esp32|esp8266|packages|[ \t]+platform):")),
    ),
    _Rule(
        "ESPHome component",
        "esphome compile of a file that names it in external_components",
        ("__init__.py",),
        _says(r"^import esphome\.codegen\b"),
    ),
    _Rule("Toit", "jag run FILE", ("*.toit",), _says(r"^main\b|^import[ \t]")),
    _Rule("AtomVM", "mix atomvm.packbeam", ("mix.exs",), _says(r"\batomvm\b")),
    _Rule("nanoFramework", "msbuild with the nanoFramework extension", ("*.nfproj",), _says(r".")),
    _Rule(
        "Moddable SDK",
        "mcconfig -m -p esp32",
        ("manifest.json",),
        _says(r"\$\(MODDABLE\)|\$\(MODULES\)"),
    ),
)
"""In the order in which they are looked for: a file tells one kind."""
