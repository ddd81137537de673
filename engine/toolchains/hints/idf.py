"""Hints for ESP-IDF: its tools, its components, options and partition tables."""

from __future__ import annotations

import re

from engine.toolchains.hints.hint import COMPONENTS, IDF, PLATFORMIO_IDF, Hint

SUBMODULES = "ESP-IDF's folder is not complete: run git submodule update --init --recursive in it"
"""For a folder of ESP-IDF's that is empty or not there, as in one that came as an archive."""

HINTS: tuple[Hint, ...] = (
    Hint(
        re.compile(
            r"No module named |Python requirements are not satisfied|^Cannot import module \""
        ),
        "ESP-IDF's Python environment is not complete: run its install.sh",
        IDF,
    ),
    Hint(
        re.compile(r"submodule init failed|Missing \S{1,80} submodule"),
        SUBMODULES,
        IDF,
    ),
    Hint(
        re.compile(r"Re-run install and export"),
        "run ESP-IDF's install.sh: tools that this version has were never installed",
        IDF,
    ),
    Hint(
        re.compile(
            r"Missing LIBBSD library|^bsd/[\w/.]{1,80}: No such file|' ?bsd/\S{1,80}' file not"
        ),
        "for the linux target, ESP-IDF wants libbsd on this machine: apt install libbsd-dev (or "
        "dnf install libbsd-devel)",
        IDF,
    ),
    Hint(
        re.compile(
            r"connection to the component registry|[Cc]annot (?:download|connect).{1,99}registry"
        ),
        "no network, and a component is not there: commit dependencies.lock and "
        "managed_components, or build once with a network; where only a proxy leads out, set "
        "HTTPS_PROXY where espdeck runs",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"no versions of idf match|depends on idf \("),
        "the project wants another ESP-IDF: choose one by [build] idf in espdeck.toml, or change "
        "what idf_component.yml asks for",
        IDF,
    ),
    Hint(
        re.compile(r"no versions of idf match|depends on idf \("),
        "the project wants another ESP-IDF: choose a version of the platform in platformio.ini "
        "that has it, or change what idf_component.yml asks for",
        PLATFORMIO_IDF,
    ),
    Hint(
        re.compile(r'in the "managed_components" directory were modified'),
        "move a component that you change to the folder components, or delete managed_components "
        "to fetch it again",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"hash sum of the component|\.component_hash or CHECKSUMS\.json"),
        "delete managed_components; where dependencies.lock is no longer right, delete it too",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"[Vv]ersion solving failed|doesn't match any versions"),
        "no version of a component fits what idf_component.yml asks for: widen its range",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"Invalid field \"|Cannot parse the manifest|Manifest is not valid"),
        "correct idf_component.yml: dependencies are a map of names to versions",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"Kconfig[\w.]{0,60}:\d{1,7}: error: "),
        "correct the Kconfig file: options of a config are type, default, range, depends on, help",
    ),
    Hint(
        re.compile(
            r"ignored due to being outside the active range|the value '.{0,99}' is invalid for"
        ),
        "sdkconfig.defaults sets a value that this option cannot have: correct it",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"unknown kconfig symbol"),
        "no option has this name in this ESP-IDF: correct it, or remove it from sdkconfig.defaults",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"^\d{1,3}/\d{1,3} \w{1,40} partitions are too small for binary"),
        "it does not fit into every partition, so an update over the air may have no place: make "
        "them the same size",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"partitions? (?:is|are) too small for binary"),
        "the program is larger than its partition: enlarge it in the partition table, or optimise "
        "for size (CONFIG_COMPILER_OPTIMIZATION_SIZE)",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"Bootloader binary "),
        "lower the bootloader's log level, or raise CONFIG_PARTITION_TABLE_OFFSET",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"Partitions tables occupies"),
        "make the partitions smaller, or set CONFIG_ESPTOOLPY_FLASHSIZE to what the board has",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"First partition offset|invalid: Offset 0x"),
        "leave the offset empty, and it is placed behind the partition table "
        "(CONFIG_PARTITION_TABLE_OFFSET) at a multiple of 0x1000, an app's of 0x10000",
        COMPONENTS,
    ),
    Hint(
        re.compile(
            r"CMakeCache\.txt directory .{1,600} is different than"
            r"|used to generate cache\. {1,2}Re-run"
            r"|^Error running link command: |^Build (?:directory '|is configured for generator)"
            r"|is currently active in the environment while"
        ),
        "the build folder was made by another project, ESP-IDF or Python: remove the build folder",
        IDF,
    ),
    Hint(
        re.compile(r"Exec format error|cannot execute binary file"),
        "this program was built for another processor: install the tools for this machine "
        "(ESP-IDF's install.sh)",
        IDF,
    ),
    Hint(
        re.compile(
            r"Tool doesn't match supported version|Toolchain version is not supported: "
            r"|is not able to compile a simple test program"
        ),
        "the compiler that was found does not work or is not this ESP-IDF's: run its install.sh, "
        "source its export.sh before starting espdeck, and remove the build folder",
        IDF,
    ),
    Hint(
        re.compile(r'unable to find a build program corresponding to "Ninja"'),
        "install ninja, or ESP-IDF's tools by its install.sh: on PATH where espdeck runs",
        IDF,
    ),
    Hint(
        re.compile(r"^ccache: .{0,400}(?:Permission denied|Read-only file system)"),
        "ccache may not write into its folder: set CCACHE_DIR to one where this user may, or "
        "IDF_CCACHE_ENABLE=0",
        IDF,
    ),
    Hint(
        re.compile(r"^Include directory '"),
        "correct INCLUDE_DIRS of this component, or add the folder that it names",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"is not a full path and was not found in the PATH|compiler .{0,99}not found"),
        "the chip's compiler is not installed: run $IDF_PATH/install.sh for this chip, then "
        "source $IDF_PATH/export.sh before starting espdeck",
        IDF,
    ),
    Hint(
        re.compile(r"Failed to resolve component '"),
        "no component has this name: correct it in REQUIRES, or add it to idf_component.yml",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"is not one of 'esp32|Invalid value for '\{esp32|[Uu]nsupported target"),
        "choose a chip that this project and this ESP-IDF can build for",
        IDF,
    ),
    Hint(
        re.compile(r"^[\w.+-]{0,80}(?:gcc|g\+\+|clang): .{1,400}: No such file or directory"),
        "a file that the compiler was given is not there; a folder with a space in its name is cut "
        "at the space: move the project or ESP-IDF to a path without one",
        IDF,
    ),
    Hint(
        re.compile(r"^[\w./+-]{1,200}: No such file or directory|' file not found"),
        "correct the include path, or add the component that has this header to REQUIRES",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"(?:will not fit in|^) ?region [`']iram0\w{0,20}'"),
        "the program is larger than its memory: remove IRAM_ATTR from functions that do not need "
        "it, and turn off options that put drivers' code into IRAM (CONFIG_..._IN_IRAM)",
        COMPONENTS,
    ),
    Hint(
        re.compile(r"undefined reference to `app_main'"),
        'define void app_main(void) in the main component, extern "C" in C++',
        COMPONENTS,
    ),
    Hint(
        re.compile(r"secure_boot_signing_key\.pem', needed by"),
        "make the key that signs (idf.py secure-generate-signing-key), or set "
        "CONFIG_SECURE_BOOT_SIGNING_KEY to where it is",
        IDF,
    ),
    Hint(
        re.compile(
            r"could not find (?:requested|load) file:\s{1,9}\S{0,400}/tools/cmake/project\.cmake"
            r"|IDF_PATH (?:is not set|environment variable)"
        ),
        "set IDF_PATH to the folder of ESP-IDF, or source its export.sh",
        IDF,
    ),
)
