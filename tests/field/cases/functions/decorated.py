"""Flashes boards."""

import functools


class Board:
    """A board."""

    @staticmethod
    @functools.cache
    def port() -> str:
        """Where it is."""
        return "x"


async def flash(
    board: Board,
) -> None:
    def inner() -> None:
        print(board)

    inner()
