"""Two operators decide the same proposals about products at the same moments, over HTTP."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connections
from django.db.models import Count

from opsdesk.models import Decision
from rules.models import Proposal
from shops import listings
from shops.models import Listing, Measure, Penalty
from tests.factories import make_imposed, make_listing
from tests.faults.test_decision_races import race, verify_all
from tests.product_proposals import make_product_proposal

PROPOSALS = 120
# What becomes of a product whose proposal is accepted, and of one whose proposal is rejected.
BECOMES = {
    "stop": ("stopped", "promoted"),
    "observe": ("observed", "applied"),
    "admit": ("promoted", "applied"),
    "resume": ("promoted", "stopped"),
}


def proposals() -> list[int]:
    """As many of each kind; those that resume are about products that a metric has stopped."""
    ids = []
    for number in range(PROPOSALS):
        kind = list(BECOMES)[number // 2 % len(BECOMES)]
        proposal = make_product_proposal(make_listing() if kind == "resume" else None, kind=kind)
        if kind == "resume":
            make_imposed(
                proposal.shop,
                Measure(kind="stop"),
                product=proposal.product,
                alliance=proposal.alliance,
                ground="metric",
                reason="below_bar",
            )
        ids.append(proposal.pk)
    return ids


def test_of_two_operators_exactly_one_decides_on_a_product(live_desk: str) -> None:
    operators = race(live_desk, proposals())
    statuses = Counter(status for operator in operators for status, _page in operator.answers.values())
    assert statuses == {302: PROPOSALS, 409: PROPOSALS}
    assert Decision.objects.count() == PROPOSALS
    first, second = operators
    for decision in Decision.objects.select_related("decided_by", "proposal"):
        winner, loser = (first, second) if decision.decided_by.username == "first" else (second, first)
        assert winner.answers[decision.proposal_id][0] == 302
        assert f"{decision.verdict} by {decision.decided_by}" in loser.answers[decision.proposal_id][1]
        proposal = decision.proposal
        stands = listings.standing(Listing.objects.get(product=proposal.product_id))
        assert stands == BECOMES[proposal.kind][decision.verdict == "rejected"]
    accepted = Counter(Decision.objects.filter(verdict="accepted").values_list("proposal__kind", flat=True))
    resumable = PROPOSALS // len(BECOMES)
    assert Penalty.objects.count() == Measure.objects.count() == accepted["stop"] + resumable
    assert Penalty.objects.filter(status="lifted").count() == accepted["resume"]
    assert Measure.objects.filter(undone_at__isnull=False).count() == accepted["resume"]
    assert not Proposal.objects.filter(status="open").exists()
    assert verify_all()["broken"] is None


@pytest.mark.parametrize("wsgi", ["tests.faults.unguarded"])
def test_control_without_locks_and_constraints_products_are_decided_twice(live_desk: str) -> None:
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE opsdesk_decision DROP CONSTRAINT opsdesk_decision_proposal_id_key")
    operators = race(live_desk, proposals())
    done = Counter(status for operator in operators for status, _page in operator.answers.values())[302]
    twice = Decision.objects.values("proposal").annotate(n=Count("pk")).filter(n__gt=1).count()
    assert twice > 0
    assert done == PROPOSALS + twice
    assert "2 decisions" in verify_all()["broken"]
