"""What measures are held against: the project's own thresholds, else the settings'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.settings import QualitySettings
from engine.thresholds import Aspect, Demands


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of every aspect."""

    values: Mapping[Aspect, float]

    @classmethod
    def choose(cls, settings: QualitySettings, demands: Demands | None) -> Limits:
        """The project's where it names them, else the settings'."""
        values: dict[str, float] = settings.model_dump()
        own = demands.thresholds if demands is not None else {}
        return cls({each: own.get(each, values[each]) for each in Aspect})

    def of(self, aspect: Aspect) -> float:
        """The threshold of an aspect, in its unit."""
        return self.values[aspect]
