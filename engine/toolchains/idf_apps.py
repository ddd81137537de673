"""Apps of ESP-IDF in a repository, with their configurations and chips; nothing is run.

Found as idf-build-apps finds them (its documentation, "Find Apps" and "Config Rules"): an app is a
folder whose ``CMakeLists.txt`` includes ESP-IDF's build system, folders below an app hold no
others, and each ``sdkconfig.ci.NAME`` beside it is a configuration. What idf-build-apps looks for
in the text, is looked for here in the commands: an include in a comment is none, and one over
several lines, in quotes, by a variable or through a file of the repository is one.

For which chip a plain build is, is decided as ESP-IDF decides it (``tools/cmake/targets.cmake``):
``IDF_TARGET``, else ``CONFIG_IDF_TARGET`` of ``sdkconfig``, else that of the defaults.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from engine.formats.untrusted import yaml_mapping
from engine.source.files import SourceFiles, folder_of, is_own
from engine.toolchains import chips, idf_build_rules
from engine.toolchains.base import App, AppConfiguration
from engine.toolchains.chips import ESP8266
from engine.toolchains.cmake_lists import Description, describe
from engine.toolchains.cmake_project_kind import LISTS, ProjectKind, kind_of
from engine.toolchains.idf_build_rules import BuildRules, TargetRules

CONFIGURATION = "sdkconfig.ci."
"""Begins the name of a file with one configuration of the project."""

DEFAULTS = "sdkconfig.defaults"
"""The project's options that are not ESP-IDF's; ``.TARGET`` behind it adds those of a target."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
"""What a configuration may be called."""

_TARGET = re.compile(r'^CONFIG_(?:IDF_TARGET|TARGET_PLATFORM)="([\w-]{1,40})"', re.M)
_FIRST_CHIP = re.compile(r"^CONFIG_ESP32_\w", re.M)
_SUPPORTED = re.compile(r"^\|[ \t]*Supported Targets?[ \t]*\|(.{1,2000})$", re.M | re.I)
_BUILD_SYSTEM = "tools/cmake/project.cmake"
_COMPONENT = ("main/idf_component.yml", "idf_component.yml")
_MAX_LISTS_CHARACTERS = 16 << 20  # characters in all; ESP-IDF has 1 Mi
_BACKUP_SUFFIXES = (".old", ".rename", ".orig", ".bak")
_MAX_OPTIONS = 200
_MAX_COMPONENT_CHARACTERS = 64 << 10


def find_apps(files: SourceFiles) -> tuple[App, ...]:
    """Every app, by path."""
    beside: dict[str, list[str]] = defaultdict(list)
    for name in files.names:
        beside[folder_of(name)].append(name.rpartition("/")[2])
    said = dict(_descriptions(files))
    tops = sorted(folder for folder in said if not _lies_below(folder, said))
    sdks = _other_sdks(files)
    rules = idf_build_rules.read(files) if tops else BuildRules()
    return tuple(
        App(top, "idf", (ESP8266,))
        if any(_lies_in(top, sdk) for sdk in sdks)
        else _app(files, top, said[top], beside[top], rules)
        for top in tops
    )


def lists_of(files: SourceFiles, folder: str) -> Description:
    """What the ``CMakeLists.txt`` of a folder says, with what it includes of the repository."""

    def read(name: str) -> str:
        path = posixpath.normpath(posixpath.join(folder, name))
        return "" if path.startswith("..") else files.text(path)

    return describe(read(LISTS), read)


def _descriptions(files: SourceFiles) -> Iterator[tuple[str, Description]]:
    left = _MAX_LISTS_CHARACTERS
    for name in files.names:
        if name.rpartition("/")[2] == LISTS and is_own(name) and left > 0:
            text = files.text(name)
            left -= len(text)
            if "include" in text.lower():
                said = lists_of(files, folder_of(name))
                if kind_of(said) is ProjectKind.APP:
                    yield folder_of(name), said


def _other_sdks(files: SourceFiles) -> frozenset[str]:
    """Folders of the ESP8266's SDK, whose own apps include what has the name of ESP-IDF's."""
    ending = "components/esp8266/CMakeLists.txt"
    return frozenset(
        name.removesuffix(ending).rstrip("/")
        for name in files.names
        if f"/{name}".endswith(f"/{ending}")
        and f"{name.removesuffix(ending)}{_BUILD_SYSTEM}" in files.names
    )


def _lies_in(folder: str, outer: str) -> bool:
    return not outer or f"{folder}/".startswith(f"{outer}/")


def _lies_below(folder: str, others: Mapping[str, object]) -> bool:
    while folder:
        folder = folder_of(folder)
        if folder in others:
            return True
    return False


