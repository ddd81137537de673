"""The app under load, in a terminal of its own: what ``bench_screen`` runs and measures."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from engine import Settings
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.cancel import CancelToken
from engine.enums import StageStatus
from engine.events import StageChanged
from engine.process import run
from engine.runs.line_writer import LineWriter
from engine.store.logs import LogKey
from tests.tui.workspaces import fill
from tui.app import EspdeckApp
from tui.screens.build import BuildScreen

PRODUCER = """
import sys, time
rate = float(sys.argv[1])
line = b"I (%d) main: reading %d of a sensor that has a lot to say, as sensors do\\n"
count, began = 0, time.monotonic()
while True:
    due = int((time.monotonic() - began) * rate)
    chunk = b"".join(line % (number, number) for number in range(count, due))
    count = due
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    time.sleep(0.01)
"""


class Flooded(EspdeckApp):
    """The app on a build whose six agents talk without end; ``m`` marks a pane."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "mark", "mark", priority=True)]

    def __init__(self, settings: Settings, rate: float, busy: int, report: Path) -> None:
        super().__init__(settings)
        self._rate, self._busy, self._report = rate, busy, report
        self._stop = CancelToken()
        self._marks: list[float] = []
        self._writers: list[LineWriter] = []

    def _opened(self) -> None:
        super()._opened()
        self.show_build(1)
        engine = self.engine
        assert engine is not None
        stages = {stage.role: stage for stage in FIRMWARE_PIPELINE.stages}.values()
        for stage in stages:
            engine.events.publish(
                StageChanged(
                    run_id=1,
                    agent=stage.role,
                    stage=stage.key,
                    phase=stage.phase,
                    attempt=1,
                    status=StageStatus.RUNNING,
                    summary="talking",
                )
            )
            key = LogKey(1, stage.key, 1, "log")
            writer = LineWriter(
                engine._journal,
                engine.events,
                key,
                stage.role,
                line=engine.builds.line_count(key),
                stopped=lambda: self._stop.stopped,
            )
            threading.Thread(target=self._feed, args=(writer,), daemon=True).start()
        for _ in range(self._busy):
            threading.Thread(target=_spin, daemon=True).start()

    def _feed(self, writer: LineWriter) -> None:
        if self._rate:
            argv = [sys.executable, "-c", PRODUCER, str(self._rate / 6)]
            run(argv, timeout=600, cancel=self._stop, on_output=writer.feed)

    def action_mark(self) -> None:
        """Note when the key was acted upon, and paint something that can be found."""
        self._marks.append(time.monotonic())
        screen = self.screen
        assert isinstance(screen, BuildScreen)
        screen._results.artifacts.title = f" mark-{len(self._marks)}-"

    def request_quit(self) -> None:
        """Quit at once, and report."""
        self._report.write_text(json.dumps(self._marks))
        os._exit(0)


def _spin() -> None:
    value = 0
    while True:
        value += 1


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    fill(given.workspace, count=1)
    Flooded(Settings(workspace=given.workspace), given.rate, given.busy, given.report).run()


if __name__ == "__main__":
    main()
