"""Thresholds of the quality gate: the project's own, else the settings'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.quality_requirements import Aspect, QualityRequirements
from engine.settings import QualitySettings


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds of every aspect."""

    values: Mapping[Aspect, float]

    @classmethod
    def choose(
        cls, settings: QualitySettings, requirements: QualityRequirements | None
    ) -> Thresholds:
        """Take the project's where it names them, else the settings'."""
        values: dict[str, float] = settings.model_dump()
        own = requirements.thresholds if requirements is not None else {}
        return cls({each: own.get(each, values[each]) for each in Aspect})

    def of(self, aspect: Aspect) -> float:
        """The threshold of an aspect, in its unit."""
        return self.values[aspect]
