"""What systemd's login manager does to a user's processes at logout, as its files say it.

Files of settings are read as logind does (logind.conf(5), ``conf-parser.c``): the main file of the
first folder that has one, then the drop-ins of all folders by name, of one name that of the first
folder; the last assignment wins, lists grow, an empty one empties them. A line of no sense is
skipped.
"""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.files import read_file

_FOLDERS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_MAX_FILE_BYTES = 1 << 18
_TRUE = {"1", "yes", "y", "true", "t", "on"}
_FALSE = {"0", "no", "n", "false", "f", "off"}
_DEFAULT = re.compile(r"[#;]\s*KillUserProcesses\s*=\s*(\w+)")


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """The part of logind's settings that ends processes.

    Args:
        kill_user_processes: whether processes of a session end with it.
        kill_only_users: users for whom that holds alone; empty for all.
        kill_exclude_users: users for whom it does not; None for root.
        said_by: the file that says ``kill_user_processes``; None where it is the default.
        keeps_users: whether services of a user stay after the last logout in any case.
    """

    kill_user_processes: bool = False
    kill_only_users: tuple[str, ...] = ()
    kill_exclude_users: tuple[str, ...] | None = None
    said_by: Path | None = None
    keeps_users: bool = False

    def kills(self, user: str) -> bool:
        """Whether what a user starts in a session ends with it (``manager_shall_kill``)."""
        if self.kill_exclude_users is None and user == "root":
            return False
        if user in (self.kill_exclude_users or ()):
            return False
        if self.kill_only_users:
            return user in self.kill_only_users
        return self.kill_user_processes


def read_login_settings(root: Path) -> LoginSettings:
    """The settings of the login manager below a root folder, ``/`` or one of a test."""
    found = LoginSettings()
    for path in _setting_files(root):
        for name, value in _assignments(path):
            users = tuple(value.split())
            match name:
                case "#KillUserProcesses":  # the main file shows what it was compiled with
                    if found.said_by is None and (word := _truth(value)) is not None:
                        found = replace(found, kill_user_processes=word)
                case "KillUserProcesses" if (word := _truth(value)) is not None:
                    found = replace(found, kill_user_processes=word, said_by=path)
                case "KillOnlyUsers":
                    grown = (*found.kill_only_users, *users) if users else ()
                    found = replace(found, kill_only_users=grown)
                case "KillExcludeUsers":
                    grown = (*(found.kill_exclude_users or ()), *users) if users else ()
                    found = replace(found, kill_exclude_users=grown)
                case "UserStopDelaySec":
                    found = replace(found, keeps_users=value == "infinity")
    return found


def lingers(root: Path, user: str) -> bool:
    """Whether a user's services start at boot and stay after the last logout.

    Raises:
        OSError: it cannot be looked at.
    """
    return (root / "var/lib/systemd/linger" / _escaped(user)).exists()


def user_name(number: int) -> str:
    """The name of a user, or the number where there is none, as in some containers."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _escaped(user: str) -> str:
    """A name as ``cescape()`` writes it: that of a domain, ``LAB\\ada``, has a backslash."""
    return "".join(
        f"\\{chr(byte)}"
        if chr(byte) in "\\\"'"
        else chr(byte)
        if 32 <= byte < 127
        else f"\\{byte:03o}"
        for byte in user.encode("utf-8", "surrogateescape")
    )


def _truth(word: str) -> bool | None:
    word = word.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _setting_files(root: Path) -> list[Path]:
    mains = (root / folder / "systemd/logind.conf" for folder in _FOLDERS)
    main = [path for path in mains if path.exists()][:1]
    drop_ins: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in _listed(root / folder / "systemd/logind.conf.d"):
            drop_ins.setdefault(path.name, path)
    return main + [drop_ins[name] for name in sorted(drop_ins)]


def _listed(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.endswith(".conf")]
    except OSError:
        return []


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    """What a file assigns in ``[Login]``; a default that a comment of it shows has a ``#``."""
    try:
        text = read_file(path, _MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return  # a link to /dev/null takes a file of a lower folder out
    is_login = False
    before = ""
    for raw in text.split("\n"):
        line = raw.strip()
        if line[:1] in ("#", ";"):
            if shown := _DEFAULT.match(line):
                yield "#KillUserProcesses", shown[1]
            continue
        line = before + raw
        before = ""
        if line.endswith("\\"):
            before = f"{line[:-1]} "
            continue
        line = line.strip()
        if line.startswith("["):
            is_login = line == "[Login]"
        elif is_login and "=" in line:
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
