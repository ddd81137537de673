"""The edit format that a model is asked in: the one that it has proved to manage best.

Each format begins with some answers in its favour, :data:`_BEFORE`: search/replace with most. A
format's worth is the share of its answers that could be taken, those included; the format that is
worth most is asked for, at a tie the one that stands first. So a model is asked for search/replace
until four of its answers in that form were refused and none was taken, or until it manages another
form clearly better: answers count for the form that they are in, whatever was asked for. Small
models are then asked for whole files, which need no copied lines.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.llm.service import Models
from engine.repair.edit_formats import EditFormat
from engine.store import model_formats
from engine.store.database import Store

_BEFORE = {
    EditFormat.SEARCH_REPLACE: (4, 1),
    EditFormat.WHOLE_FILE: (1, 1),
    EditFormat.DIFF: (1, 1),
    EditFormat.PATCH: (1, 1),
}
"""Answers that are taken for granted: accepted and refused."""


class ModelFormats:
    """The edit formats of the models of the settings.

    Args:
        store: where it is kept how their answers went, by server and model.
        models: the models of the settings.
    """

    def __init__(self, store: Store, models: Models) -> None:
        self._store, self._models = store, models

    def best(self, name: str) -> EditFormat:
        """The format that a model is asked in.

        Args:
            name: the name of the settings.

        Raises:
            UsageError: the settings name no model for it.
        """
        rows = model_formats.formats_of(self._store, *self._models.model_of(name))
        counts = {row.edit_format: (row.accepted, row.refused) for row in rows}

        def worth(edit_format: EditFormat) -> float:
            accepted, refused = _BEFORE[edit_format]
            more, less = counts.get(edit_format, (0, 0))
            return (accepted + more) / (accepted + more + refused + less)

        return max(_BEFORE, key=worth)

    def tell(self, name: str, outcomes: Iterable[tuple[EditFormat, bool]]) -> None:
        """Keep how answers of a model went.

        Args:
            name: the name of the settings.
            outcomes: for each answer its format, and whether it could be taken.

        Raises:
            UsageError: the settings name no model for it.
        """
        server, model = self._models.model_of(name)
        for edit_format, accepted in outcomes:
            model_formats.count_answer(self._store, server, model, edit_format, accepted=accepted)
