"""The one error of the client."""

from __future__ import annotations

from engine.errors import EspdeckError


class ApiError(EspdeckError):
    """A call failed: refused by the server, or the server could not be reached.

    Args:
        detail: what happened, in a line.
        status: the HTTP status; None where there was no answer.
        retry_after: seconds after which the server wants to be asked again; None for it did not
            say.
        is_passing: whether the same call may succeed some time later.
    """

    def __init__(
        self,
        detail: str,
        status: int | None = None,
        *,
        retry_after: float | None = None,
        is_passing: bool = False,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.is_passing = is_passing
