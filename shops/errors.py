"""What the verbs say when they say no."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied


class Refused(Exception):
    """A business "no". Its text is written for people and safe to show."""

    def __init__(self, message: object) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Invalid(Refused):
    """What people filled in cannot be saved: `errors` are sentences by the field that they speak of."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class NotAllowed(PermissionDenied):
    """The person lacks the permission that the verb asks for."""
