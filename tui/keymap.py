"""The key table: every action's id, default keys and texts, by the screen that has it.

It is data apart from the screens, so that keys in the settings can be checked without importing
them. What runs an action is listed by its screen, see :mod:`tui.actions`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from textual.binding import Binding


class Where(StrEnum):
    """The screen on which a key works."""

    EVERYWHERE = "everywhere"
    HOME = "home"
    BUILD = "build"
    BOARDS = "boards"
    MONITOR = "monitor"
    SIZES = "sizes"
    COMPARE = "compare"
    WORKFLOWS = "workflows"
    TASK = "task"
    SETTINGS = "settings"
    METRICS = "metrics"
    NOTIFICATIONS = "notifications"
    AUDIT = "audit"
    CHECKS = "checks"
    CHECK = "check"
    GUIDE = "guide"


SCREENS = tuple(where for where in Where if where is not Where.EVERYWHERE)
"""The screens that have keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the key table: one action of one screen.

    Args:
        id: its name in the settings file.
        keys: its keys, as Textual spells them, separated by commas.
        shown: how the first of them is written on the screen.
        title: what it does, in a word or two.
        help: what it does, in a sentence.
        where: the screen that has it.
        bar: whether the key bar has it.
    """

    id: str
    keys: str
    shown: str
    title: str
    help: str
    where: Where
    bar: bool = True


KEYS = (
    Key("open", "enter,o", "enter", "open",
        "Open the build, the task or the board's console; fold a group", Where.HOME),
    Key("build", "b", "b", "build", "Sync the project and build its branch, or the marked ones",
        Where.HOME),
    Key("add", "a", "a", "add", "Add a project: a Git URL or a path", Where.HOME),
    Key("sync", "s", "s", "sync", "Sync the project with its source, or the marked ones",
        Where.HOME),
    Key("boards", "B", "B", "boards", "Show the boards: monitor, flash, reserve", Where.HOME),
    Key("workflows", "w", "w", "workflows", "Ask models to review, design, fix or write",
        Where.HOME),
    Key("settings", "comma", ",", "settings", "Show the settings, and change them", Where.HOME,
        bar=False),
    Key("notifications", "n", "n", "notifications", "Show notifications, channels and mutes",
        Where.HOME, bar=False),
    Key("audit", "L", "L", "audit log", "Show who did what through the HTTP API, and tokens",
        Where.HOME, bar=False),
    Key("checks", "C", "C", "checks", "Show the checks of every project", Where.HOME),
    Key("cancel", "c", "c", "cancel", "Cancel the build, or the chosen run at work",
        Where.HOME),
    Key("retry", "r", "r", "retry", "Run the build again from its start", Where.HOME),
    Key("filter", "slash", "/", "filter", "Filter the list by words; esc shows all", Where.HOME),
    Key("mark", "space", "space", "mark",
        "Mark the project, to build, sync or flash several; mark builds to compare", Where.HOME),
    Key("compare", "equals_sign", "=", "compare",
        "Compare the two marked builds; else the build with the one before", Where.HOME, bar=False),
    Key("outdated", "u", "u", "mark outdated",
        "Mark the projects whose newest commit was not built", Where.HOME, bar=False),
    Key("flash", "f", "f", "flash",
        "Flash the newest good build of the project, or of the marked ones; asks", Where.HOME),
    Key("order", "O", "O", "order", "Sort the projects by what needs attention, or by name",
        Where.HOME, bar=False),
    Key("group", "t", "t", "group", "Group the projects by chip, by the part of the name before "
        "a slash, or not; enter folds a group", Where.HOME, bar=False),
    Key("remove", "d", "d", "remove", "Remove the project with its builds; asks", Where.HOME),
    Key("edit", "e", "e", "edit", "Change the project: source, chips, branch, app, name",
        Where.HOME),
    Key("variants", "v", "v", "variants", "Choose chips and configurations to build from a list",
        Where.HOME),
    Key("build_all", "A", "A", "build all", "Build every variant: chips, configurations; asks",
        Where.HOME),
    Key("build_dirty", "D", "D", "build dirty",
        "Build the project's folder as it is, with uncommitted changes", Where.HOME),
    Key("menuconfig", "M", "M", "menuconfig",
        "Change the options of an ESP-IDF project in its menu, and see what changed", Where.HOME,
        bar=False),
    Key("metrics", "m", "m", "metrics", "Draw durations, success, sizes and tests of builds",
        Where.HOME, bar=False),
    Key("next_panel", "tab", "tab", "panel",
        "Go to the next panel: 1 projects, 2 at work, 3 boards, 4 builds, 5 details", Where.HOME),
    Key("previous_panel", "shift+tab", "S-tab", "panel before", "Go to the panel before",
        Where.HOME, bar=False),
    Key("left", "h,left", "h", "projects", "Go to the projects", Where.HOME, bar=False),
    Key("right", "l,right", "l", "builds", "Go to the builds", Where.HOME, bar=False),
    Key("next_pane", "tab", "tab", "pane", "Go to the next pane; 1 to 9 and 0 go to each",
        Where.BUILD),
    Key("previous_pane", "shift+tab", "S-tab", "pane before", "Go to the pane before",
        Where.BUILD, bar=False),
    Key("enlarge", "z", "z", "zoom", "Give the pane all the room, and back", Where.BUILD),
    Key("look", "enter", "enter", "look", "Show the finding in its source; read the artifact",
        Where.BUILD, bar=False),
    Key("follow", "f", "f", "follow", "Follow the end of the log, or stay", Where.BUILD),
    Key("wrap", "W", "W", "wrap", "Wrap long lines of the pane, or cut them", Where.BUILD),
    Key("search", "slash", "/", "search", "Search in every log of the build", Where.BUILD),
    Key("next_match", "n", "n", "next match", "Go to the next match", Where.BUILD, bar=False),
    Key("previous_match", "N", "N", "match before", "Go to the match before", Where.BUILD,
        bar=False),
    Key("next_log", "right_square_bracket", "]", "log", "Show the pane's next log: stage, attempt",
        Where.BUILD),
    Key("previous_log", "left_square_bracket", "[", "log before", "Show the pane's log before",
        Where.BUILD, bar=False),
    Key("sizes", "s", "s", "sizes", "Show what takes how much memory, and what changed",
        Where.BUILD),
    Key("compare", "equals_sign", "=", "compare",
        "Compare with the last build before that succeeded", Where.BUILD, bar=False),
    Key("approve", "A", "A", "approve",
        "Let the commit of a pull request reach boards, and build it again; asks", Where.BUILD,
        bar=False),
    Key("save", "w", "w", "save as", "Save the artifact as a file of your choice", Where.BUILD),
    Key("cancel", "c", "c", "cancel", "Cancel the build", Where.BUILD),
    Key("retry", "r", "r", "retry", "Run the build again, from its start or a stage", Where.BUILD),
    Key("fix", "d", "d", "fix", "Show what the repairs of the build changed", Where.BUILD),
    Key("commit", "a", "a", "commit fix", "Commit the fix on a branch of its own", Where.BUILD),
    Key("export", "e", "e", "export fix", "Write the fix into a file that git apply takes",
        Where.BUILD, bar=False),
    Key("discard", "x", "x", "discard fix", "Discard the fix; asks", Where.BUILD, bar=False),
    Key("copy", "y", "y", "copy", "Copy what the pane shows to the clipboard", Where.BUILD),
    Key("left", "h,left", "h", "to the left", "Show what is left of long lines", Where.BUILD,
        bar=False),
    Key("right", "l,right", "l", "to the right", "Show what is right of long lines", Where.BUILD,
        bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.BUILD),
    Key("watch", "enter", "enter", "monitor", "Show what the board's console says, or the "
        "consoles of the marked ones", Where.BOARDS),
    Key("mark", "m", "m", "mark", "Mark the board, to watch or flash several at once",
        Where.BOARDS),
    Key("flash", "f", "f", "flash", "Flash what a build made, on the board or on the marked ones",
        Where.BOARDS),
    Key("flash_app", "F", "F", "flash app", "Flash only the program of a build, as f does",
        Where.BOARDS, bar=False),
    Key("cancel", "c", "c", "cancel", "Stop the operation on the board", Where.BOARDS, bar=False),
    Key("reset", "R", "R", "reset", "Restart the program on the board", Where.BOARDS),
    Key("power", "P", "P", "power", "Switch the board off and on, by its power_command",
        Where.BOARDS, bar=False),
    Key("identify", "i", "i", "identify", "Ask the board what it is; resets it", Where.BOARDS,
        bar=False),
    Key("partitions", "p", "p", "partitions", "Read the board's partition table", Where.BOARDS,
        bar=False),
    Key("efuses", "e", "e", "eFuses", "Read the board's eFuses; none is written", Where.BOARDS,
        bar=False),
    Key("erase", "E", "E", "erase", "Erase the board's flash; asks for its name", Where.BOARDS,
        bar=False),
    Key("name", "n", "n", "name", "Give the board a name and a note",
        Where.BOARDS),
    Key("reserve", "r", "r", "reserve", "Reserve the board for yourself: builds wait",
        Where.BOARDS),
    Key("release", "u", "u", "release", "Give the board back", Where.BOARDS),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.BOARDS),
    Key("send", "enter,s,i", "enter", "type", "Type lines to the board; up and down: those "
        "of before", Where.MONITOR),
    Key("reset", "R", "R", "reset", "Reset the board", Where.MONITOR),
    Key("search", "slash", "/", "search", "Search in the console; esc ends it", Where.MONITOR),
    Key("next_match", "n", "n", "next match", "Go to the next match", Where.MONITOR, bar=False),
    Key("previous_match", "N", "N", "match before", "Go to the match before", Where.MONITOR,
        bar=False),
    Key("filter", "o", "o", "filter", "Show only some tags and levels, as idf.py monitor filters",
        Where.MONITOR),
    Key("pause", "p", "p", "pause", "Pause the output, or resume it; nothing is lost",
        Where.MONITOR),
    Key("findings", "v", "v", "findings", "Show a panic or core dump that was found, in its source",
        Where.MONITOR),
    Key("to_finding", "V", "V", "to finding", "Go to the finding before in the log",
        Where.MONITOR, bar=False),
    Key("next_pane", "tab", "tab", "board", "Go to the next board", Where.MONITOR),
    Key("previous_pane", "shift+tab", "S-tab", "board before", "Go to the board before",
        Where.MONITOR, bar=False),
    Key("enlarge", "z", "z", "zoom", "Give the board all the room, and back", Where.MONITOR),
    Key("plot", "P", "P", "plot", "Draw the numbers that a pattern finds; empty ends it",
        Where.MONITOR),
    Key("follow", "f", "f", "follow", "Follow the end, or stay", Where.MONITOR),
    Key("highlight", "m", "m", "mark", "Mark what matches a pattern", Where.MONITOR),
    Key("mute", "M", "M", "mute", "Hide lines that match a pattern", Where.MONITOR),
    Key("wrap", "W", "W", "wrap", "Wrap long lines, or cut them", Where.MONITOR),
    Key("timestamps", "t", "t", "times", "Show when each line came, or not", Where.MONITOR),
    Key("hex", "x", "x", "hex", "Show bytes, or lines again", Where.MONITOR),
    Key("baud", "b", "b", "baud", "Read at the next speed", Where.MONITOR),
    Key("eol", "e", "e", "line end", "Send another end of a line: CR, LF, CRLF", Where.MONITOR),
    Key("send_file", "F", "F", "send file", "Send a file as it is", Where.MONITOR),
    Key("boot", "B", "B", "bootloader", "Restart the board into its bootloader", Where.MONITOR,
        bar=False),
    Key("dtr", "D", "D", "DTR", "Assert DTR, or release it", Where.MONITOR, bar=False),
    Key("rts", "T", "T", "RTS", "Assert RTS, or release it", Where.MONITOR, bar=False),
    Key("copy", "y", "y", "copy", "Copy what is shown to the clipboard", Where.MONITOR),
    Key("left", "h,left", "h", "to the left", "Show what is left of long lines", Where.MONITOR,
        bar=False),
    Key("right", "l,right", "l", "to the right", "Show what is right of long lines",
        Where.MONITOR, bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the boards", Where.MONITOR),
    Key("table", "tab,t", "tab", "table", "Show components, archives or files", Where.SIZES),
    Key("order", "o", "o", "order", "Order by size, or by what changed", Where.SIZES),
    Key("against", "a", "a", "against", "Choose the build to compare with", Where.SIZES),
    Key("copy", "y", "y", "copy", "Copy the table to the clipboard", Where.SIZES),
    Key("back", "q,backspace", "q", "back", "Go back to the build", Where.SIZES),
    Key("open", "enter,o", "enter", "open", "Open the finding in its source, or the build",
        Where.COMPARE),
    Key("next_section", "tab,right_square_bracket", "tab", "section", "Go to the next section",
        Where.COMPARE),
    Key("previous_section", "shift+tab,left_square_bracket", "S-tab", "section before",
        "Go to the section before", Where.COMPARE, bar=False),
    Key("sizes", "s", "s", "sizes", "Show what takes how much memory in the later build",
        Where.COMPARE),
    Key("copy", "y", "y", "copy", "Copy the comparison to the clipboard", Where.COMPARE),
    Key("back", "q,backspace", "q", "back", "Go back", Where.COMPARE),
    Key("open", "enter,o", "enter", "open", "Ask for what is chosen, in a form; open a task",
        Where.WORKFLOWS),
    Key("describe", "i", "i", "steps", "Show the steps, roles and prompts",
        Where.WORKFLOWS),
    Key("cancel", "c", "c", "cancel", "Cancel the task", Where.WORKFLOWS),
    Key("retry", "r", "r", "retry", "Run the task again from its start", Where.WORKFLOWS),
    Key("filter", "slash", "/", "filter", "Filter the tasks by text; esc shows all",
        Where.WORKFLOWS),
    Key("other", "tab,shift+tab", "tab", "other list", "Go to the other list", Where.WORKFLOWS,
        bar=False),
    Key("left", "h,left", "h", "what to ask", "Go to the workflows", Where.WORKFLOWS,
        bar=False),
    Key("right", "l,right", "l", "tasks", "Go to the tasks", Where.WORKFLOWS, bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.WORKFLOWS),
    Key("next_pane", "tab", "tab", "pane", "Go to the next pane; 1 to 9 go to each", Where.TASK),
    Key("previous_pane", "shift+tab", "S-tab", "pane before", "Go to the pane before",
        Where.TASK, bar=False),
    Key("enlarge", "z", "z", "zoom", "Give the pane all the room, and back", Where.TASK),
    Key("laid_out", "m", "m", "as it came", "Show the answer as it came, or laid out", Where.TASK),
    Key("look", "enter", "enter", "look", "Show the finding in its source; read the artifact",
        Where.TASK, bar=False),
    Key("follow", "f", "f", "follow", "Follow the end of the log, or stay", Where.TASK),
    Key("wrap", "W", "W", "wrap", "Wrap long lines of the pane, or cut them", Where.TASK),
    Key("search", "slash", "/", "search", "Search in every log of the task", Where.TASK),
    Key("next_match", "n", "n", "next match", "Go to the next match", Where.TASK, bar=False),
    Key("previous_match", "N", "N", "match before", "Go to the match before", Where.TASK,
        bar=False),
    Key("next_log", "right_square_bracket", "]", "attempt", "Show the pane's next attempt",
        Where.TASK),
    Key("previous_log", "left_square_bracket", "[", "attempt before",
        "Show the pane's attempt before", Where.TASK, bar=False),
    Key("save", "w", "w", "save as", "Save the artifact as a file of your choice", Where.TASK),
    Key("cancel", "c", "c", "cancel", "Cancel the task", Where.TASK),
    Key("retry", "r", "r", "retry", "Run the task again, from its start or a step", Where.TASK),
    Key("fix", "d", "d", "changes", "Show what the task changed", Where.TASK),
    Key("commit", "a", "a", "commit changes", "Commit what it changed on a branch of its own",
        Where.TASK, bar=False),
    Key("export", "e", "e", "export changes", "Write what it changed into a file that git apply "
        "takes", Where.TASK, bar=False),
    Key("discard", "x", "x", "discard changes", "Discard what it changed; asks", Where.TASK,
        bar=False),
    Key("copy", "y", "y", "copy", "Copy what the pane shows to the clipboard", Where.TASK),
    Key("left", "h,left", "h", "to the left", "Show what is left of long lines", Where.TASK,
        bar=False),
    Key("right", "l,right", "l", "to the right", "Show what is right of long lines", Where.TASK,
        bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the tasks", Where.TASK),
    Key("change", "enter,e", "enter", "change", "Change the setting in the file; from the groups, "
        "go to it", Where.SETTINGS),
    Key("default", "d", "d", "default", "Remove it from the file: the default applies",
        Where.SETTINGS),
    Key("set_key", "a", "a", "other key", "Set a key that is not listed, as of a check or a board",
        Where.SETTINGS),
    Key("filter", "slash", "/", "filter", "Find settings by text; esc shows the groups again",
        Where.SETTINGS),
    Key("copy", "y", "y", "copy", "Copy the key and its value to the clipboard", Where.SETTINGS,
        bar=False),
    Key("other", "tab,shift+tab", "tab", "other list", "Go to the other list", Where.SETTINGS,
        bar=False),
    Key("left", "h,left", "h", "groups", "Go to the groups", Where.SETTINGS, bar=False),
    Key("right", "l,right", "l", "settings", "Go to the settings", Where.SETTINGS, bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.SETTINGS),
    Key("open", "enter,o", "enter", "open", "Open the build under the cursor", Where.METRICS),
    Key("left", "h,left", "h", "build before", "Go to the build before", Where.METRICS),
    Key("right", "l,right", "l", "next build", "Go to the next build", Where.METRICS),
    Key("next_project", "tab", "tab", "project", "Show the next project", Where.METRICS),
    Key("previous_project", "shift+tab", "S-tab", "project before", "Show the project before",
        Where.METRICS, bar=False),
    Key("project", "p", "p", "choose project", "Choose the project from a list", Where.METRICS),
    Key("figures", "i", "i", "figures", "Read failures, flaky tests, slowest files, memories",
        Where.METRICS),
    Key("copy", "y", "y", "copy", "Copy the numbers to the clipboard, a line a build",
        Where.METRICS),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.METRICS),
    Key("open", "enter,o", "enter", "open", "Read all of it, and where it was sent",
        Where.NOTIFICATIONS),
    Key("to_build", "b", "b", "build", "Show the build that it is about", Where.NOTIFICATIONS),
    Key("mark_read", "r", "r", "read", "Mark it as read", Where.NOTIFICATIONS),
    Key("all_read", "A", "A", "read all", "Mark all as read", Where.NOTIFICATIONS),
    Key("only_unread", "U", "U", "unread", "Show only unread, or all",
        Where.NOTIFICATIONS),
    Key("channels", "c", "c", "channels", "Show the channels and their last deliveries",
        Where.NOTIFICATIONS),
    Key("test_channel", "t", "t", "test", "Send a test message to a channel",
        Where.NOTIFICATIONS),
    Key("mute_project", "m", "m", "mute", "Mute the project for a while",
        Where.NOTIFICATIONS),
    Key("mute_all", "M", "M", "mute all", "Mute everything for a while",
        Where.NOTIFICATIONS, bar=False),
    Key("unmute", "u", "u", "unmute", "Lift a mute", Where.NOTIFICATIONS),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.NOTIFICATIONS),
    Key("open", "enter,o", "enter", "open", "Read all of it", Where.AUDIT),
    Key("renew", "r", "r", "load", "Load new entries", Where.AUDIT),
    Key("tokens", "t", "t", "tokens", "Show the tokens: scope, end, last use", Where.AUDIT),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.AUDIT),
    Key("open", "enter,o", "enter", "open", "Show what the check found, and its results before",
        Where.CHECKS),
    Key("run", "r", "r", "run", "Run the check of the project now", Where.CHECKS),
    Key("run_all", "R", "R", "run all", "Run every check of the project now", Where.CHECKS),
    Key("cancel", "c", "c", "cancel", "Stop the check that you started", Where.CHECKS, bar=False),
    Key("switch", "e", "e", "on/off", "Switch the check off or on, for the project or for all",
        Where.CHECKS),
    Key("interval", "i", "i", "interval", "Set how often it runs, for the project or for all",
        Where.CHECKS),
    Key("project", "p", "p", "project", "Go to the project and its builds", Where.CHECKS),
    Key("to_build", "b", "b", "build", "Show the newest build of the project", Where.CHECKS),
    Key("filter", "slash", "/", "filter", "Filter by project, check, status, message; esc shows "
        "all", Where.CHECKS),
    Key("left", "h,left", "h", "check before", "Go to the check before; in a list, to the project "
        "before", Where.CHECKS, bar=False),
    Key("right", "l,right", "l", "next check", "Go to the next check; in a list, to the next "
        "project", Where.CHECKS, bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the projects", Where.CHECKS),
    Key("other", "tab,shift+tab,enter", "tab", "read", "Go to what was found, or to the results",
        Where.CHECK),
    Key("run", "r", "r", "run", "Run the check now", Where.CHECK),
    Key("cancel", "c", "c", "cancel", "Stop the check that you started", Where.CHECK, bar=False),
    Key("copy", "y", "y", "copy", "Copy what it found to the clipboard", Where.CHECK),
    Key("left", "h,left", "h", "to the left", "Show what is left of long lines", Where.CHECK,
        bar=False),
    Key("right", "l,right", "l", "to the right", "Show what is right of long lines", Where.CHECK,
        bar=False),
    Key("back", "q,backspace", "q", "back", "Go back to the checks", Where.CHECK),
    Key("open", "enter,o", "enter", "open", "Follow the link; from the list, go to the page",
        Where.GUIDE),
    Key("next_link", "tab", "tab", "link", "Go to the next link of the page", Where.GUIDE),
    Key("previous_link", "shift+tab", "S-tab", "link before", "Go to the link before",
        Where.GUIDE, bar=False),
    Key("search", "slash", "/", "search", "Search in all pages", Where.GUIDE),
    Key("next_match", "n", "n", "next match", "Go to the next match", Where.GUIDE),
    Key("previous_match", "N", "N", "match before", "Go to the match before", Where.GUIDE,
        bar=False),
    Key("left", "h,left", "h", "pages", "Go to the list of pages", Where.GUIDE),
    Key("right", "l,right", "l", "page", "Go to the page", Where.GUIDE, bar=False),
    Key("copy", "y", "y", "copy", "Copy the page to the clipboard", Where.GUIDE),
    Key("back", "q,backspace", "q", "back",
        "Go back to the page whose link was followed; from the first page, leave the guide",
        Where.GUIDE),
    Key("down", "j,down", "j", "down", "Go one row down", Where.EVERYWHERE, bar=False),
    Key("up", "k,up", "k", "up", "Go one row up", Where.EVERYWHERE, bar=False),
    Key("page_down", "pagedown,ctrl+d,space", "pgdn", "page down", "Go one page down",
        Where.EVERYWHERE, bar=False),
    Key("page_down", "pagedown,ctrl+d", "pgdn", "page down", "Go one page down", Where.HOME,
        bar=False),
    Key("page_up", "pageup,ctrl+u", "pgup", "page up", "Go one page up", Where.EVERYWHERE,
        bar=False),
    Key("first", "g,home", "g", "first", "Go to the first row", Where.EVERYWHERE, bar=False),
    Key("last", "G,end", "G", "last", "Go to the last row, and follow it", Where.EVERYWHERE,
        bar=False),
    Key("palette", "colon,ctrl+p", ":", "actions", "Find any action by its name",
        Where.EVERYWHERE, bar=False),
    Key("help", "question_mark", "?", "help", "Show every key", Where.EVERYWHERE),
    Key("guide", "H", "H", "guide", "Read the manual, from the page about this screen",
        Where.EVERYWHERE, bar=False),
    Key("messages", "at", "@", "messages", "Read the messages that were shown for a moment",
        Where.EVERYWHERE, bar=False),
    Key("suspend", "ctrl+z", "C-z", "to the shell", "Go back to the shell; fg comes back",
        Where.EVERYWHERE, bar=False),
    Key("quit", "q,ctrl+q,ctrl+c", "q", "quit", "Quit; running builds go on at the next start",
        Where.HOME),
    *(
        Key("quit", "ctrl+q,ctrl+c", "C-q", "quit", "Quit; running builds go on at the next start",
            where, bar=False)
        for where in SCREENS
        if where is not Where.HOME
    ),
)  # fmt: skip
"""Every action, in the order of the key bar."""

_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "comma": ",",
    "at": "@",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "pagedown": "pgdn",
    "pageup": "pgup",
}
"""How keys are written whose names at Textual are longer."""


def keys_of(where: Where, chosen: Mapping[str, str] | None = None) -> tuple[Key, ...]:
    """Keys of a screen, in the order of the key bar; its own row stands for one of everywhere.

    Args:
        chosen: keys from the settings by the id of an action, as :func:`check` gave them; they
            replace the default ones.
    """
    own = {key.id for key in KEYS if key.where is where}
    keys = (
        key
        for key in KEYS
        if key.where is where or (key.where is Where.EVERYWHERE and key.id not in own)
    )
    return tuple(_chosen_key(key, (chosen or {}).get(key.id)) for key in keys)


def bindings_of(where: Where, ids: Container[str] | None = None) -> list[Binding]:
    """Textual's bindings of a screen; their ids let :func:`keymap` replace keys.

    They have priority: then each is done before the next key is looked at, so that keys which
    come at once (a slow line, a fast hand) go where a person meant them to go.

    Args:
        ids: the actions that are meant, for a dialog that has some of the screen below; all if
            None.
    """
    return [
        Binding(
            key.keys,
            f"do('{key.id}')",
            key.title,
            id=f"{where}.{key.id}",
            show=False,
            priority=True,
        )
        for key in keys_of(where)
        if ids is None or key.id in ids
    ]


def check(chosen: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Check keys from the settings.

    Args:
        chosen: keys by the id of an action; several are separated by commas.

    Returns:
        What can be used, and what is wrong with the rest, a line each.
    """
    ids = {key.id for key in KEYS}
    problems = [f"no action is called {each} (? lists them)" for each in chosen if each not in ids]
    usable = {each: keys for each, keys in chosen.items() if each in ids}
    for where in SCREENS:
        owners: dict[str, str] = {}
        for key in keys_of(where, usable):
            for spelled in key.keys.split(","):
                other = owners.setdefault(spelled.strip(), key.id)
                if other != key.id:
                    problems.append(f"{spelled.strip()} is both {other} and {key.id}")
    return usable, list(dict.fromkeys(problems))


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """Textual's keymap for keys from the settings, as :func:`check` gave them."""
    return {
        f"{where}.{key.id}": chosen[key.id]
        for where in SCREENS
        for key in keys_of(where)
        if key.id in chosen
    }


def _chosen_key(key: Key, keys: str | None) -> Key:
    if keys is None:
        return key
    first = keys.split(",")[0].strip()
    return replace(key, keys=keys, shown=_SHOWN.get(first, first))
