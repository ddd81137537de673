"""What the command line loads before it does anything: nothing of a screen, no durable engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("textual", "rich", "dbos", "esptool", "elftools", "esp_idf_size", "git", "httpx")

RUN = f"""
import sys
from tui.cli.main import main
try:
    main()
finally:
    print("loaded:", *(name for name in {HEAVY} if name in sys.modules))
"""


@pytest.mark.parametrize("words", [("builds",), ("boards",), ("--version",)])
def test_a_command_loads_nothing_heavy_that_it_does_not_need(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    argv = [sys.executable, "-c", RUN, "--workspace", str(tmp_path), *words]

    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)

    assert done.stdout.splitlines()[-1:] == ["loaded:"], done.stderr
