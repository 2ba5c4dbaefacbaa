"""What notices say beyond their penalties, read at once for all that are written together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from opsdesk.deadlines import contestable
from opsdesk.models import AppealTerms
from rules.models import Proposal, Rule
from shops.bars import removing
from shops.models import Enrollment, Measure, Penalty, Violation
from shops.versions import version_number


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
    # When the notices are written.
    at: datetime


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
        rules={(rule.rule_set_id, rule.code): rule for rule in Rule.objects.filter(rule_set__in=rule_sets)},
        at=at,
    )
