"""What is counted after everything was killed, restarted and has ended."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.logs.formats import INDENT
from engine.monitor import sessions
from engine.runs.queue import WORKFLOW
from tests.bench.chaos import machine
from tests.bench.chaos.world import MARKERS, World

GONE_WITHIN = 5.0
"""Seconds that processes may take to be gone after the last espdeck has ended."""

_STEP = re.compile(r"(?P<key>.+)#(?P<attempt>\d+)")
_TRACEBACK = "Traceback (most recent call last)"


class Kind(StrEnum):
    """What can go wrong."""

    LOST = "lost"
    """A run that was written down and did not end as it must; a project that cannot be built."""

    DOUBLED = "doubled"
    """Work done twice after it had ended, two runs for one, a board written twice at once."""

    STUCK = "stuck"
    """A run, or an espdeck, that did not end in time."""

    HELD = "held"
    """A lock, a slot or a board that nobody living has and that others wait for."""

    ORPHANED = "orphaned"
    """A process that outlived its espdeck."""

    DAMAGED = "damaged"
    """A file that is not what it is said to be, or was left half done; a traceback."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


Ended = dict[tuple[int, str, int], str]
"""When each stage ended whose result is kept: by number of the run, key and attempt."""


def ended_stages(world: World) -> Ended:
    """The stages that need not be done again, whatever happens from now on."""
    # The results first: a stage's row is written before its result is kept.
    kept = [
        (row["workflow_uuid"], found["key"], int(found["attempt"]))
        for row in world.ask(
            "runs.db", "SELECT workflow_uuid, function_name FROM operation_outputs"
        )
        if (found := _STEP.fullmatch(row["function_name"]))
    ]
    rows = {
        (row["workflow_id"], row["key"], row["attempt"]): (row["run_id"], row["completed_at"])
        for row in world.ask(
            "espdeck.db",
            "SELECT workflow_id, run_id, key, attempt, stage.completed_at AS completed_at"
            " FROM stage JOIN run ON run.id = run_id"
            " WHERE stage.completed_at IS NOT NULL",
        )
    }
    return {(rows[step][0], step[1], step[2]): rows[step][1] for step in kept if step in rows}


def faults(world: World, before: set[int], ended: Ended, *, adopted: bool) -> Iterator[Fault]:
    """Everything that is wrong with a world in which no espdeck is left.

    Args:
        before: runs that earlier rounds looked at.
        ended: stages that had ended at some time, as :func:`ended_stages` found them.
        adopted: count adopted children as left behind.
    """
    new = {number: run for number, run in world.runs().items() if number not in before}
    yield from _left_behind(world, adopted=adopted)
    yield from _lost(world, new)
    yield from _doubled(world, ended)
    yield from _logs(world, new)
    yield from _held(world)
    yield from _databases(world)
    yield from _artifacts(world, new)
    yield from _repositories(world)
    yield from _files(world)


def _left_behind(world: World, *, adopted: bool) -> Iterator[Fault]:
    machine.wait_for(lambda: not world.left_behind(adopted=adopted), GONE_WITHIN)
    for found in world.left_behind(adopted=adopted):
        yield Fault(Kind.ORPHANED, str(found))


def _lost(world: World, new: dict[int, dict[str, object]]) -> Iterator[Fault]:
    for number, run in new.items():
        if run["status"] != "success":
            reason = run["error"] or "no reason"
            yield Fault(Kind.LOST, f"run {number} ({run['kind']}) is {run['status']}: {reason}")
    for project in world.ask("espdeck.db", "SELECT name, status, status_detail FROM project"):
        if project["status"] != "active":
            why = project["status_detail"]
            yield Fault(Kind.LOST, f"project {project['name']} is {project['status']}: {why}")


def _doubled(world: World, ended: Ended) -> Iterator[Fault]:
    rows = {
        (row["run_id"], row["key"], row["attempt"]): row["completed_at"]
        for row in world.ask("espdeck.db", "SELECT run_id, key, attempt, completed_at FROM stage")
    }
    for stage, when in ended.items():
        if rows.get(stage) != when:
            times = f"ended at {when}, then at {rows.get(stage)}"
            yield Fault(Kind.DOUBLED, f"stage {stage[1]}#{stage[2]} of run {stage[0]} {times}")
    ids = {run["workflow_id"] for run in world.runs().values()}
    for row in world.ask("runs.db", "SELECT workflow_uuid, name FROM workflow_status"):
        if row["name"] == WORKFLOW and row["workflow_uuid"] not in ids:
            yield Fault(Kind.DOUBLED, f"durable run {row['workflow_uuid']} is no row's")
    twice = world.ask(
        "espdeck.db",
        "SELECT run_id, count(*) AS times FROM event WHERE kind = 'workflow.completed'"
        " GROUP BY run_id HAVING count(*) > 1",
    )
    for row in twice:
        yield Fault(Kind.DOUBLED, f"run {row['run_id']} was told to have ended {row['times']}x")


def _logs(world: World, new: dict[int, dict[str, object]]) -> Iterator[Fault]:
    chunks = world.ask(
        "espdeck.db",
        "SELECT * FROM log_chunk WHERE run_id >= ?"
        " ORDER BY run_id, stage, attempt, stream, first_line, seq",
        min(new, default=0),
    )
    of = ("run_id", "stage", "attempt", "stream")
    for name, log in itertools.groupby(chunks, key=lambda row: tuple(row[each] for each in of)):
        line, seq = 0, 0
        for chunk in log:
            where = f"log {'/'.join(map(str, name))}, line {chunk['first_line']}"
            if chunk["first_line"] < line:
                yield Fault(Kind.DOUBLED, f"{where}: there is one already (of {line})")
            elif chunk["first_line"] > line:
                yield Fault(Kind.DAMAGED, f"{where}: lines from {line} on are missing")
            elif chunk["seq"] <= seq:
                yield Fault(Kind.DOUBLED, f"{where}: out of order ({chunk['seq']} after {seq})")
            if chunk["text"].count("\n") != chunk["lines"] or not chunk["text"].endswith("\n"):
                yield Fault(Kind.DAMAGED, f"{where}: has not the {chunk['lines']} lines it says")
            line, seq = chunk["first_line"] + chunk["lines"], chunk["seq"]


