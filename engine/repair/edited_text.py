"""A file while the blocks of an answer change it, and the diff of what they changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.source.diffs import Opcode, diff_of, lines_of

BLANKS = " \t\r\f\v\n"
"""What does not count at the end of a line."""

MAX_OF_A_KEY = 8
"""Lines of the same key that still say where something is."""

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
    }
)


def key_of(line: str) -> str:
    """A line without its indentation, blanks as one each, typographic signs as typewriters' are."""
    return " ".join((line if line.isascii() else line.translate(_ALIKE)).split())


def typed(lines: Sequence[str], written: Sequence[str], meant: Sequence[str]) -> list[str]:
    """Lines with typewriters' signs for the typographic ones that a model puts in place of those.

    Args:
        written: lines as the model copied them.
        meant: the same as the file has them.
    """
    known = set().union(*meant)
    signs = set().union(*written).difference(known)
    other = {ord(sign): _ALIKE[ord(sign)] for sign in signs if ord(sign) in _ALIKE}
    return [line.translate(other) for line in lines] if other else list(lines)


@dataclass(slots=True)
class EditedText:
    """A file while blocks change it.

    Args:
        old: its lines as they were, with their ends; None while it is not there.
        lines: as they are now, without ends and blanks before them.
        origins: which old line each is, from 0; None for a new one.
        end: how its lines end.
        ended: whether its last line ends.
    """

    old: list[str] | None
    lines: list[str]
    origins: list[int | None]
    end: str
    ended: bool
    _keys: list[str] | None = None
    _places: dict[str, list[int]] | None = None

    @classmethod
    def of(cls, text: str | None) -> EditedText:
        """A text before anything is changed; None for a file that is not there."""
        old = lines_of(text or "")
        return cls(
            old=None if text is None else old,
            lines=[line.rstrip(BLANKS) for line in old],
            origins=list(range(len(old))),
            end="\r\n" if "\r\n" in (text or "") else "\n",
            ended=not text or text.endswith("\n"),
        )

    def put(self, start: int, stop: int, parts: Sequence[str | int]) -> None:
        """Put lines in the place of others.

        Args:
            parts: new lines, and numbers of lines between ``start`` and ``stop`` that stay, from 0,
                in their order.
        """
        lines = [self.lines[each] if isinstance(each, int) else each for each in parts]
        origins = [self.origins[each] if isinstance(each, int) else None for each in parts]
        self.lines[start:stop] = lines
        self.origins[start:stop] = origins
        self._places = None
        if self._keys is not None:
            self._keys[start:stop] = map(key_of, lines)

    @property
    def keys(self) -> list[str]:
        """What of each line counts where white space does not; made when first asked for."""
        if self._keys is None:
            self._keys = list(map(key_of, self.lines))
        return self._keys

    @property
    def places(self) -> dict[str, list[int]]:
        """The first lines that have a key, :data:`MAX_OF_A_KEY` and one more at most."""
        if self._places is None:
            self._places = {}
            for at, key in enumerate(self.keys):
                found = self._places.setdefault(key, [])
                if len(found) <= MAX_OF_A_KEY:
                    found.append(at)
        return self._places

    def patch(self, file: str) -> str:
        """What changed, as a diff; linear, as it is known where each line comes from."""
        old, new = self.old or [], self._new()
        opcodes: list[Opcode] = []
        a = b = 0
        kept = [
            (origin, at)
            for at, origin in enumerate(self.origins)
            # The last line may get an end, or lose it.
            if origin is not None and old[origin] == new[at]
        ]
        for origin, at in (*kept, (len(old), len(new))):
            if origin > a or at > b:
                opcodes.append(("replace", a, origin, b, at))
            if at == len(new):
                break
            a, b = origin + 1, at + 1
            last = opcodes[-1] if opcodes else None
            if last and last[0] == "equal":
                opcodes[-1] = ("equal", last[1], a, last[3], b)
            else:
                opcodes.append(("equal", origin, a, at, b))
        return diff_of(file, self.old, new, opcodes)

    def _new(self) -> list[str]:
        """The lines with their ends."""
        old = self.old or []
        found = []
        for line, origin in zip(self.lines, self.origins, strict=True):
            before = old[origin] if origin is not None else ""
            found.append(before if before.endswith("\n") else f"{before or line}{self.end}")
        if found and not self.ended:
            found[-1] = found[-1].removesuffix(self.end)
        return found
