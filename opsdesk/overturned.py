"""What was decided and turned out wrong: how often, under which rule, by whom, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, Func, OuterRef, Q, QuerySet

from opsdesk import reasons
from opsdesk.models import Appeal
from rules.models import Proposal
from shops.models import Penalty, Violation
from shops.rights import name_of


def wrong_by_itself() -> Q:
    """For a proposal: whether one of its kind about the same shop was accepted by itself in the alliance, by
    whatever rules, and was overturned, and no person has decided one of its kind since then.
    """
    alike = Proposal.objects.filter(
        shop=OuterRef("shop"), alliance=OuterRef("alliance"), kind=OuterRef("kind")
    )
    by_a_person = alike.filter(
        decision__decided_by__isnull=False, decision__decided_at__gte=OuterRef("penalty__ended_at")
    )
    wrong = Q(decision__reason=reasons.AUTOMATIC, penalty__status=Penalty.Status.OVERTURNED)
    # First the few shops that it has happened to, asked once: of thousands of proposals hardly one is theirs.
    return Q(shop__in=Proposal.objects.filter(wrong).values("shop")) & Q(
        Exists(alike.filter(wrong, ~Exists(by_a_person)))
    )


@dataclass(frozen=True)
class Rate:
    """Of the penalties that go by `name`: how many were imposed, appealed against, overturned by a ruling or
    by hand, and, of those that stand, granted in part by a ruling.
    """

    name: str
    imposed: int
    appealed: int
    overturned: int
    in_part: int

    @property
    def share(self) -> Decimal | None:
        """Overturned of all that were imposed; None where there are none."""
        return Decimal(self.overturned) / self.imposed if self.imposed else None


@dataclass(frozen=True)
class Rates:
    """The same penalties by rule, by violation and by who imposed them; the most overturned first."""

    by_rule: list[Rate]
    by_violation: list[Rate]
    by_operator: list[Rate]


def rates(*, since: datetime) -> Rates:
    """Of everything imposed since that moment. A decision for several rules counts for each of them."""
    imposed = Penalty.objects.exclude(status=Penalty.Status.REPORTED).filter(imposed_at__gte=since).order_by()
    # What penalises names a violation, or nothing, in the place of rules.
    by_rules = imposed.filter(proposal__isnull=False).exclude(proposal__kind=Proposal.Kind.PENALISE)
    rules = by_rules.annotate(rule=Func(F("proposal__failed_rules"), function="unnest"))
    violations = {violation.pk: str(violation) for violation in Violation.objects.all()}
    people = User.objects.in_bulk(list(imposed.values_list("imposed_by", flat=True).distinct()))
    return Rates(
        by_rule=_sorted((code, *counts) for code, *counts in _counted(rules, "rule")),
        by_violation=_sorted(
            (violations[pk], *counts)
            for pk, *counts in _counted(imposed.filter(violation__isnull=False), "violation")
        ),
        by_operator=_sorted(
            (name_of(people[pk]) if pk in people else "", *counts)
            for pk, *counts in _counted(imposed, "imposed_by")
        ),
    )


def _counted(penalties: QuerySet, by: str) -> Iterable[tuple]:
    fallen = Q(status=Penalty.Status.OVERTURNED)
    return penalties.values_list(by).annotate(
        imposed=Count("pk", distinct=True),
        appealed=Count("pk", distinct=True, filter=Q(appeals__isnull=False)),
        overturned=Count("pk", distinct=True, filter=fallen),
        in_part=Count("pk", distinct=True, filter=Q(appeals__state=Appeal.State.GRANTED_IN_PART) & ~fallen),
    )


def _sorted(rows: Iterable[tuple]) -> list[Rate]:
    return sorted((Rate(*row) for row in rows), key=lambda rate: (-rate.overturned, -rate.imposed, rate.name))
