"""Two users who flash one board at the same time and listen to it, round after round."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.boards.virtual.board import VirtualBoard
from engine.boards.virtual.pty_bridge import terminal
from engine.images.image import Image
from tests.users import ADA, BOB, as_user, home

USER = """
import json, os, sys
from pathlib import Path
from engine.boards.capabilities import FlashOptions
from engine.boards.lock_folder import LockFolder
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.images.image import FlashPart, Image
from engine.store.database import Store
from engine.enums import ArtifactKind

def nothing(*_words):
    pass

os.umask(0o077)
port, locks, elf, app, said = sys.argv[1:]
home = Path.home()
locks = LockFolder.find(Path(locks), home / "locks")
assert locks.is_shared, locks.problem
boards = Boards((), home / "boards", Store(home / "espdeck.db"), locks=locks)
image = Image("esp32c3", Path(elf), (FlashPart(0, Path(app), ArtifactKind.APP),))
print("ready", flush=True)
for _round in sys.stdin:
    heard, waits, failed = bytearray(), [], ""
    try:
        with boards.use(
            port, cancel=CancelToken(), on_wait=waits.append, purpose="build 12"
        ) as board:
            board.flash.write(
                image, FlashOptions(), on_output=nothing, on_progress=nothing, timeout=60
            )
            board.console.listen(
                baud=115200, on_output=heard.extend, until=lambda _s: said.encode() in heard,
                seconds=20, reset=True,
            )
    except EspdeckError as error:
        failed = str(error)
    print(json.dumps([failed, heard.decode("utf-8", "replace"), waits]), flush=True)
"""


def two_images(hello: Image, folder: Path) -> Mapping[int, tuple[Image, str]]:
    """The sample ``hello`` for one user, and one that says something else for the other."""
    app = folder / "other.bin"
    said, other = "hello from espdeck", "HELLo from espdeck"  # of the same checksum
    content = hello.parts[0].path.read_bytes()[:-32].replace(said.encode(), other.encode())
    app.write_bytes(content + hashlib.sha256(content).digest())
    changed = replace(hello, parts=(replace(hello.parts[0], path=app),))
    return {ADA: (hello, said), BOB: (changed, other)}


@dataclass(slots=True)
class Seen:
    """What became of all rounds.

    Args:
        failed: why something failed.
        strange: what was heard of another's firmware, or of none.
        waits: what was said while one waited for the other.
    """

    failed: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)


def play(folder: Path, board: VirtualBoard, users: Mapping[int, tuple[Image, str]], n: int) -> Seen:
    """Play ``n`` rounds.

    Args:
        folder: an empty one.
        board: what both flash, by a pseudo terminal.
        users: each one's image, and what it alone says, by user id.
        n: how many rounds.
    """
    shared, seen = folder / "lock", Seen()
    shared.mkdir()
    shared.chmod(0o1777)
    with terminal(board.url, reset=True) as port:
        Path(port).chmod(0o666)
        processes = {}
        try:
            for uid, (image, said) in users.items():
                own = home(folder, uid)
                paths = (port, shared / "espdeck", image.elf, image.parts[0].path)
                script = (sys.executable, "-P", "-c", USER, *map(str, paths), said)
                processes[uid] = subprocess.Popen(
                    as_user(uid, *script), cwd=own, env={**os.environ, "HOME": str(own)},
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                )  # fmt: skip
            for process in processes.values():
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for _round in range(n):
                _play_round(processes, users, seen)
        finally:
            for process in processes.values():
                process.kill()
                process.wait(20)
    return seen


def _play_round(
    processes: Mapping[int, subprocess.Popen[str]],
    users: Mapping[int, tuple[Image, str]],
    seen: Seen,
) -> None:
    for process in processes.values():
        assert process.stdin is not None
        process.stdin.write("go\n")
    for uid, process in processes.items():
        assert process.stdout is not None
        failed, heard, waits = json.loads(process.stdout.readline())
        own = users[uid][1]
        others = [said for other, (_image, said) in users.items() if other != uid]
        if failed:
            seen.failed.append(failed)
        elif own not in heard or any(said in heard for said in others):
            seen.strange.append(heard)
        seen.waits += waits
