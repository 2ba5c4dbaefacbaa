"""What follows from decisions that turned out wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from opsdesk import appeals, overturned, penalising, review
from opsdesk.overturned import Rate
from rules import casework
from rules.models import Proposal, RuleSet
from shops.models import Enrollment, Measure, Penalty
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_listing,
    make_penalty,
    make_product,
    make_proposal,
    make_published,
    make_shop,
    make_sweep,
    make_user,
)
from tests.product_proposals import make_product_proposal

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)


def granted(penalty) -> None:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty, at=LATER)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant(appeal.pk, reason="wrong", by=judge, at=LATER)


def automatic(enrollment: Enrollment, **values) -> Proposal:
    """A clearance that a check has filed by rules in automatic mode."""
    # Published sets never change; the test needs one that was published so.
    rule_set = RuleSet.objects.create(
        alliance=enrollment.alliance,
        purpose="clearance",
        version=RuleSet.objects.filter(alliance=enrollment.alliance, purpose="clearance").count() + 1,
        mode=RuleSet.Mode.AUTOMATIC,
        in_force_from=AT.date(),
    )
    for rule in RuleSet.objects.get(
        alliance=enrollment.alliance, subject="shop", purpose="clearance", version=1
    ).rules.all():
        rule.pk, rule.rule_set = None, rule_set
        rule.save(force_insert=True)
    make_published(rule_set)
    return make_proposal(enrollment, sweep=make_sweep(), rule_set=rule_set, **values)


def accepted_by_itself(proposal: Proposal) -> bool:
    review.accept_automatic(proposal.sweep_id, at=LATER)
    return Proposal.objects.get(pk=proposal.pk).status == "accepted"


def test_a_shop_that_was_cleared_by_itself_and_wrongly_is_next_only_proposed() -> None:
    enrollment = make_enrollment()
    first = automatic(enrollment)
    assert accepted_by_itself(first)
    granted(Proposal.objects.get(pk=first.pk).penalty)
    assert not accepted_by_itself(automatic(enrollment))


def test_after_a_person_has_decided_the_rules_decide_again() -> None:
    enrollment = make_enrollment()
    first = automatic(enrollment)
    assert accepted_by_itself(first)
    granted(Proposal.objects.get(pk=first.pk).penalty)
    second = automatic(enrollment)
    review.reject(second.pk, by=make_user(), reason="recovered", at=LATER)
    assert accepted_by_itself(automatic(enrollment))


def test_whichever_rule_it_was_that_was_wrong_the_shops_next_is_only_proposed() -> None:
    enrollment = make_enrollment()
    first = automatic(enrollment, failed_rules=["DF-C2"])
    assert accepted_by_itself(first)
    granted(Proposal.objects.get(pk=first.pk).penalty)
    assert not accepted_by_itself(automatic(enrollment))


def test_what_a_person_decided_before_it_was_overturned_leaves_nothing_to_the_rules() -> None:
    enrollment = make_enrollment()
    wrong = automatic(enrollment)
    assert accepted_by_itself(wrong)
    between = make_proposal(enrollment)
    review.reject(between.pk, by=make_user(), reason="recovered", at=LATER - timedelta(hours=1))
    granted(Proposal.objects.get(pk=wrong.pk).penalty)
    assert not accepted_by_itself(automatic(enrollment))


def test_a_shop_of_which_a_product_was_stopped_wrongly_has_the_next_only_proposed() -> None:
    listings = [make_listing(), make_listing()]
    alliance = listings[0].alliance
    rules = RuleSet.objects.create(
        alliance=alliance, subject="product", purpose="clearance", version=99, mode="automatic"
    )
    filed: dict = {"sweep": make_sweep(alliance.code), "rule_set": rules}
    wrong, other = (make_product_proposal(listing, **filed) for listing in listings)
    assert review.accept_automatic(filed["sweep"].pk, at=AT) == 2
    penalising.overturn(
        Proposal.objects.get(pk=wrong.pk).penalty, by=None, at=LATER, reason="another was meant"
    )
    next_ones = [
        make_product_proposal(make_listing(make_product(shop), wrong.alliance.code), **filed)
        for shop in (wrong.shop, other.shop)
    ]
    assert [accepted_by_itself(proposal) for proposal in next_ones] == [False, True]


@pytest.mark.parametrize("other", ["alliance", "shop", "by a person"])
def test_what_was_wrong_elsewhere_keeps_the_rules_from_nothing(other: str) -> None:
    enrollment = make_enrollment()
    if other == "by a person":
        granted(make_cleared(enrollment, by=make_user()))
    else:
        shop, alliance = (enrollment.shop, WECHAT) if other == "alliance" else (make_shop(), DOUYIN)
        first = automatic(make_enrollment(shop, alliance))
        assert accepted_by_itself(first)
        granted(Proposal.objects.get(pk=first.pk).penalty)
    assert accepted_by_itself(automatic(enrollment))


def test_the_rates_say_how_many_of_how_many_were_overturned() -> None:
    operator = make_user("operator", username="operator")
    wrong, right = make_cleared(by=operator), make_cleared(by=operator)
    make_appeal(right)
    granted(wrong)
    make_cleared()
    make_penalty(violation_code="V8")
    make_penalty(violation_code="V1", status="reported")
    rates = overturned.rates(since=AT - timedelta(days=1))
    assert rates.by_rule == [Rate("DF-C1", 3, 2, 1, 0)]
    assert rates.by_operator == [Rate("operator", 2, 2, 1, 0), Rate("", 2, 0, 0, 0)]
    assert [(rate.name[:2], rate.imposed) for rate in rates.by_violation] == [("V8", 1)]
    assert rates.by_operator[0].share == Decimal("0.5")


def granted_in_part(penalty: Penalty, level: int = 1) -> None:
    judge = make_user("appeals_officer")
    at = LATER + timedelta(days=level)
    appeal = make_appeal(penalty, at=at)
    appeals.take(appeal.pk, by=judge, at=at)
    first = penalty.measures.filter(undone_at=None).first()
    appeals.grant_in_part(appeal.pk, measures=[first.pk], reason="too much", by=judge, at=at)


def test_the_rates_say_how_many_went_too_far_and_count_none_twice() -> None:
    often, wrong = (
        make_imposed(make_shop(), *(Measure(kind=kind) for kind in ("warning", "reduce_room", "close")))
        for _ in range(2)
    )
    for penalty in (often, wrong):
        granted_in_part(penalty)
    granted_in_part(often, level=2)
    penalising.overturn(wrong, by=None, at=LATER + timedelta(days=9), reason="another was meant")
    [rate] = overturned.rates(since=AT).by_violation
    assert (rate.imposed, rate.appealed, rate.overturned, rate.in_part) == (2, 2, 1, 1)


def test_a_page_draws_the_shares_beside_their_figures() -> None:
    granted(make_cleared())
    make_cleared()
    page = client_of("supervisor").get(reverse("admin:opsdesk_appeal_rates")).content.decode()
    assert '<rect class="share-first" width="60.0"' in page
    assert "50.00%" in page


def test_the_rates_leave_out_what_is_older() -> None:
    make_cleared()
    assert overturned.rates(since=AT + timedelta(seconds=1)).by_rule == []
    assert overturned.rates(since=AT).by_rule == [Rate("DF-C1", 1, 0, 0, 0)]


def test_a_violation_is_no_rule() -> None:
    case = make_penalty(make_shop(), violation_code="V11", status="reported")
    casework.file_from_facts(at=AT)
    penalising.accept(
        Proposal.objects.get(), measures=[Measure(kind="warning")], reason="as found", by=None, at=AT
    )
    case.refresh_from_db()
    rates = overturned.rates(since=AT)
    assert (case.status, rates.by_rule) == ("imposed", [])
    assert [rate.name[:3] for rate in rates.by_violation] == ["V11"]


def test_both_alliances_have_a_place_in_the_rates() -> None:
    make_cleared(make_enrollment(alliance_code=DOUYIN))
    make_cleared(make_enrollment(alliance_code=WECHAT))
    rates = overturned.rates(since=AT)
    assert {rate.name for rate in rates.by_rule} == {"DF-C1", "WS-C1"}
