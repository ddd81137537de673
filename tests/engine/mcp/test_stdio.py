"""``espdeck mcp`` over real streams, with a virtual board: tools, permissions, ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.samples import demo
from tests.engine.mcp.agent import BOARD, Agent, Raw
from tests.waits import wait_for

pytestmark = [pytest.mark.xdist_group("mcp"), pytest.mark.slow]

EVERYTHING = "build,flash,console,reserve"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples as repositories; the workspace is beside them."""
    folder = tmp_path_factory.mktemp("agents")
    for name in ("hello", "broken", "crash", "console"):
        demo.make_repository(name, folder / name)
    return folder


@pytest.fixture(scope="module")
def agent(lab: Path) -> Iterator[Agent]:
    """An agent that may do everything, whose process runs the builds."""
    with Agent(lab / "workspace", EVERYTHING) as agent:
        yield agent


@pytest.fixture(scope="module")
def hello(agent: Agent, lab: Path) -> dict[str, Any]:
    """A build of the sample that is well."""
    return agent.call("build", project=str(lab / "hello"))


@pytest.fixture(scope="module")
def reader(lab: Path, agent: Agent) -> Iterator[Agent]:
    """Another agent of the same workspace, which may only read."""
    with Agent(lab / "workspace") as reader:
        yield reader


def test_an_agent_builds_mends_flashes_and_sees_it_run(agent: Agent, lab: Path) -> None:
    source = demo.make_repository("hello", lab / "mended")
    main = source / "main" / "main.c"
    text = main.read_text("utf-8")
    main.write_text(f"{text}int late(void) {{ return undeclared; }}\n", "utf-8")

    failed = agent.call("build", project=str(source), simulator="none")
    main.write_text(text, "utf-8")
    told: list[str] = []
    mended = agent.start("build", told.append, project=str(source), simulator="none").result(120)
    built = mended.structured_content
    assert built is not None
    flashed = agent.call("flash", build=built["build"], board=BOARD)
    seen = agent.call("monitor", board=BOARD, reset=True, seconds=30, expect=["boot: ", "main: "])

    assert failed["status"] == "failed"
    assert failed["dirty"]
    finding = failed["findings"][0]
    assert (finding["severity"], finding["file"]) == ("error", "main/main.c")
    assert finding["line"] == text.count("\n") + 1
    assert "undeclared" in finding["message"]
    assert built["status"] == "success"
    assert built["asked_by"].startswith("espdeck mcp, ")
    assert any("%" in what for what in told)
    assert flashed["verified"]
    assert seen["outcome"] == "matched"
    assert len(seen["matched"]) == 2
    assert f"#{built['build']}" in seen["decoded_by"]


def test_what_espdeck_repaired_is_shown_as_a_diff(agent: Agent, lab: Path) -> None:
    before = (lab / "broken" / "main" / "main.c").read_text("utf-8")

    built = agent.call("build", project=str(lab / "broken"), simulator="none")
    fix = agent.call("show_fix", build=built["build"])

    assert [each["file"] for each in built["findings"] if each.get("repaired")] == ["main/main.c"]
    assert "sources are unchanged" in built["fix"]
    assert fix["files"] == ["main/main.c"]
    assert "\n+" in fix["diff"]
    assert (lab / "broken" / "main" / "main.c").read_text("utf-8") == before


def test_tests_of_a_build_are_told_and_run_again(agent: Agent, hello: dict[str, Any]) -> None:
    again = agent.call("run_tests", build=hello["build"])

    assert hello["tests"]["places"] == ["simulator: 3 tests, 0 failed, 0 ignored"]
    assert again["tests"] == hello["tests"]
    attempts = {stage["stage"]: stage.get("attempt", 1) for stage in again["stages"]}
    assert attempts["build"] == 1
    assert attempts["simulator"] > 1


def test_a_panic_ends_the_watching_and_comes_decoded(agent: Agent, lab: Path) -> None:
    built = agent.call("build", project=str(lab / "crash"), simulator="none")
    agent.call("flash", build=built["build"], board=BOARD)

    seen = agent.call("monitor", board=BOARD, reset=True, seconds=60, expect=["never"], lines=5)
    kept = agent.call("read_console", board=BOARD, lines=400)

    assert (seen["outcome"], seen["missing"]) == ("panic", ["never"])
    (finding,) = seen["findings"]
    assert (finding["file"], finding["line"]) == ("main/main.c", 21)
    assert len(seen["lines"]) == 5
    assert any("Guru Meditation" in line for line in kept["lines"])
    assert agent.call("read_console", board=BOARD, search="guru med")["lines"]
    assert (
        agent.call("monitor", board=BOARD, reset=True, reject="sensor: ")["outcome"] == "rejected"
    )


