from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.audited import Audited


class ImportBatch(Audited):
    """One file that came in: what it was, who sent it, what became of its rows."""

    class Kind(models.TextChoices):
        SHOPS = "shops", _("shops")
        ENROLLMENTS = "enrollments", _("enrollments")
        QUALIFICATIONS = "qualifications", _("qualifications")
        METRICS = "metrics", _("metrics")

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        CHECKING = "checking", _("checking")
        READY = "ready", _("ready")
        APPLYING = "applying", _("applying")
        APPLIED = "applied", pgettext_lazy("import", "applied")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        REVERSED = "reversed", _("reversed")

    # A worker still owes something to these.
    UNFINISHED = frozenset({State.RECEIVED, State.CHECKING, State.APPLYING})

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.RECEIVED)
    partial = models.BooleanField(
        _("take the good rows"),
        default=False,
        help_text=_("Otherwise one bad row refuses the whole file."),
    )
    file_name = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    size = models.BigIntegerField(_("size in bytes"))
    received_at = models.DateTimeField(_("received at"))
    as_of = models.DateTimeField(_("as of"), help_text=_("Of what moment the file's knowledge is."))
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("received from"),
        null=True,
        blank=True,
        related_name="+",
    )
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    first_day = models.DateField(_("first day"), null=True, blank=True)
    last_day = models.DateField(_("last day"), null=True, blank=True)
    absent = ArrayField(
        models.CharField(max_length=60),
        verbose_name=_("columns not in the file"),
        default=list,
        blank=True,
        help_text=_("What stands stays as it is; what is new has no data there."),
    )
    rows = models.IntegerField(_("rows"), default=0)
    created = models.IntegerField(_("created"), default=0)
    updated = models.IntegerField(_("updated"), default=0)
    unchanged = models.IntegerField(_("unchanged"), default=0)
    rejected = models.IntegerField(pgettext_lazy("rows", "rejected"), default=0)
    seconds = models.DecimalField(_("seconds"), max_digits=10, decimal_places=3, null=True, blank=True)
    errors = models.JSONField(
        _("errors"),
        default=list,
        blank=True,
        help_text=_("The first ones; all are in the file of rejected rows."),
    )

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-received_at", "-id"]
        permissions = [
            ("import_data", _("Can import files")),
            ("export_importbatch", _("Can export the list of imports")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    rows=models.F("created")
                    + models.F("updated")
                    + models.F("unchanged")
                    + models.F("rejected")
                ),
                name="shops_importbatch_accounts_for_every_row",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.file_name}"
