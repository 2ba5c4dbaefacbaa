"""Who asks: the second look at a permission, as doors declare one and verbs ask again, and the name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

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


def name_of(person: User | None) -> str:
    """How people call somebody; None is the system."""
    return (person.get_full_name() or person.get_username()) if person else _("the system")
