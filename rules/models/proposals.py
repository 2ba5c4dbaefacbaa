from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rules.models.rulesets import RuleSet
from rules.models.sweeps import Sweep
from shops.models import (
    Alliance,
    Audited,
    Enrollment,
    Ground,
    ImportBatch,
    Penalty,
    PointsThreshold,
    Product,
    Shop,
)
from shops.models.people import person


class Proposal(Audited):
    """What a sweep or a person puts before an operator, with its evidence by value.

    `evidence` reads the same in years, without the live tables:
    {"day", "batch", "rule_sets": [{"id", "purpose", "version"}], "rules": [{"code", "purpose",
    "metric", "observed", "operator", "threshold", "outcome", "margin", "advisory"}], "statement"}; where a
    shop is warned of its products also "products": [{"code", "name", "sales"}] and "more_products". What
    rests on the desk's own record has instead "case": {"number", "reference", "shop", "violation", "name_en",
    "name_zh"}, with "stayed": {"since", "opening", "opened_on"} where the shop was let in while that was
    stayed, or "points": {"standing", "threshold", "newest"}, the last a measure's number.
    The columns from `lead_rule` to `openings_used` repeat what the list shows, so that it never
    opens the evidence.
    """

    class Kind(models.TextChoices):
        ADMIT = "admit", _("admit")
        CLEAR = "clear", _("clear")
        WARN = "warn", _("warn")
        STOP = "stop", _("stop")
        RESUME = "resume", _("resume")
        OBSERVE = "observe", _("observe")
        PENALISE = "penalise", _("penalise")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("proposal", "open")
        HELD = "held", _("held")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")
        EXPIRED = "expired", pgettext_lazy("proposal", "expired")

    UNDECIDED = frozenset({Status.OPEN, Status.HELD})
    DECIDED = frozenset({Status.ACCEPTED, Status.REJECTED})
    # Whom each kind can concern where it is about a shop: only those that are in an alliance, or only those
    # that are not. About a product each concerns only shops that are in.
    FOR_INSIDERS = frozenset({Kind.CLEAR, Kind.WARN, Kind.STOP})
    FOR_OUTSIDERS = frozenset({Kind.ADMIT})

    alliance = models.ForeignKey(
        Alliance,
        models.PROTECT,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="proposals",
        help_text=_("Empty: the platform as a whole, which only a penalty can concern."),
    )
    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="proposals")
    product = models.ForeignKey(
        Product,
        models.PROTECT,
        verbose_name=_("product"),
        null=True,
        blank=True,
        related_name="proposals",
    )
    enrollment = models.ForeignKey(
        Enrollment,
        models.PROTECT,
        verbose_name=_("enrollment"),
        null=True,
        blank=True,
        related_name="proposals",
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    ground = models.CharField(
        _("ground"),
        max_length=20,
        choices=Ground.choices,
        blank=True,
        help_text=_("Empty for an admission: nobody needs a ground to be let in."),
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.OPEN)
    sweep = models.ForeignKey(
        Sweep,
        models.PROTECT,
        verbose_name=_("daily check"),
        null=True,
        blank=True,
        related_name="proposals",
        help_text=_("Empty: filed by hand, or from what stands in the desk's own record."),
    )
    filed_by = person(_("filed by"))
    day = models.DateField(_("day"), help_text=_("The day whose metrics it rests on."))
    batch = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        verbose_name=_("import"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The import whose metrics it rests on."),
    )
    rule_set = models.ForeignKey(
        RuleSet,
        models.PROTECT,
        verbose_name=_("rule set"),
        null=True,
        blank=True,
        related_name="proposals",
    )
    filed_on = models.DateField(_("filed on"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    penalty = models.OneToOneField(
        Penalty,
        models.PROTECT,
        verbose_name=_("penalty"),
        null=True,
        blank=True,
        related_name="proposal",
    )
    case = models.ForeignKey(
        Penalty,
        models.PROTECT,
        verbose_name=_("case"),
        null=True,
        blank=True,
        related_name="proposals_from_it",
        help_text=_("What it rests on: a case that was reported, or one that bars the controller's shops."),
    )
    points_threshold = models.ForeignKey(
        PointsThreshold,
        models.PROTECT,
        verbose_name=_("points threshold"),
        null=True,
        blank=True,
        related_name="proposals",
        help_text=_("What standing points have reached."),
    )
    failed_rules = ArrayField(
        models.CharField(max_length=20), verbose_name=_("failed rules"), default=list, blank=True
    )
    lead_rule = models.CharField(_("first failed rule"), max_length=20, blank=True)
    lead_metric = models.CharField(_("metric"), max_length=60, blank=True)
    observed = models.CharField(_("observed"), max_length=60, blank=True)
    operator = models.CharField(pgettext_lazy("comparison", "operator"), max_length=10, blank=True)
    threshold = models.CharField(_("threshold"), max_length=300, blank=True)
    margin = models.DecimalField(
        _("margin"),
        max_digits=20,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Distance to the threshold, positive on the holding side."),
    )
    failing_since = models.DateField(_("failing since"), null=True, blank=True)
    gmv_30d = models.DecimalField(_("30-day sales"), max_digits=16, decimal_places=2, null=True, blank=True)
    openings_used = models.PositiveSmallIntegerField(_("openings used"), default=0)
    evidence = models.JSONField(_("evidence"), default=dict)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ["-filed_on", "-id"]
        permissions = [
            ("decide_proposal", _("Can accept and reject proposals")),
            ("file_proposal", _("Can file a proposal by hand")),
            ("export_proposal", _("Can download proposals")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alliance", "shop", "kind"],
                condition=Q(status__in=["open", "held"], product=None) & ~Q(kind="penalise"),
                name="rules_proposal_is_the_only_open_one_for_its_shop",
                violation_error_message=_("A proposal of this kind is already open for this shop."),
            ),
            models.UniqueConstraint(
                fields=["alliance", "product", "kind"],
                condition=Q(status__in=["open", "held"], product__isnull=False) & ~Q(kind="penalise"),
                name="rules_proposal_is_the_only_open_one_for_its_product",
                violation_error_message=_("A proposal of this kind is already open for this product."),
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(status__in=["open", "held"], kind="penalise", case__isnull=False),
                name="rules_proposal_is_the_only_open_one_for_its_case",
                violation_error_message=_("A proposal is already open for this case."),
            ),
            models.UniqueConstraint(
                fields=["shop", "points_threshold"],
                condition=Q(status__in=["open", "held"], points_threshold__isnull=False),
                name="rules_proposal_is_the_only_open_one_for_its_threshold",
            ),
            models.CheckConstraint(
                condition=Q(alliance__isnull=False) | Q(kind="penalise"),
                name="rules_proposal_concerns_an_alliance_unless_it_penalises",
            ),
            models.CheckConstraint(
                condition=~Q(kind="penalise")
                | Q(case__isnull=False, points_threshold=None)
                | Q(case=None, points_threshold__isnull=False),
                name="rules_proposal_penalises_for_a_case_or_for_points",
            ),
            models.CheckConstraint(
                condition=Q(points_threshold=None) | Q(kind="penalise"),
                name="rules_proposal_names_a_threshold_only_to_penalise",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "held"], closed_at=None)
                | (~Q(status__in=["open", "held"]) & Q(closed_at__isnull=False)),
                name="rules_proposal_is_closed_exactly_when_it_says_so",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["admit", "resume"], ground="")
                | (~Q(kind__in=["admit", "resume"]) & ~Q(ground="")),
                name="rules_proposal_against_someone_states_its_ground",
            ),
            models.CheckConstraint(
                condition=Q(penalty=None) | Q(status="accepted"),
                name="rules_proposal_has_a_penalty_only_once_accepted",
            ),
        ]
        indexes = [
            # The list: open ones, newest first.
            models.Index(F("status"), F("filed_on").desc(), F("id").desc(), name="rules_proposal_list"),
            # Filter by rule.
            GinIndex(fields=["failed_rules"], name="rules_proposal_by_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.product or self.shop}"
