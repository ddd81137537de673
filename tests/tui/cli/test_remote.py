"""``espdeck --remote``: commands about a lab behind a server, and what cannot be done there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import Engine, Settings
from engine.enums import Scope
from engine.errors import EspdeckError
from engine.samples import demo
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.engine.git_repos import commit
from tests.forked import Running
from tests.tui.guide.pages import ROOT
from tui.cli.main import cli

pytestmark = [pytest.mark.xdist_group("remote-commands"), pytest.mark.slow]

BARE = ("--board", "none", "--simulator", "none")

Says = Callable[..., str]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("lab")
    source = demo.make_repository("hello", folder / "hello")
    commit(source, {"README.md": "Hello\n"}, "Say hello")
    settings = Settings(workspace=folder / "workspace", server=ServerSettings(port=0))
    with Engine(settings) as engine:
        project = engine.projects.add(str(source), targets=["esp32c3"])
        engine.projects.wait(project.id)
        yield engine


@pytest.fixture(scope="module")
def server(engine: Engine) -> Iterator[HttpServer]:
    server = HttpServer(engine)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def token(engine: Engine) -> str:
    return engine.access.create_token("ci", Scope.FLASH)[0]


@pytest.fixture
def elsewhere(
    server: HttpServer, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine that has no lab of its own, with the token in its environment."""
    monkeypatch.setenv("ESPDECK_WORKSPACE", str(tmp_path / "none"))
    monkeypatch.setenv("ESPDECK_REMOTE", server.url)
    monkeypatch.setenv("ESPDECK_TOKEN", token)


@pytest.fixture
def says(elsewhere: None) -> Says:
    """What a command prints that ends with an exit code."""

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


@pytest.fixture
def refuses(elsewhere: None) -> Says:
    """The one line in which a command says what is wrong."""

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, words)
        assert isinstance(done.exception, EspdeckError), (done.output, done.exception)
        assert "\n" not in str(done.exception)
        return str(done.exception)

    return run


def test_a_build_is_started_followed_and_shown(says: Says, engine: Engine, tmp_path: Path) -> None:
    said = says("build", "hello", *BARE)
    lines = said.splitlines()
    number = engine.builds.list()[0].number
    kept = lines[next(i for i, line in enumerate(lines) if line.startswith("ARTIFACT")) + 1]

    assert sum(f"build {number} starts: hello" in line for line in lines) == 1
    assert sum(f"build {number} success in" in line for line in lines) == 1
    assert sum(" | " in line for line in lines) > 3
    assert f"build #{number} of hello: success" in said
    assert "asked for by ci (manual)" in said
    local = CliRunner().invoke(
        cli, ["--workspace", str(engine.settings.workspace), "show", str(number)],
        env={"ESPDECK_REMOTE": ""},
    )  # fmt: skip
    assert says("show", str(number)) == local.output
    assert says("builds").splitlines()[1].split()[:4] == [
        f"#{number}",
        "hello",
        "esp32c3",
        "success",
    ]
    assert json.loads(says("builds", "--json").splitlines()[0])["status"] == "success"
    assert "== build, attempt 1, log" in says("show", str(number), "--log", "build")
    assert f"build {number} has ended already" in says("cancel", str(number), code=2)
    name = kept.split()[0]
    target = tmp_path / "saved.bin"
    assert f"saved as {target}" in says("artifacts", "get", str(number), name, str(target))
    assert target.stat().st_size > 0


def test_a_broken_build_fails_here_too_and_is_retried(
    says: Says, engine: Engine, tmp_path: Path
) -> None:
    commit(tmp_path / "broken", {"README.md": "Later.\n"})
    project = engine.projects.add(str(tmp_path / "broken"), targets=["esp32c3"])
    engine.projects.wait(project.id)
    source = engine.projects.get("hello").source
    text = (Path(source) / "main" / "main.c").read_text()
    tip = commit(Path(source), {"main/main.c": text + "#error stop here\n"}, "Break it")
    commit(Path(source), {"main/main.c": text}, "Mend it")

    failed = says("build", "hello", "--commit", tip, *BARE, code=1)
    number = str(engine.builds.list()[0].number)
    retried = says("retry", number, code=1)

    assert "error: stop here" in failed or "#error" in failed
    for said in (failed, retried):
        assert said.count(f"build {number} failed in") == 1
        assert f"build #{number} of hello: failed" in said
    events = [json.loads(line) for line in says("retry", number, "--json", code=1).splitlines()]
    assert events[-1]["event"] in ("workflow.completed", "build.status")
    assert {"workflow.started", "agent.status", "log", "workflow.completed"} <= {
        each["event"] for each in events
    }
    assert len({(each["build"], each["seq"]) for each in events}) == len(events)


