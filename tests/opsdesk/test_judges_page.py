"""What a judge sees of the decision: what it rests on, what has become of it, and what was like it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from opsdesk import appeals, caseload, review, worklist
from opsdesk.models import Appeal
from rules import casework
from rules.models import Proposal
from shops.models import Measure, Penalty, PointsThreshold, Shop
from tests.clients import signed_in
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_appeal,
    make_cleared,
    make_cleared_and_warned,
    make_declared,
    make_enrollment,
    make_evidence,
    make_imposed,
    make_listing,
    make_metrics,
    make_penalty,
    make_product,
    make_product_metrics,
    make_proposal,
    make_shop,
    make_user,
)
from tests.opsdesk.test_resting import barred_by, family
from tests.product_proposals import make_product_proposal

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


def accepted(proposal: Proposal, reason: str = "below_bar") -> Penalty:
    return review.accept(proposal.pk, by=None, reason=reason, at=AT).proposal.penalty


def failing_a_declared_metric() -> Proposal:
    """A clearance for 2 of 5 in a metric that the desk has declared, with what is known of two days."""
    make_declared("care_score")
    enrollment, like_it = make_enrollment(), make_proposal().evidence
    failed = {"code": "DF-X9", "metric": "care_score", "observed": "2", "operator": "<", "threshold": "3"}
    for day, value in ((DAY, "2"), (DAY + timedelta(days=2), "2.5")):
        make_metrics(enrollment.shop, day, extra={"care_score": value})
    return make_proposal(
        enrollment,
        evidence=like_it | {"rules": [like_it["rules"][0] | failed]},
        failed_rules=["DF-X9"],
        lead_rule="DF-X9",
        lead_metric="care_score",
        observed="2",
        threshold="3",
    )


def for_points(shop: Shop | None = None) -> Penalty:
    """A penalty for twelve points that stand against the shop."""
    shop = shop or make_shop()
    make_enrollment(shop)
    PointsThreshold.objects.get_or_create(points=12, kinds=["restrict_live"], days=30)
    for _ in range(3):
        make_imposed(shop, Measure(kind=Measure.Kind.POINTS, points=4))
    casework.file_from_facts(at=AT)
    return accepted(Proposal.objects.get(status="open", shop=shop), "points_reached")


def page_of(penalty: Penalty, page: str = "opsdesk_appeal_change", *args: object) -> str:
    """The page of an appeal against the penalty, or the one named, as its judge has it."""
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    answer = signed_in(judge).get(reverse(f"admin:{page}", args=args or [appeal.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def denied(penalty: Penalty) -> Appeal:
    judge, appeal = make_user("appeals_officer"), make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="the figures are right", by=judge, at=LATER)
    return Appeal.objects.get(pk=appeal.pk)


# What has become of it


def test_a_declared_metric_is_followed_like_any_other() -> None:
    proposal = failing_a_declared_metric()
    assert worklist.metric_history(proposal)[-1] == (DAY, 2.0)
    assert caseload.metric_since(proposal, LATER.date()).days == [
        (DAY, 2.0),
        (DAY + timedelta(days=1), None),
        (DAY + timedelta(days=2), 2.5),
        (DAY + timedelta(days=3), None),
    ]
    assert "care score since the decision" in page_of(accepted(proposal))


def test_the_metric_of_a_product_is_followed_too() -> None:
    listing = make_listing(make_product(), WECHAT)
    make_enrollment(listing.product.shop, WECHAT)
    make_product_metrics(listing.product, DAY, quality_refunds=8)
    make_product_metrics(listing.product, DAY + timedelta(days=1), quality_refunds=2)
    proposal = make_product_proposal(listing)
    days = caseload.metric_since(proposal, LATER.date()).days
    assert days[:2] == [(DAY, 0.08), (DAY + timedelta(days=1), 0.02)]
    assert "since the decision" in page_of(accepted(proposal))


# What it rests on


def test_the_case_is_shown_that_barred_the_controllers_other_shop() -> None:
    first, second = family()
    case = barred_by(first)
    shown = page_of(second.penalties.order_by("pk")[0])
    assert "bars the controller" in shown
    assert f">{case.case_number}</a>, {first.code}" in shown


def test_the_points_are_shown_that_reached_the_threshold() -> None:
    assert "12 standing points have reached the threshold of 12." in page_of(for_points())


def test_they_stand_beside_each_piece_of_evidence_too() -> None:
    evidence = make_evidence(make_appeal(penalty := for_points()))
    shown = signed_in(make_user("appeals_officer")).get(
        reverse("admin:opsdesk_evidence_viewer", args=[evidence.token])
    )
    assert shown.status_code == 200
    assert penalty.case_number in shown.content.decode()
    assert "12 standing points have reached" in shown.content.decode()


# What is like it


def test_like_a_penalty_for_points_are_others_for_points_alone() -> None:
    for_a_metric, points = denied(make_cleared()), denied(for_points())
    assert list(caseload.alike(for_points())) == [points]
    assert list(caseload.alike(make_cleared())) == [for_a_metric]


def test_like_a_violation_is_the_same_violation_alone() -> None:
    same = denied(make_penalty(violation_code="V8"))
    denied(make_penalty(violation_code="V1"))
    assert list(caseload.alike(make_penalty(violation_code="V8"))) == [same]


def test_like_a_judgement_is_no_clearance_for_what_another_shop_did() -> None:
    first, second = family()
    barred_by(first)
    barred, by_hand = (
        denied(second.penalties.order_by("pk")[0]),
        denied(make_cleared_and_warned(make_enrollment())),
    )
    assert list(caseload.alike(make_cleared_and_warned(make_enrollment()))) == [by_hand]
    assert list(caseload.alike(second.penalties.order_by("pk")[1])) == [barred]
