"""Changes of the settings file: typed by the model, checked as a whole, written whole or not.

``espdeck config set``, ``espdeck checks set`` and the Settings screen change it by these functions.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from engine.errors import UsageError
from engine.files import explain, read_file
from engine.settings.edit_text import set_in, unset_in
from engine.settings.file_check import Mistake, check_text
from engine.settings.keys import (
    PROFILES,
    KeyPath,
    Options,
    find_file_key,
    is_list,
    join_key,
    plain_type,
    read_text,
    split_key,
)
from engine.settings.load import explain as explain_setting
from engine.settings.load import near_setting
from engine.settings.models import SettingsFile
from engine.settings.sources import MAX_FILE_BYTES, decode
from engine.settings.template import template
from engine.validation import explain_error, reach_of

_BOM = b"\xef\xbb\xbf"
_LOCK_SECONDS = 10.0
"""How long another writer is waited for; it needs some milliseconds."""

_LOCK_POLL_SECONDS = 0.01


def create_settings_file(path: Path, options: Options | None = None) -> None:
    """Write the commented default file, for its owner alone.

    Args:
        path: where to; its folder is made.
        options: own settings of each check with their defaults, by its name.

    Raises:
        UsageError: there is a file already, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} already exists: change it with espdeck config set") from None
    except OSError as error:
        raise UsageError(explain(error, path)) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(template(options or {}))
    except OSError as error:
        path.unlink(missing_ok=True)  # a part of it would be taken for all
        raise UsageError(explain(error, path)) from error


def read_setting(key: KeyPath, text: str, options: Options) -> object:
    """The value that a text means for a key of the file, as TOML has it.

    Args:
        key: of a setting, perhaps of a profile.
        text: as a person types it; lists as TOML or between commas.
        options: own settings of each check with their defaults, by its name.

    Raises:
        UsageError: there is no such setting, or it cannot have that value.
    """
    found = find_file_key(SettingsFile, key)
    if found is None or found.path == ("profile",):
        raise UsageError(unknown_key(key))
    kind = _declared_type(found.path, options) if found.type is Any else found.type
    value = read_text(kind, text)
    try:
        value = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        if is_list(plain_type(kind)):
            raise UsageError(f'{join_key(key)} must be a list: ["...", "..."]') from error
        reach = reach_of(found.field)
        raise UsageError(explain_error(join_key(key), error.errors()[0], reach)) from error
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    written = _for_toml(TypeAdapter(Any).dump_python(value, mode="json", exclude_unset=True))
    nested: Any = written
    for part in reversed(found.path):
        nested = {part: nested}
    try:
        SettingsFile.model_validate(nested)
    except ValidationError as error:
        # What other keys of its table lack is found when the file is written.
        for each in error.errors():
            if tuple(map(str, each["loc"]))[: len(found.path)] == found.path:
                raise UsageError(explain_setting(each)) from error
    return written


def unknown_key(key: KeyPath) -> str:
    """What is said of a key that has no value: if it is no setting, the one that may be meant."""
    if find_file_key(SettingsFile, key) is not None and key != ("profile",):
        return f"{join_key(key)} is not set"
    path = key[2:] if key[:1] == (PROFILES,) and len(key) > 2 else key
    return f"no setting is called {join_key(key)}{near_setting(path)}"


def set_setting(path: Path, key: KeyPath | str, value: object) -> None:
    """Give a setting a value in a settings file, which is made where it is not there.

    Args:
        path: the file.
        key: of the setting, as its names or dotted.
        value: what TOML can hold: a text, a number, a boolean, a list; of a table, its keys are
            set one by one.

    Raises:
        UsageError: the file would make no sense or cannot be written; it is as it was.
    """
    set_settings(path, {key: value})


def unset_setting(path: Path, key: KeyPath | str) -> None:
    """Take a setting out of a settings file: its default holds again.

    Raises:
        UsageError: it is a table, or the file cannot be written; it is as it was.
    """
    set_settings(path, {key: None})


