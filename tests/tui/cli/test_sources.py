"""``espdeck apps``: what a repository holds, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import Engine, Settings
from tests.engine.git_repos import commit
from tui.cli.main import cli

pytestmark = pytest.mark.slow

APP = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(app)\n"


def says(folder: Path, files: dict[str, str], *words: str) -> list[str]:
    commit(folder / "fw", files)
    workspace = folder / "workspace"
    with Engine(Settings(workspace=workspace)) as engine:
        engine.projects.find_or_add(str(folder / "fw"), targets=["esp32"])
    done = CliRunner().invoke(cli, ["--workspace", str(workspace), "apps", "fw", *words])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


FILES = {
    "node/CMakeLists.txt": APP,
    "node/sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32c6"\n',
    "node/sdkconfig.ci.s3": 'CONFIG_IDF_TARGET="esp32s3"\n',
    "hub/CMakeLists.txt": APP,
    "rust/Cargo.toml": '[dependencies]\nesp-hal = "1"\n',
}


def test_apps_are_a_table_and_the_rest_is_named(tmp_path: Path) -> None:
    head, hub, node, rust = says(tmp_path, FILES)

    assert head.split() == ["APP", "TOOLCHAIN", "CHIPS", "CONFIGURATIONS"]
    assert hub.split() == ["hub", "idf", "not", "said"]
    assert node.split() == ["node", "idf", "esp32c6", "s3", "(esp32s3)"]
    assert rust == (
        "not built by espdeck: Rust with esp-hal (rust/Cargo.toml): "
        "cargo build (espup installs the compiler)"
    )


def test_programs_get_a_line_of_json_each(tmp_path: Path) -> None:
    _hub, node, rust = map(json.loads, says(tmp_path, FILES, "--json"))

    assert node == {
        "app": "node",
        "toolchain": "idf",
        "targets": ["esp32c6"],
        "configurations": [{"name": "s3", "targets": ["esp32s3"]}],
    }
    assert (rust["foreign"], rust["file"]) == ("Rust with esp-hal", "rust/Cargo.toml")


def test_a_repository_without_apps_says_what_it_is(tmp_path: Path) -> None:
    (line,) = says(tmp_path, {"Cargo.toml": '[dependencies]\nesp-hal = "1"\n'})

    assert line.startswith("Rust with esp-hal (Cargo.toml), which espdeck does not build")
