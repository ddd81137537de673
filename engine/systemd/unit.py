"""The systemd user unit of a workspace's daemon: its text, and the file that it is written to.

systemd.service(5), systemd.unit(5) and systemd.syntax(7) say how words are quoted: quotes around a
word and C escapes within, ``%`` and, in arguments, ``$`` doubled. Environment= expands no ``$``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from engine.errors import UsageError
from engine.files import explain, plain_name, read_file
from engine.logs.secrets import is_secret_name
from engine.settings import Settings, config_file
from engine.text import mask

START_SECONDS = 120
"""Seconds that a daemon may take to start: a migration of a large database, and its backup."""

STOP_SECONDS = 60
"""Seconds that a daemon may take to stop before systemd kills it."""

ENVIRONMENT_FILE = "daemon.env"
"""File beside the settings whose variables the service gets, too: secrets, which no unit holds."""

_MARK = "# espdeck daemon install wrote this for "
_MAX_UNIT_BYTES = 1 << 16
_PLAIN_WORD = re.compile(r"[\w@+=:,./-]+", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_VARIABLES = re.compile(
    r"PATH|LANG|LC_\w+|TZ|TMPDIR|XDG_(?:CONFIG|DATA|CACHE|STATE)_HOME|ESPDECK_\w+"
    # What ESP-IDF's export.sh, PlatformIO and Arduino are found by.
    r"|IDF_\w+|ESP_\w+|OPENOCD_SCRIPTS|PLATFORMIO_\w+|ARDUINO_\w+|OLLAMA_HOST"
    r"|(?i:\w+_proxy)|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CCACHE_\w+|CMAKE_\w+|GIT_SSH_COMMAND"
)
"""Variables of the person's shell that the service is to have as well."""

_MAY_HOLD_SECRETS = re.compile(r"ESPDECK_.*(?:NOTIF|CHANNEL|WEBHOOK|URL).*")
"""Addresses of chats hold their keys."""

_SHELL_ONLY = {"ESPDECK_WORKSPACE", "ESPDECK_GROUP"}  # the unit names the workspace itself


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Args:
        name: as ``systemctl --user`` knows it.
        text: of its file.
        left_out: variables that the daemon would need and that no unit can hold: secrets.
    """

    name: str
    text: str
    left_out: tuple[str, ...]


def make_unit(
    program: Sequence[str],
    workspace: Path,
    *,
    is_default: bool,
    config_folder: Path,
    environ: Mapping[str, str],
) -> Unit:
    """The unit of a workspace's daemon.

    Args:
        program: absolute path of espdeck and its first arguments.
        workspace: the folder.
        is_default: whether it is the one that a person has who names none.
        config_folder: folder of the settings.
        environ: variables of the shell in which espdeck builds.

    Raises:
        UsageError: a path holds what a unit cannot name.
    """
    name = f"espdeck{'' if is_default else '-' + _unit_name(workspace)}.service"
    command = [*program, "--workspace", str(workspace), "daemon"]
    kept, left_out = _environment(environ)
    lines = [
        f"{_MARK}{_checked(str(workspace))}",
        f"# Changes of your own belong into a drop-in: systemctl --user edit {name}",
        "",
        "[Unit]",
        f"Description=espdeck daemon of {_specifiers(str(workspace))}",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_command([*command, 'run'])}",
        f"ExecReload={_command([*command, 'reload'])}",
        "Restart=on-failure",
        "RestartSec=5",
        "# A mistake in the settings: another start would not mend it.",
        "RestartPreventExitStatus=2",
        f"TimeoutStartSec={START_SECONDS}",
        f"TimeoutStopSec={STOP_SECONDS}",
        "# The daemon ends what it started itself, and puts running stages back; a compiler that",
        "# were told to end by systemd would be a failed build. What is left then is killed.",
        "KillMode=mixed",
        "# It keeps the processes of each program in a cgroup of their own.",
        "Delegate=yes",
        "# A compiler that runs out of memory is a failed build, and no reason to end the daemon.",
        "OOMPolicy=continue",
        *(f"Environment={_word(f'{name}={value}')}" for name, value in kept.items()),
        "# For secrets, which do not belong here: NAME=VALUE lines, mode 0600.",
        f"EnvironmentFile=-{_specifiers(str(config_folder / ENVIRONMENT_FILE))}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return Unit(name, "\n".join(lines) + "\n", left_out)


def daemon_unit(
    settings: Settings, program: Sequence[str], environ: Mapping[str, str] = os.environ
) -> Unit:
    """The unit of the daemon that these settings describe; arguments as of :func:`make_unit`.

    Raises:
        UsageError: a path holds what a unit cannot name.
    """
    named = {"ESPDECK_CONFIG": str(config_file().absolute())} if "ESPDECK_CONFIG" in environ else {}
    return make_unit(
        program,
        settings.workspace,
        is_default=settings.workspace == user_data_path("espdeck").resolve(),
        config_folder=config_file().parent.absolute(),
        environ={**environ, **named},  # a service runs in another folder
    )


def unit_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where a person's own units are: ``$XDG_CONFIG_HOME/systemd/user``."""
    config = environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else home / ".config") / "systemd" / "user"


def write_unit(unit: Unit, folder: Path) -> tuple[Path, bool]:
    """Write a unit into a folder, in place of one that was written for the same workspace.

    Returns:
        Its file, and whether it is another one than before.

    Raises:
        UsageError: there is a file that is not ours, or it cannot be written.
    """
    path = folder / unit.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            raise UsageError(f"{path} is a link to {path.readlink()}: systemctl --user revert it")
        before = _read(path)
        if before == unit.text:
            return path, False
        if before is not None and before.partition("\n")[0] != unit.text.partition("\n")[0]:
            raise UsageError(
                f"{path} exists and was not written for this workspace: move it away first"
            )
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            part.write_text(unit.text, "utf-8")
            part.chmod(0o600)
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise UsageError(explain(error, path)) from error
    return path, True


def _read(path: Path) -> str | None:
    try:
        return read_file(path, _MAX_UNIT_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def _unit_name(workspace: Path) -> str:
    """Two workspaces may have folders of one name: a few digits tell them apart."""
    digits = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:6]
    return f"{plain_name(workspace.name)[:40]}-{digits}"


def _environment(environ: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables that the service gets, and the names of those that are secrets."""
    kept, left_out = dict[str, str](), list[str]()
    for name, value in sorted(environ.items()):
        is_wanted = _VARIABLES.fullmatch(name) and name not in _SHELL_ONLY
        is_named_so = is_secret_name(name) or _MAY_HOLD_SECRETS.fullmatch(name)
        if name == "OPENROUTER_API_KEY" or (is_wanted and (is_named_so or mask(value) != value)):
            left_out.append(name)
        elif is_wanted and value and not _UNPRINTABLE.search(value):
            kept[name] = value
    return kept, tuple(left_out)


def _command(words: Sequence[str]) -> str:
    """A command line. systemd looks for variables in arguments, and not in the program's name."""
    program, *arguments = words
    return " ".join([_word(program), *(_word(each.replace("$", "$$")) for each in arguments)])


def _word(word: str) -> str:
    word = _specifiers(word)
    if _PLAIN_WORD.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _specifiers(text: str) -> str:
    return _checked(text).replace("%", "%%")


def _checked(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise UsageError(f"{text!r}: a unit of systemd cannot name a path with such characters")
    return text