def set_settings(path: Path, changes: Mapping[KeyPath | str, object]) -> None:
    """Change several settings of a file at once, or none of them.

    Args:
        path: the file.
        changes: values by keys, as :func:`set_setting` takes them; None takes a key out.

    Raises:
        UsageError: the file would make no sense or cannot be written; it is as it was.
    """
    target = _real_path(path)
    with _locked(target.parent):
        data = _read(target, path)
        text = decode(data, path)
        before = check_text(text, path)
        if any(each.is_syntax for each in before):
            raise UsageError(f"{before[0]}: correct that first")
        changed = text
        only_out = True
        for key, value in changes.items():
            names = split_key(key) if isinstance(key, str) else key
            for place, leaf in _leaves(names, value):
                only_out = only_out and leaf is None
                changed = unset_in(changed, place) if leaf is None else set_in(changed, place, leaf)
        if changed == text:
            return
        wrong = _errors(check_text(changed, path))
        if only_out:  # one mistake can be taken out of several
            wrong = wrong[: max(0, len(wrong) - len(_errors(before)))]
        if wrong:
            raise UsageError(f"{'; '.join(map(str, wrong))}: nothing was written")
        try:
            encoded = changed.encode()
        except UnicodeEncodeError:
            raise UsageError("a value is not valid UTF-8 text") from None
        _replace(target, (_BOM if data.startswith(_BOM) else b"") + encoded)


def _errors(mistakes: tuple[Mistake, ...]) -> list[Mistake]:
    return [each for each in mistakes if each.is_error]


def _leaves(key: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves((*key, str(name)), below)
    else:
        yield key, value


def _declared_type(path: KeyPath, options: Options) -> Any:
    """The type of a check's own setting: that of its default."""
    if len(path) >= 3 and path[0] == "checks":
        default = (options.get(path[1]) or {}).get(path[-1])
        if isinstance(default, tuple | list):
            return list[Any]
        if default is not None:
            return type(default)
    return Any


def _for_toml(value: Any) -> object:
    """A value as a person would write it: whole numbers without ``.0``."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, list):
        return [_for_toml(each) for each in value]
    if isinstance(value, dict):
        return {name: _for_toml(each) for name, each in value.items()}
    return value


def _real_path(path: Path) -> Path:
    """Where the file is: links, as people keep their dotfiles, stay links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # a circle of links
        raise UsageError(f"{path}: {error}") from error


def _read(target: Path, path: Path) -> bytes:
    try:
        return read_file(target, MAX_FILE_BYTES)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UsageError(explain(error, path)) from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a file: who reads and writes it meanwhile would lose one of two changes.

    The folder itself is locked, so that no lock file lies among a person's files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(explain(error, folder)) from error
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UsageError(
                        f"{folder}: another program holds the settings; try again"
                    ) from None
                time.sleep(_LOCK_POLL_SECONDS)
            except OSError as error:
                if error.errno in (errno.ENOLCK, errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP):
                    break  # a network folder that cannot be locked
                raise UsageError(explain(error, folder)) from error
        yield
    finally:
        os.close(descriptor)


def _take_owner_and_mode(descriptor: int, status: os.stat_result, target: Path) -> None:
    """Give a file the owner and the mode of the one that it is to replace."""
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, status.st_uid, status.st_gid)
        except PermissionError:
            if status.st_uid != os.geteuid():
                # A file that several share would be refused to all others then.
                raise UsageError(f"{target} is another user's, who has to change it") from None
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _replace(target: Path, data: bytes) -> None:
    """Write a file whole, with the mode and the owner that it had; for its owner alone if new."""
    temporary = None
    try:
        try:
            status: os.stat_result | None = target.stat()
        except FileNotFoundError:
            status = None
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            if status is not None:
                _take_owner_and_mode(file.fileno(), status, target)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
        temporary = None
    except OSError as error:
        raise UsageError(explain(error, target)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
