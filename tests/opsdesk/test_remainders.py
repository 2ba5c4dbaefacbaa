"""What a ruling does not restore is listed, kept by value, and takes a decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from opsdesk import appeals, penalising, remainders, resting
from opsdesk.models import Appeal
from shops import closing, penalties
from shops.models import Enrollment, Listing, Measure, Penalty
from tests.factories import (
    AT,
    WECHAT,
    make_appeal,
    make_cleared,
    make_cleared_and_warned,
    make_enrollment,
    make_imposed,
    make_listing,
    make_penalty,
    make_product,
    make_shop,
)
from tests.opsdesk.test_appeals import LATER, NEXT_DAY, fresh, taken
from tests.opsdesk.test_resting import barred_by, family, states
from tests.opsdesk.test_voiding import accepted, checked, suspended
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db


def asked_and_granted(appeal: Appeal, judge: User, at: datetime = LATER) -> list[str]:
    """What the judge is told before a grant, which then is made all the same."""
    with pytest.raises(appeals.NotRestored) as refused:
        appeals.grant(appeal.pk, reason="wrong", by=judge, at=at)
    assert fresh(appeal).penalty.status in Penalty.PENALISED
    appeals.grant(appeal.pk, reason="wrong", by=judge, at=at, all_the_same=True)
    # What the page says later is what the judge was told.
    assert remainders.told(fresh(appeal).not_restored) == refused.value.what
    return refused.value.what


def whys(appeal: Appeal) -> list[str]:
    return [entry["why"] for entry in fresh(appeal).not_restored]


# The shop's own openings


def test_what_can_not_be_restored_is_listed_and_takes_a_decision(judge: User) -> None:
    penalty = make_cleared()
    gone(Enrollment.objects.get(shop=penalty.shop))
    appeal = taken(judge, penalty)
    [told] = asked_and_granted(appeal, judge)
    assert "out of opening 1" in told
    assert (fresh(appeal).state, fresh(appeal).penalty.status) == ("granted", "overturned")
    assert fresh(appeal).not_restored == [{"measure": penalty.measures.get().pk, "why": "gone"}]


def gone(enrollment: Enrollment) -> None:
    closing.close(enrollment.shop, by=None, at=NEXT_DAY)


def closed(enrollment: Enrollment) -> None:
    make_imposed(enrollment.shop, Measure(kind=Measure.Kind.CLOSE), code="V4", at=NEXT_DAY)


def barred(enrollment: Enrollment) -> None:
    make_penalty(enrollment.shop, alliance=enrollment.alliance)


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (gone, "has closed by itself since"),
        (closed, "the shop is closed"),
        (barred, "something else keeps the shop out"),
    ],
)
def test_before_a_grant_it_is_said_why_something_would_stay_as_it_is(
    judge: User, since: Callable[[Enrollment], object], why: str
) -> None:
    penalty = make_cleared()
    since(Enrollment.objects.get(shop=penalty.shop))
    with pytest.raises(appeals.NotRestored, match="out of opening 1") as refused:
        appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    [told] = refused.value.what
    assert why in told
    assert "undone" not in told


def test_a_part_of_a_judgement_that_goes_on_keeping_the_shop_out_is_named_as_what_does(judge: User) -> None:
    penalty = make_cleared_and_warned()
    appeal, clearance = taken(judge, penalty), penalty.measures.get(kind="clear")
    ruling = {"measures": [clearance.pk], "reason": "too much", "by": judge, "at": LATER}
    with pytest.raises(appeals.NotRestored, match="the same penalty, which stands, keeps the shop out"):
        appeals.grant_in_part(appeal.pk, **ruling)
    appeals.grant_in_part(appeal.pk, **ruling, all_the_same=True)
    assert whys(appeal) == ["stands"]


def test_a_part_of_a_serious_violation_names_itself_as_well(judge: User) -> None:
    shop = make_enrollment().shop
    penalty = make_imposed(shop, Measure(kind="close"), Measure(kind="warning"), code="V4")
    chosen = [one.pk for one in penalty.measures.exclude(kind="warning")]
    with pytest.raises(appeals.NotRestored, match="the same penalty"):
        appeals.grant_in_part(
            taken(judge, penalty).pk, measures=chosen, reason="too much", by=judge, at=LATER
        )


# What time and the platform have made of it


def test_time_served_and_what_the_platform_took_off_are_listed(judge: User) -> None:
    over = AT + timedelta(hours=3)
    penalty = make_imposed(
        make_shop(),
        Measure(kind="suspend", ends_at=over),
        Measure(kind="restrict_live", ends_at=LATER + timedelta(days=9)),
        Measure(kind="score", score=Decimal("0.50")),
        Measure(kind="warning"),
        code="V3",
    )
    appeal = taken(judge, penalty)
    suspension, score = asked_and_granted(appeal, judge)
    assert "The shop is suspended until" in suspension
    assert "Deducted 0.5 of the experience score" in score
    assert whys(appeal) == ["served", "platform"]
    assert len(fresh(appeal).taken_back) == 4


def test_a_suspension_that_runs_is_taken_back_without_being_asked(judge: User) -> None:
    penalty = suspended(make_shop())
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert whys(Appeal.objects.get()) == []


def test_what_a_part_leaves_is_no_remainder(judge: User) -> None:
    penalty = make_imposed(
        make_shop(), Measure(kind="warning"), Measure(kind="score", score=Decimal("0.50")), code="V3"
    )
    appeal, warning = taken(judge, penalty), penalty.measures.get(kind="warning")
    appeals.grant_in_part(appeal.pk, measures=[warning.pk], reason="too much", by=judge, at=LATER)
    assert whys(appeal) == []


# What fell with it, or rests on it


def test_a_sibling_that_does_not_go_on_is_listed(judge: User) -> None:
    first, second = family()
    penalty = barred_by(first)
    make_imposed(second, Measure(kind="warning"), ground="judgement", reason="unsuitable")
    appeal = taken(judge, penalty)
    told = asked_and_granted(appeal, judge)
    assert all(str(second) in one and "something else keeps the shop out" in one for one in told)
    assert (whys(appeal), states(second)) == (["kept_out"] * 2, [("cleared", 1)] * 2)


def test_what_another_case_bars_and_what_an_appeal_hears_is_listed(judge: User) -> None:
    first, second, third = family(3)
    penalty = barred_by(first)
    barred_by(third, "V2")
    heard, other = resting.on(penalty).filter(shop=second)
    make_appeal(heard)
    appeal = taken(judge, penalty)
    told = asked_and_granted(appeal, judge)
    of_second = {one["penalty"]: one["why"] for one in fresh(appeal).not_restored if "penalty" in one}
    assert {heard.pk: "heard", other.pk: "rests"} == of_second
    assert any(heard.case_number in one for one in told)


def test_what_was_lifted_of_it_is_undone_all_the_same(judge: User) -> None:
    first, second = family()
    penalty = barred_by(first)
    for one in resting.on(penalty):
        penalising.lift(one, by=None, at=NEXT_DAY, reason="let in again")
    assert states(second) == [("cleared", 1)] * 2
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert states(second) == [("open", 1)] * 2
    assert set(Penalty.objects.filter(shop=second).values_list("status", flat=True)) == {"overturned"}


def test_what_was_imposed_because_of_it_is_listed(judge: User) -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    penalty = suspended(shop)
    warning = accepted(checked(shop, WECHAT))
    appeal = taken(judge, penalty)
    [told] = asked_and_granted(appeal, judge)
    assert f"penalty {warning.case_number} (it rests on what is taken back" in told
    assert fresh(appeal).not_restored == [{"penalty": warning.pk, "why": "rests"}]


def test_what_had_lost_its_ground_before_is_not_this_rulings(judge: User) -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    first = suspended(shop)
    warning = accepted(checked(shop, WECHAT))
    penalising.overturn(first, by=None, at=NEXT_DAY, reason="not theirs")
    assert list(resting.without_ground()) == [warning]
    second = make_imposed(shop, Measure(kind="warning"), code="V3")
    appeals.grant(taken(judge, second).pk, reason="wrong", by=judge, at=LATER)
    assert whys(Appeal.objects.get()) == []


def test_it_is_told_in_the_readers_language(judge: User) -> None:
    penalty = make_imposed(make_shop(), Measure(kind="score", score=Decimal("0.50")), code="V3")
    appeal = taken(judge, penalty)
    asked_and_granted(appeal, judge)
    with translation.override("zh-hans"):
        [told] = remainders.told(fresh(appeal).not_restored)
    assert "只有平台才能归还" in told


# Products


def observed_again(listing: Listing) -> None:
    penalties.resume(listing, by=None, at=NEXT_DAY, reason="meets them again", observed=True)
    assert Listing.objects.get(pk=listing.pk).state == "observed"


def stopped(listing: Listing, at: datetime = AT) -> Penalty:
    return make_imposed(
        listing.product.shop,
        Measure(kind="stop"),
        ground="metric",
        alliance=listing.alliance,
        product=listing.product,
        at=at,
    )


def a_promoted_product() -> Listing:
    product = make_product()
    make_enrollment(product.shop, WECHAT)
    return make_listing(product)


def test_a_product_that_was_resumed_under_observation_is_promoted_as_before(judge: User) -> None:
    listing = a_promoted_product()
    penalty = stopped(listing)
    observed_again(listing)
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert Listing.objects.get(pk=listing.pk).state == "promoted"


def test_a_product_that_another_stop_had_kept_back_as_well_stays_under_observation(judge: User) -> None:
    listing = a_promoted_product()
    wrong, right = stopped(listing), stopped(listing)
    observed_again(listing)
    appeals.grant(taken(judge, wrong).pk, reason="wrong", by=judge, at=LATER)
    assert Listing.objects.get(pk=listing.pk).state == "observed"
    # Once that falls as well nothing had kept it from promotion.
    penalising.overturn(right, by=None, at=LATER, reason="not theirs")
    assert Listing.objects.get(pk=listing.pk).state == "promoted"


@pytest.mark.parametrize(
    ("state", "since"), [("applied", LATER), ("stopped", NEXT_DAY), ("promoted", NEXT_DAY)]
)
def test_what_the_platform_says_of_a_product_since_then_stays(
    judge: User, state: str, since: datetime
) -> None:
    listing = a_promoted_product()
    penalty = stopped(listing)
    observed_again(listing)
    row = f"{listing.product.code},{listing.alliance.code},{state},{since.date()}\n"
    assert bring("listings", "product,alliance,state,since\n" + row, at=LATER).updated == 1
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert Listing.objects.get(pk=listing.pk).state == state


def test_what_its_platform_confirms_of_a_product_with_a_day_of_its_own_is_nothing_else(judge: User) -> None:
    listing = a_promoted_product()
    penalty = stopped(listing)
    observed_again(listing)
    row = f"{listing.product.code},{listing.alliance.code},observed,{LATER.date()}\n"
    assert bring("listings", "product,alliance,state,since\n" + row, at=LATER).updated == 1
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert Listing.objects.get(pk=listing.pk).state == "promoted"
