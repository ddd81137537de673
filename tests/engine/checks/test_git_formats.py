"""What Git prints, taken apart: any bytes in any pieces, and the right counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks.git_diffs import DiffParser, FileDiff
from engine.checks.git_status import Entry, FileStatus, SubmoduleState, parse_status
from engine.checks.tokens import STAND_IN, count_tokens, encoding_of

_ZERO = "0" * 40
_NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name)


def test_each_kind_of_entry_is_read() -> None:
    printed = "\0".join(
        (
            f"# branch.oid {'1' * 40}",
            "# branch.head main",
            "# branch.upstream origin/main",
            "# branch.ab +2 -3",
            "# stash 4",
            f"1 M. N... 100644 100644 100644 {_ZERO} {_ZERO} a b.c",
            f"1 .M SCMU 160000 160000 160000 {_ZERO} {_ZERO} lib",
            f"2 R. N... 100644 100644 100644 {_ZERO} {_ZERO} R100 new.c",
            "old.c",
            f"u AA N... 000000 100644 100644 100644 {_ZERO} {_ZERO} {_ZERO} both.c",
            "? un tracked.c",
            "! ignored.o",
            "",
        )
    )

    status = parse_status(printed.encode())

    assert (status.commit, status.branch, status.upstream) == ("1" * 40, "main", "origin/main")
    assert (status.ahead, status.behind) == (2, 3)
    assert status.entries == (
        Entry("a b.c", FileStatus.MODIFIED, staged=FileStatus.MODIFIED),
        Entry(
            "lib",
            FileStatus.MODIFIED,
            unstaged=FileStatus.MODIFIED,
            submodule=SubmoduleState(commit=True, modified=True, untracked=True),
        ),
        Entry("new.c", FileStatus.RENAMED, staged=FileStatus.RENAMED, old_path="old.c"),
        Entry("both.c", FileStatus.CONFLICTED, conflict="both added"),
        Entry("un tracked.c", FileStatus.UNTRACKED),
    )


@given(st.binary(max_size=400))
def test_no_status_breaks_the_parser(printed: bytes) -> None:
    for entry in parse_status(printed).entries:
        assert entry.path


@given(st.lists(_NAMES, max_size=5))
def test_names_come_back_as_they_are(names: list[bytes]) -> None:
    printed = b"".join(b"? " + name + b"\0" for name in names)

    found = [each.path.encode("utf-8", "surrogateescape") for each in parse_status(printed).entries]

    assert found == names


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_no_diff_breaks_the_parser(pieces: list[bytes]) -> None:
    parser = DiffParser()
    for piece in pieces:
        parser.feed(piece)

    assert all(each.path for each in parser.files())


_BODIES = st.lists(st.sampled_from([b"+x\n", b"-y\n", b" z\n", b"+" + b"w" * 90 + b"\n"]))


@given(st.lists(st.tuples(_NAMES, _BODIES), max_size=4, unique_by=lambda each: each[0]), st.data())
def test_a_diff_is_the_same_in_any_pieces(
    files: list[tuple[bytes, list[bytes]]], data: st.DataObject
) -> None:
    raw = b"".join(b":100644 100644 1 2 M\0" + name + b"\0" for name, _ in files)
    numbers = b"".join(b"1\t2\t" + name + b"\0" for name, _ in files)
    patch = b"".join(b"diff --git a b\n" + b"".join(body) for _, body in files)
    printed = raw + numbers + (b"\0" + patch if files else b"")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(printed)), max_size=8)))
    parser = DiffParser(max_file_bytes=300)

    for start, end in zip([0, *cuts], [*cuts, len(printed)], strict=True):
        parser.feed(printed[start:end])

    found = parser.files()
    assert [each.path.encode("utf-8", "surrogateescape") for each in found] == [
        name for name, _ in files
    ]
    for each, (_, body) in zip(found, files, strict=True):
        whole = b"diff --git a b\n" + b"".join(body)
        assert whole.startswith(each.text.encode())
        assert len(each.text) + each.cut_bytes == len(whole)
        assert (each.additions, each.deletions) == (1, 2)


def test_past_the_bound_git_is_ended_and_the_rest_is_said_to_be_cut() -> None:
    parser = DiffParser(max_file_bytes=50, max_total_bytes=60)
    printed = b"".join(b":100644 100644 1 2 M\0%d\0" % number for number in range(3))
    printed += b"".join(b"1\t0\t%d\0" % number for number in range(3)) + b"\0"
    printed += b"".join(b"diff --git a b\n" + b"+x\n" * 10 for _ in range(3))

    with contextlib.suppress(Exception):
        parser.feed(printed)

    found: list[FileDiff] = parser.files()
    assert [len(each.text) for each in found] == [45, 15, 0]
    assert all(each.cut_bytes for each in found[1:])
    assert [each.additions for each in found] == [1, 1, 1]


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo-2024-04-09", "cl100k_base"),
        ("GPT-3.5-turbo", "cl100k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("o1", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("openai/gpt-4o", "o200k_base"),
        ("voyage-3", "voyage3_base"),
        ("cl100k_base", "cl100k_base"),
        ("qwen2.5-coder:7b", None),
        ("gpt-4x", None),
        ("o1ama", None),
        ("", None),
    ],
)
def test_models_and_their_encodings(model: str, encoding: str | None) -> None:
    assert encoding_of(model) == encoding


@pytest.mark.slow  # a vocabulary is loaded
def test_tokens_are_counted_by_the_models_own_tokenizer() -> None:
    # As OpenAI's cookbook has it, "How to count tokens with tiktoken".
    text = "antidisestablishmentarianism"

    assert count_tokens([text], "gpt-4").count == 6
    assert count_tokens(["2 + 2 = 4"], "gpt-4").count == 7
    assert count_tokens(["お誕生日おめでとう"], "gpt-4").count == 9
    assert count_tokens(["お誕生日おめでとう"], "gpt-4o").count == 8


@pytest.mark.slow  # a vocabulary is loaded
def test_an_unknown_model_is_counted_with_a_stand_in() -> None:
    counted = count_tokens(["int main;\n"], "nobody-knows")

    assert (counted.encoding, counted.is_stand_in) == (STAND_IN, True)
    assert counted.count > 0


@pytest.mark.slow  # a vocabulary is loaded
def test_long_texts_are_counted_in_pieces() -> None:
    line = "+int value = compute(1);\n"
    one = count_tokens([line], "gpt-4").count

    assert count_tokens([line * 10_000], "gpt-4").count == pytest.approx(one * 10_000, rel=0.01)
    assert count_tokens(["\U0001f600" * 120_000], "gpt-4").count > 0
    assert count_tokens([], "gpt-4").count == 0
