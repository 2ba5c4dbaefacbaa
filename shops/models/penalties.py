from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.enrollments import Opening
from shops.models.products import Product
from shops.models.shops import Shop


class Ground(models.TextChoices):
    """Why a shop or product is stopped: proposals, notices and appeals say which."""

    METRIC = "metric", _("metric")
    QUALIFICATION = "qualification", _("qualification")
    VIOLATION = "violation", _("violation")
    JUDGEMENT = "judgement", _("judgement")


class Violation(Audited):
    """An entry of the catalogue of offences."""

    class Group(models.TextChoices):
        SERVICE = "service", _("breach of service promises")
        PUBLISHING = "publishing", _("publishing violation")
        QUALITY = "quality", _("substandard quality")
        ORDER = "order", _("disturbing platform order")
        LIVE_ROOM = "live_room", _("live-room violation")

    code = models.CharField(_("code"), max_length=20, unique=True)
    group = models.CharField(_("group"), max_length=20, choices=Group.choices)
    name_en = models.CharField(_("name in English"), max_length=300)
    name_zh = models.CharField(_("name in Chinese"), max_length=300)
    source = models.CharField(_("source"), max_length=40, help_text=_("Document and clause."))
    serious = models.BooleanField(
        _("serious"),
        default=False,
        help_text=_("Penalised, it bars the shop for ever (CL-1) and its controller's other shops (DF-A10)."),
    )
    endangers_transactions = models.BooleanField(
        _("endangers transaction safety"),
        default=False,
        help_text=_("A case bars the controller's other shops even without a penalty (DF-A10, V11)."),
    )

    class Meta:
        verbose_name = _("violation")
        verbose_name_plural = _("violations")
        ordering = ["id"]
        permissions = [("export_violation", _("Can export violations"))]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en


class Penalty(Audited):
    """A decision against a shop, or a case that was only reported. Never deleted: ended or overturned."""

    class Status(models.TextChoices):
        REPORTED = "reported", _("reported")
        IMPOSED = "imposed", _("imposed")
        LIFTED = "lifted", _("lifted")
        EXPIRED = "expired", _("expired")
        OVERTURNED = "overturned", _("overturned")

    # It was a rightful penalty, whether or not it still has effects.
    PENALISED = frozenset({Status.IMPOSED, Status.LIFTED, Status.EXPIRED})
    ENDED = frozenset({Status.LIFTED, Status.EXPIRED, Status.OVERTURNED})

    reference = models.CharField(
        _("reference"), max_length=64, blank=True, help_text=_("The platform's own case number.")
    )
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="penalties")
    alliance = models.ForeignKey(
        Alliance,
        models.PROTECT,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="penalties",
        help_text=_("Empty: the platform as a whole."),
    )
    product = models.ForeignKey(
        Product,
        models.PROTECT,
        verbose_name=_("product"),
        null=True,
        blank=True,
        related_name="penalties",
    )
    ground = models.CharField(_("ground"), max_length=20, choices=Ground.choices)
    violation = models.ForeignKey(
        Violation,
        models.PROTECT,
        verbose_name=_("violation"),
        null=True,
        blank=True,
        related_name="penalties",
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices)
    reason = models.TextField(_("reason"), blank=True)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    reported_at = models.DateTimeField(_("reported at"), null=True, blank=True)
    imposed_at = models.DateTimeField(_("imposed at"), null=True, blank=True)
    imposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("imposed by"),
        null=True,
        blank=True,
        related_name="+",
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("approved by"),
        null=True,
        blank=True,
        related_name="+",
    )
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("ended by"),
        null=True,
        blank=True,
        related_name="+",
    )
    ended_reason = models.TextField(_("ended because"), blank=True)
    stayed_at = models.DateTimeField(
        _("stayed since"),
        null=True,
        blank=True,
        help_text=_("Until the stay ends, what it bars it bars nobody from. What it closed stays closed."),
    )

    class Meta:
        verbose_name = _("penalty")
        verbose_name_plural = _("penalties")
        ordering = ["-id"]
        permissions = [
            ("report_penalty", _("Can report a case")),
            ("impose_penalty", _("Can impose penalties")),
            ("lift_penalty", _("Can lift penalties")),
            ("overturn_penalty", _("Can overturn penalties")),
            ("stay_penalty", _("Can stay penalties")),
            ("export_penalty", _("Can export penalties")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="shops_penalty_reference_is_used_once",
            ),
            models.CheckConstraint(
                condition=Q(ground="violation", violation__isnull=False)
                | (~Q(ground="violation") & Q(violation__isnull=True)),
                name="shops_penalty_names_a_violation_for_that_ground_alone",
            ),
            models.CheckConstraint(
                condition=Q(status="reported", imposed_at__isnull=True)
                | (~Q(status="reported") & Q(imposed_at__isnull=False)),
                name="shops_penalty_is_imposed_at_a_moment_unless_only_reported",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["lifted", "expired", "overturned"], ended_at__isnull=False)
                | (Q(status__in=["reported", "imposed"]) & Q(ended_at__isnull=True)),
                name="shops_penalty_has_an_end_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(imposed_by=None) | ~Q(approved_by=F("imposed_by")),
                name="shops_penalty_maker_is_not_its_approver",
            ),
        ]

    def __str__(self) -> str:
        return self.case_number

    @property
    def case_number(self) -> str:
        """What people quote: P with the record's number."""
        return f"P{self.pk:08d}" if self.pk else "P"


class Measure(Audited):
    """One thing that a penalty does. Undoing it ends it; it never overwrites a fact."""

    class Kind(models.TextChoices):
        CLEAR = "clear", _("clear")
        WARNING = "warning", pgettext_lazy("measure", "warning")

    penalty = models.ForeignKey(Penalty, models.PROTECT, verbose_name=_("penalty"), related_name="measures")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    opening = models.ForeignKey(
        Opening,
        models.PROTECT,
        verbose_name=_("opening"),
        null=True,
        blank=True,
        related_name="measures",
        help_text=_("The opening that a clearance closed."),
    )
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("measure")
        verbose_name_plural = _("measures")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(applied_at__isnull=False),
                name="shops_measure_is_undone_only_once_applied",
            ),
            models.CheckConstraint(
                condition=~Q(kind="clear") | Q(applied_at=None) | Q(opening__isnull=False),
                name="shops_measure_clear_names_the_opening_it_closed",
            ),
            models.UniqueConstraint(
                fields=["opening"],
                condition=Q(kind="clear", undone_at=None),
                name="shops_measure_clears_an_opening_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.penalty} · {self.get_kind_display()}"
