"""Which of a run's attempts its result is about: what is counted, measured and told of it."""

from __future__ import annotations

from collections.abc import Iterable

from engine.store.tables import FindingRow, StageRow


def counted_stages(rows: Iterable[StageRow], result_attempt: int | None) -> list[StageRow]:
    """Stages that the result of a run is about, in their order.

    Args:
        rows: every stage of the run.
        result_attempt: as :class:`engine.store.tables.Run` has it.

    Returns:
        Of each stage the last attempt that counts.
    """
    last: dict[str, StageRow] = {}
    for row in rows:
        known = last.get(row.key)
        if row.superseded or (result_attempt is not None and row.attempt > result_attempt):
            continue
        if known is None or row.attempt > known.attempt:
            last[row.key] = row
    return sorted(last.values(), key=lambda row: row.id or 0)


def of_stages(found: Iterable[FindingRow], stages: Iterable[StageRow]) -> list[FindingRow]:
    """Findings of some stages."""
    attempts = {(row.key, row.attempt) for row in stages}
    return [each for each in found if (each.stage, each.attempt) in attempts]
