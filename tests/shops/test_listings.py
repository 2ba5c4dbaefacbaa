from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import localdate

from shops import catalogue, listings, penalties, stays
from shops.errors import Refused
from shops.models import Alliance, Listing, Measure, Penalty, Violation
from tests.factories import (
    AT,
    DOUYIN,
    make_enrollment,
    make_imposed,
    make_listing,
    make_penalty,
    make_product,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db

TODAY = localdate(AT)
VERBS = {"promote": listings.promote, "observe": listings.observe, "resume": listings.resume}


def a_listing(state: str = "applied", enrollment: str = "open") -> Listing:
    """A product of a shop that is in, unless told otherwise."""
    listing = make_listing(state=state)
    make_enrollment(listing.product.shop, listing.alliance.code, enrollment)
    return listing


def stop(listing: Listing, ground: str = "metric", by: User | None = None) -> Penalty:
    return make_imposed(
        listing.product.shop,
        Measure(kind="stop"),
        product=listing.product,
        alliance=listing.alliance,
        ground=ground,
        by=by,
        reason="refunds",
    )


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("promote", "applied", "promoted"),
        ("observe", "applied", "observed"),
        ("resume", "observed", "promoted"),
        ("resume", "stopped", "promoted"),
    ],
)
def test_each_verb_moves_the_listing_on_the_local_day_and_says_who_and_why(
    verb: str, before: str, after: str
) -> None:
    by, listing = make_user("operator"), a_listing(before)
    late = AT.replace(hour=23, minute=59)
    VERBS[verb](listing, by=by, at=late, reason="as checked")
    listing = Listing.objects.get()
    assert (listing.state, listing.since) == (after, TODAY)
    newest = listing.history.first()
    assert (newest.state, newest.history_user, newest.history_change_reason) == (after, by, "as checked")


@pytest.mark.parametrize(
    ("verb", "state", "says"),
    [
        ("promote", "promoted", "already promoted"),
        ("promote", "observed", "already under observation"),
        ("promote", "stopped", "only by resuming"),
        ("observe", "promoted", "already promoted"),
        ("observe", "observed", "already under observation"),
        ("observe", "stopped", "only by resuming"),
        ("resume", "applied", "only applied"),
        ("resume", "promoted", "already promoted"),
    ],
)
def test_a_listing_that_stands_otherwise_is_refused(verb: str, state: str, says: str) -> None:
    listing = a_listing(state)
    with pytest.raises(Refused, match=says):
        VERBS[verb](listing, by=None, at=AT)
    assert Listing.objects.get().state == state
    assert not Listing.history.filter(history_type="~").exists()


def test_what_is_under_observation_is_not_resumed_into_it_again() -> None:
    listing = a_listing("promoted")
    stop(listing)
    penalties.resume(listing, by=None, at=AT, reason="qualifies", observed=True)
    with pytest.raises(Refused, match="already under observation"):
        penalties.resume(listing, by=None, at=AT + timedelta(days=1), reason="again", observed=True)
    assert Listing.objects.get().resumed_at == AT


@pytest.mark.parametrize("state", ["applied", "cleared", "left"])
@pytest.mark.parametrize(
    ("verb", "before"), [("promote", "applied"), ("observe", "applied"), ("resume", "observed")]
)
def test_nothing_is_promoted_for_a_shop_that_is_not_in(verb: str, before: str, state: str) -> None:
    with pytest.raises(Refused, match="is not open in"):
        VERBS[verb](a_listing(before, enrollment=state), by=None, at=AT)


def test_a_shop_that_never_enrolled_promotes_nothing() -> None:
    listing = make_listing(state="applied")
    with pytest.raises(Refused, match="is not open in"):
        listings.promote(listing, by=None, at=AT)
    assert listings.standing(make_listing()) == "shop_out"


def test_a_product_that_the_alliance_does_not_list_is_named() -> None:
    listing, other = make_listing(), make_product()
    assert listings.of(listing.product, listing.alliance) == listing
    with pytest.raises(Refused, match="is not listed in"):
        listings.of(other, listing.alliance)


# What stands against a product


@pytest.mark.parametrize("ground", ["qualification", "judgement"])
def test_only_the_end_of_a_penalty_on_another_ground_than_a_metric_brings_a_product_back(ground: str) -> None:
    listing = a_listing("promoted")
    penalty = stop(listing, ground)
    assert listings.barred(listing.alliance).get() == listing
    with pytest.raises(Refused, match="barred"):
        penalties.resume(listing, by=None, at=AT, reason="sells well")
    assert listings.standing(listing) == "stopped"
    penalties.lift(penalty, by=None, at=AT, reason="papers are in order")
    # What it stopped stays stopped, but now it may be resumed.
    assert (listings.standing(listing), listings.barred(listing.alliance).exists()) == ("stopped", False)
    penalties.resume(listing, by=None, at=AT, reason="qualifies")
    assert listings.standing(listing) == "promoted"


def test_a_judgement_of_the_product_bars_it_even_without_a_measure() -> None:
    listing, elsewhere = a_listing(), make_listing(alliance_code=DOUYIN)
    penalty = make_penalty(listing.product.shop, product=listing.product, alliance=listing.alliance)
    for verb in (listings.promote, listings.observe):
        with pytest.raises(Refused, match="barred"):
            verb(listing, by=None, at=AT)
    assert not listings.barred(elsewhere.alliance).exists()
    penalties.overturn(penalty, by=None, at=AT, reason="another product was meant")
    listings.promote(listing, by=None, at=AT)
    assert listings.standing(listing) == "promoted"


def test_a_judgement_on_the_whole_platform_bars_in_every_alliance() -> None:
    listing = a_listing()
    make_penalty(listing.product.shop, product=listing.product)
    assert listings.barred(listing.alliance).get() == listing


