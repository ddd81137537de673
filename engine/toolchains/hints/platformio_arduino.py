"""Hints for PlatformIO and for Arduino sketches."""

from __future__ import annotations

import re

from engine.toolchains.hints.hint import ARDUINO, PLATFORMIO, PLATFORMIO_ARDUINO, SKETCH, Hint

_HEADER = r"^[\w./+-]{1,200}: No such file or directory|' file not found"
_TOO_LARGE = r"^The program size \(|^text section exceeds available space"

HINTS: tuple[Hint, ...] = (
    Hint(
        re.compile(_TOO_LARGE),
        "the program is larger than its partition: choose a partition table with a larger app "
        "(board_build.partitions = huge_app.csv), or take something out",
        PLATFORMIO,
    ),
    Hint(
        re.compile(_TOO_LARGE),
        "the program is larger than its partition: choose a partition table with a larger app "
        "(PartitionScheme=huge_app behind the board in sketch.yaml), or take something out",
        ARDUINO,
    ),
    Hint(
        re.compile(
            r"^(?:InternetConnection|HTTPClient|Connection|Proxy|SSL|ConnectTimeout)Error\b"
        ),
        "no network, and a package is not there: run pio pkg install once with a network; where "
        "only a proxy leads out, set HTTPS_PROXY where espdeck runs",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^UnknownPackageError|^IncompatiblePackageError"),
        "no package has this name and version for this machine: correct platform, lib_deps or "
        "platform_packages in platformio.ini (OWNER/NAME@VERSION)",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^UnknownPlatform\b"),
        "no platform has this name: correct platform in platformio.ini, such as espressif32",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"\bUnknown board ID '"),
        "no board of the platform has this name: correct board in platformio.ini "
        "(pio boards espressif32 lists them), or add its file to the folder boards",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^UnknownFramework\b|board doesn't support .{1,80} framework"),
        "correct framework in platformio.ini: the board's and the platform's are arduino or espidf",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^UndefinedEnvPlatformError"),
        "add platform = espressif32 to this environment; a section that `extends` names may not "
        "be there",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^Please specify `board`"),
        "add the board to this environment, such as board = esp32dev",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^ProjectEnvsNotAvailableError"),
        "add an environment to platformio.ini: [env:NAME] with platform, board and framework",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^UnknownEnvNamesError"),
        "correct default_envs in platformio.ini",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^InvalidProjectConfError.{1,600}'No section: "),
        "platformio.ini asks for a section that is not there: add it, or the file that has it and "
        "that extra_configs names",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^(?:InvalidProjectConf|ProjectOptionValue|InvalidEnvName)Error"),
        "correct platformio.ini there",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^IncompatiblePlatform\b"),
        "update PlatformIO (pip install -U platformio), or choose another version of the platform",
        PLATFORMIO,
    ),
    Hint(
        re.compile(
            r"^(?:MissingPackageManifest|UnknownManifest|ManifestParser|ManifestValidation)Error"
        ),
        "what was fetched is not a package of PlatformIO, or not all of it: correct its address in "
        "platformio.ini, or remove it from PlatformIO's folder so that it is fetched again",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^PackageException: Can not create a symbolic link"),
        "the folder does not exist: correct the path behind symlink:// in platformio.ini",
        PLATFORMIO,
    ),
    Hint(
        re.compile(
            r"^PackageException: (?:Got the unrecognized status code|The (?:size|checksum))"
        ),
        "the download failed: check the address in platformio.ini, and whether a proxy answers "
        "instead of the server",
        PLATFORMIO,
    ),
    Hint(
        re.compile(
            r"^HomeDirPermissionsError|^InvalidJSONFile"
            r"|^\w{2,30}Error: [\s\S]{0,8000}/platformio/app\.py"
        ),
        "PlatformIO's folder (~/.platformio, or PLATFORMIO_CORE_DIR) is not this user's or is "
        "damaged: correct its owner, or set PLATFORMIO_CORE_DIR where espdeck runs",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^LockFile(?:Timeout|Exists)"),
        "another PlatformIO holds its folder: wait for it, or end it",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^Nothing to build\b"),
        "put the sources into src, or set src_dir in platformio.ini",
        PLATFORMIO,
    ),
    Hint(
        re.compile(_HEADER),
        "correct the name, or add the library that has this header to lib_deps in platformio.ini "
        "(pio pkg search header:NAME finds it)",
        PLATFORMIO_ARDUINO,
    ),
    Hint(
        re.compile(r"^missing SConscript file "),
        "extra_scripts in platformio.ini names a file that is not there, or a package of "
        "PlatformIO is not complete: correct it, or remove the package so that it is fetched again",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"^Platform '[^']{1,80}' not found"),
        "install the core once, with a network and its index (arduino-cli core install esp32:esp32 "
        "--additional-urls URL), or give sketch.yaml a profile that names the platform",
        ARDUINO,
    ),
    Hint(
        re.compile(r"^(?:Invalid|Unknown) FQBN|board \S{1,80} not found"),
        "correct the board in sketch.yaml (arduino-cli board listall esp32 lists them)",
        ARDUINO,
    ),
    Hint(
        re.compile(r"^Missing FQBN"),
        "say in sketch.yaml for which board it is: default_fqbn, or a profile with an fqbn",
        ARDUINO,
    ),
    Hint(
        re.compile(r"^Profile '[^']{1,80}' not found|loading sketch project file"),
        "correct sketch.yaml: profiles are a map of names, each with fqbn, platforms and libraries",
        ARDUINO,
    ),
    Hint(
        re.compile(r"^Library '[^']{1,80}' not found|Library \S{1,80} not found"),
        "no library has this name and version: correct it in sketch.yaml (arduino-cli lib search)",
        ARDUINO,
    ),
    Hint(
        re.compile(_HEADER),
        "correct the name, or install the library that has this header with the library manager "
        "(arduino-cli lib install NAME), or name it in the libraries of a profile in sketch.yaml",
        ARDUINO,
    ),
    Hint(
        re.compile(r"undefined reference to `(?:setup|loop)(?:\(\))?'"),
        "a sketch has both void setup() and void loop(): define them, outside of any namespace",
        SKETCH,
    ),
)
