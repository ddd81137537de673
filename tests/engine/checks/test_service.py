"""Checks of a workspace: run by hand and by the clock, kept with history, apart from each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from git import Repo

from engine.cancel import CancelToken
from engine.checks.base import CheckContext, CheckResult
from engine.checks.isolated import Ended
from engine.checks.lab import LabServices
from engine.checks.registry import FoundCheck, find_checks
from engine.checks.service import CheckDeps, Checks, ComingCheck, options_of
from engine.enums import CheckStatus, ProjectStatus, Trigger
from engine.errors import CancelledError, UsageError
from engine.events import Bus, CheckCompleted, Event
from engine.projects.slots import Slots
from engine.settings import CheckSchedule, CheckSettings, Settings
from engine.store import checks as store_checks
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import CheckResultRow, Project
from tests.engine.git_repos import commit

CHECK = FoundCheck("look", "looks", 10.0, {}, "/plugins/look.py")
START = datetime(2026, 11, 23, tzinfo=UTC)


class Lab:
    """A workspace with projects, and checks whose clock and runs the test holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START
        self.store = Store(folder / "espdeck.db")
        self.bus = Bus()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.settings = Settings(workspace=folder)
        self.ran: list[str] = []
        self.answer: Callable[[CheckContext, str], Ended] = lambda _context, _state: Ended(
            CheckResult(CheckStatus.SUCCESS, "well"), ""
        )
        none: Any = None
        deps = CheckDeps(
            self.store,
            self.bus,
            Slots(folder / "worktrees", lambda _run: False),
            LabServices(none, none, none, self.store, lambda: self.settings),
            folder / "checks",
            lambda: self.settings,
            lambda: None,
        )
        self.checks = Checks(deps, now=lambda: self.now, isolate=self._isolate, lab_checks=())
        self.checks._found = (CHECK,)

    def project(self, name: str, status: ProjectStatus = ProjectStatus.ACTIVE) -> Project:
        source = self.folder / "sources" / name
        Repo.init(source, mkdir=True, initial_branch="main").close()
        sha = commit(source, {"a.txt": name})
        return store_projects.add_project(
            self.store,
            Project(name=name, source=str(source), target="esp32c3", status=status, tip=sha),
        )

    def tick(self) -> list[str]:
        """Run what is due now, as the durable engine does every minute."""
        due = list(self.checks.due())
        for name, project_id in due:
            self.checks.execute(name, project_id)
        return [name for name, _ in due]

    def _isolate(
        self, check: FoundCheck, context: CheckContext, *, state: str, max_memory_bytes: int
    ) -> Ended:
        assert max_memory_bytes == 512 << 20
        self.ran.append(f"{check.name} of {context.project}")
        return self.answer(context, state)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.store.close()


def test_a_result_is_kept_and_told(lab: Lab) -> None:
    project = lab.project("blink")
    lab.answer = lambda _context, _state: Ended(
        CheckResult(CheckStatus.WARNING, "two stale", {"stale": ["a", "b"]}), ""
    )
    row = lab.checks.run("look", project.id)

    assert (row.status, row.message, row.details) == ("warning", "two stale", {"stale": ["a", "b"]})
    assert (row.triggered_by, row.timestamp) == (Trigger.MANUAL, START)
    assert [each.id for each in lab.checks.history("look", project.id)] == [row.id]
    (told,) = [each for each in lab.events if isinstance(each, CheckCompleted)]
    assert (told.check, told.project, told.status) == ("look", "blink", CheckStatus.WARNING)
    (cell,) = lab.checks.matrix()
    assert cell.result is not None and cell.result.id == row.id
    assert cell.next_at == START + timedelta(minutes=10)
    assert lab.checks.coming(5) == [ComingCheck(cell.next_at, "look", "blink")]


