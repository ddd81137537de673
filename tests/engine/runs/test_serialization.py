"""What stages came to is kept as JSON that names no module, and read again or refused."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.builds import outputs
from engine.enums import Severity, StageStatus, VerdictWord
from engine.errors import BoardError, CancelledError, EspdeckError, MistakeError
from engine.findings import Finding
from engine.llm.chat import Usage
from engine.runs import serialization
from engine.runs.pipeline import StageResult
from engine.runs.serialization import ResultSerializer, UnreadableResultError
from engine.tasks import context

OUTPUTS = {**outputs.OUTPUTS, **context.OUTPUTS}
SERIALIZER = ResultSerializer(OUTPUTS)

NAMES = st.text(string.ascii_letters + "/ ä\udc80", max_size=20)
st.register_type_strategy(Path, NAMES.map(lambda text: Path(f"/{text}")))
st.register_type_strategy(  # as they are: not one of the standard library's other mappings
    Mapping, lambda kind: st.dictionaries(*map(st.from_type, get_args(kind)), max_size=3)
)
st.register_type_strategy(float, st.floats(allow_nan=False))  # it equals nothing
TEXTS = st.text(max_size=20) | st.just("lone \udcff surrogate")


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("word", sorted(OUTPUTS))
def test_each_output_comes_back_as_it_was(word: str, data: st.DataObject) -> None:
    output = data.draw(st.from_type(OUTPUTS[word]))
    result = StageResult(StageStatus.SUCCESS, data.draw(TEXTS), output=output)

    kept = SERIALIZER.serialize(result)

    assert SERIALIZER.deserialize(kept) == result
    assert "engine" not in json.loads(kept)["output"]["kind"]


def test_findings_usage_and_patch_come_back() -> None:
    result = StageResult(
        StageStatus.FAILED,
        "no",
        findings=(Finding(Severity.ERROR, "x", "message", file="main.c", line=3),),
        patch="--- a/main.c\n",
        usage=(Usage("s", "m", 1, None, 0.5, cut=True),),
    )

    assert SERIALIZER.deserialize(SERIALIZER.serialize(result)) == result


@pytest.mark.parametrize("error", [BoardError("gone"), MistakeError("f", 3, "x"), OSError("disk")])
def test_an_error_comes_back_as_a_line(error: Exception) -> None:
    again = SERIALIZER.deserialize(SERIALIZER.serialize(error))

    assert (type(again), str(again)) == (EspdeckError, str(error))


def test_a_cancelled_stage_stays_cancelled() -> None:
    again = SERIALIZER.deserialize(SERIALIZER.serialize(CancelledError("cancelled")))

    assert type(again) is CancelledError


def test_the_arguments_of_a_run_come_back() -> None:
    kept = SERIALIZER.serialize({"args": (7,), "kwargs": {}})

    assert SERIALIZER.deserialize(kept) == {"args": [7], "kwargs": {}}


def kept_with(**changes: Any) -> str:
    verdict = outputs.Verdict(VerdictWord.RAN, "ran", (), 1, 0, 0)
    kept = json.loads(SERIALIZER.serialize(StageResult(StageStatus.SUCCESS, "", output=verdict)))
    for name, value in changes.items():
        where = kept["output"]["value"] if name in kept["output"]["value"] else kept
        if name == "kind_of_output":
            kept["output"]["kind"] = value
        elif value is None:
            del where[name]
        else:
            where[name] = value
    return json.dumps(kept)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 99}, "format 99, this one reads 1"),
        ({"kind_of_output": "certificate"}, "unknown output 'certificate'"),
        ({"word": "splendid"}, "word is not as this one has it"),
        ({"tests": None}, "tests is not as this one has it"),
        ({"status": "odd"}, "is not as this one has it"),
    ],
)
def test_what_another_version_kept_is_refused_in_a_line(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UnreadableResultError, match="kept by another version of espdeck") as error:
        SERIALIZER.deserialize(kept_with(**changes))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_newer_version_adds_is_left_out() -> None:
    assert SERIALIZER.deserialize(kept_with(mood="good")).output.text == "ran"


def test_a_client_reads_names_only() -> None:
    kept = ResultSerializer().deserialize(kept_with())

    assert kept["output"]["kind"] == "verdict"
    assert kept["format"] == serialization.FORMAT