def _held(world: World) -> Iterator[Fault]:
    for path in world.workspace.rglob("*lock"):
        if path.is_file() and not _is_of_git(path) and not _is_free(path):
            yield Fault(Kind.HELD, f"{path} is locked")
    for row in world.ask("espdeck.db", "SELECT name, holder FROM board WHERE holder != ''"):
        yield Fault(Kind.HELD, f"board {row['name']} is reserved by {row['holder']}")
    for path in (world.workspace / "processes").glob("*"):
        yield Fault(Kind.HELD, f"{path} says that a process runs: {path.read_text()[:200]!r}")


def _databases(world: World) -> Iterator[Fault]:
    for path in world.workspace.glob("*.db"):
        try:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                for pragma in ("integrity_check", "foreign_key_check"):
                    for row in connection.execute(f"PRAGMA {pragma}"):
                        if row != ("ok",):
                            yield Fault(Kind.DAMAGED, f"{path.name}: {pragma}: {row}")
        except sqlite3.Error as error:
            yield Fault(Kind.DAMAGED, f"{path.name}: {error}")


def _artifacts(world: World, new: dict[int, dict[str, object]]) -> Iterator[Fault]:
    commits = dict(zip(world.commits, MARKERS, strict=True))
    for row in world.ask("espdeck.db", "SELECT * FROM artifact"):
        run = new.get(row["run_id"])
        if run is None:
            continue
        path = Path(str(run["artifacts_path"])) / row["path"]
        try:
            data = path.read_bytes()
        except OSError as error:
            yield Fault(Kind.DAMAGED, f"{path}: {error.strerror}")
            continue
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            yield Fault(Kind.DAMAGED, f"{path} is not what its row says")
        wanted = commits.get(str(run["commit_sha"]))
        if row["kind"] == "elf" and wanted is not None:
            found = [marker for marker in MARKERS if marker.encode() in data]
            if found != [wanted]:
                yield Fault(Kind.DAMAGED, f"{path} is firmware of {found}, not of {wanted}")
    for chunk in world.ask("espdeck.db", "SELECT * FROM log_chunk WHERE stream = 'serial'"):
        run = new.get(chunk["run_id"])
        wanted = commits.get(str(run["commit_sha"])) if run else None
        for marker in MARKERS:
            if wanted is not None and marker != wanted and marker in chunk["text"]:
                where = f"{chunk['stage']} of run {chunk['run_id']}"
                yield Fault(Kind.DAMAGED, f"{where} heard {marker}, not {wanted}")


def _repositories(world: World) -> Iterator[Fault]:
    for clone in (world.workspace / "projects").glob("*.git"):
        if clone.is_dir():
            yield from _git(clone, "fsck", "--no-dangling", "--no-progress", "--connectivity-only")
            for stale in clone.rglob("*.lock"):
                yield Fault(Kind.DAMAGED, f"{stale} was left by Git")
    for dot_git in (world.workspace / "worktrees").glob("*/*/src/.git"):
        yield from _git(dot_git.parent, "diff", "--quiet", "HEAD", "--")


def _git(folder: Path, *words: str) -> Iterator[Fault]:
    command = ["git", "-c", "safe.directory=*", "-c", "safe.bareRepository=all", "-C", str(folder)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().replace("\n", " / ")
        yield Fault(Kind.DAMAGED, f"{folder}: git {words[0]}: {said[:300] or 'it is changed'}")


def _files(world: World) -> Iterator[Fault]:
    for path in world.workspace.rglob("*"):
        name = path.name
        if "worktrees" in path.parts and ("src" in path.parts or ".cmake" in path.parts):
            continue
        if name.endswith((".part", ".tmp")) or name.startswith(("tmp_obj_", "tmp_pack_")):
            yield Fault(Kind.DAMAGED, f"{path} was left")
    for path in (world.folder / "tmp").glob("*espdeck*"):  # those of compilers are theirs
        yield Fault(Kind.DAMAGED, f"{path} was left")
    folder = world.workspace / "boards" / "sessions"
    for session in sessions.sessions(folder) if folder.is_dir() else ():
        for path in (session.raw, session.log):
            try:
                path.read_bytes().decode("utf-8")
            except (OSError, ValueError) as error:
                yield Fault(Kind.DAMAGED, f"{path}: {error}")
    log = world.workspace / "espdeck.log"
    if log.is_file() and (text := log.read_text("utf-8", "replace")):
        if _TRACEBACK in text:
            yield Fault(Kind.DAMAGED, f"{log} has a traceback: {_last_words(text)}")
        log.unlink()  # each round has its own


def told(name: str, said: str) -> Iterator[Fault]:
    """What is wrong with what an espdeck printed."""
    if _TRACEBACK in said:
        yield Fault(Kind.DAMAGED, f"{name} printed a traceback: {_last_words(said)}")


def _last_words(text: str) -> str:
    # The log of espdeck indents it.
    lines = [line.removeprefix(INDENT) for line in text[text.rindex(_TRACEBACK) :].splitlines()]
    return next((line for line in lines[1:] if line and not line.startswith(" ")), "")[:300]


def _is_free(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _is_of_git(path: Path) -> bool:
    return any(part.endswith(".git") for part in path.parts[:-1]) or path.is_symlink()
