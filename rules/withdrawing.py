"""What a daily check takes back: proposals for which there is no reason any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, CharField, F, FilteredRelation, Q, QuerySet, Value, When

from rules import sql
from rules.conditions import none_of
from rules.evaluation import Evaluation
from rules.judging import any_fails, in_question
from rules.models import Proposal
from rules.products import ProductEvaluation
from shops.models import Enrollment

Kind = Proposal.Kind


def _open_ones(evaluation: Evaluation, kind: Proposal.Kind) -> QuerySet[Any]:
    """Shops with an open proposal of this kind (`filed`)."""
    return (
        evaluation.shops()
        .annotate(
            filed=FilteredRelation(
                "proposals",
                condition=Q(
                    proposals__alliance=evaluation.alliance,
                    proposals__kind=kind,
                    proposals__status__in=[status.value for status in Proposal.UNDECIDED],
                    proposals__product__isnull=True,
                ),
            )
        )
        .filter(filed__id__isnull=False)
    )


def withdraw_recovered(evaluation: Evaluation, at: datetime) -> int:
    """Withdraw what no longer stands: no rule that failed still does, or the shop has changed its state.

    A rule without data today proves nothing: its proposal stays. Nor does a day before the proposal's own,
    or any day against what a person filed by hand.
    """
    State = Enrollment.State
    by_an_earlier_check = Q(filed__sweep__isnull=False, filed__day__lte=evaluation.day)
    still_in_question = in_question(evaluation.clearing)
    still_due = Case(
        When(evaluation.to_clear(), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    recovered = by_an_earlier_check & ~Q(still_in_question__overlap=F("filed__failed_rules"))
    sql.gather(
        "rules_recovered",
        _open_ones(evaluation, Kind.CLEAR)
        .annotate(still_in_question=still_in_question, still_due=still_due)
        .filter(
            Q(en__state__differs=State.OPEN)
            | Q(filed__sweep__isnull=False) & evaluation.not_served()
            | recovered & Q(still_due=False)
        )
        .values(proposal=F("filed__id")),
    )
    withdrawn = sql.withdraw("rules_recovered", at=at, reason=f"recovered on {evaluation.day}")
    withdrawn += _withdraw_warnings(evaluation, by_an_earlier_check, at)
    fails = any_fails([*evaluation.admitting, *evaluation.keeping_out()])
    if evaluation.admission is None:
        fails = Q(Value(True))
    sql.gather(
        "rules_recovered",
        _open_ones(evaluation, Kind.ADMIT)
        .filter(
            by_an_earlier_check & fails
            | evaluation.not_served()
            | Q(fact_barred__key__isnull=False)
            | evaluation.cooling()
            | Q(en__state__in=[State.OPEN, State.CLEARED])
            # R18: it has taken its application back.
            | Q(en__state=State.LEFT, en__openings_used__gt=0)
        )
        .values(proposal=F("filed__id")),
    )
    return withdrawn + sql.withdraw(
        "rules_recovered", at=at, reason=f"no longer qualifies on {evaluation.day}"
    )


def _withdraw_warnings(evaluation: Evaluation, by_an_earlier_check: Q, at: datetime) -> int:
    """Withdraw warnings of which no rule is in question any more.

    One that can't be judged today still is, and so is a band that the shop has left for the worse.
    """
    still_in_question = sql.TextArray(
        [
            Case(
                When(condition | criterion.lacks_data(), then=Value(criterion.rule.code)),
                *([When(criterion.fails(), then=Value(criterion.rule.code))] if criterion.has_band else []),
                default=Value(None),
                output_field=CharField(),
            )
            for criterion, condition in evaluation.warned_of()
        ]
    )
    sql.gather(
        "rules_recovered",
        _open_ones(evaluation, Kind.WARN)
        .annotate(still_in_question=still_in_question)
        .filter(
            Q(en__state__differs=Enrollment.State.OPEN)
            | Q(filed__sweep__isnull=False) & evaluation.not_served()
            | by_an_earlier_check & ~Q(still_in_question__overlap=F("filed__failed_rules"))
        )
        .values(proposal=F("filed__id")),
    )
    return sql.withdraw("rules_recovered", at=at, reason=f"recovered on {evaluation.day}")


def withdraw_of_products(products: ProductEvaluation, at: datetime) -> int:
    """The same for what was proposed of products: also once the shop is out of the alliance, the product
    stands where the kind makes no sense, or the rules that it went by are in force no longer.
    """
    if not _undecided(products).exists():
        return 0
    listed = products.listed().annotate(
        filed=FilteredRelation(
            "product__proposals",
            condition=Q(
                product__proposals__alliance=products.alliance,
                product__proposals__status__in=[status.value for status in Proposal.UNDECIDED],
            ),
        )
    )
    by_a_check = Q(filed__sweep__isnull=False)
    by_an_earlier_check = by_a_check & Q(filed__day__lte=products.day)
    out = Q(en__state__differs=Enrollment.State.OPEN) | Q(en__state__isnull=True)
    withdrawn = 0
    for kind, standings in ProductEvaluation.STANDINGS.items():
        gone = listed.filter(
            Q(filed__kind=kind.value),
            out
            | none_of("standing", [standing.value for standing in standings])
            | by_a_check & products.not_served()
            | by_an_earlier_check & products.is_over(kind, "filed__failed_rules"),
        )
        sql.gather("rules_recovered", gone.values(proposal=F("filed__id")))
        withdrawn += sql.withdraw("rules_recovered", at=at, reason=f"no longer founded on {products.day}")
    return withdrawn


def _undecided(products: ProductEvaluation) -> QuerySet[Proposal]:
    return Proposal.objects.filter(
        alliance=products.alliance, product__isnull=False, status__in=Proposal.UNDECIDED
    )
