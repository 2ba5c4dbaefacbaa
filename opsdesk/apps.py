from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


def refuse_a_powerful_role(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """In production the application owns nothing and is no superuser: else no trigger or grant binds it."""
    if settings.DEBUG or connection.alias != "default":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
            " FROM pg_roles WHERE rolname = current_user"
        )
        row = cursor.fetchone()
    if row and row[0]:
        connection.close()
        raise ImproperlyConfigured(
            "DATABASE_URL names a superuser or the owner of tables; give the application a role of its own."
        )


class OpsdeskConfig(AppConfig):
    name = "opsdesk"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.admin.templatetags import admin_list

        from opsdesk import (
            checks,  # noqa: F401  (registers the system checks)
            holds,
        )
        from shops.admin import cells

        holds.register()
        # Django's own says True and False in every language to who doesn't see the sign.
        admin_list._boolean_icon = cells.tick  # type: ignore[attr-defined]
        connection_created.connect(refuse_a_powerful_role, dispatch_uid="opsdesk_refuse_a_powerful_role")


class DeskAdminConfig(AdminConfig):
    """Django's admin, with our site in the place of its own."""

    default_site = "opsdesk.site.DeskSite"