def _app(
    files: SourceFiles, folder: str, said: Description, beside: Sequence[str], rules: BuildRules
) -> App:
    names = [name.removeprefix(CONFIGURATION) for name in beside if name.startswith(CONFIGURATION)]
    # What ends with a target adds to the file without it.
    names = sorted(name for name in names if NAME.fullmatch(name) and not _target_of_name(name))
    asked = ("", *names) if rules.by_configuration(folder) else ("",)
    targets = _targets(files, folder, said, beside, rules.of(folder, asked))
    configurations = (
        AppConfiguration(name, _targets_of(files, folder, name, targets, rules)) for name in names
    )
    return App(folder, "idf", targets, tuple(configurations))


def _targets(
    files: SourceFiles, folder: str, said: Description, beside: Sequence[str], verdicts: TargetRules
) -> tuple[str, ...]:
    """The chip of a plain build first, where one is said; the others in the order of chips."""
    default = _default(files, folder, said)
    found = set(verdicts.enabled)
    if not verdicts.complete:
        found |= _readme_targets(files, folder, beside)
    # Options for the ESP8266 are for those who build the same app with another SDK as well.
    found |= _options(files, folder, beside) - {"", ESP8266}
    only = _component_targets(files, folder)
    if only:
        found = (found & only) or only
    rest = chips.in_order(found - verdicts.disabled - {default})
    return (default, *rest) if default else rest


def _options(files: SourceFiles, folder: str, beside: Sequence[str]) -> set[str]:
    """Chips that files of options are for, by name or by what they say, one a board as a rule."""
    names = [name for name in beside if name.startswith("sdkconfig")]
    others = [
        name
        for name in names
        if name.startswith("sdkconfig.")
        and name != DEFAULTS  # which `sdkconfig` goes before
        and not name.startswith(CONFIGURATION)
        and not name.endswith(_BACKUP_SUFFIXES)
    ]
    said = {_config_target(files.text(_join(folder, name))) for name in others[:_MAX_OPTIONS]}
    return said | {_target_of_name(name) for name in names}


def _targets_of(
    files: SourceFiles, folder: str, name: str, targets: Sequence[str], rules: BuildRules
) -> tuple[str, ...]:
    """The chips of one configuration, none where they are those of the app."""
    own = _config_target(files.text(_join(folder, f"{CONFIGURATION}{name}")))
    if own or not rules.by_configuration(folder):
        return (own,) if own else ()
    verdicts = rules.of(folder, (name,))
    left = tuple(each for each in targets if each not in verdicts.disabled)
    if verdicts.complete:
        left = verdicts.enabled
    return left if left != tuple(targets) else ()


def _default(files: SourceFiles, folder: str, said: Description) -> str:
    if any("esp8266" in each.lower() for each in said.includes):
        return ESP8266  # whose SDK has folders of the same names
    for variable in ("ENV{IDF_TARGET}", "IDF_TARGET"):
        if target := chips.as_target(said.variables.get(variable, "")):
            return target
    committed = files.text(_join(folder, "sdkconfig"))
    if target := _config_target(committed):
        return target
    if _FIRST_CHIP.search(committed):
        return "esp32"  # written by an ESP-IDF that knew no other
    for name in said.variables.get("SDKCONFIG_DEFAULTS", DEFAULTS).split(";")[:20]:
        if target := _config_target(files.text(_join(folder, name))):
            return target
    return ""


def _config_target(text: str) -> str:
    match = _TARGET.search(text)
    return chips.as_target(match[1]) if match else ""


def _target_of_name(name: str) -> str:
    """The target that a file is for by its name, as in ``sdkconfig.defaults.esp32c6``."""
    last = name.rpartition(".")[2]
    return last if chips.as_target(last) == last else ""


def _readme_targets(files: SourceFiles, folder: str, beside: Sequence[str]) -> set[str]:
    """The table "Supported Targets", as ESP-IDF's own examples have it."""
    for name in beside:
        if name.lower() == "readme.md":
            match = _SUPPORTED.search(files.text(_join(folder, name)))
            cells = match[1].split("|") if match else ()
            return {chips.as_target(cell.strip()) for cell in cells} - {""}
    return set()


def _component_targets(files: SourceFiles, folder: str) -> set[str]:
    """``targets`` of the main component's manifest: the component manager refuses others."""
    for name in _COMPONENT:
        text = files.text(_join(folder, name))
        data = yaml_mapping(text if "targets:" in text else "", _MAX_COMPONENT_CHARACTERS)
        listed = data.get("targets")
        names = (
            [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
        )
        found = {chips.as_target(each) for each in names} - {""}
        if found:
            return found
    return set()


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))