def test_a_judgement_of_the_shop_or_of_another_product_bars_no_product() -> None:
    listing = a_listing()
    shop = listing.product.shop
    make_penalty(shop, alliance=listing.alliance)
    make_penalty(shop, product=make_product(shop), alliance=listing.alliance)
    assert not listings.barred(listing.alliance).exists()


@pytest.mark.parametrize("was_serious", [True, False])
def test_how_serious_a_violation_was_is_what_the_catalogue_said_as_it_was_imposed(was_serious: bool) -> None:
    listing, violation = a_listing(), Violation.objects.get(code="V6")

    def say(serious: bool) -> None:
        defaults = list(violation.default_measures.all())
        catalogue.change(
            violation, values={"serious": serious}, measures=defaults, by=None, reason="as people have it"
        )

    say(was_serious)
    penalty = make_imposed(
        listing.product.shop, Measure(kind="warning"), violation=violation, product=listing.product
    )
    penalties.lift(penalty, by=None, at=AT, reason="over")
    say(not was_serious)
    assert listings.barred(listing.alliance).exists() == was_serious


@pytest.mark.parametrize("ground", ["qualification", "judgement", "violation"])
def test_while_a_penalty_is_stayed_it_keeps_no_product_out(ground: str) -> None:
    listing = a_listing("stopped")
    given = {"ground": ground} | ({"code": "V6"} if ground == "violation" else {})
    penalty = make_imposed(
        listing.product.shop,
        Measure(kind="stop"),
        product=listing.product,
        alliance=listing.alliance,
        **given,
    )
    with pytest.raises(Refused, match="barred"):
        listings.resume(listing, by=None, at=AT)
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    penalties.resume(listing, by=None, at=AT, reason="until the appeal is ruled on")
    assert not listings.barred(listing.alliance).exists()


@pytest.mark.parametrize("lifted", [True, False])
def test_what_its_platform_stopped_for_a_violation_comes_back_once_that_ends(lifted: bool) -> None:
    listing = a_listing("stopped")
    # As a file brings it: nobody says what it does.
    penalty = make_penalty(listing.product.shop, violation_code="V6", product=listing.product)
    assert listings.barred(listing.alliance).get() == listing
    if lifted:
        penalties.lift(penalty, by=None, at=AT, reason="over")
    else:
        stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    listings.resume(listing, by=None, at=AT)


def test_a_minor_violation_that_stopped_nothing_keeps_no_product_out() -> None:
    listing = a_listing()
    make_imposed(listing.product.shop, Measure(kind="warning"), code="V6", product=listing.product)
    listings.promote(listing, by=None, at=AT)
    assert listings.standing(listing) == "promoted"


def test_what_a_metric_stopped_comes_back_with_its_penalty_lifted_and_nobody_needs_another_right() -> None:
    # Somebody who may lift nothing: whether he may decide so is asked before.
    by, listing = make_user("auditor"), a_listing("promoted")
    first, second = stop(listing), stop(listing)
    earlier = stop(listing, "judgement")
    penalties.lift(earlier, by=None, at=AT, reason="over")
    elsewhere = stop(a_listing("promoted"))
    later = AT + timedelta(days=9)
    penalties.resume(listing, by=by, at=later, reason="qualifies")
    for penalty in (first, second):
        penalty.refresh_from_db()
        assert (penalty.status, penalty.ended_by, penalty.ended_at) == ("lifted", by, later)
        assert penalty.ended_reason == "qualifies"
    assert not listings.stops().filter(listing=listing).exists()
    elsewhere.refresh_from_db()
    assert elsewhere.status == "imposed"
    listing.refresh_from_db()
    assert (listing.state, listing.since) == ("promoted", TODAY + timedelta(days=9))


def test_resuming_takes_a_reason_where_a_penalty_ends() -> None:
    listing = a_listing("promoted")
    stop(listing)
    with pytest.raises(Refused, match="reason"):
        penalties.resume(listing, by=None, at=AT, reason=" ")
    assert listings.standing(listing) == "stopped"


# Reads


def stopped_in(alliance: Alliance) -> set[Listing]:
    return set(Listing.objects.filter(listings.is_stopped(), alliance=alliance))


def test_a_listing_is_stopped_where_the_file_says_so_or_a_measure_stands() -> None:
    reported, measured, _promoted = a_listing("stopped"), a_listing("promoted"), a_listing("promoted")
    elsewhere = make_listing(alliance_code=DOUYIN, state="stopped")
    penalty = stop(measured)
    assert stopped_in(measured.alliance) == {reported, measured}
    assert stopped_in(elsewhere.alliance) == {elsewhere}
    penalties.overturn(penalty, by=None, at=AT, reason="wrong data")
    assert stopped_in(measured.alliance) == {reported}


@pytest.mark.parametrize(
    ("state", "enrollment", "standing"),
    [
        ("applied", "open", "applied"),
        ("promoted", "open", "promoted"),
        ("observed", "open", "observed"),
        ("stopped", "open", "stopped"),
        ("applied", "cleared", "applied"),
        ("promoted", "cleared", "shop_out"),
        ("observed", "left", "shop_out"),
        ("stopped", "cleared", "stopped"),
    ],
)
def test_what_a_product_may_do_hangs_on_its_shop_as_well(state: str, enrollment: str, standing: str) -> None:
    listing = a_listing(state, enrollment)
    assert listings.standing(listing) == standing
    assert listings.with_standing(Listing.objects.all()).get().standing == standing
    assert Listing.objects.get().state == state


def test_a_shop_that_is_in_elsewhere_promotes_nothing_here() -> None:
    shop = make_shop()
    make_enrollment(shop, DOUYIN)
    assert listings.standing(make_listing(make_product(shop))) == "shop_out"
