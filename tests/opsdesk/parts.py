"""Penalties in which somebody has had a part, in each way that there is."""

from __future__ import annotations

from django.contrib.auth.models import User

from opsdesk import notices, review
from rules import casework
from rules.models import Proposal
from shops.models import Measure, Penalty
from tests.factories import (
    AT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_proposal,
    make_shop,
    make_sweep,
)

# Who had a part by what the penalty itself says.
OF_THE_PENALTY = {
    "maker": "imposed_by",
    "approver": "approved_by",
    "reporter": "reported_by",
    "confirmer": "confirmed_by",
}
# All but the first judge's.
PARTS = [*OF_THE_PENALTY, "proposer", "case_maker", "releaser"]


def penalty_with(part: str, person: User) -> Penalty:
    """A penalty, with its notice, in which this person had that part and nobody any other."""
    match part:
        case "proposer":
            enrollment = make_enrollment()
            proposal = review.file_by_hand(
                shop=enrollment.shop, alliance=enrollment.alliance, statement="s", by=person, at=AT
            )
            return accepted(proposal, "judgement")
        case "case_maker":
            return accepted(_barred_by(person), "controller_barred")
        case "releaser":
            released = make_sweep(ruled_at=AT, ruled_by=person, ruling="the figures are right")
            return accepted(make_proposal(sweep=released), "below_bar")
    penalty = make_penalty(violation_code="V1", **{OF_THE_PENALTY[part]: person})
    notices.write(penalty, by=None, at=AT)
    return penalty


def accepted(proposal: Proposal, reason: str) -> Penalty:
    """What comes of it, accepted by the system."""
    return review.accept(proposal.pk, by=None, reason=reason, at=AT).proposal.penalty


def _barred_by(person: User) -> Proposal:
    """A clearance that is proposed because this person has closed another shop of the controller (R6)."""
    controller = make_controller()
    enrollment = make_enrollment(make_shop(controller=controller))
    make_imposed(make_shop(controller=controller), Measure(kind="close"), code="V4", by=person)
    casework.file_from_facts(at=AT)
    return Proposal.objects.get(shop=enrollment.shop, failed_rules=["R6-C1"])
