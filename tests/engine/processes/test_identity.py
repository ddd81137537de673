"""A process is told from a later one of the same number, whatever the clock says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processes.identity import ProcessIdentity


def test_it_is_read_back_as_it_was_written() -> None:
    own = ProcessIdentity.own()
    assert own.pid == os.getpid()
    assert own.is_alive
    assert ProcessIdentity.parse(str(own)) == own


def test_a_process_that_ended_is_not_alive_even_before_its_parent_looked() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessIdentity.of(child.pid)
    assert identity is not None and identity.is_alive
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert not identity.is_alive
    assert ProcessIdentity.of(child.pid) is None
    child.wait()
    assert not identity.is_alive


def test_another_start_or_another_boot_is_another_process() -> None:
    own = ProcessIdentity.own()
    assert not ProcessIdentity(own.pid, own.ticks + 1, own.boot).is_alive
    assert not ProcessIdentity(own.pid, own.ticks, "another").is_alive


def test_a_name_with_parentheses_and_spaces_is_no_trouble(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/cat")
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None and identity.is_alive
        assert identity.ticks >= ProcessIdentity.own().ticks


@pytest.mark.parametrize("text", ["", "1", "1 2", "x 2 b", "1 -2 b", "1 2 b c", "١ 2 b", "9" * 99])
def test_what_nobody_wrote_is_nobody(text: str) -> None:
    assert ProcessIdentity.parse(text) is None


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = ProcessIdentity.parse(text)
    assert found is None or ProcessIdentity.parse(str(found)) == found
