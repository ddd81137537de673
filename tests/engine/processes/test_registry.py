"""What a killed espdeck wrote down is ended at the next start, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import CancelledError
from engine.process import run
from engine.processes.identity import ProcessIdentity
from engine.processes.members import GROUP_VARIABLE, new_group_id
from engine.processes.registry import ProcessRegistry, use_registry

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of whom the tests write things down."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def identity(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = ProcessIdentity.of(process.pid)
    assert found is not None
    return found


def test_the_leader_and_what_descends_from_it_are_ended(tmp_path: Path) -> None:
    code = "import os, time; os.fork() or os.setsid(); print('up', flush=True); time.sleep(60)"
    mark = new_group_id()
    words = ["env", "-i", f"{GROUP_VARIABLE}={mark}", sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        assert [leader.stdout.readline(), leader.stdout.readline()] == [b"up\n", b"up\n"]
        (tmp_path / mark).write_text(f"{identity(leader)}\n\n")

        assert ProcessRegistry(tmp_path).end_orphans() == 1

        assert leader.stdout.read() == b""  # nobody holds it any more
        assert leader.wait(5) == -9
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_a_build_named_in_the_registry_is_spared(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / new_group_id()).write_text(f"{identity(sleeper)}\n\n")

    assert ProcessRegistry(tmp_path).end_orphans() == 0

    assert sleeper.poll() is None


def test_one_with_the_mark_is_ended_when_nobody_knows_the_leader(tmp_path: Path) -> None:
    mark = new_group_id()
    with subprocess.Popen(["sleep", "60"], env={GROUP_VARIABLE: mark}) as orphan:
        (tmp_path / mark).touch()  # espdeck was killed before it knew, or the disk was full

        assert ProcessRegistry(tmp_path).end_orphans() == 1

        assert orphan.wait(5) == -9


@pytest.mark.parametrize(
    "change", [{"ticks": 1}, {"boot": "another"}], ids=["a later process", "another boot"]
)
def test_a_stranger_with_the_number_is_spared(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], change: dict[str, object]
) -> None:
    own = identity(sleeper)
    words = {"pid": own.pid, "ticks": own.ticks, "boot": own.boot, **change}
    (tmp_path / new_group_id()).write_text("{pid} {ticks} {boot}\n\n".format(**words))

    assert ProcessRegistry(tmp_path).end_orphans() == 0

    assert sleeper.poll() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("0" * 16, "\n\n"),  # a limit that many processes have
        ("f" * 16, "\n\n"),
        ("7", f"1764300000.25 {'0' * 32}"),
        ("7", "1.0"),
        ("7", ""),
        ("notes.txt", "anything"),
        ("0123456789abcdef", "\0\xff" * 1000),
    ],
    ids=["nothing", "most", "an older one", "without a mark", "empty", "another file", "noise"],
)
def test_what_nobody_wrote_ends_nobody_and_goes(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)

    assert ProcessRegistry(tmp_path).end_orphans() == 0

    assert sleeper.poll() is None
    assert list(tmp_path.iterdir()) == []


def test_what_an_older_espdeck_wrote_is_ended_by_its_mark(tmp_path: Path) -> None:
    mark = "0123456789abcdef" * 2
    with subprocess.Popen(["sleep", "60"], env={GROUP_VARIABLE: mark}) as orphan:
        (tmp_path / str(orphan.pid)).write_text(f"1764300000.25 {mark}")

        assert ProcessRegistry(tmp_path).end_orphans() == 1

        assert orphan.wait(5) == -9
    assert list(tmp_path.iterdir()) == []


def test_espdeck_itself_is_spared_though_it_has_the_mark(tmp_path: Path) -> None:
    mark = new_group_id()
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.processes.registry import ProcessRegistry\n"
        "print(ProcessRegistry(Path(sys.argv[1])).end_orphans())"
    )
    (tmp_path / mark).write_text("\n\n")
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        env={**os.environ, GROUP_VARIABLE: mark},
        capture_output=True,
        timeout=30,
    )

    assert done.stdout == b"0\n"


def test_a_running_program_is_in_the_registry(tmp_path: Path) -> None:
    use_registry(ProcessRegistry(tmp_path))
    token = CancelToken()
    started = threading.Event()

    def cancelled() -> None:
        with pytest.raises(CancelledError):
            run(SLEEPER, timeout=30, cancel=token, on_output=lambda _data: started.set())

    try:
        thread = threading.Thread(target=cancelled)
        thread.start()
        assert started.wait(10)
        assert len(list(tmp_path.iterdir())) == 1
        token.cancel()
        thread.join(10)
        assert list(tmp_path.iterdir()) == []
    finally:
        use_registry(None)
