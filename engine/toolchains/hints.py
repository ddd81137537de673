"""What a person might do about well-known build errors, as data."""

from __future__ import annotations

import re

SUBMODULES = "ESP-IDF's folder is not complete: run git submodule update --init --recursive in it"
"""For a folder of ESP-IDF's that is empty or not there, as in one that came as an archive."""

_OTHER_COMPILER = (
    "the compiler that was found does not work or is not this ESP-IDF's: run its install.sh, "
    "source its export.sh before starting espdeck, and remove the build folder"
)

HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"^The data size \(|^data section exceeds available space"),
        "static data is larger than the memory: make buffers smaller, or allocate them when they "
        "are needed",
    ),
    (
        re.compile(r"^The program size \(|^text section exceeds available space"),
        "the program is larger than its partition: choose a partition table with a "
        "larger app (PlatformIO: board_build.partitions = huge_app.csv; Arduino: "
        "PartitionScheme=huge_app), or take something out",
    ),
    (
        re.compile(r"^MemoryError\b|fork: [Cc]annot allocate memory"),
        "the machine ran out of memory: build less at once, or give it more memory or swap",
    ),
    (
        re.compile(r"No space left on device|\bENOSPC\b|NoSpaceLeft"),
        "the disk is full: make room where the workspace is",
    ),
    (
        re.compile(r"No module named [\s\S]{1,8000}/\.?platformio/"),
        "PlatformIO's own Python lacks this module: install it there, as in "
        "~/.platformio/penv/bin/pip install NAME, or take another version of the platform",
    ),
    (
        re.compile(
            r"No module named |Python requirements are not satisfied|^Cannot import module \""
        ),
        "ESP-IDF's Python environment is not complete: run its install.sh",
    ),
    (
        re.compile(r"submodule init failed|Missing \S{1,80} submodule"),
        SUBMODULES,
    ),
    (
        re.compile(r"Re-run install and export"),
        "run ESP-IDF's install.sh: tools that this version has were never installed",
    ),
    (
        re.compile(
            r"connection to the component registry|[Cc]annot (?:download|connect).{1,99}registry"
        ),
        "no network, and a component is not there: commit dependencies.lock and "
        "managed_components, or build once with a network",
    ),
    (
        re.compile(r"no versions of idf match|depends on idf \("),
        "the project wants another ESP-IDF: choose one by [build] idf in espdeck.toml, or change "
        "what idf_component.yml asks for",
    ),
    (
        re.compile(r'in the "managed_components" directory were modified'),
        "move a component that you change to the folder components, or delete managed_components "
        "to have it anew",
    ),
    (
        re.compile(r"hash sum of the component|\.component_hash or CHECKSUMS\.json"),
        "delete managed_components; where dependencies.lock is no longer right, delete it too",
    ),
    (
        re.compile(r"[Vv]ersion solving failed|doesn't match any versions"),
        "no version of a component fits what idf_component.yml asks for: widen its range",
    ),
    (
        re.compile(r"Invalid field \"|Cannot parse the manifest|Manifest is not valid"),
        "correct idf_component.yml: dependencies are a map of names to versions",
    ),
    (
        re.compile(r"Kconfig[\w.]{0,60}:\d{1,7}: error: "),
        "correct the Kconfig file: options of a config are type, default, range, depends on, help",
    ),
    (
        re.compile(
            r"ignored due to being outside the active range|the value '.{0,99}' is invalid for"
        ),
        "sdkconfig.defaults sets a value that this option cannot have: correct it",
    ),
    (
        re.compile(r"unknown kconfig symbol"),
        "no option has this name in this ESP-IDF: correct it, or remove it from sdkconfig.defaults",
    ),
    (
        re.compile(r"^\d{1,3}/\d{1,3} \w{1,40} partitions are too small for binary"),
        "it does not fit into every partition, so an update over the air may have no place: make "
        "them the same size",
    ),
    (
        re.compile(r"partitions? (?:is|are) too small for binary"),
        "the program is larger than its partition: enlarge it in the partition table, or optimise "
        "for size (CONFIG_COMPILER_OPTIMIZATION_SIZE)",
    ),
    (
        re.compile(r"Bootloader binary "),
        "lower the bootloader's log level, or raise CONFIG_PARTITION_TABLE_OFFSET",
    ),
    (
        re.compile(r"Partitions tables occupies"),
        "make the partitions smaller, or set CONFIG_ESPTOOLPY_FLASHSIZE to what the board has",
    ),
    (
        re.compile(r"First partition offset|invalid: Offset 0x"),
        "leave the offset empty, and it is placed behind the partition table "
        "(CONFIG_PARTITION_TABLE_OFFSET) at a multiple of 0x1000, an app's of 0x10000",
    ),
    (
        re.compile(r"^(?:CSV )?Error at line \d"),
        "correct this line of the partition table; an empty offset is placed by itself",
    ),
    (
        re.compile(
            r"Missing the `pip` binary|No module named ensurepip|ensurepip is not available"
        ),
        "Python here cannot make virtual environments: install python3-venv and python3-pip",
    ),
    (
        re.compile(
            r"CMakeCache\.txt directory .{1,600} is different than"
            r"|used to generate cache\. {1,2}Re-run"
            r"|^Error running link command: |^Build (?:directory '|is configured for generator)"
            r"|is currently active in the environment while"
        ),
        "the build folder was made by another project, ESP-IDF or Python: remove the build folder",
    ),
    (
        re.compile(r"^InternetConnectionError: |^HTTPClientError: "),
        "no network, and a package is not there: install it once with a network (pio pkg install)",
    ),
    (
        re.compile(r"Exec format error|cannot execute binary file"),
        "this program was built for another processor: install the tools for this machine "
        "(ESP-IDF's install.sh)",
    ),
    (
        re.compile(
            r"Tool doesn't match supported version|Toolchain version is not supported: "
            r"|is not able to compile a simple test program"
        ),
        _OTHER_COMPILER,
    ),
    (
        re.compile(r'unable to find a build program corresponding to "Ninja"'),
        "install ninja, or ESP-IDF's tools by its install.sh: on PATH where espdeck runs",
    ),
    (
        re.compile(r"bytecode stream .{0,400}generated with LTO version"),
        "this library was made by another version of the compiler: build it anew with this one",
    ),
    (
        re.compile(r"Unable to find libclang"),
        "source espup's export-esp.sh, or set LIBCLANG_PATH to the folder of libclang.so",
    ),
    (
        re.compile(r"dubious ownership in repository"),
        "the repository is another user's: git config --global --add safe.directory with its path, "
        "or change its owner",
    ),
    (
        re.compile(r"^ccache: .{0,400}(?:Permission denied|Read-only file system)"),
        "ccache may not write into its folder: set CCACHE_DIR to one where this user may, or "
        "IDF_CCACHE_ENABLE=0",
    ),
    (
        re.compile(r"permission denied while trying to connect to the Docker"),
        "add this user to the group docker and log in anew",
    ),
    (
        re.compile(
            r"(?:exec|sh|bash): (?:\d{1,5}: )?(?:line \d{1,5}: )?\S{1,400}: Permission denied"
            r"|bad interpreter: Permission denied"
        ),
        "this file may not be run: chmod +x it (in Git: git update-index --chmod=+x)",
    ),
    (
        re.compile(
            r"opening (?:build|deps) log: |^Operation not permitted"
            r"|Failed to create cache directory|\[Errno 13\] |^PermissionError: "
        ),
        "this user may not write there, and the file or folder may be another user's, as after a "
        "container that ran as root: change its owner, or remove it",
    ),
    (
        re.compile(r"^FileNotFoundError: .{1,99}'[\w+-]{1,80}'\n[\s\S]{0,8000}_execute_child"),
        "a program of this name is not installed, or not on PATH where the build runs",
    ),
    (
        re.compile(r"^UnicodeDecodeError: "),
        "a file that is read here is not UTF-8: save it anew in UTF-8",
    ),
    (
        re.compile(r"^missing SConscript file "),
        "extra_scripts in platformio.ini names a file that is not there, or a package of "
        "PlatformIO is not complete: correct it, or remove the package so that it is fetched anew",
    ),
    (
        re.compile(r"^Include directory '"),
        "correct INCLUDE_DIRS of this component, or add the folder that it names",
    ),
    (
        re.compile(r"is not a full path and was not found in the PATH|compiler .{0,99}not found"),
        "the chip's compiler is not installed: run $IDF_PATH/install.sh for this chip, then "
        "source $IDF_PATH/export.sh before starting espdeck",
    ),
    (
        re.compile(r"Failed to resolve component '"),
        "no component has this name: correct it in REQUIRES, or add it to idf_component.yml",
    ),
    (
        re.compile(r"^[\w.+-]{0,80}(?:gcc|g\+\+|clang): .{1,400}: No such file or directory"),
        "a file that the compiler was given is not there; a folder with a space in its name is cut "
        "at the space: move the project or ESP-IDF to a path without one",
    ),
    (
        re.compile(r"^[\w./+-]{1,200}: No such file or directory|' file not found"),
        "correct the include path, or add the component that has this header to REQUIRES",
    ),
    (
        re.compile(r"Cannot find source file"),
        "CMakeLists.txt names a source file that is not there: add the file or correct its name",
    ),
    (
        re.compile(r"CMakeLists\.txt not found|does not contain a CMakeLists\.txt"),
        "add a CMakeLists.txt at the root of the repository",
    ),
    (
        re.compile(r"is not one of 'esp32|Invalid value for '\{esp32|[Uu]nsupported target"),
        "choose a chip that this project and this ESP-IDF can build for",
    ),
    (
        re.compile(r"call target out of range|R_XTENSA_SLOT0_OP"),
        "compile what calls from so far with -mlongcalls; a library has to be built anew with it",
    ),
    (
        re.compile(r"literal target out of range|l32r: "),
        "compile this file with -mtext-section-literals",
    ),
    (
        re.compile(r"relocation truncated to fit"),
        "what is called or read lies too far away: keep both in the same memory, or compile with "
        "-mcmodel=medany (RISC-V) or -mlongcalls (Xtensa)",
    ),
    (
        re.compile(r"^section \S{1,200} [VL]MA .{1,200} overlaps section "),
        "these sections share one memory and together they are too large: move code out of IRAM, "
        "or make static data smaller",
    ),
    (
        re.compile(r"error adding symbols: file in wrong format|incompatible with .{1,99} output"),
        "this library was built for another processor: link the one that is for this chip",
    ),
    (
        re.compile(r"(?:will not fit in|^) ?region [`']iram0\w{0,20}'"),
        "the program is larger than its memory: take IRAM_ATTR from functions that do without, and "
        "turn off options that put drivers' code into IRAM (CONFIG_..._IN_IRAM)",
    ),
    (
        re.compile(
            r"segment data does not fit|will not fit in region|is not within region"
            r"|discards section |Total discarded sections"
            r"|overflowed by \d|region .{1,99} overflowed"
        ),
        "the program is larger than its memory: remove data or code, or change the linker script",
    ),
    (
        re.compile(r"undefined reference to `app_main'"),
        'define void app_main(void) in the main component, extern "C" in C++',
    ),
    (
        re.compile(r"undefined (reference to|symbol: )"),
        "declared but never defined: add the source file that defines it to the target, or the "
        "library to its link line",
    ),
    (
        re.compile(r"secure_boot_signing_key\.pem', needed by"),
        "make the key that signs (idf.py secure-generate-signing-key), or set "
        "CONFIG_SECURE_BOOT_SIGNING_KEY to where it is",
    ),
    (
        re.compile(r"missing and no known rule to make it"),
        "a file that the build needs is neither there nor made by anything: add or generate it",
    ),
    (
        re.compile(r"multiple definition of .{1,400}; first defined here: \S{1,400}\.h(?:pp)?:"),
        "a header is in several files: let it declare this `extern` and one source file define it",
    ),
    (
        re.compile(r"multiple definition of|duplicate symbol: "),
        "defined twice: keep one definition and declare it `extern` elsewhere, or make it static",
    ),
    (
        re.compile(r"implicit declaration of function|call to undeclared function"),
        "include the header that declares this function, or correct its name",
    ),
    (
        re.compile(r"unknown type name|undeclared"),
        "include the header that declares this name, or correct its spelling",
    ),
    (
        re.compile(r"skipping incompatible "),
        "the library that is there was built for another processor: link the one for this chip",
    ),
    (
        re.compile(
            r"^\S{0,200}sh: .{1,200}: (?:command )?not found"
            r"|^make(?:\[\d{1,3}\])?: [\w.+/-]{1,200}: (?:No such file or directory"
            r"|Command not found)"
        ),
        "this program is not installed, or not on PATH where the build runs",
    ),
    (
        re.compile(r"cannot find linker script|cannot open linker script|cannot find -l"),
        "correct the path in the target's link options",
    ),
    (
        re.compile(
            r"could not find (?:requested|load) file:\s{1,9}\S{0,400}/tools/cmake/project\.cmake"
            r"|IDF_PATH (?:is not set|environment variable)"
        ),
        "set IDF_PATH to the folder of ESP-IDF, or source its export.sh",
    ),
)
"""Pattern in a finding's message or evidence, and what to do; the first that fits is taken."""


def hint_for(text: str) -> str | None:
    """The hint for a message, None when it is not a well-known one."""
    return next((hint for pattern, hint in HINTS if pattern.search(text)), None)
