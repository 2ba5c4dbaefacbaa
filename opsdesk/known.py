"""What notices say beyond their penalties, read at once for all that are written together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from opsdesk.deadlines import contestable
from opsdesk.models import AppealTerms
from rules.models import Proposal, Rule
from shops.bars import barring, removing, with_end_of_bar
from shops.controllers import barring_cases
from shops.models import Alliance, Enrollment, Measure, Penalty, Violation
from shops.versions import version_number


class Why(Enum):
    """How a case keeps a shop out."""

    REMOVED = "removed for ever (CL-1, CL-4)"
    CONTROLLER = "another shop of its controller is barred (R6)"
    BARRED = "barred from an alliance while it stands (R5)"
    SUSPENDED = "suspended (CL-3)"


@dataclass(frozen=True)
class Bar:
    """A case other than the notice's that keeps its shop out, until when, and of what alliance if of one.

    Without an end: as long as it stands. Suspensions have one.
    """

    why: Why
    case: Penalty
    until: datetime | None = None
    alliance: Alliance | None = None


@dataclass(frozen=True)
class Known:
    """What the notices of some penalties say beyond these, read at once for all of them."""

    terms: AppealTerms
    # Each by its penalty's key.
    measures: dict[int, list[Measure]]
    proposals: dict[int, Proposal]
    appealable: set[int]
    # Those by which the shop leaves the platform (CL-1, CL-4).
    removing: set[int]
    # By the keys of shop and alliance.
    enrollments: dict[tuple[int, int], Enrollment]
    # The catalogue's entries as they stood, by the key of the version, and how people number it.
    versions: dict[int, tuple[Violation, int]]
    # By the key of its set, and its code.
    rules: dict[tuple[int, str], Rule]
    # What else keeps out those that were cleared, by the key of the penalty that did.
    bars: dict[int, list[Bar]]
    # When the notices are written.
    at: datetime

    def cleared_from(self, penalty: Penalty) -> list[Alliance]:
        """The alliances in which the penalty closed an opening."""
        return _cleared_from(self.measures[penalty.pk])


def known_of(penalties: Sequence[Penalty], at: datetime) -> Known:
    """As everything stands at that moment, which is now."""
    measures: dict[int, list[Measure]] = {penalty.pk: [] for penalty in penalties}
    own = {penalty.pk: penalty for penalty in penalties}
    related = ("alliance", "opening__enrollment__alliance", "listing__product", "listing__alliance")
    found = Measure.objects.filter(penalty__in=list(own)).select_related(*related).order_by("pk")
    # What a deduction says it did is in the ledger.
    for measure in found.prefetch_related("deposit_entries", "top_ups"):
        measure.penalty = own[measure.penalty_id]
        measures[measure.penalty_id].append(measure)
    enrollments = Enrollment.objects.filter(shop__in={penalty.shop_id for penalty in penalties})
    versions = {penalty.violation_version for penalty in penalties if penalty.violation_version}
    entries = Violation.history.filter(history_id__in=versions).annotate(
        number=version_number("id", "history_id")
    )
    rule_sets = {version["id"] for penalty in penalties for version in penalty.evidence.get("rule_sets", [])}
    return Known(
        terms=AppealTerms.current(),
        measures=measures,
        proposals={
            proposal.penalty_id: proposal
            for proposal in Proposal.objects.filter(penalty__in=list(own))
            .select_related("case")
            .only("penalty", "failed_rules", "case__ground")
            if proposal.penalty_id is not None
        },
        appealable=set(Penalty.objects.filter(contestable(), pk__in=list(own)).values_list("pk", flat=True)),
        removing=set(removing().filter(pk__in=list(own)).values_list("pk", flat=True)),
        versions={row.history_id: (row.instance, row.number) for row in entries},
        enrollments={(one.shop_id, one.alliance_id): one for one in enrollments},
        bars=_bars(penalties, measures, at),
        rules={(rule.rule_set_id, rule.code): rule for rule in Rule.objects.filter(rule_set__in=rule_sets)},
        at=at,
    )


def _cleared_from(measures: Sequence[Measure]) -> list[Alliance]:
    found = [measure.opening for measure in measures if measure.kind == Measure.Kind.CLEAR]
    return [opening.enrollment.alliance for opening in found if opening is not None]


def _bars(
    penalties: Sequence[Penalty], measures: Mapping[int, Sequence[Measure]], at: datetime
) -> dict[int, list[Bar]]:
    cleared = {penalty: _cleared_from(measures[penalty.pk]) for penalty in penalties}
    put_out = {penalty: alliances for penalty, alliances in cleared.items() if alliances}
    if not put_out:
        return {}
    found = list(_of_shops(put_out, at))
    return {
        penalty.pk: [bar for bar in found if _keeps_out(bar, penalty, alliances)]
        for penalty, alliances in put_out.items()
    }


def _of_shops(put_out: Mapping[Penalty, Sequence[Alliance]], at: datetime) -> Iterator[Bar]:
    shops = {penalty.shop_id for penalty in put_out}
    for case in removing().filter(shop__in=shops).select_related("shop").order_by("pk"):
        yield Bar(Why.REMOVED, case)
    if controllers := {penalty.shop.controller_id for penalty in put_out} - {None}:
        reaching = barring_cases().filter(shop__controller__in=controllers)
        for case in reaching.select_related("shop").order_by("pk"):
            yield Bar(Why.CONTROLLER, case)
    for alliance in sorted({one for alliances in put_out.values() for one in alliances}, key=lambda a: a.pk):
        standing = barring(alliance).filter(shop__in=shops).select_related("shop")
        for case in with_end_of_bar(standing).order_by("pk"):
            yield Bar(Why.BARRED, case, case.bars_until, alliance)
    suspending = Measure.objects.in_force(at).filter(kind=Measure.Kind.SUSPEND, penalty__shop__in=shops)
    for measure in suspending.select_related("penalty__shop").order_by("penalty", "pk"):
        yield Bar(Why.SUSPENDED, measure.penalty, measure.ends_at)


def _keeps_out(bar: Bar, penalty: Penalty, alliances: Sequence[Alliance]) -> bool:
    own = penalty.evidence.get("case", {}).get("number")
    if bar.case.pk == penalty.pk or bar.case.case_number == own:
        return False
    if bar.why is Why.CONTROLLER:
        return (
            bar.case.shop.controller_id == penalty.shop.controller_id and bar.case.shop_id != penalty.shop_id
        )
    return bar.case.shop_id == penalty.shop_id and (bar.alliance is None or bar.alliance in alliances)
