"""How far a run is, in percent of the whole pipeline."""

from __future__ import annotations

import threading
import time

from engine.runs.pipeline import Pipeline, Stage


class Progress:
    """How far the whole run is; never goes back but when the pipeline does."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._done: dict[str, float] = {}
        self._published = (-1.0, 0.0, "")

    @property
    def percent(self) -> float:
        """Percent of the whole."""
        with self._lock:
            return self._percent()

    def move(self, stage: Stage, percent: float, message: str) -> float | None:
        """Note how far a stage is; the overall percent when it is worth publishing."""
        what = message.partition(" ")[0]
        with self._lock:
            part = min(100.0, max(0.0, percent)) / 100
            self._done[stage.key] = max(part, self._done.get(stage.key, 0.0))
            overall, now = self._percent(), time.monotonic()
            published, at, before = self._published
            if overall - published < 1.0 and now - at < 0.2 and what == before:
                return None
            self._published = (overall, now, what)
            return overall

    def finish(self, stage: Stage) -> None:
        """Note that a stage is over."""
        with self._lock:
            self._done[stage.key] = 1.0

    def back_to(self, key: str) -> None:
        """Note that the pipeline goes back."""
        with self._lock:
            for wave in self._pipeline.waves(key):
                for stage in wave:
                    self._done.pop(stage.key, None)
            self._published = (-1.0, 0.0, "")

    def _percent(self) -> float:
        done = sum(stage.weight * self._done.get(stage.key, 0.0) for stage in self._pipeline.stages)
        return round(min(100.0, done), 1)
