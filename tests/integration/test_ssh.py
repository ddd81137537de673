"""People work over SSH, and their connections are cut: what they asked for goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings, samples
from engine.daemon_control import ask_daemon, running_daemon
from engine.daemon_start import start_daemon, stop_daemon
from engine.enums import RunStatus
from tests.engine.git_repos import commit
from tests.ssh_server import Network, SshServer, needs_sshd
from tests.tui.test_hostile import Terminal
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("ssh"), pytest.mark.slow, needs_sshd]

WAITS = "the compiler waits at the gate"

GATE = f"""
message(STATUS "{WAITS}")
while(NOT EXISTS "@GATE@")
  execute_process(COMMAND ${{CMAKE_COMMAND}} -E sleep 0.1)
endwhile()
message(STATUS "the gate is open")
"""
"""Of a CMakeLists.txt: the build goes on when the file is there."""


class Lab:
    """A workspace whose project is built as far as a gate, and people who come over SSH."""

    def __init__(self, folder: Path, server: SshServer) -> None:
        self.workspace = folder / "ws"
        self.gate = folder / "open"
        self._server = server
        self._home = folder / "home"
        self._home.mkdir()
        self._networks: list[Network] = []
        self._terminals: list[Terminal] = []
        samples.write("hello", folder / "fw")
        lists = folder / "fw" / "CMakeLists.txt"
        text = lists.read_text() + GATE.replace("@GATE@", str(self.gate))
        commit(folder / "fw", {"CMakeLists.txt": text}, "First")
        with Engine(Settings(workspace=self.workspace, boards=())) as engine:
            engine.projects.find_or_add(str(folder / "fw"))

    def comes(self, *words: str) -> tuple[Terminal, Network]:
        """Somebody starts espdeck over SSH."""
        network = Network(self._server.port)
        self._networks.append(network)
        under = self._server.command(network.port, home=self._home)
        terminal = Terminal(self.workspace, 24, 100, under=under, words=words)
        self._terminals.append(terminal)
        return terminal, network

    def status(self) -> RunStatus | None:
        """How the only build is."""
        engine = Engine(Settings(workspace=self.workspace, boards=()))
        engine.open(execute=False)
        try:
            found = engine.builds.list()
        finally:
            engine.close()
        assert len(found) < 2
        return found[0].status if found else None

    def apps(self) -> list[int]:
        """Processes that have the workspace open, but for this one and the daemon."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                is_espdeck = words[1:3] == [b"-m", b"tui.cli.main"]
                if is_espdeck and os.fsencode(self.workspace) in words:
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """Everybody leaves."""
        self.gate.touch()
        for terminal in self._terminals:
            terminal.close()
        for network in self._networks:
            network.close()
        if running_daemon(self.workspace) is not None:
            stop_daemon(self.workspace)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    server = SshServer(tmp_path_factory.mktemp("ssh") / "server")
    yield server
    server.close()


@pytest.fixture
def lab(tmp_path: Path, server: SshServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    settings = tmp_path / "config.toml"
    settings.write_text("")
    settings.chmod(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(settings))
    lab = Lab(tmp_path, server)
    yield lab
    lab.close()


def begin_build(terminal: Terminal) -> None:
    terminal.sees("never built", timeout=60)
    terminal.keys("b")
    terminal.sees(WAITS, timeout=60)


def sees_its_end(lab: Lab) -> None:
    """The next one who comes sees that the build is done."""
    terminal, _ = lab.comes()
    terminal.sees("✓ success", timeout=60)
    terminal.sees("#1")


def test_a_cut_connection_does_not_end_a_build_that_the_daemon_runs(lab: Lab) -> None:
    pid = start_daemon(lab.workspace)
    terminal, network = lab.comes()
    begin_build(terminal)

    network.reset()
    wait_for(lambda: lab.apps() == [])
    lab.gate.touch()

    wait_for(lambda: lab.status() is RunStatus.SUCCESS)
    assert running_daemon(lab.workspace) == pid
    sees_its_end(lab)


def test_without_a_daemon_the_app_hands_its_build_over_to_one(lab: Lab) -> None:
    terminal, network = lab.comes()
    begin_build(terminal)

    network.reset()
    wait_for(lambda: lab.apps() == [])
    wait_for(lambda: running_daemon(lab.workspace) is not None)
    wait_for(lambda: bool(ask_daemon(lab.workspace, "status")["executes"]))
    lab.gate.touch()

    wait_for(lambda: lab.status() is RunStatus.SUCCESS)
    sees_its_end(lab)


def test_a_client_that_is_silent_does_not_hold_a_build_up(lab: Lab) -> None:
    terminal, network = lab.comes()
    begin_build(terminal)

    network.fall_silent()
    lab.gate.touch()
    wait_for(lambda: lab.status() is RunStatus.SUCCESS)
    # OpenSSH asks whether a client is alive only while nothing is written to it.
    wait_for(lambda: lab.apps() == [])
    assert running_daemon(lab.workspace) is None
    sees_its_end(lab)


def test_two_people_see_the_same_build_live(lab: Lab) -> None:
    start_daemon(lab.workspace)
    ada, _ = lab.comes()
    begin_build(ada)
    bob, network = lab.comes()
    bob.sees("manual", timeout=60)  # a row of the builds, whose first is the chosen one
    bob.keys("l\r")
    bob.sees(WAITS)

    lab.gate.touch()
    for person in (ada, bob):
        person.sees("✓ success", timeout=60)
    network.reset()
    ada.keys("q")
    ada.sees("#1")


def test_a_build_that_a_command_asked_for_goes_on_in_the_daemon(lab: Lab) -> None:
    start_daemon(lab.workspace)
    terminal, network = lab.comes("build", "fw")
    terminal.sees(WAITS, timeout=60)

    network.reset()
    wait_for(lambda: lab.apps() == [])
    assert lab.status() is RunStatus.RUNNING
    lab.gate.touch()
    wait_for(lambda: lab.status() is RunStatus.SUCCESS)


def test_without_a_daemon_such_a_build_goes_on_at_the_next_start(lab: Lab) -> None:
    terminal, network = lab.comes("build", "fw")
    terminal.sees(WAITS, timeout=60)

    network.reset()
    wait_for(lambda: lab.apps() == [])
    assert running_daemon(lab.workspace) is None
    lab.gate.touch()
    start_daemon(lab.workspace)
    wait_for(lambda: lab.status() is RunStatus.SUCCESS)
    sees_its_end(lab)
