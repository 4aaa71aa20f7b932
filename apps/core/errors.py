"""The errors that services raise and the edges translate: one class per HTTP answer."""

from __future__ import annotations


class DomainError(Exception):
    """The request cannot be done as asked (HTTP 400). The message names the place and the remedy."""

    status_code = 400


class NotAllowedError(DomainError):
    """This person may see the thing but not do this to it (HTTP 403)."""

    status_code = 403


class StaleStateError(DomainError):
    """Somebody or something else moved it first (HTTP 409). Nothing was changed by this call."""

    status_code = 409


class IllegalMoveError(StaleStateError):
    """The state machine has no such move (HTTP 409)."""


class RefusedError(DomainError):
    """The content was looked at and refused (HTTP 422): ``problems`` lists each reason with its place."""

    status_code = 422

    def __init__(self, message: str, problems: list[str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []
