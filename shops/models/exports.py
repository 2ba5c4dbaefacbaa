from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Export(models.Model):
    """A list too long to be sent at once: who asked for which of its rows, and how far writing it has come.

    Kept for some days and then deleted with its file: nothing is decided by it.
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("export", "waiting")
        RUNNING = "running", pgettext_lazy("export", "being written")
        DONE = "done", pgettext_lazy("export", "done")
        FAILED = "failed", pgettext_lazy("export", "failed")

    # A worker still owes something to these.
    UNFINISHED = frozenset({State.WAITING, State.RUNNING})

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("asked for by"), related_name="+"
    )
    asked_at = models.DateTimeField(_("asked for at"))
    source = models.CharField(_("list"), max_length=60)
    query = models.TextField(_("filters"), blank=True, help_text=_("As they stand in the list's address."))
    columns = ArrayField(models.CharField(max_length=60), verbose_name=_("columns"))
    format = models.CharField(_("format"), max_length=10, choices=Format.choices)
    language = models.CharField(_("language"), max_length=10)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    written = models.IntegerField(_("rows written"), default=0)
    total = models.IntegerField(_("rows in all"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    problem = models.TextField(_("problem"), blank=True, help_text=_("In the language of who asked."))

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("my exports")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["done", "failed"], finished_at__isnull=False)
                | Q(state__in=["waiting", "running"], finished_at=None),
                name="shops_export_has_an_end_exactly_when_finished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} · {self.get_format_display()}"
