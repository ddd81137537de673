"""What the command line loads before it does anything: nothing that the command does not need.

Modules are most of the time of a short command. Who adds one to a list here has seen what it costs:
``python -X importtime -m tui.cli.main builds``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store.database import Store

pytestmark = pytest.mark.slow

PARSER = frozenset({"typer", "annotated_doc", "shellingham"})
SETTINGS = PARSER | {"pydantic", "pydantic_core", "annotated_types", "typing_inspection",
                     "typing_extensions", "platformdirs"}  # fmt: skip
STORE = SETTINGS | {"sqlalchemy", "sqlmodel"}
PORTS = STORE | {"serial", "psutil", "re2"}

ENGINE = frozenset(
    {"artifacts", "boards", "builds", "formats", "images", "logs", "processes", "projects", "runs",
     "settings", "source", "store", "toolchains"}
)  # fmt: skip
ALLOWED = {
    "--version": (SETTINGS, frozenset()),
    "--help": (SETTINGS, frozenset({"images", "projects", "sizes"})),
    "builds": (STORE, ENGINE),
    "projects": (STORE, ENGINE),
    "boards": (PORTS, ENGINE | {"monitor"}),
}
"""By command: the packages of others and those of the engine that it may load."""

OWN = frozenset({"engine", "tui", "sitecustomize", "cython_runtime", "psycopg"})
"""What is no package of others; ``psycopg`` is :mod:`engine.runs.postgres_driver`."""

PROGRAM = """
import json, os, sys
from importlib.util import find_spec
told = {}
for command in sys.argv[2:]:
    read, write = os.pipe()
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["espdeck", "--workspace", sys.argv[1], command]
        try:
            from tui.cli.main import main
            main()
        except SystemExit:
            pass
        os.write(write, json.dumps([*sys.modules]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told[command] = json.load(pipe)
    os.wait()
print(json.dumps(told))
"""


def test_a_command_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    Store(tmp_path / "espdeck.db").close()  # else it is migrated first, which loads alembic
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path), *ALLOWED]

    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    for command, modules in json.loads(done.stdout).items():
        packages, rooms = ALLOWED[command]
        assert _others(modules) - packages == set(), command
        assert _rooms(modules) - rooms == set(), command


def _others(modules: list[str]) -> set[str]:
    """Packages of other distributions, those that start before any program left out."""
    found = {name.partition(".")[0] for name in modules if not name.startswith("_")}
    return found - sys.stdlib_module_names - OWN


def _rooms(modules: list[str]) -> set[str]:
    """Packages of the engine."""
    return {
        parts[1] for name in modules if len(parts := name.split(".")) > 2 and parts[0] == "engine"
    }
