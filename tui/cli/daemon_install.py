"""``espdeck daemon install``: the daemon as a service of systemd."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tui.cli.command_line import Commands
from tui.cli.common import load_settings, print_error, print_line

cli = Commands()


@cli.command()
def install(
    context: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to where systemd looks for it.")
    ] = False,
) -> None:
    """Print the unit with which systemd keeps the daemon of this workspace running.

    It has the variables of this shell by which tools are found: source ESP-IDF's export.sh before.
    """
    from engine import daemon_unit, look_at_daemons, unit_folder, write_unit

    settings = load_settings(context)
    unit = daemon_unit(settings, _program())
    if write:
        path, is_new = write_unit(unit, unit_folder(os.environ, Path.home()))
        print_line(f"{'wrote' if is_new else 'unchanged:'} {path}; now:")
        print_line("systemctl --user daemon-reload")
        print_line(f"systemctl --user enable {unit.name}")
        print_line(f"systemctl --user restart {unit.name}")
    else:
        typer.echo(unit.text, nl=False)
    for name in unit.left_out:
        print_error(f"{name} may be secret and is not in the unit: write it to daemon.env")
    for each in look_at_daemons(settings.workspace):
        if not each.ok and each.advice:
            print_error(f"{each.name}: {each.detail}: {each.advice}")


def _program() -> tuple[str, ...]:
    """What started this process, as another one can start it again."""
    program = Path(sys.argv[0])
    if program.name == "espdeck" and program.is_file():
        return (str(program.absolute()),)
    return (sys.executable, "-m", "tui.cli.main")