def test_a_build_goes_on_when_the_wait_is_over(agent: Agent, lab: Path) -> None:
    begun = agent.call("build", project=str(lab / "hello"), simulator="none", wait_seconds=0)
    ended = agent.call("show_build", build=begun["build"], wait_seconds=100)

    assert begun["status"] in ("pending", "running")
    assert f"show_build {begun['build']}" in begun["next"]
    assert ended["status"] == "success"
    assert "next" not in ended


def test_a_prompt_is_waited_for_and_answered(agent: Agent, lab: Path) -> None:
    built = agent.call("build", project=str(lab / "console"), simulator="none")
    agent.call("flash", build=built["build"], board=BOARD)

    prompt = agent.call("monitor", board=BOARD, reset=True, expect=["try help", "^> $"])
    asked = agent.call("monitor", board=BOARD, send="help\n", expect=["commands: "])
    silent = agent.call("monitor", board=BOARD, seconds=0.5)

    assert prompt["outcome"] == "matched"
    assert asked["outcome"] == "matched"
    assert "led on" in asked["matched"][0]
    assert (silent["outcome"], silent["lines"]) == ("done", [])
    assert "reset=true" in silent["next"]


def test_logs_are_read_by_range_and_search(agent: Agent, hello: dict[str, Any]) -> None:
    number = hello["build"]

    logs = agent.call("read_log", build=number)["logs"]
    whole = agent.call("read_log", build=number, stage="build", first=0, lines=400)
    part = agent.call("read_log", build=number, stage="build", first=2, lines=3)
    last = agent.call("read_log", build=number, stage="simulator", lines=1)
    found = agent.call("read_log", build=number, search="hello from")["matches"]

    assert {"plan", "build", "simulator"} <= {each["stage"] for each in logs}
    assert part["lines"] == whole["lines"][2:5]
    assert part["next"] == 5
    assert "next" not in whole
    assert (last["stream"], last["lines"]) == ("serial", ["OK"])
    assert {each["stream"] for each in found} == {"serial"}
    assert "has no such log" in agent.refused("read_log", build=number, stage="nosuch")


def test_what_grew_is_told(agent: Agent, lab: Path, hello: dict[str, Any]) -> None:
    main = lab / "hello" / "main" / "main.c"
    main.write_text(
        f'{main.read_text("utf-8")}char more[4096] = "more";\nchar *volatile kept = more;\n',
        "utf-8",
    )

    larger = agent.call("build", project=str(lab / "hello"), simulator="none")["build"]
    sizes = agent.call("show_sizes", build=larger, against=hello["build"], limit=1)
    compared = agent.call("compare_builds", build=larger, other=hello["build"])

    assert sizes["against"] == hello["build"]
    assert any(each.get("change", 0) > 0 for each in sizes["regions"])
    assert compared["regions"] == [each for each in sizes["regions"] if each.get("change")]
    assert len(sizes["rows"]) == 1
    assert sizes["more_rows"] > 0
    assert compared["status"] == "success"


def test_what_is_not_allowed_says_how_it_is(reader: Agent) -> None:
    refusals = {
        "build": reader.refused("build", project="x"),
        "flash": reader.refused("flash", build=1, board=BOARD),
        "console": reader.refused("monitor", board=BOARD, send="help\n"),
        "reserve": reader.refused("reserve_board", board=BOARD),
    }

    for name, line in refusals.items():
        assert f"--allow {name}" in line
    assert "--allow console" in reader.refused("reset_board", board=BOARD)
    assert "--allow console" in reader.refused("monitor", board=BOARD, reset=True)
    assert reader.call("list_boards")["boards"]


def test_a_class_allows_no_other(lab: Path, agent: Agent) -> None:
    with Agent(lab / "workspace", "build") as builder:
        line = builder.refused("build", project="hello", board=BOARD)
        tools = builder.tools()

    assert "--allow flash" in line
    assert "needs --allow" not in (tools["build"].description or "")
    assert "needs --allow flash" in (tools["flash"].description or "")


def test_tools_say_what_they_change(agent: Agent, reader: Agent) -> None:
    def hinted(which: Agent, hint: str) -> set[str]:
        tools = which.tools().items()
        return {
            name for name, tool in tools if tool.annotations and getattr(tool.annotations, hint)
        }

    changing = {"build", "flash", "reset_board", "reserve_board", "cancel_build", "run_tests"}
    assert {"show_build", "read_log", "list_boards", "show_fix"} <= hinted(agent, "read_only_hint")
    assert not (changing | {"monitor"}) & hinted(agent, "read_only_hint")
    assert "monitor" in hinted(reader, "read_only_hint")  # it can neither restart nor type
    assert hinted(agent, "destructive_hint") == {"flash"}
    assert not [name for name in agent.tools() if "erase" in name or "efuse" in name]


