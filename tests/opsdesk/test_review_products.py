"""Deciding on proposals about products, and filing one by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsdesk import audit, review
from opsdesk.models import Decision
from rules.models import Proposal, RuleSet
from shops import bars, enrollments, listings, penalties
from shops.errors import NotAllowed, Refused
from shops.models import Enrollment, Listing, Measure, Penalty
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_listing,
    make_penalty,
    make_product,
    make_proposal,
    make_sweep,
    make_user,
)
from tests.product_proposals import make_product_proposal, make_sales_warning

pytestmark = pytest.mark.django_db


def listing_of(proposal: Proposal) -> Listing:
    return listings.of(proposal.product, proposal.alliance)


def statuses(*proposals: Proposal) -> list[str]:
    return [Proposal.objects.get(pk=proposal.pk).status for proposal in proposals]


def test_accepting_a_stop_imposes_a_penalty_of_its_ground_that_stops_the_product() -> None:
    by, proposal = make_user("operator"), make_product_proposal()
    decision = review.accept(proposal.pk, by=by, reason="below_bar", note="for weeks", at=AT)
    proposal.refresh_from_db()
    penalty, measure = Penalty.objects.get(), Measure.objects.get()
    assert (penalty.ground, penalty.product, penalty.shop) == ("metric", proposal.product, proposal.shop)
    assert (penalty.alliance, penalty.imposed_by, penalty.reason) == (proposal.alliance, by, "for weeks")
    assert (penalty.evidence, proposal.penalty) == (proposal.evidence, penalty)
    assert (measure.kind, measure.listing, measure.applied_at) == ("stop", listing_of(proposal), AT)
    assert (proposal.status, decision.execution.state) == ("accepted", "to_do")
    assert listings.standing(listing_of(proposal)) == "stopped"
    assert Enrollment.objects.get().state == "open"


@pytest.mark.parametrize(
    ("kind", "reason", "standing"),
    [
        ("observe", "little_sold", "observed"),
        ("admit", "qualifies", "promoted"),
        ("resume", "qualifies", "promoted"),
    ],
)
def test_accepting_what_is_not_against_a_product_imposes_nothing(
    kind: str, reason: str, standing: str
) -> None:
    by, proposal = make_user("operator"), make_product_proposal(kind=kind)
    decision = review.accept(proposal.pk, by=by, reason=reason, at=AT)
    listing = listing_of(proposal)
    assert (listing.state, listings.standing(listing)) == (standing, standing)
    newest = listing.history.first()
    assert (newest.history_user, newest.history_change_reason) == (by, reason)
    assert decision.execution.state == "to_do"
    assert not Penalty.objects.exists()


def test_an_operator_who_may_decide_resumes_what_a_metric_stopped_and_the_penalty_is_lifted() -> None:
    by = make_user("operator")
    stop = make_product_proposal()
    review.accept(stop.pk, by=by, reason="below_bar", at=AT)
    resume = make_product_proposal(listing_of(stop), kind="resume")
    later = AT + timedelta(days=20)
    review.accept(resume.pk, by=by, reason="qualifies", at=later)
    penalty = Penalty.objects.get()
    assert (penalty.status, penalty.ended_by, penalty.ended_at) == ("lifted", by, later)
    assert Measure.objects.get().undone_at == later
    assert listings.standing(listing_of(stop)) == "promoted"


def test_what_was_stopped_on_another_ground_is_not_resumed() -> None:
    """Nor is the penalty lifted that a metric brought it."""
    stop = make_product_proposal()
    review.accept(stop.pk, by=None, reason="below_bar", at=AT)
    make_penalty(stop.shop, product=stop.product, alliance=stop.alliance)
    resume = make_product_proposal(listing_of(stop), kind="resume")
    with pytest.raises(Refused, match="barred"):
        review.accept(resume.pk, by=None, reason="qualifies", at=AT)
    assert statuses(resume) == ["open"]
    assert not Penalty.objects.filter(status="lifted").exists()


def test_overturning_the_penalty_restores_the_listing() -> None:
    proposal = make_product_proposal()
    review.accept(proposal.pk, by=None, reason="below_bar", at=AT)
    penalties.overturn(Penalty.objects.get(), by=None, at=AT, reason="the data were wrong")
    assert listings.standing(listing_of(proposal)) == "promoted"
    assert Measure.objects.get().undone_at == AT


@pytest.mark.parametrize("kind", ["stop", "observe", "admit", "resume"])
def test_nothing_is_decided_for_the_product_of_a_shop_that_has_left_meanwhile(kind: str) -> None:
    proposal = make_product_proposal(kind=kind)
    enrollments.leave(Enrollment.objects.get(), by=None, at=AT)
    with pytest.raises(Refused, match="is not open in"):
        review.accept(proposal.pk, by=None, reason="as I see it", at=AT)
    assert statuses(proposal) == ["open"]
    assert not Penalty.objects.exists()


def test_a_product_whose_listing_has_moved_meanwhile_is_refused() -> None:
    observe, resume = make_product_proposal(kind="observe"), make_product_proposal(kind="resume")
    for proposal in (observe, resume):
        Listing.objects.filter(pk=listing_of(proposal).pk).update(state="promoted")
        with pytest.raises(Refused, match="already promoted"):
            review.accept(proposal.pk, by=None, reason="as I see it", at=AT)


def test_rejecting_a_stop_changes_nothing_of_the_product() -> None:
    proposal = make_product_proposal()
    review.reject(proposal.pk, by=make_user("operator"), reason="recovered", at=AT)
    assert listings.standing(listing_of(proposal)) == "promoted"
    assert not Penalty.objects.exists()


@pytest.mark.parametrize("kind", ["stop", "observe", "admit", "resume"])
def test_who_may_not_decide_decides_on_no_product(kind: str) -> None:
    proposal = make_product_proposal(kind=kind)
    with pytest.raises(NotAllowed):
        review.accept(proposal.pk, by=make_user("auditor"), reason="as I see it", at=AT)


def test_what_automatic_rules_filed_of_products_is_accepted_by_itself() -> None:
    stopped = make_product_proposal()
    review.accept(stopped.pk, by=None, reason="below_bar", at=AT)
    automatic = RuleSet.objects.create(
        alliance=stopped.alliance, subject="product", purpose="clearance", version=99, mode="automatic"
    )
    filed: dict = {"sweep": make_sweep(WECHAT), "rule_set": automatic}
    proposals = [make_product_proposal(kind=kind, **filed) for kind in ("stop", "observe", "admit")]
    proposals.append(make_product_proposal(listing_of(stopped), kind="resume", **filed))
    assert review.accept_automatic(filed["sweep"].pk, at=AT) == 4
    assert [listings.standing(listing_of(proposal)) for proposal in proposals] == [
        "stopped",
        "observed",
        "promoted",
        "promoted",
    ]
    assert set(Decision.objects.filter(proposal__in=proposals).values_list("reason", "decided_by")) == {
        ("automatic", None)
    }


# What fits no longer


@pytest.mark.parametrize(
    ("accepted", "state", "others", "left"),
    [
        ("stop", "observed", ["resume", "observe", "admit"], []),
        ("observe", "applied", ["admit", "stop"], ["stop"]),
        ("admit", "applied", ["observe", "stop"], ["stop"]),
        ("resume", "observed", ["admit", "observe", "stop"], ["stop"]),
    ],
)
def test_what_a_decision_on_a_product_settles_is_withdrawn(
    accepted: str, state: str, others: list[str], left: list[str]
) -> None:
    listing = make_listing(state=state)
    decided = make_product_proposal(listing, kind=accepted)
    waiting = {kind: make_product_proposal(listing, kind=kind) for kind in others}
    sibling = make_product_proposal(make_listing(make_product(listing.product.shop)), kind="stop")
    elsewhere = make_product_proposal(make_listing(listing.product, DOUYIN), kind="stop")
    of_the_shop = make_proposal(decided.enrollment)
    review.accept(decided.pk, by=None, reason="as I see it", at=AT)
    assert {kind for kind, proposal in waiting.items() if statuses(proposal) == ["open"]} == set(left)
    assert statuses(sibling, elsewhere, of_the_shop) == ["open", "open", "open"]


def test_a_cleared_shops_product_proposals_are_withdrawn_and_its_listings_left_as_they_are() -> None:
    clearance = make_proposal(make_enrollment(alliance_code=WECHAT))
    shop = clearance.shop
    of_products = []
    for kind, state in (
        ("stop", "promoted"),
        ("observe", "applied"),
        ("admit", "applied"),
        ("resume", "observed"),
    ):
        of_products.append(make_product_proposal(make_listing(make_product(shop), state=state), kind=kind))
    elsewhere = make_product_proposal(make_listing(make_product(shop), DOUYIN))
    review.accept(clearance.pk, by=None, reason="below_bar", at=AT)
    assert set(statuses(*of_products)) == {"withdrawn"}
    assert statuses(elsewhere) == ["open"]
    promoted = listing_of(of_products[0])
    assert (promoted.state, listings.standing(promoted)) == ("promoted", "shop_out")
    assert audit.verify_enrollments() is None


def test_what_has_come_under_observation_since_stays_as_it_is_until_that_is_over() -> None:
    listing = make_listing(state="observed")
    observing = RuleSet.objects.get(alliance=listing.alliance, purpose="observation", version=1)
    observing_fails = {"purpose": "observation", "outcome": "fails", "advisory": False}
    evidence = {"rule_sets": [{"id": observing.pk}], "rules": [observing_fails]}
    resume = make_product_proposal(listing, kind="resume", evidence=evidence)
    before = listing_of(resume)
    review.accept(resume.pk, by=None, reason="qualifies", at=AT)
    assert statuses(resume) == ["accepted"]
    after = listing_of(resume)
    assert (after.state, after.since, after.resumed_at) == ("observed", before.since, before.resumed_at)


def test_an_admitted_shops_product_proposals_stay() -> None:
    # One that waits although its shop is not in: the next check takes it back.
    enrollment = make_enrollment(alliance_code=WECHAT, state="applied")
    product = make_product_proposal(
        make_listing(make_product(enrollment.shop), state="applied"), kind="admit"
    )
    review.accept(make_proposal(enrollment, kind="admit").pk, by=None, reason="qualifies", at=AT)
    assert statuses(product) == ["open"]


def test_a_warning_of_what_observed_products_sell_warns_the_shop_and_touches_no_product() -> None:
    warning = make_sales_warning()
    observed = make_product_proposal(
        make_listing(make_product(warning.shop), state="observed"), kind="resume"
    )
    review.accept(warning.pk, by=make_user(), reason="above_limit", at=AT)
    assert Measure.objects.get().kind == "warning"
    assert statuses(observed) == ["open"]
    assert listings.standing(listing_of(observed)) == "observed"


# DF-C3: filed by hand


def test_an_operator_files_a_stop_by_hand_and_it_bars_the_product_alone() -> None:
    by = make_user("operator")
    listing = make_listing(alliance_code=DOUYIN)
    make_enrollment(listing.product.shop)
    proposal = review.file_by_hand(
        shop=listing.product.shop,
        alliance=listing.alliance,
        product=listing.product,
        statement="unsuitable",
        by=by,
        at=AT,
    )
    assert (proposal.kind, proposal.ground, proposal.product) == ("stop", "judgement", listing.product)
    assert (proposal.failed_rules, proposal.evidence["statement"]) == (["DF-C3"], "unsuitable")
    assert (proposal.filed_by, proposal.sweep) == (by, None)
    review.accept(proposal.pk, by=by, reason="judgement", at=AT)
    assert listings.barred(listing.alliance).get() == listing
    assert not bars.barred_shops(listing.alliance).exists()


def test_filing_by_hand_takes_a_statement_a_listed_product_of_an_open_shop_and_no_open_stop() -> None:
    inside = make_listing()
    make_enrollment(inside.product.shop, WECHAT)
    outside = make_listing()
    make_enrollment(outside.product.shop, WECHAT, "cleared")
    proposed = make_product_proposal()
    count = Proposal.objects.count()
    for shop, product, statement, says in (
        (inside.product.shop, inside.product, " ", "says why"),
        (inside.product.shop, make_product(inside.product.shop), "unsuitable", "not listed"),
        (inside.product.shop, outside.product, "unsuitable", "not a product of"),
        (outside.product.shop, outside.product, "unsuitable", "not open"),
        (proposed.shop, proposed.product, "unsuitable", "already open for this product"),
    ):
        with pytest.raises(Refused, match=says):
            review.file_by_hand(
                shop=shop, product=product, alliance=inside.alliance, statement=statement, by=None, at=AT
            )
    assert Proposal.objects.count() == count


def test_of_one_shop_several_products_and_the_shop_itself_can_be_proposed_at_once() -> None:
    first = make_listing()
    second = make_listing(make_product(first.product.shop))
    make_enrollment(first.product.shop, WECHAT)
    for product in (first.product, second.product, None):
        review.file_by_hand(
            shop=first.product.shop,
            alliance=first.alliance,
            product=product,
            statement="unsuitable",
            by=None,
            at=AT,
        )
    assert sorted(Proposal.objects.values_list("kind", flat=True)) == ["clear", "stop", "stop"]
