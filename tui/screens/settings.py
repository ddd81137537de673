"""Settings: groups of them, each with its value and its origin; changes go into the file."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine import SettingRow
from engine.errors import UsageError
from engine.events import Event
from tui.actions import Action
from tui.keymap import Where
from tui.screens.two_lists import TwoListScreen
from tui.widgets.row_list import Parts, RowList

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "builds": ("max_concurrent_builds", "max_iterations", "compile_timeout", "local_submodules",
               "idf_paths", "repair"),
    "boards": ("boards", "board", "flash_timeout", "flash_baud", "flash_secure", "lock_folder"),
    "checks": ("checks", "max_concurrent_checks", "check_timeout_seconds", "max_memory_usage_mb",
               "doc_index"),
    "projects": ("projects",),
    "notifications": ("notifications",),
    "quality gate": ("quality",),
    "HTTP API": ("server", "webhooks"),
    "models": ("max_concurrent_tasks", "llm"),
    "storage": ("workspace", "profile", "run_days", "run_count", "run_megabytes", "artifacts",
                "artifact_store", "session_days", "session_megabytes", "log"),
    "the app": ("theme", "mouse", "ascii", "keys"),
}  # fmt: skip
"""What each group has: settings or tables of the top; what none has is in the last one."""

_OTHERS = "others"


@dataclass(frozen=True, slots=True)
class _Group:
    """Settings that belong together."""

    title: str
    rows: tuple[SettingRow, ...]

    @property
    def changed(self) -> int:
        """How many of them are not as they come."""
        return sum(row.origin.source != "default" for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read in a thread."""

    rows: tuple[SettingRow, ...]
    options: Mapping[str, Mapping[str, object] | None]
    file: Path
    strange: tuple[str, ...]


