"""Who had a part in something, as records name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def person(
    name: Any, help_text: Any = "", *, db_index: bool = True
) -> models.ForeignKey[User | None, User | None]:
    """One of the staff, whose account stays for as long as a record names it; empty: the system itself, or
    nobody yet.
    """
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=name,
        null=True,
        blank=True,
        related_name="+",
        db_index=db_index,
        help_text=help_text,
    )
