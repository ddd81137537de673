"""Keys of tasks: how long they are held."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from engine.errors import ConflictError
from engine.tasks.keys import MAX_KEYS, MAX_WAIT_SECONDS, ApiKey, TaskKeys

KEY = SecretStr("sk-12345678")


def test_it_is_held_until_its_task_has_ended() -> None:
    keys = TaskKeys()
    keys.hold("run", KEY)
    keys.keep_only({"run"})
    kept = keys.get("run")
    keys.keep_only(set())

    assert kept == KEY
    assert keys.get("run") is None


def test_one_whose_task_is_not_written_down_yet_is_held_a_while() -> None:
    now = [100.0]
    keys = TaskKeys(lambda: now[0])
    keys.hold("run", KEY)
    now[0] += MAX_WAIT_SECONDS
    keys.keep_only(set())
    at_first = len(keys)
    now[0] += 0.1
    keys.keep_only(set())

    assert (at_first, len(keys)) == (1, 0)


def test_too_many_are_refused() -> None:
    keys = TaskKeys()
    for number in range(MAX_KEYS):
        keys.hold(str(number), KEY)

    with pytest.raises(ConflictError):
        keys.hold("more", KEY)


@pytest.mark.parametrize("text", ["short", "x" * 501, "sk 12345678", "sk-1234567\n", "sk-1234567é"])
def test_what_no_header_takes_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(ApiKey).validate_python(text)

    assert text not in caught.value.errors()[0]["msg"]
