"""A model is asked for changes in the edit format that it manages best."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.llm.service import Models
from engine.repair.edit_formats import EditFormat, form_text
from engine.repair.model_formats import ModelFormats
from engine.settings import LlmSettings, ModelSettings
from engine.store import model_formats
from engine.store.database import Store

SMALL = ModelSettings(server="ollama", name="small")
MODELS = Models(
    LlmSettings(models={"developer": SMALL, "tester": SMALL, "doctor": ModelSettings(name="large")})
)
BLOCKS, WHOLE, DIFF = EditFormat.SEARCH_REPLACE, EditFormat.WHOLE_FILE, EditFormat.DIFF


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "espdeck.db")


def test_search_replace_is_asked_for_until_four_answers_were_refused(store: Store) -> None:
    formats = ModelFormats(store, MODELS)
    asked = []
    for _ in range(5):
        asked.append(formats.best("developer"))
        formats.tell("developer", [(BLOCKS, False)])

    assert asked == [BLOCKS] * 4 + [WHOLE]


def test_a_form_that_a_model_chose_itself_is_asked_for_once_it_has_proved_better(
    store: Store,
) -> None:
    formats = ModelFormats(store, MODELS)

    formats.tell("developer", [(DIFF, True)] * 3)
    assert formats.best("developer") is BLOCKS
    formats.tell("developer", [(DIFF, True)])
    assert formats.best("developer") is DIFF
    formats.tell("developer", [(DIFF, False)] * 2)
    assert formats.best("developer") is BLOCKS


def test_what_is_known_belongs_to_a_model_of_a_server_by_whatever_name_and_outlives_the_process(
    store: Store,
) -> None:
    ModelFormats(store, MODELS).tell("developer", [(BLOCKS, False)] * 4)
    later = ModelFormats(Store(store.path), MODELS)

    assert later.best("tester") is WHOLE
    assert later.best("doctor") is BLOCKS


def test_a_name_without_a_model_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="no model for architect"):
        ModelFormats(store, MODELS).best("architect")


def test_old_answers_count_less_and_the_table_stays_small(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_formats, "MAX_ROWS", 3)
    for model in ("a", "b", "c", "d"):
        model_formats.count_answer(store, "s", model, DIFF, accepted=True)
    for _ in range(model_formats.MAX_ANSWERS):
        model_formats.count_answer(store, "s", "d", DIFF, accepted=False)

    kept = [row.model for each in "abcd" for row in model_formats.formats_of(store, "s", each)]
    (row,) = model_formats.formats_of(store, "s", "d")
    assert kept == ["b", "c", "d"]
    assert (row.accepted, row.refused) == (0, 20)


@pytest.mark.parametrize("edit_format", EditFormat)
def test_each_format_is_told_with_what_is_refused(edit_format: EditFormat) -> None:
    text = form_text(edit_format)

    assert "main/example.c" in text
    assert "espdeck.toml are refused" in text


@pytest.mark.parametrize("edit_format", EditFormat)
def test_who_may_add_tests_is_told_so(edit_format: EditFormat) -> None:
    text = form_text(edit_format, adds_tests=True)

    assert "nothing may change but that [[test]]" in text
    assert "espdeck.toml are refused" not in text
