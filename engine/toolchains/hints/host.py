"""Hints for what is wrong with the machine that builds: memory, disk, network, files, programs."""

from __future__ import annotations

import re

from engine.toolchains.hints.hint import CMAKE, OWN_COMPILER, PLATFORMIO, ZIG, Hint

FIRST: tuple[Hint, ...] = (
    Hint(
        re.compile(r"^MemoryError\b|fork: [Cc]annot allocate memory"),
        "the machine ran out of memory: build less at once, or give it more memory or swap",
    ),
    Hint(
        re.compile(r"No space left on device|\bENOSPC\b|NoSpaceLeft"),
        "the disk is full: make room where the workspace is",
    ),
    Hint(
        re.compile(
            r"Missing the `pip` binary|No module named ensurepip|ensurepip is not available"
        ),
        "Python here cannot make virtual environments: install python3-venv and python3-pip",
    ),
    Hint(
        re.compile(r"No module named '?SCons\b|^SCons import failed"),
        "PlatformIO's build tool is not complete: remove its folder packages/tool-scons in "
        "~/.platformio, and the next build fetches it again",
        PLATFORMIO,
    ),
    Hint(
        re.compile(r"exec: \"python3?\": executable file not found"),
        "the tools of this board need Python by this name: install it (Debian: python-is-python3)",
    ),
    Hint(
        re.compile(r"No module named [\s\S]{1,8000}/\.?platformio/"),
        "PlatformIO's own Python lacks this module: install it there, as in "
        "~/.platformio/penv/bin/pip install NAME, or take another version of the platform",
        PLATFORMIO,
    ),
)
"""Whatever was done when it happened."""

NETWORK: tuple[Hint, ...] = (
    Hint(
        re.compile(
            r"Could not resolve (?:host|proxy)|Name or service not known|getaddrinfo|NameResolution"
            r"|Temporary failure in name resolution|[Nn]o such host|[Nn]etwork is unreachable"
            r"|Connection (?:reset by peer|refused|aborted|broken)|Read timed out"
            r"|\bdial tcp\b|proxyconnect|ProxyError|unable to connect to proxy"
            r"|(?:Failed to|Could not|couldn't) connect to|TLS handshake timeout"
        ),
        "no network, or only by a proxy: build once with a network, or set HTTPS_PROXY where "
        "espdeck runs",
    ),
    Hint(
        re.compile(r"CERTIFICATE_VERIFY_FAILED|x509: |certificate verify failed"),
        "this machine does not trust the server's certificate, as with a proxy that inspects "
        "traffic: add the proxy's certificate to the system, or set SSL_CERT_FILE "
        "where espdeck runs",
    ),
)
"""Whatever was to be fetched; what fetches it may have said more."""

HINTS: tuple[Hint, ...] = (
    Hint(
        re.compile(r"No module named "),
        "a Python module is not there: install it in the Python that runs this",
    ),
    Hint(
        re.compile(
            r"CMakeCache\.txt directory .{1,600} is different than"
            r"|used to generate cache\. {1,2}Re-run|^Error running link command: "
        ),
        "the build folder was made by another project or compiler: remove the build folder",
    ),
    Hint(
        re.compile(r"Exec format error|cannot execute binary file"),
        "this program was built for another processor: install the one for this machine",
    ),
    Hint(
        re.compile(r"is not able to compile a simple test program"),
        "the compiler that toolchain.cmake names does not work: correct its name and its options, "
        "and remove the build folder",
        OWN_COMPILER,
    ),
    Hint(
        re.compile(r"is not able to compile a simple test program"),
        "the built-in compiler does not work with these options: correct CMakeLists.txt, or "
        "install it anew (pip install 'espdeck[lab]')",
        ZIG,
    ),
    Hint(
        re.compile(r'unable to find a build program corresponding to "Ninja"'),
        "install ninja: on PATH where espdeck runs, or pip install 'espdeck[lab]'",
        CMAKE,
    ),
    Hint(
        re.compile(r"is not a full path and was not found in the PATH|compiler .{0,99}not found"),
        "the compiler that toolchain.cmake names is not on PATH where espdeck runs: install it, or "
        "name it with its folder",
        OWN_COMPILER,
    ),
    Hint(
        re.compile(r"(?:gcc|g\+\+|clang|ar|objcopy): (?:command )?not found"),
        "a tool of the platform is not complete: remove its package (pio pkg uninstall), and the "
        "next build fetches it anew",
        PLATFORMIO,
    ),
    Hint(
        re.compile(
            r"Could NOT find \w{1,80} \(missing: |Could not find a package configuration file"
            r"|The following required packages were not found|No package '[\w.+-]{1,80}' found"
            r"|A required package was not found"
        ),
        "install this package with its development files on this machine, or tell CMake where it "
        "is (CMAKE_PREFIX_PATH)",
    ),
    Hint(
        re.compile(r"Unable to find libclang"),
        "source espup's export-esp.sh, or set LIBCLANG_PATH to the folder of libclang.so",
    ),
    Hint(
        re.compile(r"dubious ownership in repository"),
        "the repository is another user's: git config --global --add safe.directory with its path, "
        "or change its owner",
    ),
    Hint(
        re.compile(r"^ccache: .{0,400}(?:Permission denied|Read-only file system)"),
        "ccache may not write into its folder: set CCACHE_DIR to one where this user may",
    ),
    Hint(
        re.compile(r"permission denied while trying to connect to the Docker"),
        "add this user to the group docker and log in again",
    ),
    Hint(
        re.compile(
            r"(?:exec|sh|bash): (?:\d{1,5}: )?(?:line \d{1,5}: )?\S{1,400}: Permission denied"
            r"|bad interpreter: Permission denied"
        ),
        "this file may not be run: chmod +x it (in Git: git update-index --chmod=+x)",
    ),
    Hint(
        re.compile(
            r"opening (?:build|deps) log: |^Operation not permitted"
            r"|Failed to create cache directory|\[Errno 13\] |^PermissionError: "
        ),
        "this user may not write there, and the file or folder may be another user's, as after a "
        "container that ran as root: change its owner, or remove it",
    ),
    Hint(
        re.compile(r"^FileNotFoundError: .{1,99}'[\w+-]{1,80}'\n[\s\S]{0,8000}_execute_child"),
        "a program of this name is not installed, or not on PATH where the build runs",
    ),
    Hint(
        re.compile(r"^UnicodeDecodeError: "),
        "a file that is read here is not UTF-8: save it as UTF-8",
    ),
    Hint(
        re.compile(
            r"^\S{0,200}sh: .{1,200}: (?:command )?not found"
            r"|^make(?:\[\d{1,3}\])?: [\w.+/-]{1,200}: (?:No such file or directory"
            r"|Command not found)"
        ),
        "this program is not installed, or not on PATH where the build runs",
    ),
    Hint(
        re.compile(r"bytecode stream .{0,400}generated with LTO version"),
        "this library was made by another version of the compiler: rebuild it with this one",
    ),
)