class SettingsScreen(TwoListScreen):
    """Groups on the left, settings of one on the right, what is known of one below."""

    WHERE: ClassVar[Where] = Where.SETTINGS
    RESTS: ClassVar[bool] = True

    def __init__(self) -> None:
        self._groups: RowList[_Group] = RowList(
            draw=self._draw_group, key=lambda group: group.title, id="groups", empty=" reading"
        )
        self._groups.title = " settings"
        self._settings: RowList[SettingRow] = RowList(
            draw=self._draw_setting, key=lambda row: row.key, id="settings"
        )
        super().__init__(self._groups, self._settings, "part of a name or of its description")
        self._known: _Read | None = None

    def on_mount(self) -> None:
        """Read them."""
        super().on_mount()
        self._read()

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen setting."""
        setting, fixed = self._no_setting, self._is_fixed
        return [
            *super().list_actions(),
            self.action("change", self._change, self._not_read, setting, fixed),
            self.action("default", self._unset, self._not_read, setting, fixed, self._is_default),
            self.action("set_key", self._set_key, self._not_read),
            self.action("filter", self.open_filter, self._not_read),
            self.action("copy", self._copy, setting),
            self.action("back", self.app.pop_screen),
        ]

    def _not_read(self) -> str | None:
        return "the settings could not be read: correct the file" if self._known is None else None

    def _no_setting(self) -> str | None:
        if self._groups.has_focus:
            return None if self._settings.items else "no setting is listed here"
        return "no setting is listed here" if self._settings.item is None else None

    def _is_fixed(self) -> str | None:
        """What wins over the file cannot be changed here."""
        if self._groups.has_focus:
            return None  # the key goes to the settings
        origin = self._chosen.origin
        if self._chosen.key == "profile":
            return "choose a profile with --profile or ESPDECK_PROFILE"
        if origin.is_over_file and not origin.profile:
            return f"{origin} sets it, and overrides the file"
        return None

    def _is_default(self) -> str | None:
        is_default = not self._groups.has_focus and self._chosen.origin.source == "default"
        return f"{self._chosen.key} has its default already" if is_default else None

    @property
    def _chosen(self) -> SettingRow:
        """The chosen setting: actions that need one are disabled without."""
        row = self._settings.item
        assert row is not None
        return row

    def handle_events(self, events: Sequence[Event]) -> None:
        """Ignore them: settings are read when the screen is shown, and after each change."""

    def escape(self) -> None:
        """Close the filter, and all that it hides comes back; else the screen."""
        if self._filter.display:
            super().escape()
        else:
            self.app.pop_screen()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show the settings of another group, or what is known of another setting."""
        if message.rows is self._groups:
            self._load_right()
        self._show_details()
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Change it on a double click."""
        self.action_do("change")

    def on_descendant_focus(self) -> None:
        """Other keys work on the other list."""
        self._show_details()

    def _read(self) -> None:
        now = self.engine.settings

        def read() -> _Read | str:
            from engine import (
                Settings,
                check_options,
                config_file,
                list_settings,
                strange_variables,
            )

            try:
                alone = Settings.load()
                # What the command line said: all else is read from where it stands.
                flags = {
                    name: getattr(now, name)
                    for name in ("profile", "workspace")
                    if getattr(now, name) != getattr(alone, name)
                }
                rows = list_settings(**flags)
            except UsageError as error:
                return str(error)
            options = check_options(self.engine.checks.list())
            return _Read(rows, options, config_file(), strange_variables(os.environ))

        self.in_thread(read, self._show)

    def _show(self, known: _Read | str) -> None:
        if isinstance(known, str):
            self._known = None
            self._groups.fill((), empty=" none")
            self._settings.fill((), empty=" the settings cannot be read")
            lines = textwrap.wrap(known, max(20, self.size.width - 12))
            self._details.show([("wrong" if n == 0 else "", line) for n, line in enumerate(lines)])
            return
        self._known = known
        self._groups.fill(_grouped(known.rows))
        self._load_right()
        self._show_details()
        self._bar.refresh()
        if known.strange:
            self.show_error("; ".join(known.strange))

    def _load_right(self) -> None:
        if self._known is None:
            return
        text = self._filter.value.strip().lower()
        group = self._groups.item
        if text:
            rows = tuple(
                row
                for row in self._known.rows
                if text in row.key.lower() or text in row.explanation.lower()
            )
            self._settings.title = f" {len(rows)} of all settings"
        else:
            rows = group.rows if group is not None else ()
            self._settings.title = f" {group.title}" if group is not None else ""
        empty = f" no setting has {text!r}" if text else ""
        self._settings.fill(rows, empty=empty)

    def _show_details(self) -> None:
        if self._known is None:
            return
        row = self._settings.item
        if row is None or self._groups.has_focus:
            self._details.show([("file", str(self._known.file))])
            return
        explanation = row.explanation or "a setting of a check"
        width = max(20, self.size.width - 12)
        lines = textwrap.wrap(explanation, width)
        self._details.show(
            [
                ("value", row.shown),
                ("change", f"takes effect {_effect(row)}"),
                ("from", str(row.origin)),
                *(("about" if number == 0 else "", line) for number, line in enumerate(lines)),
            ]
        )

    def _change(self) -> None:
        """Ask for another value; from the groups, go to the settings."""
        if self._groups.has_focus:
            self._settings.focus()
            return
        row = self._chosen
        self._ask(row.key, row)

    def _set_key(self) -> None:
        """Ask for a key that is not listed, then for its value."""
        from tui.screens.ask import Ask, Field

        def asked(words: tuple[str, ...] | None) -> None:
            if words and words[0]:
                self._ask(words[0], next((r for r in rows if r.key == words[0]), None))

        rows = self._known.rows if self._known is not None else ()
        about = 'A key of the file, such as checks.doc_check.interval or board."/dev/ttyUSB0".x'
        self.app.push_screen(Ask("Set another setting", about, [Field("key")], "next"), asked)

    def _ask(self, key: str, row: SettingRow | None) -> None:
        from engine import split_key
        from tui.screens.setting_form import SettingForm

        assert self._known is not None
        try:
            split_key(key)
        except UsageError as error:
            self.show_error(str(error))
            return
        form = SettingForm(self._file_key(key, row), row, self._known.options)
        self.app.push_screen(form, self._write)

    def _file_key(self, key: str, row: SettingRow | None) -> str:
        """Where the file has a setting: in the profile that gives its value, or at the top."""
        from engine import join_key

        profile = row.origin.profile if row is not None else ""
        return f"profile.{join_key((profile,))}.{key}" if profile else key

    def _write(self, change: tuple[str, object] | None) -> None:
        """Write a change into the file, and say when it counts."""
        if change is None or self._known is None:
            return
        key, value = change
        file = self._known.file

        def write() -> None:
            from engine import set_settings

            set_settings(file, {key: value})

        def written(_nothing: object) -> None:
            row = self._settings.item
            when = _effect(row) if row is not None and key.endswith(row.key) else ""
            self.notify(
                f"{key} is written{f': it takes effect {when}' if when else ''}", markup=False
            )
            self._read()

        self.in_thread(write, written)

    def _unset(self) -> None:
        """Take the setting out of the file: its default holds again."""
        if self._groups.has_focus:
            self._settings.focus()
            return
        row = self._chosen
        self._write((self._file_key(row.key, row), None))

    def _copy(self) -> None:
        row = self._settings.item
        if row is not None:
            self.copy_text(f"{row.key} = {row.shown}")

    def _draw_group(self, group: _Group, _width: int) -> Parts:
        changed = f" {group.changed}" if group.changed else ""
        return [(f" {group.title}", ""), (changed, "note")]

    def _draw_setting(self, row: SettingRow, width: int) -> Parts:
        names = max((len(each.key) for each in self._settings.items), default=0)
        cells = min(names, max(12, width * 3 // 5))
        name = row.key if len(row.key) <= cells else f"{self.app.glyphs.cut}{row.key[1 - cells :]}"
        is_default = row.origin.source == "default"
        parts = [(f" {name:<{cells}}  ", ""), (row.shown, "dim" if is_default else "good")]
        if not is_default:
            parts.append((f"  {_short_origin(row)}", "busy" if row.origin.is_over_file else "note"))
        return parts


def _effect(row: SettingRow) -> str:
    return "at the next start" if row.at_start else "at once"


def _short_origin(row: SettingRow) -> str:
    origin = row.origin
    if origin.profile:
        return f"profile {origin.profile}"
    return f"line {origin.line}" if origin.line else origin.name


def _grouped(rows: Sequence[SettingRow]) -> tuple[_Group, ...]:
    """Settings by group, in the order of the groups."""
    group_of = {name: title for title, names in _GROUPS.items() for name in names}
    found: dict[str, list[SettingRow]] = {title: [] for title in (*_GROUPS, _OTHERS)}
    for row in rows:
        found[group_of.get(row.key.split(".")[0], _OTHERS)].append(row)
    order = {name: at for names in _GROUPS.values() for at, name in enumerate(names)}
    return tuple(
        _Group(title, tuple(sorted(each, key=lambda row: order.get(row.key.split(".")[0], 99))))
        for title, each in found.items()
        if each
    )
