"""The desk's admin site."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class DeskSite(admin.AdminSite):
    site_header = _("opsdesk")
    site_title = _("opsdesk")
    index_title = _("The state of the day")
