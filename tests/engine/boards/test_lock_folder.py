"""The folder that all users of a machine share: how it is made, and what others plant there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.boards import board_lock, lock_folder
from engine.boards.board_lock import hold_one
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
from engine.errors import CancelledError
from tests.users import ADA, BOB, as_user, needs_root

HOLD = """
import os, sys
from pathlib import Path
from engine.boards.board_lock import holder_of, hold_one
from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
os.umask(0o077)
folder = LockFolder.find(Path(sys.argv[1]), Path("/nowhere"))
with hold_one(
    {"board": "board"}, cancel=CancelToken(), folder=folder, on_wait=print, purpose=sys.argv[2]
):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the folder is to be, as ``/run/lock`` is on most systems."""
    parent = tmp_path / "lock"
    parent.mkdir()
    parent.chmod(0o1777)
    return parent / "espdeck"


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> LockFolder:
    return LockFolder.find(place, tmp_path / "own")


def free(folder: LockFolder, name: str = "a") -> bool:
    """Whether a lock can be had; it is given back at once."""
    descriptor = folder.lock(name)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


@pytest.mark.usefixtures("umask")
def test_the_folder_and_its_files_are_for_all_whatever_the_umask(folder: LockFolder) -> None:
    assert free(folder)
    folder.write("b", "text")
    assert folder.is_shared
    assert folder.path.stat().st_mode & 0o7777 == 0o1777
    assert [(folder.path / name).stat().st_mode & 0o777 for name in "ab"] == [0o644, 0o644]


def test_many_who_are_first_get_one_folder(place: Path, tmp_path: Path) -> None:
    start, got = threading.Barrier(8), list[int | None]()

    def first() -> None:
        start.wait(10)
        got.append(LockFolder.find(place, tmp_path / "own").lock("a"))

    threads = [threading.Thread(target=first) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    held = [each for each in got if each is not None]
    assert (len(got), len(held)) == (8, 1)
    os.close(held[0])
    assert list(place.parent.iterdir()) == [place]


@needs_root
def test_a_folder_in_which_all_can_delete_all_is_not_used(place: Path, tmp_path: Path) -> None:
    place.mkdir()
    os.chown(place, BOB, BOB)
    place.chmod(0o777)
    folder = LockFolder.find(place, tmp_path / "own")
    assert folder.path == tmp_path / "own"
    assert folder.problem == (
        f"{place}: anybody may delete another's files in it (mode 0777 of user {BOB}); "
        f"sudo chmod 1777 {place}"
    )


def test_ones_own_folder_is_put_right(place: Path, tmp_path: Path) -> None:
    place.mkdir()
    place.chmod(0o777)
    assert LockFolder.find(place, tmp_path / "own").is_shared
    assert place.stat().st_mode & 0o7777 == 0o1777


def test_a_link_and_a_file_in_its_place_are_not_used(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to(tmp_path / "elsewhere")
    folder = LockFolder.find(place, tmp_path / "own")
    assert (folder.is_shared, folder.path) == (False, tmp_path / "own")
    assert "delete it" in folder.problem
    assert free(folder)
    place.unlink()
    place.write_text("")
    assert not LockFolder.find(place, tmp_path / "own").is_shared


def test_where_nothing_can_be_made_the_workspaces_own_is_used(tmp_path: Path) -> None:
    place = tmp_path / "absent" / "espdeck"
    folder = LockFolder.find(place, tmp_path / "own")
    assert folder.problem.endswith(f"have it made: sudo install -d -m 1777 {place}")
    assert free(folder)


def test_the_second_place_is_taken_where_the_first_cannot_be_had(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_folder, "SHARED", (tmp_path / "absent" / "espdeck", place))
    assert LockFolder.find(None, tmp_path / "own").path == place


def test_a_folder_that_was_tidied_away_is_made_again(folder: LockFolder) -> None:
    folder.path.rmdir()
    assert free(folder)
    assert folder.path.stat().st_mode & 0o7777 == 0o1777


def test_a_lock_file_that_its_owner_deleted_is_no_lock(folder: LockFolder) -> None:
    held = folder.lock("a")
    assert held is not None
    assert not free(folder)
    folder.remove("a")
    assert free(folder)
    os.close(held)


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_somebody_planted_is_refused_at_once(
    folder: LockFolder, kind: str, tmp_path: Path
) -> None:
    assert free(folder, "other")
    path = folder.path / "a"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "victim")
    else:
        path.mkdir()
    with pytest.raises(OSError, match=r"a'$"):
        folder.lock("a")
    assert folder.read("a") is None
    assert not (tmp_path / "victim").exists()


def test_no_more_of_a_file_is_read_than_it_may_say(folder: LockFolder) -> None:
    folder.write("a", "x" * 100_000)
    kept = folder.read("a")
    assert kept is not None
    assert kept.text == "x" * lock_folder.MAX_BYTES
    assert kept.uid == os.geteuid()


def test_a_file_of_another_user_is_not_opened_to_be_made(
    folder: LockFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Linux has it with ``fs.protected_regular`` set."""
    assert free(folder)
    real = os.open

    def protected(path: str, flags: int, mode: int = 0o777, **where: int | None) -> int:
        if flags & os.O_CREAT and not flags & os.O_EXCL:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, **where)

    monkeypatch.setattr(os, "open", protected)
    assert free(folder)