def test_a_week_of_the_clock_runs_each_check_once_an_interval(lab: Lab) -> None:
    first = lab.project("a")
    lab.project("b")
    lab.settings = Settings(
        workspace=lab.folder,
        checks={"look": CheckSettings(interval=60, projects={"b": CheckSchedule(interval=1440)})},
    )
    for _ in range(7 * 24 * 4):
        lab.tick()
        lab.now += timedelta(minutes=15)

    assert lab.ran.count("look of a") == 7 * 24
    assert lab.ran.count("look of b") == 7
    assert len(lab.checks.history("look", first.id, limit=999)) == 7 * 24


def test_what_was_missed_is_made_up_for_once(lab: Lab) -> None:
    lab.project("a")
    assert lab.tick() == ["look"]
    lab.now += timedelta(days=3)
    assert lab.tick() == ["look"]
    assert lab.tick() == []


def test_one_that_is_done_again_by_the_next_process_has_one_result(lab: Lab) -> None:
    project = lab.project("a")
    lab.checks.execute("look", str(project.id))
    lab.now += timedelta(seconds=30)
    lab.checks.execute("look", str(project.id))
    assert lab.ran == ["look of a"]
    lab.now += timedelta(minutes=10)
    lab.checks.execute("look", str(project.id))
    assert lab.ran == ["look of a"] * 2


def test_one_that_is_off_or_of_a_project_that_is_not_there_does_not_run(lab: Lab) -> None:
    lab.project("a")
    lab.project("cloning", ProjectStatus.PENDING)
    lab.settings = Settings(workspace=lab.folder, checks={"look": CheckSettings(enabled=False)})
    assert lab.tick() == []
    assert lab.checks.matrix()[0].next_at is None
    lab.checks.execute("look", "00000000-0000-0000-0000-000000000000")
    assert lab.ran == []


def test_a_result_stands_while_nothing_changed_and_is_told_once(lab: Lab) -> None:
    project = lab.project("a")

    def stands(_context: CheckContext, state: str) -> Ended:
        return (
            Ended(None, "s") if state == "s" else Ended(CheckResult(CheckStatus.SUCCESS, "x"), "s")
        )

    lab.answer = stands
    for _ in range(4):
        lab.tick()
        lab.now += timedelta(minutes=10)
    (row,) = lab.checks.history("look", project.id)
    assert (row.timestamp, row.confirmed_at) == (START, START + timedelta(minutes=30))
    assert len([each for each in lab.events if isinstance(each, CheckCompleted)]) == 1

    lab.now += timedelta(days=1)
    lab.tick()
    assert len(lab.checks.history("look", project.id)) == 2


def test_a_result_of_a_clock_that_was_wrong_does_not_stand(lab: Lab) -> None:
    project = lab.project("a")
    lab.answer = lambda _context, state: Ended(
        CheckResult(CheckStatus.SUCCESS, f"was {state!r}"), "same"
    )
    lab.now = START + timedelta(days=365)
    lab.checks.run("look", project.id)
    lab.now = START
    assert lab.tick() == ["look"]
    (newest, _) = lab.checks.history("look", project.id)
    assert (newest.message, newest.timestamp) == ("was ''", START)


def test_a_project_that_is_removed_meanwhile_is_no_error(lab: Lab) -> None:
    project = lab.project("a")

    def remove(_context: CheckContext, _state: str) -> Ended:
        store_projects.remove_project(lab.store, project.id)
        return Ended(CheckResult(CheckStatus.SUCCESS, "well"), "")

    lab.answer = remove
    assert lab.tick() == ["look"]
    assert lab.checks.history("look", project.id) == []


def test_what_stands_is_confirmed_at_once_and_what_changed_is_executed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Look:
        def state(self, _context: CheckContext) -> str:
            return states.pop(0)

    project = lab.project("a")
    states = ["s", "t"]
    monkeypatch.setattr("engine.checks.service.load_own", lambda _check: Look())
    lab.checks._found = (replace(CHECK, place="engine.checks.look:Look"),)
    lab.answer = lambda _context, _state: Ended(CheckResult(CheckStatus.SUCCESS, "x"), "s")
    assert not lab.checks.settle("look", str(project.id))
    lab.checks.execute("look", str(project.id))
    lab.now += timedelta(minutes=10)

    assert lab.checks.settle("look", str(project.id))
    (row,) = lab.checks.history("look", project.id)
    assert (row.timestamp, row.confirmed_at) == (START, lab.now)
    assert lab.checks.settle("look", str(project.id))
    lab.now += timedelta(minutes=10)
    assert not lab.checks.settle("look", str(project.id))
    lab.now += timedelta(days=1)
    assert not lab.checks.settle("look", str(project.id))
    assert lab.ran == ["look of a"]


