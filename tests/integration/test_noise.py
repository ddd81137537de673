"""Firmware that prints 20 MB of binary noise and escape sequences, from a simulator of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine import Engine, Settings
from engine.enums import RunStatus
from engine.events import Log
from engine.store.logs import LogKey
from tests.engine.git_repos import commit

pytestmark = [pytest.mark.xdist_group("noise"), pytest.mark.slow]

MEGABYTES = 20

PLUGIN = f"""
import sys
from engine.process import run

NOISE = '''
import os, random, sys
out = sys.stdout.buffer
escapes = [b"\\\\x1b]0;owned\\\\x07", b"\\\\x1b[2J", b"\\\\x1bP1q", b"\\\\r", b"\\\\0", b"\\\\n"]
pace = random.Random(1)
block = b"".join(os.urandom(pace.randrange(300)) + pace.choice(escapes) for _ in range(6000))
block = block[:1 << 20].ljust(1 << 20)
for _ in range({MEGABYTES}):
    out.write(block)
out.write(b"\\\\nready after the storm\\\\n")
'''

class Noisy:
    name = "a-noisy-one"
    bare = True
    targets = frozenset({{"esp32c3"}})

    def missing(self):
        return None

    def run(self, image, *, seconds, on_output, until, cancel, console_input, options):
        run([sys.executable, "-c", NOISE], timeout=600, cancel=cancel, on_output=on_output)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    plugin = tmp_path / "plugin"
    info = plugin / "noisy-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[espdeck.simulators]\na-noisy-one = noisy_sim:Noisy\n")
    (plugin / "noisy_sim.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(plugin))
    with Engine(Settings(workspace=tmp_path / "ws")) as engine:
        yield engine


def test_noise_is_kept_whole_and_harms_nothing(engine: Engine, tmp_path: Path) -> None:
    from engine import samples

    samples.write("hello", tmp_path / "fw")
    (tmp_path / "fw" / "espdeck.toml").write_text('expect = ["ready after the storm"]\n')
    commit(tmp_path / "fw", {})
    seen: list[int] = []
    engine.events.subscribe(
        lambda event: seen.append(len(event.text)) if isinstance(event, Log) else None
    )
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss

    project = engine.projects.find_or_add(str(tmp_path / "fw"))
    build = engine.builds.start(project.id)
    done = engine.builds.wait(build.number, timeout=600)

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    assert done.test_results is not None
    assert done.test_results["test.simulator"]["ran_on"] == "a-noisy-one"
    assert sum(seen) > MEGABYTES * 500_000  # decoded, and without what is no text
    assert process.memory_info().rss - before < 80 << 20
    key = LogKey(build.number, "test.simulator", 1, "serial")
    count = engine.builds.line_count(key)
    assert engine.builds.lines(key, count - 1) == ["ready after the storm"]
    (match,) = engine.builds.search(build.number, "after the storm")
    assert (match.key, match.line) == (key, count - 1)