def test_who_is_killed_while_a_file_is_made_shuts_nobody_out(folder: LockFolder) -> None:
    pid = os.fork()
    if pid == 0:
        os.umask(0o077)
        os.fchmod = lambda *_words: os._exit(0)
        folder.lock("a")
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert not (folder.path / "a").exists()
    assert free(folder)
    assert (folder.path / "a").stat().st_mode & 0o777 == 0o644


@needs_root
def test_it_is_said_whose_a_file_is_that_nobody_else_can_open(folder: LockFolder) -> None:
    assert free(folder)
    (folder.path / "a").chmod(0)
    os.chown(folder.path / "a", BOB, BOB)
    lock = "import sys; from pathlib import Path; from engine.boards.lock_folder import LockFolder"
    lock += "; LockFolder(Path(sys.argv[1]), is_shared=True).lock('a')"
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run(
        [*words, sys.executable, "-P", "-c", lock, str(folder.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    who = f"user {BOB}"
    said = f"Permission denied (it is of {who}: {who} or root can delete it): '{folder.path / 'a'}'"
    assert last == f"PermissionError: [Errno 13] {said}"


def test_who_waits_longer_and_was_stopped_is_told(place: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", HOLD, str(place), "monitor"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    token, said = CancelToken(), list[str]()

    def hear(line: str) -> None:
        said.append(line)
        token.cancel()

    with start() as holder, start() as waiter:
        try:
            assert holder.stdout is not None
            assert waiter.stdout is not None
            lines = {each.pid: each.stdout.readline() for each in (holder, waiter) if each.stdout}
            if lines[waiter.pid] == "held\n":
                holder, waiter = waiter, holder
            waiter.send_signal(signal.SIGSTOP)
            holder.kill()
            holder.wait(20)
            folder = LockFolder.find(place, Path("/nowhere"))
            with (
                pytest.raises(CancelledError),
                hold_one({"board": "board"}, cancel=token, folder=folder, on_wait=hear, purpose=""),
            ):
                pass
        finally:
            waiter.kill()
            holder.kill()
    assert len(said) == 1
    assert re.fullmatch(rf"waiting for board: \S+ \(process {waiter.pid}\) waits longer", said[0])


@needs_root
def test_users_wait_for_each_other_and_are_told_by_the_kernels_word(place: Path) -> None:
    def start(uid: int, purpose: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            as_user(uid, sys.executable, "-P", "-c", HOLD, str(place), purpose),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    with start(ADA, "build 12\x1b[2J of root" + "x" * 1000) as ada:
        assert ada.stdout is not None
        assert ada.stdout.readline() == "held\n"
        assert place.stat().st_uid == ADA
        # What somebody else writes down about her is not believed.
        held = next(place.glob("*.held.*"))
        forged = held.with_suffix(f".{BOB}")
        forged.write_text(held.read_text().replace("build 12", "nothing"))
        os.chown(forged, BOB, BOB)
        with start(BOB, "monitor") as bob:
            assert bob.stdout is not None
            line = bob.stdout.readline().strip()
            ada.kill()
            assert bob.stdout.readline() == "held\n"
            bob.kill()
    # The text is cut, and of the escape sequence nothing is left.
    begin = "waiting for board: build 12 of root"
    assert line.startswith(f"{begin}xxx")
    assert line.endswith(f"x of user {ADA} (process {ada.pid}) holds it")
    assert len(line) < 200


def test_a_process_that_the_system_hides_is_not_taken_for_one_that_ended(
    folder: LockFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with ``hidepid``, or the locks of a container that shares the folder."""
    token = CancelToken()
    for lockers in ([os.getpid()], []):
        with (
            hold_one(
                {"board": "board"}, cancel=token, folder=folder, on_wait=print, purpose="build 7"
            ),
            monkeypatch.context() as patch,
        ):
            patch.setattr(board_lock, "lockers", lambda _file, found=lockers: found)
            patch.setattr(board_lock, "process_info", lambda _pid: None)
            assert board_lock.holder_of("board", folder) == "build 7 (this espdeck)"
    assert not board_lock.holder_of("board", folder)
