"""A process that computes ends with its parent."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.processes.identity import ProcessIdentity
from tests.waits import wait_for

COMPUTES = """
from engine.processes.parent_death import end_with_parent
end_with_parent()
print("on", flush=True)
while True:
    pass
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_process_that_computes_ends_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, COMPUTES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = ProcessIdentity.of(int(parent.stdout.readline()))
        assert child is not None
        parent.kill()

    wait_for(lambda: ProcessIdentity.of(child.pid) != child)