def test_an_error_never_stands(lab: Lab) -> None:
    project = lab.project("a")
    lab.answer = lambda _context, state: Ended(
        None if state else CheckResult(CheckStatus.ERROR, "broken"), "s"
    )
    for _ in range(3):
        lab.tick()
        lab.now += timedelta(minutes=10)
    assert len(lab.checks.history("look", project.id)) == 3


def test_a_check_that_runs_is_not_run_twice_at_once(lab: Lab) -> None:
    project = lab.project("a")
    begun, go_on = threading.Event(), threading.Event()

    def wait(_context: CheckContext, _state: str) -> Ended:
        begun.set()
        assert go_on.wait(30)
        return Ended(CheckResult(CheckStatus.SUCCESS, "well"), "")

    lab.answer = wait
    thread = threading.Thread(target=lab.checks.run, args=("look", project.id))
    thread.start()
    assert begun.wait(30)
    with pytest.raises(UsageError, match="look of a is already running: wait for it"):
        lab.checks.run("look", project.id)
    go_on.set()
    thread.join(30)
    assert lab.ran == ["look of a"]


def test_cancelling_keeps_no_result(lab: Lab) -> None:
    project = lab.project("a")

    def cancelled(context: CheckContext, _state: str) -> Ended:
        context.cancel.check()
        raise AssertionError

    lab.answer = cancelled
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        lab.checks.run("look", project.id, cancel=token)
    assert lab.checks.history("look", project.id) == []


def test_old_results_go(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_checks, "KEPT_RESULTS", 3)
    project, other = lab.project("a"), lab.project("b")
    lab.checks.run("look", other.id)
    rows = [lab.checks.run("look", project.id).id for _ in range(5)]
    assert [row.id for row in lab.checks.history("look", project.id)] == rows[:1:-1]
    assert len(lab.checks.history("look", other.id)) == 1


def test_a_name_that_is_none_says_what_may_be_meant(lab: Lab) -> None:
    with pytest.raises(UsageError, match=r"no check 'lok' \(did you mean look\?\)"):
        lab.checks.run("lok", lab.project("a").id)


def test_a_remote_project_is_looked_at_in_a_worktree_and_a_folder_in_its_place(lab: Lab) -> None:
    project = lab.project("a")
    seen: list[CheckContext] = []

    def note(context: CheckContext, _state: str) -> Ended:
        seen.append(context)
        assert (context.tree / "a.txt").read_text() == "a"
        return Ended(CheckResult(CheckStatus.SUCCESS, "well"), "")

    lab.answer = note
    lab.checks.run("look", project.id)
    source = Path(project.source)
    assert (seen[0].tree, seen[0].is_working_tree, seen[0].commit) == (source, True, project.tip)

    clone = lab.folder / "clone.git"
    source.rename(lab.folder / "moved")
    (lab.folder / "moved" / ".git").rename(clone)
    store_projects.change_project(
        lab.store, project.id, lambda row: setattr(row, "clone_path", str(clone))
    )
    lab.checks.run("look", project.id)
    assert not seen[1].is_working_tree
    assert seen[1].tree.is_relative_to(lab.folder / "worktrees")


