"""How PlatformIO says that it cannot go on: an exception of its own, by class and message.

``platformio/__main__.py`` ends with ``CLASS: message``; of an exception that is not its own it
prints the traceback behind ``CLASS:``, and a text that asks to report it. An error of a mirror has
no message at all (``http.py``): what was fetched then is in the line of the package manager before
(``package/manager/_install.py``). Names are those of PlatformIO 6.1 to 6.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.toolchains.diagnostics import tracebacks

_EXCEPTIONS = frozenset(
    {
        "BuildScriptNotFound",
        "CygwinEnvDetected",
        "ExtractArchiveItemError",
        "GetLatestVersionError",
        "HTTPClientError",
        "HomeDirPermissionsError",
        "IncompatiblePackageError",
        "IncompatiblePlatform",
        "InternetConnectionError",
        "InvalidBoardManifest",
        "InvalidEnvNameError",
        "InvalidJSONFile",
        "InvalidProjectConfError",
        "InvalidSettingName",
        "InvalidSettingValue",
        "LockFileExists",
        "LockFileTimeoutError",
        "ManifestException",
        "ManifestParserError",
        "ManifestValidationError",
        "MissingPackageManifestError",
        "NotGlobalLibDir",
        "NotPlatformIOProjectError",
        "PackageException",
        "PlatformException",
        "PlatformioException",
        "ProjectEnvsNotAvailableError",
        "ProjectError",
        "ProjectOptionValueError",
        "SemanticVersionError",
        "UndefinedEnvPlatformError",
        "UnknownBoard",
        "UnknownEnvNamesError",
        "UnknownFramework",
        "UnknownManifestError",
        "UnknownPackageError",
        "UnknownPlatform",
        "UserSideException",
        "VCSBaseException",
    }
)
_NAMED = re.compile(r"(?P<name>[A-Z][A-Za-z]{2,60}):(?: (?P<words>.*))?")
_TRACED = re.compile(r"(?P<name>[A-Za-z_]\w{0,80}): Traceback \(most recent call last\):")
_PLACE = re.compile(
    r"Invalid '(?P<file>[^']{1,400})' \(project configuration file\)"
    r"(?:.{0,600}?(?:\[line {1,9}|, line: )(?P<line>\d{1,7}))?",
    re.DOTALL,
)
_MANAGER = re.compile(
    r"(?:Platform|Tool|Library|Package) Manager: "
    r"(?:(?:Install|Updat|Download)ing (?P<what>\S.{0,200})"
    r"|.{1,200} (?:has been \w{1,20}|is already \w{1,20}).*)"
)
_UNREACHED = re.compile(
    r"HTTPS?ConnectionPool\(host='(?P<host>[^']{1,200})'.{0,800}?"
    r"\(Caused by (?P<cause>\w{1,60})\((?P<why>.{0,800})"
)
"""What requests says of a server that it did not reach; the reason comes last."""
_OBJECT = re.compile(r"[\"']?(?:HTTPS?Connection\(.{0,300}?\)|<.{1,300}?>): ?")
_END = re.compile(r"[\"']\){1,3}$")
_MIRROR = re.compile(
    r"(?:(?:Platform|Tool|Library|Package) Manager: ){0,2}"
    r"Warning! Package Mirror: (?P<why>\S.{0,400})"
)
"""Why a package could not be fetched or unpacked; the exception that follows does not say."""
_NOT_INSTALLED = "Could not install package"
_GIT = "fatal: "
_OF_GIT = "VCSBaseException"
_MAX_TRACEBACK_LINES = 400
_MAX_FOLLOWING_LINES = 4


@dataclass(frozen=True, slots=True)
class PioError:
    """What PlatformIO ended with.

    Args:
        message: class and message of the exception.
        file, line: of the project's configuration, where it is that.
        lines: as it was printed, shortened.
        count: how many lines of the output it takes.
    """

    message: str
    file: str | None
    line: int | None
    lines: tuple[str, ...]
    count: int


class PioOutput:
    """Goes along with the lines, as an exception is told by what was going on."""

    def __init__(self) -> None:
        self._fetching = ""
        self._fetching_line = ""
        self._mirror = ""
        self._git = ""

    def note(self, line: str) -> None:
        """Take a line that may say what an exception is about."""
        if line.startswith(_GIT):
            self._git = line
        mirror = _MIRROR.fullmatch(line)
        if mirror:
            self._mirror = mirror["why"]
        match = _MANAGER.fullmatch(line)
        if match:
            self._fetching, self._mirror = match["what"] or "", ""
            self._fetching_line = line if self._fetching else ""

    def error_at(self, lines: Sequence[str], start: int) -> PioError | None:
        """The exception that begins at a line, None where none does."""
        traced = _TRACED.fullmatch(lines[start])
        if traced:
            return self._error_with_traceback(traced["name"], lines, start)
        match = _NAMED.fullmatch(lines[start])
        if match is None or match["name"] not in _EXCEPTIONS:
            return None
        end = start + 1
        while end < min(len(lines), start + _MAX_FOLLOWING_LINES) and _goes_on(lines[end]):
            end += 1
        name, words = match["name"], (match["words"] or "").strip()
        said = list(lines[start:end])
        if name == _OF_GIT and self._git:
            words = self._git.removeprefix(_GIT)
            said.insert(0, self._git)
        if words.startswith(_NOT_INSTALLED) and self._mirror:
            words += f": {self._mirror}"
        place = _PLACE.search("\n".join(said))
        return PioError(
            self._error_of(name, words),
            place["file"] if place else None,
            int(place["line"]) if place and place["line"] else None,
            tuple([self._fetching_line] * bool(self._fetching_line) + said),
            end - start,
        )

    def _error_with_traceback(self, name: str, lines: Sequence[str], start: int) -> PioError | None:
        block = [tracebacks.BEGINS, *lines[start + 1 : start + _MAX_TRACEBACK_LINES]]
        found = tracebacks.traceback_at(block, 0)
        if found is None:
            return None
        words = found.message.partition(": ")[2]
        unreached = _UNREACHED.match(words)
        if unreached:
            why = _END.sub("", _OBJECT.sub("", unreached["why"])).lstrip("\"'")
            words = f"{unreached['host']}: {why or unreached['cause']}"
        shown = tuple([self._fetching_line] * bool(self._fetching_line)) + found.lines
        return PioError(self._error_of(name, words), None, None, shown, found.count)

    def _error_of(self, name: str, words: str) -> str:
        what = f" (installing {self._fetching})" if self._fetching else ""
        return f"{name}: {words}{what}" if words else f"{name}{what}"


def _goes_on(line: str) -> bool:
    """Whether a line may belong to the message before it."""
    return bool(line.strip()) and not line.startswith(("Processing ", "===", "---", "***"))
