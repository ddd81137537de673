"""Parts of the LabWired simulator that need no chip: frames, load instructions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.simulators.labwired_frames import FrameReader, last_frame, pack
from engine.simulators.labwired_uart import Load, decode


@pytest.mark.slow
@given(
    outputs=st.lists(st.binary(max_size=40)),
    reason=st.text(max_size=20),
    pieces=st.lists(st.integers(1, 50), min_size=1),
)
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    outputs: list[bytes], reason: str, pieces: list[int]
) -> None:
    stream = b"".join(map(pack, outputs)) + last_frame(reason)
    reader = FrameReader()
    found: list[bytes] = []

    while stream:
        size = pieces[len(found) % len(pieces)]
        found += reader.feed(stream[:size])
        stream = stream[size:]

    assert (found, reader.ended, reader.reason) == (outputs, True, reason)


def test_loads_are_told_from_other_instructions() -> None:
    known = {
        0x01C7A783: Load(15, 15, 28, 2, 4),  # lw a5, 28(a5)
        0xFFC54503: Load(10, 10, -4, 4, 4),  # lbu a0, -4(a0)
        0x00051083: Load(1, 10, 0, 1, 4),  # lh ra, 0(a0)
        0x4FDC: Load(15, 15, 28, 2, 2),  # c.lw a5, 28(a5)
        0x5D7C: Load(15, 10, 124, 2, 2),  # c.lw a5, 124(a0)
        0x00F52023: None,  # sw a5, 0(a0)
        0x4501: None,  # c.li a0, 0
        0x10500073: None,  # wfi
    }

    assert {word: decode(word.to_bytes(4, "little")) for word in known} == known
