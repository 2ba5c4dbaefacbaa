"""Money that the platform holds of a shop: each movement an entry, and what a shop still owes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.calendar import NAMEABLE_MOMENTS
from shops.models.audited import Audited
from shops.models.batches import ImportBatch
from shops.models.measures import Measure
from shops.models.people import person
from shops.models.shops import Shop


class DepositEntry(models.Model):
    """A movement on a shop's deposit account (DP-1), in whole fen. Never edited: taken back by a reversal.

    The database numbers a shop's entries and keeps the balance after each: both stay unset on creation.
    """

    class Kind(models.TextChoices):
        PAY_IN = "pay_in", _("paid in")
        ADJUST = "adjust", _("adjusted")
        TOP_UP = "top_up", _("topped up")
        COMPENSATE = "compensate", _("compensated")
        DEDUCT = "deduct", _("deducted")
        # What a deduction found missing, out of a payment of it. No file and nobody enters it.
        COLLECT = "collect", _("deducted once paid")
        REFUND = "refund", _("refunded")
        REVERSAL = "reversal", pgettext_lazy("movement", "taken back")

    TAKING = frozenset({Kind.COMPENSATE, Kind.DEDUCT, Kind.COLLECT, Kind.REFUND})

    shop = models.ForeignKey(
        Shop, models.PROTECT, verbose_name=_("shop"), related_name="deposit_entries", db_index=False
    )
    # 0 on creation: the next one.
    number = models.PositiveIntegerField(_("number"), db_default=0, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    amount_fen = models.BigIntegerField(_("amount in fen"), help_text=_("What is taken is below zero."))
    balance_fen = models.BigIntegerField(_("balance in fen"), db_default=0, editable=False)
    short_fen = models.BigIntegerField(
        _("short by, in fen"), db_default=0, help_text=_("What a deduction found missing: a top-up due.")
    )
    at = models.DateTimeField(pgettext_lazy("movement", "moved at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = person(_("recorded by"), _("Empty: the system itself."), db_index=False)
    cause = models.TextField(_("cause"), blank=True)
    reference = models.CharField(
        pgettext_lazy("movement", "reference"),
        max_length=64,
        blank=True,
        help_text=_("The platform's own number of the movement."),
    )
    case_reference = models.CharField(
        _("platform's case number"),
        max_length=64,
        blank=True,
        db_default="",
        help_text=_("The number, the platform's or the desk's, of the case that it carries out."),
    )
    key = models.CharField(
        _("key"),
        max_length=100,
        unique=True,
        help_text=_("Entered again under the same key, it is the same."),
    )
    measure = models.ForeignKey(
        Measure,
        models.PROTECT,
        verbose_name=_("measure"),
        null=True,
        blank=True,
        related_name="deposit_entries",
        help_text=_("The penalty's measure that deducted."),
    )
    settlement = models.OneToOneField(
        "Settlement",
        models.PROTECT,
        verbose_name=_("settlement"),
        null=True,
        blank=True,
        related_name="collected",
        help_text=_("The part of a payment that is deducted, as an earlier deduction had found it missing."),
    )
    reverses = models.OneToOneField(
        "self",
        models.PROTECT,
        verbose_name=_("takes back"),
        null=True,
        blank=True,
        related_name="reversal",
    )
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, verbose_name=_("import"), null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("deposit entry")
        verbose_name_plural = _("deposit entries")
        ordering = ["-id"]
        permissions = [
            ("enter_deposit", _("Can enter movements of deposits and what is owed")),
            ("import_depositentry", _("Can import movements of deposits")),
            ("export_depositentry", _("Can export movements of deposits")),
        ]
        indexes = [
            models.Index(
                fields=["case_reference"],
                condition=~Q(case_reference=""),
                name="shops_depositentry_of_a_case",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "number"], name="shops_depositentry_number_is_used_once_in_an_account"
            ),
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference=""),
                name="shops_depositentry_reference_is_used_once",
            ),
            models.CheckConstraint(
                condition=Q(balance_fen__gte=0), name="shops_depositentry_balance_is_never_below_zero"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="shops_depositentry_number_starts_at_one"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["pay_in", "top_up"], amount_fen__gt=0)
                | Q(kind__in=["collect", "compensate", "deduct", "refund"], amount_fen__lt=0)
                | (Q(kind__in=["adjust", "reversal"]) & ~Q(amount_fen=0)),
                name="shops_depositentry_amount_has_the_sign_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="shops_depositentry_takes_another_back_exactly_when_a_reversal",
            ),
            models.CheckConstraint(
                condition=Q(short_fen=0) | Q(kind="deduct", short_fen__gt=0, balance_fen=0),
                name="shops_depositentry_is_short_only_where_all_was_deducted",
            ),
            models.CheckConstraint(
                condition=Q(measure=None) | Q(kind__in=["collect", "deduct", "reversal"]),
                name="shops_depositentry_measure_only_deducts",
            ),
            models.CheckConstraint(
                condition=Q(kind="collect", settlement__isnull=False)
                | (~Q(kind="collect") & Q(settlement=None)),
                name="shops_depositentry_has_a_settlement_exactly_when_it_collects",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="shops_depositentry_has_a_key"),
            models.CheckConstraint(
                condition=Q(at__range=NAMEABLE_MOMENTS),
                name="shops_depositentry_moment_is_one_that_people_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.number}"


class TopUp(Audited):
    """What a shop owes its deposit account until a day. How much is still outstanding is derived."""

    class Cause(models.TextChoices):
        SHORTAGE = "shortage", _("more was deducted than was there")
        MEASURE = "measure", _("demanded by a penalty")
        REQUIREMENT = "requirement", _("short of the requirement")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("top-up", "due")
        SETTLED = "settled", pgettext_lazy("top-up", "settled")
        CANCELLED = "cancelled", pgettext_lazy("top-up", "cancelled")

    shop = models.ForeignKey(Shop, models.PROTECT, verbose_name=_("shop"), related_name="top_ups")
    amount_fen = models.BigIntegerField(_("amount in fen"))
    due_on = models.DateField(_("due on"))
    cause = models.CharField(_("cause"), max_length=20, choices=Cause.choices)
    note = models.TextField(_("note"), blank=True)
    measure = models.ForeignKey(
        Measure, models.PROTECT, verbose_name=_("measure"), null=True, blank=True, related_name="top_ups"
    )
    entry = models.OneToOneField(
        DepositEntry,
        models.PROTECT,
        verbose_name=_("deduction"),
        null=True,
        blank=True,
        related_name="shortage",
        help_text=_("The deduction that fell short. Empty: there was nothing to deduct."),
    )
    key = models.CharField(_("key"), max_length=100, unique=True)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.OPEN)
    demanded_at = models.DateTimeField(_("demanded at"))
    demanded_by = person(_("demanded by"), db_index=False)
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = person(_("ended by"), db_index=False)
    ended_reason = models.TextField(_("ended because"), blank=True)

    class Meta:
        verbose_name = pgettext_lazy("deposit", "top-up due")
        verbose_name_plural = pgettext_lazy("deposit", "top-ups due")
        ordering = ["due_on", "id"]
        permissions = [("export_topup", _("Can export top-ups due"))]
        indexes = [models.Index(fields=["state", "due_on"], name="shops_topup_due")]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="shops_topup_amount_is_above_zero"),
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="shops_topup_has_an_end_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=~Q(cause="measure") | Q(measure__isnull=False),
                name="shops_topup_demanded_by_a_penalty_names_its_measure",
            ),
            models.CheckConstraint(
                condition=Q(entry=None) | Q(cause="shortage"),
                name="shops_topup_of_a_deduction_is_a_shortage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {date_format(self.due_on)}"


class Settlement(models.Model):
    """How much of a payment counts towards what was owed: until the payment is taken back, or what was owed
    is cancelled. What the cancelled one had collected for its deduction counts on, unless that is given back.
    """

    entry = models.ForeignKey(
        DepositEntry, models.PROTECT, verbose_name=_("payment"), related_name="settlements"
    )
    top_up = models.ForeignKey(
        TopUp,
        models.PROTECT,
        verbose_name=pgettext_lazy("deposit", "top-up due"),
        related_name="settlements",
    )
    amount_fen = models.BigIntegerField(_("amount in fen"))

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="shops_settlement_amount_is_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry} → {self.top_up}"
