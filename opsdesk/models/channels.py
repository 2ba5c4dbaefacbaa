from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """The way on which desk and shop reach each other."""

    PHONE = "phone", pgettext_lazy("channel", "phone")
    MAIL = "mail", _("mail")
    TICKET = "ticket", _("ticket")
    OTHER = "other", _("another way")