def test_several_variants_are_followed_one_after_the_other(says: Says) -> None:
    said = says("build", "hello", "--target", "esp32c3,esp32c6", *BARE)
    assert said.count(" starts: hello") == 2
    assert [line.split()[1:3] for line in said.splitlines()[-2:]] == [
        ["esp32c3", "success"],
        ["esp32c6", "success"],
    ]


def test_projects_boards_and_checks_are_listed(says: Says) -> None:
    projects = says("projects").splitlines()
    assert projects[0].split()[:3] == ["NAME", "STATUS", "CHIPS"]
    assert ["hello", "active", "esp32c3"] in [line.split()[:3] for line in projects]
    assert says("boards").startswith("no boards:")
    assert "doc_check" in says("checks", "--project", "hello")
    assert says("check", "doc_check", "--project", "hello").startswith("success hello:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the app has no --remote: run espdeck on the lab machine over ssh"),
        (("gc",), "espdeck gc cannot be used with --remote: run it on the lab machine over ssh"),
        (("checks", "history", "doc_check"), "cannot be used with --remote"),
        (("projects", "--disk"), "--disk cannot be used with --remote"),
        (("build", "hello", "--dirty"), "--dirty builds a folder of the lab machine"),
        (("build", "hello", "--changed"), "--changed cannot be used with --remote"),
        (("build", "nosuch"), "no project 'nosuch'"),
        (("build", "./here"), "no project of ./here on the lab"),
        (("build", "hello", "--target", "esp32s9"), "esp32s9"),
        (("show", "99"), "no build 99"),
        (("show", "x"), "'x' is not the number of a build"),
        (("reset", "nosuch"), "no board 'nosuch'"),
        (("reserve", "nosuch"), "no board 'nosuch'"),
        (("flash", "1", "nosuch"), "no board 'nosuch'"),
        (("monitor", "nosuch"), "no board 'nosuch'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_so_in_a_line(
    refuses: Says, words: tuple[str, ...], said: str
) -> None:
    assert said in refuses(*words)


def test_what_is_wrong_with_the_lab_that_is_named(
    refuses: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_TOKEN", "")
    assert "token" in refuses("builds")
    monkeypatch.setenv("ESPDECK_TOKEN", "espdeck_wrong")
    assert "espdeck_wrong" not in refuses("builds")
    assert "cannot be reached: nothing listens" in refuses(
        "--remote", "http://127.0.0.1:1", "builds"
    )
    assert "a token does not belong" in refuses("--remote", "http://t0ken@lab", "builds")
    assert "neither a URL nor a name" in refuses("--remote", "lab", "builds")


def test_a_lab_has_a_name_in_the_settings_and_its_token_is_not_shown(
    says: Says, server: HttpServer, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[remotes.bench]\nurl = "{server.url}"\ntoken = "{token}"\n')
    file.chmod(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(file))
    monkeypatch.delenv("ESPDECK_TOKEN")

    assert "hello" in says("--remote", "bench", "projects")
    shown = says("config", "show")
    assert "remotes" in shown
    assert token not in shown


def test_ctrl_c_cancels_a_followed_build(elsewhere: None, engine: Engine, tmp_path: Path) -> None:
    source = demo.make_repository("crash", tmp_path / "crash")
    engine.projects.wait(engine.projects.add(str(source), targets=["esp32c3"]).id)
    running = Running("build", "crash", env=dict(os.environ))
    assert running.stdout is not None
    for line in running.stdout:
        if " starts: crash" in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stdout.read()

    assert running.wait(30) == 130
    assert "of crash: cancelled" in rest
    assert engine.builds.list()[0].status == "cancelled"


def of_manual(heading: str, language: str) -> str:
    """The first example of a section of the manual."""
    page = (ROOT / "tui" / "guide" / "api.md").read_text("utf-8")
    part = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return part.partition(f"```{language}\n")[2].partition("```")[0]


def test_the_ci_job_of_the_manual(
    elsewhere: None, server: HttpServer, engine: Engine, tmp_path: Path
) -> None:
    def run(**env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", of_manual("Python client", "python")],
            cwd=tmp_path,
            env={**os.environ, "ESPDECK_URL": server.url, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    done, refused = run(), run(COMMIT="nosuch")

    assert done.returncode == 0, done.stderr
    saved = done.stdout.splitlines()[-1].removeprefix("saved as ")
    assert (tmp_path / saved).read_bytes()[:4] == b"\x7fELF"
    assert len(done.stdout.splitlines()) > 10
    assert refused.returncode == 1
    assert refused.stderr == "no commit, branch or tag 'nosuch'\n"


def test_examples_of_another_machine(says: Says, server: HttpServer) -> None:
    lines = of_manual("From another machine", "sh").splitlines()[1:]
    commands = [line.replace("https://lab.example.org/lab", server.url).split() for line in lines]

    assert [words[:2] for words in commands] == [["espdeck", "--remote"]] * 2
    assert "hello" in says(*commands[0][1:])
    assert "of hello: success" in says(*commands[1][1:])
