"""The second look at a permission: doors declare one, verbs ask again here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shops.errors import NotAllowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest


def require(by: User | None, permission: str) -> None:
    """Raise NotAllowed unless `by` holds `permission` ("app.codename").

    None is the system itself (timetable, command line on the server), which needs no permission.
    """
    if by is not None and not by.has_perm(permission):
        raise NotAllowed(permission)


def person_of(request: HttpRequest) -> User:
    """Who is signed in: the `by` of what a page asks a verb to do. NotAllowed for nobody."""
    if not request.user.is_authenticated:
        raise NotAllowed
    return request.user
