"""Files of others, changed as AFL does it: each is read or refused within its bounds.

A short form of ``python -m tests.bench fuzz``, with the same files and readers.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.bench import fuzz_files
from tests.mutations import mutated

READERS = fuzz_files.readers(fuzz_files.FIELD / "programs" / "chain.elf")


@pytest.mark.parametrize("name", READERS)
@seed(7)
@settings(
    max_examples=20,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(number=st.integers(0, 1 << 32))
def test_a_changed_file_is_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    monkeypatch.setattr(fuzz_files, "CHILD_SECONDS", 0.05)
    path = fuzz_files.path_of(name, tmp_path)
    path.write_bytes(mutated(random.Random(number), _seeds(name)))

    READERS[name].read(path)


_SEEDS: dict[str, list[bytes]] = {}


def _seeds(name: str) -> list[bytes]:
    if name not in _SEEDS:
        found = READERS[name].seeds()
        _SEEDS[name] = sorted(found, key=len)[:20]
    return _SEEDS[name]