def test_mistakes_are_one_line(agent: Agent) -> None:
    assert "takes no 'bord' (did you mean board?)" in agent.refused("flash", build=1, bord=BOARD)
    assert agent.refused("flash", board=BOARD) == "build is missing"
    assert "no board '/dev/null'" in agent.refused("monitor", board="/dev/null")
    assert "expect" in agent.refused("monitor", board=BOARD, expect=["("])
    assert agent.refused("nosuch") == "no tool 'nosuch'"
    assert "no build 999" in agent.refused("show_build", build=999)


def test_who_holds_a_board_is_told_and_a_cancelled_call_lets_it_go(
    agent: Agent, reader: Agent
) -> None:
    watching = agent.start("monitor", board=BOARD, seconds=600)
    held = reader.wait_for_board("busy")
    refused = reader.refused("monitor", board=BOARD, seconds=1)

    watching.cancel()

    assert "an-agent" in held["who_has_it"]
    assert held["who_has_it"].startswith("monitor by espdeck mcp, ")
    assert "monitor by espdeck mcp, " in refused
    reader.wait_for_board("free")


def test_a_cancelled_call_cancels_its_build(agent: Agent, reader: Agent, lab: Path) -> None:
    demo.make_repository("hello", lab / "endless")
    main = '#include "console.h"\nint run_tests(void);\nint main(void) { for (;;) {} }\n'
    (lab / "endless" / "main" / "main.c").write_text(main, "utf-8")
    (lab / "endless" / "espdeck.toml").write_text('expect = ["never"]\ntimeout = 600\n', "utf-8")

    started = agent.start("build", project=str(lab / "endless"), wait_seconds=600)
    number = 0

    def runs() -> bool:
        nonlocal number
        builds = reader.call("list_builds", status="running")["builds"] if number == 0 else []
        number = next((each["build"] for each in builds if each["project"] == "endless"), number)
        return number != 0

    wait_for(runs)
    started.cancel()

    ended = reader.call("show_build", build=number, wait_seconds=60)
    assert ended["status"] == "cancelled"


def test_a_board_is_reserved_for_the_user_and_given_back(agent: Agent) -> None:
    (reserved,) = agent.call("reserve_board", board=BOARD, note="bisecting")["boards"]
    (free,) = agent.call("release_board", board=BOARD)["boards"]

    assert "espdeck mcp" in reserved["reserved"]
    assert "bisecting" in reserved["reserved"]
    assert "reserved" not in free
    assert "is not reserved" in agent.refused("release_board", board=BOARD)


def test_beside_an_open_app_it_asks_the_app_for_builds(lab: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    with Engine(Settings(workspace=workspace)) as app:
        app.wait_ready()
        with Agent(workspace, "build") as agent:
            built = agent.call("build", project=str(lab / "hello"), simulator="none")
            run = app.builds.get(built["build"])

            assert app.is_executor
            assert run.status is RunStatus.SUCCESS
            assert run.asked_by == built["asked_by"]


def test_the_end_of_input_lets_a_board_go(lab: Path, agent: Agent) -> None:
    with watching(lab) as server:
        held = agent.wait_for_board("busy")
        server.stdin.close()

        assert "(raw)" in held["who_has_it"]
        assert server.process.wait(60) == 0
        agent.wait_for_board("free")


def test_a_client_that_reads_no_more_lets_a_board_go(lab: Path, agent: Agent) -> None:
    with watching(lab) as server:
        agent.wait_for_board("busy")
        server.stdout.close()

        agent.wait_for_board("free")
        assert server.process.wait(60) == 0


def test_a_signal_lets_a_board_go(lab: Path, agent: Agent) -> None:
    with watching(lab) as server:
        agent.wait_for_board("busy")
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(60) == 128 + signal.SIGTERM
        agent.wait_for_board("free")


STARTER = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def test_a_client_that_is_killed_lets_a_board_go_though_its_pipes_are_open(
    lab: Path, agent: Agent
) -> None:
    with watching(lab, STARTER) as server:
        agent.wait_for_board("busy")
        os.kill(server.process.pid, signal.SIGKILL)

        agent.wait_for_board("free")
        server.stdout.read()  # to its end, which comes with that of the server


def watching(lab: Path, *through: str) -> Raw:
    """A server that watches the board."""
    server = Raw("--workspace", lab / "workspace", "mcp", through=through)
    server.initialize()
    monitor = {"name": "monitor", "arguments": {"board": BOARD, "seconds": 600}}
    server.send(id=7, method="tools/call", params=monitor)
    return server


def test_settings_that_make_no_sense_are_what_tools_answer(tmp_path: Path) -> None:
    with Raw("--workspace", tmp_path / "ws", "mcp", ESPDECK_FLASH_BAUD="fast") as server:
        server.initialize()
        answer = server.ask(2, "tools/call", name="list_builds", arguments={})
        server.stdin.close()

        assert answer["isError"]
        assert "flash_baud" in answer["content"][0]["text"].lower()
        assert server.stdout.read() == ""
        assert server.process.wait(60) == 0
