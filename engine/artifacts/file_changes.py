"""Which kept files differ between two builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.enums import ArtifactKind
from engine.store.tables import Artifact


@dataclass(frozen=True, slots=True)
class FileChange:
    """A kept file in two builds.

    Args:
        path: among the artifacts of each.
        kind: what it is.
        before, after: bytes; None where it is not in that build.
        same: whether it is the same in both.
    """

    path: str
    kind: ArtifactKind
    before: int | None
    after: int | None
    same: bool

    @property
    def change(self) -> int:
        """Bytes that were added, negative where some went."""
        return (self.after or 0) - (self.before or 0)


def compare_files(before: Sequence[Artifact], after: Sequence[Artifact]) -> tuple[FileChange, ...]:
    """The kept files of two builds, by path."""
    then, now = ({each.path: each for each in files} for files in (before, after))
    changes = []
    for path in sorted({*then, *now}):
        old, new = then.get(path), now.get(path)
        either = new or old
        assert either is not None
        changes.append(
            FileChange(
                path=path,
                kind=either.kind,
                before=old.size if old is not None else None,
                after=new.size if new is not None else None,
                same=old is not None and new is not None and old.sha256 == new.sha256,
            )
        )
    return tuple(changes)
