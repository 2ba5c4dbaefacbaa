from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.models.alliances import Alliance
from shops.models.audited import Audited
from shops.models.enrollments import Opening
from shops.models.penalties import Penalty
from shops.models.products import Listing


class MeasureKind(models.TextChoices):
    """What a penalty can do."""

    WARNING = "warning", pgettext_lazy("measure", "warning")
    POINTS = "points", pgettext_lazy("measure", "points")
    DEDUCT = "deduct", _("deduct from the deposit")
    TOP_UP = "top_up", pgettext_lazy("measure", "demand a top-up")
    SCORE = "score", _("deduct experience score")
    CLEAR = "clear", _("clear")
    STOP = "stop", pgettext_lazy("measure", "stop a product")
    REDUCE_ROOM = "reduce_room", _("reduce the live room's traffic")
    REDUCE_ACCOUNT = "reduce_account", _("reduce the account's traffic")
    RESTRICT_LIVE = "restrict_live", _("restrict live selling")
    SUSPEND = "suspend", pgettext_lazy("measure", "suspend the shop")
    CLOSE = "close", pgettext_lazy("measure", "close the shop for good")


# In effect over a time: their end ends them. All others are done once and for all.
LASTING = frozenset(
    {
        MeasureKind.SUSPEND,
        MeasureKind.RESTRICT_LIVE,
        MeasureKind.REDUCE_ROOM,
        MeasureKind.REDUCE_ACCOUNT,
    }
)
# What rests while a penalty is stayed (`in_force`); what was done once and for all stays done.
STAYED = LASTING | {MeasureKind.CLOSE}
# Can end by themselves, on their date.
ENDING = LASTING | {MeasureKind.POINTS}


class DepositBasis(models.TextChoices):
    """How much is deducted (R7). `share` is of the balance at that moment."""

    FIXED = "fixed", pgettext_lazy("deposit", "a fixed sum")
    SHARE = "share", pgettext_lazy("deposit", "a share of the balance")
    ACTUAL_LOSS = "actual_loss", pgettext_lazy("deposit", "the actual loss")
    ALL = "all", pgettext_lazy("deposit", "the whole balance")


class MeasureQuerySet(models.QuerySet["Measure"]):
    def standing(self) -> MeasureQuerySet:
        """Applied and neither taken back nor over, as far as the record says so."""
        return self.filter(applied_at__isnull=False, undone_at=None, lapsed_at=None)

    def active(self, at: datetime | models.F) -> MeasureQuerySet:
        """In effect at the moment; one whose end has passed is not, even before the timer says so.

        The same of many shops in a statement: shops.standing.ACTIVE.
        """
        return self.filter(
            Q(lapsed_at=None) | Q(lapsed_at__gt=at),
            Q(ends_at=None) | Q(ends_at__gt=at),
            applied_at__lte=at,
            undone_at=None,
        )

    def in_force(self, at: datetime) -> MeasureQuerySet:
        """Active at the moment, and of no penalty that is stayed by then."""
        return self.active(at).filter(Q(penalty__stayed_at=None) | Q(penalty__stayed_at__gt=at))

    def given_up(self) -> MeasureQuerySet:
        """Taken back, or ended before its time as its penalty was lifted."""
        before_its_end = Q(ends_at=None) | Q(ends_at__gt=models.F("lapsed_at"))
        lifted = Q(penalty__status="lifted", lapsed_at=models.F("penalty__ended_at")) & before_its_end
        return self.filter(Q(undone_at__isnull=False) | lifted)


