from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.audited import Audited
from shops.models.people import person


class ImportBatch(Audited):
    """One file that came in: what it was, who sent it, what became of its rows."""

    class Kind(models.TextChoices):
        SHOPS = "shops", _("shops")
        ENROLLMENTS = "enrollments", _("enrollments")
        QUALIFICATIONS = "qualifications", _("qualifications")
        METRICS = "metrics", _("metrics")
        PRODUCTS = "products", _("products")
        LISTINGS = "listings", _("listings")
        PRODUCT_METRICS = "product_metrics", _("product metrics")
        DEPOSITS = "deposits", _("movements of deposits")
        PENALTIES = "penalties", _("penalties")

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        CHECKING = "checking", _("checking")
        READY = "ready", _("ready")
        APPLYING = "applying", _("applying")
        APPLIED = "applied", pgettext_lazy("import", "applied")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        REVERSED = "reversed", _("reversed")

    class Consent(models.TextChoices):
        """Whether what was checked is also applied."""

        ASK = "ask", _("show me first")
        UNLESS_SUSPICIOUS = "unless_suspicious", _("apply it unless something looks suspicious")
        GIVEN = "given", _("apply it")

    # A worker still owes something to these.
    UNFINISHED = frozenset({State.RECEIVED, State.CHECKING, State.APPLYING})
    # A worker is at these.
    WORKING = frozenset({State.CHECKING, State.APPLYING})
    # Nothing of these has been written yet: they can be called off.
    CANCELLABLE = UNFINISHED | {State.READY}

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.RECEIVED)
    partial = models.BooleanField(
        _("take the good rows"),
        default=False,
        help_text=_("Otherwise one bad row refuses the whole file."),
    )
    consent = models.CharField(
        _("when checked"), max_length=20, choices=Consent.choices, default=Consent.GIVEN
    )
    source = models.ForeignKey(
        "shops.ImportSource",
        models.PROTECT,
        verbose_name=pgettext_lazy("files", "source"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    encoding = models.CharField(
        _("encoding"), max_length=20, blank=True, help_text=_("As a person chose it. Empty: found out.")
    )
    delimiter = models.CharField(
        _("delimiter"), max_length=1, blank=True, help_text=_("As a person chose it. Empty: found out.")
    )
    columns = models.JSONField(
        _("columns"), default=dict, blank=True, help_text=_("What headers mean, where a person said so.")
    )
    headers = models.JSONField(
        _("headers"), default=list, blank=True, help_text=_("The file's own, as far as they could be read.")
    )
    earlier = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("reads anew"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("The import whose file this one reads in another way."),
    )
    read_as = models.CharField(_("read as"), max_length=100, blank=True)
    file_name = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    size = models.BigIntegerField(_("size in bytes"))
    received_at = models.DateTimeField(_("received at"))
    as_of = models.DateTimeField(_("as of"), help_text=_("Of what moment the file's knowledge is."))
    received_by = person(_("received from"))
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
    # Which it brought, not which it lacks: of a metric declared later an earlier file said nothing.
    declared = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("declared metrics in the file"),
        default=list,
        blank=True,
    )
    rows = models.IntegerField(_("rows"), default=0)
    created = models.IntegerField(_("created"), default=0)
    updated = models.IntegerField(_("updated"), default=0)
    unchanged = models.IntegerField(_("unchanged"), default=0)
    rejected = models.IntegerField(pgettext_lazy("rows", "rejected"), default=0)
    left_alone = models.IntegerField(
        _("left alone"),
        default=0,
        help_text=_("Rows with something that a file of a later moment knows differently."),
    )
    seconds = models.DecimalField(_("seconds"), max_digits=10, decimal_places=3, null=True, blank=True)
    errors = models.JSONField(
        _("errors"),
        default=list,
        blank=True,
        help_text=_("The first ones; all are in the file of rejected rows."),
    )
    error_counts = models.JSONField(_("errors by kind"), default=dict, blank=True)
    suspicions = models.JSONField(_("what looks suspicious"), default=list, blank=True)
    changes = models.JSONField(
        _("changes"),
        default=dict,
        blank=True,
        help_text=_("How many rows change each column, and the first of them from old to new."),
    )

    reversed_because = models.TextField(_("reversed because"), blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-received_at", "-id"]
        permissions = [
            ("import_data", _("Can import files")),
            ("reverse_import", _("Can reverse an applied import")),
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

    @property
    def holds_nothing_good(self) -> bool:
        """Whether every row is rejected, so that nothing is there to be applied."""
        return 0 < self.rows == self.rejected


class ImportSource(Audited):
    """Where files of a kind come from, and how those are to be read: said once, used every morning."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=ImportBatch.Kind.choices)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=1, blank=True)
    columns = models.JSONField(
        _("columns"),
        default=dict,
        blank=True,
        help_text=_("What a header means, by the column's name; an empty one: the column is read over."),
    )

    class Meta:
        verbose_name = _("source of files")
        verbose_name_plural = _("sources of files")
        ordering = ["name"]
        permissions = [("export_importsource", _("Can export the sources of files"))]

    def __str__(self) -> str:
        return self.name


class ImportProgress(models.Model):
    """How far a worker is with an import, and whether it was asked to stop: seen at once by everybody.

    Not part of the import's own row, which the worker's transaction writes.
    """

    batch = models.OneToOneField(
        ImportBatch, models.CASCADE, primary_key=True, verbose_name=_("import"), related_name="progress"
    )
    # A share of the whole.
    done = models.FloatField(_("done"), default=0)
    began_at = models.DateTimeField(_("began at"), null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("called off by"),
        null=True,
        related_name="+",
        db_index=False,
    )
    cancelled = models.BooleanField(_("called off"), default=False)

    class Meta:
        verbose_name = _("progress of an import")
        verbose_name_plural = _("progress of imports")

    def __str__(self) -> str:
        return f"{self.batch_id} · {self.done:.0%}"

    def seconds_left(self, now: datetime) -> int | None:
        """An estimate; None before there is anything to go by."""
        if self.began_at is None or not 0.02 < self.done < 1:
            return None
        return max(1, round((now - self.began_at).total_seconds() * (1 - self.done) / self.done))
