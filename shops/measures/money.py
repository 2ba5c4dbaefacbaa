"""Measures over a shop's deposit: what is deducted from it (DP-2, R7), and what is to be topped up.

The ledger knows both by their measure: undone, the deduction is given back to the fen by a movement of its
own, and what was demanded is due no longer.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from django.utils.formats import localize
from django.utils.translation import gettext as _

from shops import cases, deposits, money, movements, returns, topups
from shops.accounts import balance_of
from shops.errors import Refused
from shops.measures.effect import Effect
from shops.models import DepositEntry, Measure, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Basis = Measure.Basis


def amount_of(measure: Measure, balance: int) -> int | None:
    """What the measure takes of a balance, both in fen; None where that is still to be asked."""
    match measure.basis:
        case Basis.ALL:
            return balance
        case Basis.SHARE if measure.share is not None:
            return int((balance * measure.share).to_integral_value(ROUND_HALF_UP))
    return measure.amount_fen


class OfTheDeposit(Effect):
    """A sum that the ledger knows by its measure: what is taken back or lessened of it never was."""

    lessens = "amount_fen"

    def take_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        deposits.reverse_for(measure, cause=measure.penalty.case_number, by=by, at=at)

    def give_back(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        assert measure.amount_fen is not None
        cause = measure.penalty.case_number
        returns.lessen(measure, amount_fen=measure.amount_fen, cause=cause, by=by, at=at)

    def amount(self, value: Any) -> str:
        return money.told(value)


class Deduct(OfTheDeposit):
    """Takes a fixed sum, the actual loss, a share or all of the balance; what is missing becomes due."""

    def needs(self, measure: Measure) -> list[str]:
        if not measure.basis:
            return ["basis"]
        if measure.basis == Basis.SHARE:
            return [] if measure.share else ["share"]
        return [] if measure.basis == Basis.ALL or measure.amount_fen else ["amount_fen"]

    def prepare(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        # The shop's row stands for its account.
        shop = Shop.objects.select_for_update(no_key=True).get(pk=measure.penalty.shop_id)
        moved = movements.carry_over(measure, by=by, at=at)
        measure.amount_fen = amount_of(measure, balance_of(shop))
        if moved > (measure.amount_fen or 0):
            raise Refused(
                _("The ledger has %(moved)s deducted for this case already, more than %(amount)s.")
                % {"moved": money.told(moved), "amount": money.told(measure.amount_fen or 0)}
            )
        given_back = cases.given_back_for(measure.penalty)
        if given_back > (measure.amount_fen or 0):
            raise Refused(
                _("The ledger has %(moved)s given back for this case already, more than %(amount)s.")
                % {"moved": money.told(given_back), "amount": money.told(measure.amount_fen or 0)}
            )

    def carry_out(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        if measure.amount_fen:
            cause = measure.penalty.case_number
            deposits.deduct_for(measure, amount_fen=measure.amount_fen, cause=cause, by=by, at=at)

    def will(self, measure: Measure) -> str:
        match measure.basis:
            case Basis.ALL:
                return _("Deduct the whole deposit")
            case Basis.SHARE if measure.share is not None:
                share = localize(Decimal(f"{(measure.share * 100).normalize():f}"))
                return _("Deduct %(share)s %% of the deposit") % {"share": share}
            case Basis.ACTUAL_LOSS if measure.amount_fen is None:
                return _("Deduct the actual loss from the deposit")
        if measure.amount_fen is None:
            return _("Deduct from the deposit")
        return _("Deduct %(amount)s from the deposit") % {"amount": money.told(measure.amount_fen)}

    def did(self, measure: Measure) -> str:
        entries = sorted(measure.deposit_entries.all(), key=lambda one: one.number)
        wanted = measure.amount_fen or 0
        deducted = [-one.amount_fen for one in entries if one.kind == DepositEntry.Kind.DEDUCT]
        # Lessened, it has deducted anew: the last is what stands, or stood until it was undone.
        taken = deducted[-1] if deducted else 0
        given_back = {one.reverses_id for one in entries}
        collected = -sum(
            one.amount_fen
            for one in entries
            if one.kind == DepositEntry.Kind.COLLECT and one.pk not in given_back
        )
        if not wanted:
            return _("Nothing was deducted: the deposit was empty")
        told = {"taken": money.told(taken), "collected": money.told(collected)}
        if taken < wanted:
            # Not what is missing: a part of it may have been waived before there was less to miss.
            newest = max(measure.top_ups.all(), key=lambda one: one.pk, default=None)
            told["due"] = money.told(newest.amount_fen if newest else wanted - taken)
        if collected:
            return (
                _(
                    "Deducted %(taken)s from the deposit, and %(due)s became due, of which %(collected)s were"
                    " paid and deducted"
                )
                % told
            )
        if taken < wanted:
            return _("Deducted %(taken)s from the deposit, and %(due)s became due") % told
        return _("Deducted %(taken)s from the deposit") % {"taken": money.told(taken)}


class DemandTopUp(OfTheDeposit):
    """The shop has to pay so much more into its deposit."""

    def needs(self, measure: Measure) -> list[str]:
        return [] if measure.amount_fen else ["amount_fen"]

    def carry_out(self, measure: Measure, *, by: User | None, at: datetime) -> None:
        assert measure.amount_fen is not None
        topups.demand_for(measure, amount_fen=measure.amount_fen, by=by, at=at)

    def will(self, measure: Measure) -> str:
        if not measure.amount_fen:
            return _("Demand a top-up of the deposit")
        return _("Demand a top-up of %(amount)s") % {"amount": money.told(measure.amount_fen)}

    def did(self, measure: Measure) -> str:
        assert measure.amount_fen is not None
        return _("Demanded a top-up of %(amount)s") % {"amount": money.told(measure.amount_fen)}
