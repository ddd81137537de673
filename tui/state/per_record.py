"""What is computed of each of many records, once for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class PerRecord(Generic[T, R]):
    """A function of records, called again only for those that were read anew.

    A record does not change: what was read anew is another object.
    """

    def __init__(self, work: Callable[[T], R]) -> None:
        """Know a function of one record."""
        self._work = work
        self._known: dict[int, tuple[T, R]] = {}
        """Record and result, by the identity of the record, which lives as long as it is here."""

    def __call__(self, records: Iterable[T]) -> Sequence[R]:
        """The results, in the order of the records; those of all others are forgotten."""
        before = self._known
        pairs = [before.get(id(each)) or (each, self._work(each)) for each in records]
        self._known = {id(pair[0]): pair for pair in pairs}
        return [result for _, result in pairs]
