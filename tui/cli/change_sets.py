"""What runs change on the command line: shown, committed, exported, discarded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli.common import print_line
from tui.cli.json_output import print_json

if TYPE_CHECKING:
    from engine import ChangeSet, ChangeSets


def show(sets: ChangeSets, number: int, commands: str, *, as_json: bool) -> None:
    """Print the message and the diff of a run's changes.

    Args:
        commands: what can be done with them, as long as nobody decided.
    """
    found = sets.existing(number)
    if as_json:
        _print_facts(sets, found)
        return
    for line in (*found.message.splitlines(), "", *found.diff.split("\n")):
        print_line(line)
    if found.state == "committed":
        print_line(f"committed on {found.branch}: {found.fetch}")
    elif found.state == "discarded":
        print_line("discarded")
    else:
        print_line(commands)


def commit(sets: ChangeSets, number: int, *, as_json: bool) -> None:
    """Commit a run's changes on a branch of their own."""
    found = sets.commit(number)
    if as_json:
        _print_facts(sets, found)
    else:
        print_line(f"committed on {found.branch}; to get it: {found.fetch}")


def export(sets: ChangeSets, number: int, path: Path) -> None:
    """Write a run's changes into a file."""
    print_line(f"written: {sets.export(number, path)}")


def discard(sets: ChangeSets, number: int, *, as_json: bool) -> None:
    """Put a run's changes aside."""
    found = sets.discard(number)
    if as_json:
        _print_facts(sets, found)
    else:
        print_line(f"the {sets.NAME} of {sets.KIND.label} {number} is put aside")


def _print_facts(sets: ChangeSets, found: ChangeSet) -> None:
    print_json(
        {
            sets.KIND.label: found.run,
            "state": found.state,
            "proved": found.proved,
            "files": found.files,
            "branch": found.branch,
            "fetch": found.fetch,
            "clone": str(found.clone),
            "message": found.message,
            "diff": found.diff,
        }
    )
