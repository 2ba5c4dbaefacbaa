from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.batches import ImportBatch
from shops.models.people import person
from shops.models.products import Product
from shops.models.shops import Shop
from shops.models.violations import Violation


class Ground(models.TextChoices):
    """Why a shop or product is stopped: proposals, notices and appeals say which."""

    METRIC = "metric", _("metric")
    QUALIFICATION = "qualification", _("qualification")
    VIOLATION = "violation", _("violation")
    JUDGEMENT = "judgement", _("judgement")


class Penalty(Audited):
    """A decision against a shop, or a case that was only reported. Never deleted: ended, overturned or, of a
    case, dismissed.
    """

    class Status(models.TextChoices):
        REPORTED = "reported", _("reported")
        IMPOSED = "imposed", _("imposed")
        LIFTED = "lifted", _("lifted")
        EXPIRED = "expired", _("expired")
        OVERTURNED = "overturned", _("overturned")
        DISMISSED = "dismissed", _("dismissed")

    # It was a rightful penalty, whether or not it still has effects.
    PENALISED = frozenset({Status.IMPOSED, Status.LIFTED, Status.EXPIRED})
    # Nothing is left of it, as if it had never been: it was wrong, or the case unfounded.
    VOID = frozenset({Status.OVERTURNED, Status.DISMISSED})

    reference = models.CharField(
        _("reference"), max_length=64, blank=True, help_text=_("The platform's own case number.")
    )
    # What makes a form that is sent twice one penalty.
    key = models.CharField(_("key"), max_length=64, blank=True, editable=False)
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
    # The key of the row in the violation's history: what it said on the day. See versions.version_number.
    violation_version = models.PositiveBigIntegerField(
        _("version of the violation"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The entry of the catalogue as it stood when the penalty was imposed."),
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices)
    reason = models.TextField(_("reason"), blank=True)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    reported_at = models.DateTimeField(_("reported at"), null=True, blank=True)
    reported_by = person(
        _("reported by"), _("Who brought it in with a file; empty where files come by themselves.")
    )
    confirmed_by = person(
        _("confirmed by"), _("Whose file said that the platform imposed what was reported.")
    )
    imposed_at = models.DateTimeField(_("imposed at"), null=True, blank=True)
    imposed_by = person(_("imposed by"))
    approved_by = person(_("approved by"))
    ends_at = models.DateTimeField(
        _("ends at"),
        null=True,
        blank=True,
        help_text=_("When the last of its measures ends by itself. Empty: none does, or one never does."),
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = person(_("ended by"))
    ended_reason = models.TextField(_("ended because"), blank=True)
    stayed_at = models.DateTimeField(
        _("stayed since"),
        null=True,
        blank=True,
        help_text=_("Until the stay ends, what it bars it bars nobody from. What it closed stays closed."),
    )
    # Kept once the stay has ended: whoever was let in since is inside though it bars him again.
    first_stayed_at = models.DateTimeField(_("first stayed at"), null=True, blank=True, editable=False)
    lost_ground_with = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("lost its ground with"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("The penalty that it had counted, and which was taken back since."),
    )
    kept_at = models.DateTimeField(
        _("kept since"),
        null=True,
        blank=True,
        help_text=_("When somebody decided that it is right although its ground has fallen."),
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The file by which the desk heard of it."),
    )

    class Meta:
        verbose_name = _("penalty")
        verbose_name_plural = _("penalties")
        ordering = ["-id"]
        permissions = [
            ("impose_penalty", _("Can impose penalties")),
            ("lift_penalty", _("Can lift penalties")),
            ("overturn_penalty", _("Can overturn penalties")),
            ("stay_penalty", _("Can stay penalties")),
            ("import_penalty", _("Can import penalties")),
            ("export_penalty", _("Can export penalties")),
        ]
        indexes = [
            # The timer: what a platform has said an end of.
            models.Index(
                fields=["ends_at"],
                condition=Q(status="imposed", ends_at__isnull=False),
                name="shops_penalty_ending",
            ),
            models.Index(
                fields=["shop"],
                condition=Q(first_stayed_at__isnull=False),
                name="shops_penalty_once_stayed",
            ),
            # What somebody has to decide about: few of all.
            models.Index(
                fields=["lost_ground_with"],
                condition=Q(lost_ground_with__isnull=False),
                name="shops_penalty_without_ground",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="shops_penalty_reference_is_used_once",
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=~Q(key=""),
                name="shops_penalty_is_imposed_once_under_its_key",
            ),
            models.CheckConstraint(
                condition=Q(ground="violation", violation__isnull=False)
                | (~Q(ground="violation") & Q(violation__isnull=True)),
                name="shops_penalty_names_a_violation_for_that_ground_alone",
            ),
            models.CheckConstraint(
                condition=Q(violation_version=None) | Q(violation__isnull=False),
                name="shops_penalty_keeps_a_version_only_of_its_violation",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["reported", "dismissed"], imposed_at__isnull=True)
                | (~Q(status__in=["reported", "dismissed"]) & Q(imposed_at__isnull=False)),
                name="shops_penalty_is_imposed_at_a_moment_unless_only_reported",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["lifted", "expired", "overturned", "dismissed"], ended_at__isnull=False
                )
                | (Q(status__in=["reported", "imposed"]) & Q(ended_at__isnull=True)),
                name="shops_penalty_has_an_end_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(imposed_by=None) | ~Q(approved_by=F("imposed_by")),
                name="shops_penalty_maker_is_not_its_approver",
            ),
            models.CheckConstraint(
                condition=Q(stayed_at=None)
                | Q(first_stayed_at__isnull=False, first_stayed_at__lte=F("stayed_at")),
                name="shops_penalty_that_is_stayed_knows_since_when_first",
            ),
        ]

    def __str__(self) -> str:
        return self.case_number

    @staticmethod
    def imposed_as(flag: str) -> Q:
        """Those whose violation had the flag in the version under which they were imposed.

        Of cases that keep none, as they were never imposed here, what the catalogue says today.
        """
        versions = Violation.history.filter(**{flag: True}).values("history_id")
        return Q(violation_version__in=versions) | Q(violation_version=None, **{f"violation__{flag}": True})

    @property
    def is_the_platforms(self) -> bool:
        """Whether a file brought it as imposed: what else the platform does there, nobody here knows."""
        return self.batch_id is not None and self.imposed_at is not None and self.imposed_by_id is None

    @property
    def case_number(self) -> str:
        """What people quote: P with the record's number."""
        return f"P{self.pk:08d}" if self.pk else "P"
