"""The log of ninja: what ninja writes is read back, and any bytes are read without harm."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.toolchains import ninja_log
from engine.toolchains.ninja_log import NinjaLog, Step

OUTPUTS = st.lists(
    st.text(st.characters(exclude_characters="\t\n\r\0", exclude_categories=["Cs"]), min_size=1,
            max_size=20),
    min_size=1, max_size=4, unique=True,
)  # fmt: skip
HASHES = st.integers(0, 2**64 - 1)
ENTRIES = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6), OUTPUTS, HASHES)
"""What ninja knows of a command: its start, how long it took, its outputs, its hash."""


def lines(entries: list[tuple[int, int, list[str], int]]) -> list[str]:
    """As ``BuildLog::WriteEntry`` prints them."""
    return [
        f"{start}\t{start + took}\t1795814019107234506\t{output}\t{command:x}\n"
        for start, took, outputs, command in entries
        for output in outputs
    ]


def log_of(rows: list[str], version: int = 7) -> NinjaLog:
    return ninja_log.parse((f"# ninja log v{version}\n" + "".join(rows)).encode())


def counted(steps: tuple[Step, ...]) -> Counter[tuple[frozenset[str], int]]:
    return Counter((frozenset(step.outputs), step.milliseconds) for step in steps)


@given(
    st.lists(ENTRIES, max_size=8, unique_by=lambda entry: entry[3]),
    st.integers(5, 9),
    st.randoms(use_true_random=False),
)
def test_every_step_is_found_in_whatever_order_its_lines_come(
    entries: list[tuple[int, int, list[str], int]], version: int, random: object
) -> None:
    rows = lines(entries)
    random.shuffle(rows)  # type: ignore[attr-defined] # as ninja writes a log anew
    expected = Counter((frozenset(outputs), took) for _, took, outputs, _ in entries)
    log = log_of(rows, version)
    assert log.damaged == 0
    assert counted(log.steps()) == expected


@given(
    st.lists(ENTRIES, max_size=6, unique_by=lambda entry: entry[3]),
    st.lists(ENTRIES, max_size=6, unique_by=lambda entry: entry[3]),
    st.booleans(),
)
def test_a_build_did_what_was_not_there_before(
    before: list[tuple[int, int, list[str], int]],
    new: list[tuple[int, int, list[str], int]],
    anew: bool,
) -> None:
    known = {command for *_, command in before}
    new = [entry for entry in new if entry[3] not in known]
    kept = lines(before)
    if anew:  # only the last line of each output stays
        kept = list({row.split("\t")[3]: row for row in kept}.values())
    steps = log_of(kept + lines(new)).steps_since(log_of(lines(before)))
    assert counted(steps) == Counter((frozenset(outputs), took) for _, took, outputs, _ in new)


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    for content in (data, b"# ninja log v7\n" + data):
        log = ninja_log.parse(content)
        assert len(log.lines) + log.damaged <= content.count(b"\n") + 1
        for step in log.steps():
            assert 0 < step.milliseconds <= ninja_log.MAX_STEP_MILLISECONDS
            assert step.outputs


def test_logs_of_a_build_folder_are_found_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    for folder in ("", "bootloader", "esp-idf/main/ulp_main"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / ".ninja_log").write_text("# ninja log v5\n")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / ".ninja_log")
    (tmp_path / "folder" / ".ninja_log").mkdir(parents=True)
    found = ninja_log.read_logs(tmp_path)
    assert {str(each.relative_to(tmp_path)) for each in found} == {
        ".", "bootloader", "esp-idf/main/ulp_main",
    }  # fmt: skip
    assert ninja_log.read_logs(tmp_path / "nowhere") == {}
