"""What the desk must not start with. Registered as system checks, so that every command and server asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from opsdesk.settings import DEVELOPMENT_SECRET


@register(Tags.security)
def production_has_its_own_secret(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.DEBUG or settings.SECRET_KEY not in ("", DEVELOPMENT_SECRET):
        return []
    return [
        Error(
            "SECRET_KEY is the development default.",
            hint="Set SECRET_KEY to a long random value of your own.",
            id="opsdesk.E001",
        )
    ]


@register(Tags.security)
def production_names_its_hosts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS is empty.",
            hint="Set ALLOWED_HOSTS to the desk's host names, separated by commas.",
            id="opsdesk.E002",
        )
    ]


@register(Tags.security)
def production_does_not_connect_as_owner(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    owner = connections["owner"].settings_dict["USER"] if "owner" in connections else None
    if settings.DEBUG or owner is None or connections["default"].settings_dict["USER"] != owner:
        return []
    return [
        Error(
            "DATABASE_URL and DATABASE_OWNER_URL name the same role.",
            hint="Give the application a role of its own, which does not own the tables.",
            id="opsdesk.E003",
        )
    ]


@register()
def metrics_are_kept_long_enough(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.METRICS_KEPT_MONTHS == 0 or settings.METRICS_KEPT_MONTHS >= 3:
        return []
    return [
        Error(
            "METRICS_KEPT_MONTHS is less than 3.",
            hint="The database keeps the last three months in any case. Set 3 or more, or 0 to keep all.",
            id="opsdesk.E004",
        )
    ]