class Measure(Audited):
    """One thing that a penalty does. Undoing it ends it; it never overwrites a fact."""

    Kind: TypeAlias = MeasureKind
    Basis: TypeAlias = DepositBasis

    LASTING = LASTING
    STAYED = STAYED
    ENDING = ENDING

    # Of one that is not imposed yet: whether the catalogue leaves its end to the operator to say.
    end_asked = False

    penalty = models.ForeignKey(Penalty, models.PROTECT, verbose_name=_("penalty"), related_name="measures")
    kind = models.CharField(_("kind"), max_length=20, choices=MeasureKind.choices)
    alliance = models.ForeignKey(
        Alliance,
        models.PROTECT,
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_(
            "Out of which the shop is cleared, or where points count; points of none: the platform's."
        ),
    )
    opening = models.ForeignKey(
        Opening,
        models.PROTECT,
        verbose_name=_("opening"),
        null=True,
        blank=True,
        related_name="measures",
        help_text=_("The opening that a clearance closed."),
    )
    listing = models.ForeignKey(
        Listing,
        models.PROTECT,
        verbose_name=_("listing"),
        null=True,
        blank=True,
        related_name="measures",
        help_text=_("The listing that is stopped."),
    )
    # What a stop that is undone leads back to, where the platform's files repeat it meanwhile.
    state_before = models.CharField(
        _("state before"), max_length=20, choices=Listing.State.choices, blank=True, default=""
    )
    # When the listing that it stops had been resumed, where it was as it was by that.
    resumed_before = models.DateTimeField(_("resumed before"), null=True, blank=True)
    points = models.PositiveSmallIntegerField(pgettext_lazy("penalty", "points"), null=True, blank=True)
    score = models.DecimalField(
        _("experience score"),
        max_digits=4,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("What the platform takes off. On record: the score itself stays what is imported."),
    )
    basis = models.CharField(
        pgettext_lazy("deposit", "basis"), max_length=20, choices=DepositBasis.choices, blank=True
    )
    amount_fen = models.BigIntegerField(
        _("amount"),
        null=True,
        blank=True,
        help_text=_("In fen. Of a share or of the whole balance: what it came to when it was applied."),
    )
    share = models.DecimalField(_("share"), max_digits=7, decimal_places=6, null=True, blank=True)
    ends_at = models.DateTimeField(
        _("ends at"), null=True, blank=True, help_text=_("Ends by itself. Empty: without end.")
    )
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    lapsed_at = models.DateTimeField(
        _("over since"),
        null=True,
        blank=True,
        help_text=_("It ran out, or its penalty was lifted. What it did until then stays done."),
    )
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    objects = MeasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("measure")
        verbose_name_plural = _("measures")
        ordering = ["id"]
        indexes = [
            # The timer, and the list of what ends soon.
            models.Index(
                fields=["ends_at"],
                condition=Q(ends_at__isnull=False, lapsed_at=None, undone_at=None),
                name="shops_measure_ending",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(applied_at__isnull=False),
                name="shops_measure_is_undone_only_once_applied",
            ),
            models.CheckConstraint(
                condition=Q(lapsed_at=None) | Q(applied_at__isnull=False, kind__in=sorted(ENDING)),
                name="shops_measure_is_over_only_once_applied_and_where_it_can_end",
            ),
            models.CheckConstraint(
                condition=~Q(kind="clear") | Q(applied_at=None) | Q(opening__isnull=False),
                name="shops_measure_clear_names_the_opening_it_closed",
            ),
            models.CheckConstraint(
                condition=~Q(kind="stop") | Q(applied_at=None) | Q(listing__isnull=False),
                name="shops_measure_stop_names_the_listing_it_stopped",
            ),
            models.UniqueConstraint(
                fields=["opening"],
                condition=Q(kind="clear", undone_at=None),
                name="shops_measure_clears_an_opening_once",
            ),
            models.CheckConstraint(
                condition=Q(alliance=None) | Q(kind__in=["clear", "points"]),
                name="shops_measure_alliance_is_of_a_clearance_or_of_points",
            ),
            models.CheckConstraint(
                condition=Q(kind="points", points__isnull=False, points__gte=1)
                | (~Q(kind="points") & Q(points=None)),
                name="shops_measure_has_points_exactly_when_it_gives_them",
            ),
            models.CheckConstraint(
                condition=Q(kind="score", score__isnull=False, score__gt=0)
                | (~Q(kind="score") & Q(score=None)),
                name="shops_measure_has_a_score_exactly_when_it_takes_it_off",
            ),
            models.CheckConstraint(
                condition=(Q(kind="deduct") & ~Q(basis="")) | (~Q(kind="deduct") & Q(basis="")),
                name="shops_measure_has_a_basis_exactly_when_it_deducts",
            ),
            models.CheckConstraint(
                condition=Q(basis="share", share__isnull=False, share__gt=0, share__lte=1)
                | (~Q(basis="share") & Q(share=None)),
                name="shops_measure_has_a_share_exactly_when_that_is_its_basis",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=None) | Q(amount_fen__gte=0, kind__in=["deduct", "top_up"]),
                name="shops_measure_amount_is_of_the_deposit_and_not_below_zero",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=False, amount_fen__gte=1)
                | ~(Q(kind="top_up") | Q(basis__in=["fixed", "actual_loss"])),
                name="shops_measure_states_its_amount_where_nothing_else_gives_it",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(kind__in=sorted(ENDING)),
                name="shops_measure_ends_only_where_its_kind_can_end",
            ),
            models.CheckConstraint(
                condition=~Q(kind="suspend") | Q(ends_at__isnull=False),
                name="shops_measure_suspends_until_a_date",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(applied_at=None) | Q(ends_at__gt=F("applied_at")),
                name="shops_measure_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.penalty} · {self.get_kind_display()}"