class OfTheLab:
    """A check that works with the engine."""

    name: ClassVar[str] = "of_the_lab"
    title: ClassVar[str] = "looks at all of it"
    interval: ClassVar[float] = 10.0
    options: ClassVar[Mapping[str, Any]] = {"limit": 3}
    per_project: ClassVar[bool] = False
    quick: ClassVar[bool] = False

    def __init__(self) -> None:
        self.found: list[str] = []
        self.waits = False

    def run(
        self,
        services: LabServices,
        project: Project | None,
        *,
        options: Mapping[str, Any],
        previous: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckResult:
        assert (project, dict(options)) == (None, {"limit": 3})
        if self.waits:
            cancel.wait(60)
        self.found.append(previous.message if previous else "")
        return CheckResult(CheckStatus.SUCCESS, "well")


def test_a_check_of_the_lab_has_no_project_and_its_same_result_stands(lab: Lab) -> None:
    look = OfTheLab()
    lab.checks = Checks(lab.checks._deps, now=lambda: lab.now, lab_checks=(look,))
    lab.checks._found = tuple(each for each in lab.checks.list() if each.name == look.name)
    for _ in range(3):
        assert lab.tick() == ["of_the_lab"]
        lab.now += timedelta(minutes=10)
    assert look.found == ["", "well", "well"]
    (row,) = lab.checks.history("of_the_lab")
    assert (row.project_id, row.confirmed_at) == (None, START + timedelta(minutes=20))

    with pytest.raises(UsageError, match="the lab as a whole, not at sensor"):
        lab.checks.configure(look.name, "sensor", interval=20)

    lab.settings = Settings(workspace=lab.folder, check_timeout_seconds=0.05)
    look.waits = True
    late = lab.checks.run("of_the_lab")
    assert (late.status, late.message) == (CheckStatus.ERROR, "no end after 0.05 s, ended it")


def test_a_plugin_with_the_name_of_a_check_of_the_lab_takes_nobody_s_place(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = FoundCheck("remote_check", "x", 5.0, {}, "/plugins/remote_check.py")
    monkeypatch.setattr("engine.checks.service.find_checks", lambda **_: (plugin,))
    found = {check.name: check for check in Checks(lab.checks._deps).list()}
    assert found["remote_check"].is_own
    assert "another check has this name" in found["/plugins/remote_check.py"].problem


def test_a_check_is_given_its_own_settings(tmp_path: Path) -> None:
    check = FoundCheck("look", "", 5.0, {"limit": 1, "index_enabled": False, "index_path": ""})
    told: dict[str, Any] = {"limit": 2, "unknown": 3, "projects": {"a": {"limit": 4}}}
    settings = Settings(workspace=tmp_path, checks={"look": CheckSettings(**told)})
    assert options_of(check, settings, "a")["limit"] == 4
    assert options_of(check, settings, "b")["limit"] == 2
    assert options_of(check, settings, "b")["index_enabled"] is True
    assert "unknown" not in options_of(check, settings, "a")


HOSTILE = {
    "leaks": "data = []\n        while True: data.append(bytearray(8 << 20))",
    "raises": "raise ValueError('broken\\x1b[2J')",
    "prints": "import sys\n        for _ in range(1600): sys.stdout.write('x' * 65536)\n"
    "        return CheckResult(CheckStatus.SUCCESS, 'printed')",
    "hangs": "import signal, time\n        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "        time.sleep(600)",
    "dies": "import os\n        os._exit(7)",
    "floods": "return CheckResult(CheckStatus.SUCCESS, 'm' * 9999, {'d': 'x' * (3 << 20)})",
    "lies": "return 7",
    "writes_much": "answer({**WELL, 'message': 'm' * 3000000})",
    "writes_deep": "answer(None, '[' * 100000)",
    "writes_unchanged": "answer({'state': '', 'unchanged': True})",
}
EXPECTED: dict[str, str | tuple[str, ...]] = {
    "leaks": ("error more memory than max_memory_usage_mb was needed", "error used "),
    "raises": "error ValueError: broken",
    "prints": "success printed",
    "hangs": "error no end after 3 s, ended it",
    "dies": "error ended early (exit code 7): it said nothing",
    "floods": "success " + "m" * 500,
    "lies": "error ended early (exit code 1): AttributeError",
    "writes_much": "success " + "m" * 500,
    "writes_deep": "error its answer is not valid: RecursionError",
    "writes_unchanged": "error its answer is not valid: KeyError",
}
ANSWERING = """
import json, os, sys
WELL = {"state": "", "status": "success", "message": "", "details": {}}
def answer(said, text=None):
    open(sys.argv[2], "w").write(text or json.dumps(said))
    os._exit(0)
"""
"""How a check answers for itself, past what its process would say."""


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_check_does_is_its_result_and_harms_no_other(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / f"{name}.py").write_text(
        "from engine.checks.base import CheckResult\nfrom engine.enums import CheckStatus\n"
        f"{ANSWERING}"
        f"class Look:\n    name, title, interval, options = '{name}', 'x', 5.0, {{}}\n"
        "    def state(self, context): return ''\n"
        f"    def run(self, context):\n        {HOSTILE[name]}\n"
    )
    lab = Lab(tmp_path)
    lab.settings = Settings(
        workspace=tmp_path,
        max_memory_usage_mb=200,
        check_timeout_seconds=3 if name == "hangs" else 60,
    )
    checks = Checks(lab.checks._deps, lab_checks=())
    checks._found = find_checks(folder)
    row = checks.run(name, lab.project("a").id)
    assert f"{row.status} {row.message}".startswith(EXPECTED[name])
    assert len(row.message) <= 500
    lab.store.close()


@pytest.mark.slow
def test_what_cannot_be_loaded_says_why_and_the_others_are_there(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("raise SystemExit('no')")
    (tmp_path / "none.py").write_text("")
    says = "import json, os, sys\nopen(sys.argv[2], 'w').write({})\nos._exit(0)"
    of_path = {"name": "../../x", "title": "", "interval": 5, "options": {}}
    (tmp_path / "deep.py").write_text(says.format("'[' * 100000"))
    (tmp_path / "path.py").write_text(says.format(f"json.dumps({of_path})"))
    (tmp_path / "leaks.py").write_text(
        "kept = []\nwhile True: kept.append(bytearray(b'1' * (8 << 20)))"
    )
    (tmp_path / "never.py").write_text(
        "class Never:\n    name, title, interval, options = 'never', '', float('inf'), {}\n"
        "    def state(self, context): return ''\n    def run(self, context): return None\n"
    )
    (tmp_path / "_part.py").write_text("raise SystemExit('never')")
    (tmp_path / "well.py").write_text(
        "class Well:\n    name, title, interval, options = 'well', 'is well', 2.0, {'n': 1}\n"
        "    def state(self, context): return ''\n    def run(self, context): return None\n"
    )
    found = {check.name: check for check in find_checks(tmp_path) if not check.is_own}
    assert found["bad"].problem == "cannot be loaded: no"
    assert "maximum recursion depth" in found["deep"].problem
    assert found["leaks"].problem.startswith("cannot be loaded: ")
    assert "an interval of 0.1 to 525600 minutes" in found["never"].problem
    assert "a check needs a name of letters" in found["path"].problem
    assert found["none"].problem.endswith("has 0 classes with run and interval, not 1")
    assert (found["well"].problem, found["well"].title, found["well"].options) == (
        "",
        "is well",
        {"n": 1},
    )
    assert set(found) == {"bad", "deep", "leaks", "never", "none", "path", "well"}


def test_results_come_without_their_details_and_one_with_them(lab: Lab) -> None:
    project = lab.project("hub")
    found = CheckResult(CheckStatus.WARNING, "2 are old", {"old": ["a.md", "b.md"]})
    lab.answer = lambda _context, _state: Ended(found, "")
    kept = lab.checks.run("look", project.id)
    assert kept.id is not None

    (cell,) = lab.checks.matrix(details=False)
    assert cell.result is not None
    assert (cell.result.message, cell.result.details) == ("2 are old", {})
    (row,) = lab.checks.history("look", project.id, details=False)
    assert (row.id, row.details) == (kept.id, {})
    assert lab.checks.history("look", project.id)[0].details == found.details
    assert lab.checks.result(kept.id).details == found.details
    with pytest.raises(UsageError, match="result 99 is no longer kept"):
        lab.checks.result(99)
