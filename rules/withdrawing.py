"""What is taken back, by a daily check or with a penalty: proposals for which there is no reason any more."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, Case, CharField, F, FilteredRelation, Q, QuerySet, Value, When

from rules import sql
from rules.conditions import none_of
from rules.criteria import Criterion
from rules.evaluation import Evaluation
from rules.judging import any_fails, blocking, in_question
from rules.models import Proposal
from rules.products import ProductEvaluation
from shops.models import Alliance, Enrollment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Proposal.Kind


def withdraw(proposals: QuerySet[Proposal], *, by: User | None, at: datetime, reason: str) -> int:
    """Withdraw those of them that nobody has decided yet; how many they were."""
    query, params = proposals.order_by().values(proposal=F("pk")).query.sql_with_params()
    return sql.withdraw(f"({query})", params, at=at, by=by, reason=reason)


def founded(proposals: QuerySet[Proposal]) -> set[int]:
    """Of what checks have proposed against shops, decided or not, the keys of those for which there is a
    reason: of the rules that failed one at least fails, judged anew as of their day by what is on record now.
    Of products no rule reads the desk's own record.

    Needs a transaction.
    """
    filed = proposals.filter(kind__in=[Kind.CLEAR, Kind.WARN], product=None, sweep__isnull=False)
    by_day: dict[tuple[int, date], dict[int, int]] = {}
    for alliance, day, pk, shop in filed.values_list("alliance", "day", "pk", "shop"):
        by_day.setdefault((alliance, day), {})[pk] = shop
    alliances = Alliance.objects.in_bulk({alliance for alliance, _day in by_day})
    found: set[int] = set()
    for (alliance, day), shops in by_day.items():
        evaluation = Evaluation(alliances[alliance], day)
        evaluation.prepare(shops=set(shops.values()))
        clearing = [(criterion, criterion.fails()) for criterion in blocking(evaluation.clearing)]
        for kind, against in ((Kind.CLEAR, clearing), (Kind.WARN, _warned_of(evaluation))):
            asked = _with_proposals(evaluation, kind, Q(proposals__id__in=list(shops)))
            failing = asked.filter(pk__in=set(shops.values())).annotate(failing=_codes(against))
            reasons = failing.filter(failing__overlap=F("filed__failed_rules"))
            found.update(reasons.values_list("filed__id", flat=True))
    return found


def _warned_of(evaluation: Evaluation) -> list[tuple[Criterion, Q]]:
    """The rules that warn, each with the condition on which it does, or its band is left for the worse."""
    return [
        (c, condition | c.fails() if c.has_band else condition) for c, condition in evaluation.warned_of()
    ]


def _codes(conditions: list[tuple[Criterion, Q]]) -> sql.TextArray:
    """The codes of the rules whose condition is met."""
    return sql.TextArray(
        [
            Case(When(condition, then=Value(c.rule.code)), default=Value(None), output_field=CharField())
            for c, condition in conditions
        ]
    )


def _open_ones(evaluation: Evaluation, kind: Proposal.Kind) -> QuerySet[Any]:
    """Shops with an open proposal of this kind (`filed`)."""
    undecided = [status.value for status in Proposal.UNDECIDED]
    return _with_proposals(evaluation, kind, Q(proposals__status__in=undecided))


def _with_proposals(evaluation: Evaluation, kind: Proposal.Kind, which: Q) -> QuerySet[Any]:
    of_kind = Q(
        proposals__alliance=evaluation.alliance, proposals__kind=kind, proposals__product__isnull=True
    )
    filed = FilteredRelation("proposals", condition=of_kind & which)
    return evaluation.shops().annotate(filed=filed).filter(filed__id__isnull=False)


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
    still_in_question = _codes([(c, c.lacks_data() | condition) for c, condition in _warned_of(evaluation)])
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
