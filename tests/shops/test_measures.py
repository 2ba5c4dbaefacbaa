from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from shops import listings, measures
from shops.errors import Refused
from shops.models import Enrollment, Listing, Measure, Penalty
from tests.factories import (
    AT,
    make_enrollment,
    make_listing,
    make_penalty,
    make_product,
)

pytestmark = pytest.mark.django_db


def clearance() -> tuple[Enrollment, Measure]:
    enrollment = make_enrollment()
    penalty = make_penalty(enrollment.shop, ground="metric", alliance=enrollment.alliance)
    measure = Measure(penalty=penalty, kind=Measure.Kind.CLEAR)
    measures.apply(measure, by=None, at=AT)
    return enrollment, measure


def test_every_kind_of_measure_has_its_effect_and_its_inverse() -> None:
    assert set(measures.EFFECTS) == set(Measure.Kind)


def test_a_clearance_applied_twice_is_applied_once() -> None:
    _enrollment, measure = clearance()
    measures.apply(measure, by=None, at=AT)
    assert Measure.objects.get().history.count() == 1


def test_a_clearance_undone_twice_is_undone_once() -> None:
    enrollment, measure = clearance()
    Penalty.objects.get()
    measures.undo(measure, by=None, at=AT)
    measures.undo(measure, by=None, at=AT)
    assert Enrollment.objects.get(pk=enrollment.pk).state == "open"
    assert measure.history.count() == 2


def test_undoing_what_was_never_applied_does_nothing() -> None:
    measure = Measure(penalty=make_penalty(), kind=Measure.Kind.CLEAR)
    measures.undo(measure, by=None, at=AT)
    assert not Measure.objects.exists()


def test_a_clearance_is_described_in_a_line() -> None:
    _enrollment, measure = clearance()
    with translation.override("en"):
        assert measures.describe(measure) == (
            "Cleared from Douyin Featured Alliance out of opening 1 on 11 Mar 2026"
        )
        measures.undo(measure, by=None, at=AT)
        assert measures.describe(measure).endswith("undone")
        assert measures.describe(Measure(penalty=make_penalty(), kind="clear")).startswith("Clear ")


# Stopping a product


def stop(listing: Listing) -> Measure:
    """A stop of a product whose shop is in."""
    shop = listing.product.shop
    if not shop.enrollments.exists():
        make_enrollment(shop, listing.alliance.code)
    penalty = make_penalty(shop, ground="metric", alliance=listing.alliance, product=listing.product)
    measure = Measure(penalty=penalty, kind=Measure.Kind.STOP)
    measures.apply(measure, by=None, at=AT)
    return measure


def reported(listing: Listing, state: str) -> None:
    """A file says so."""
    listing.refresh_from_db()
    listing.state = state
    listing.save()


def test_a_stop_never_overwrites_what_the_platform_reports() -> None:
    listing = make_listing()
    stop(listing)
    assert listings.standing(listing) == "stopped"
    assert Listing.objects.get().state == "promoted"
    # Tomorrow's file says that it is promoted: our stop stands.
    reported(listing, "promoted")
    assert listings.standing(listing) == "stopped"


@pytest.mark.parametrize("state", ["applied", "promoted", "observed", "stopped"])
def test_applying_and_undoing_a_stop_leave_the_listing_as_it_was(state: str) -> None:
    listing = make_listing(state=state, since=AT.date())
    measures.undo(stop(listing), by=None, at=AT)
    assert listings.standing(listing) == state
    assert Listing.objects.values_list("state", "since").get() == (state, AT.date())
    assert listing.history.count() == 1


def test_a_stop_is_applied_once_and_undone_once() -> None:
    measure = stop(make_listing())
    measures.apply(measure, by=None, at=AT)
    assert measure.history.count() == 1
    measures.undo(measure, by=None, at=AT)
    measures.undo(measure, by=None, at=AT)
    assert measure.history.count() == 2


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_stops_the_one_that_is_not_undone_stands(first: int) -> None:
    listing = make_listing()
    both = [stop(listing), stop(listing)]
    measures.undo(both[first], by=None, at=AT)
    assert listings.standing(listing) == "stopped"
    measures.undo(both[1 - first], by=None, at=AT)
    assert listings.standing(listing) == "promoted"


@pytest.mark.parametrize("first", [0, 1])
def test_what_files_repeat_of_our_own_stops_ends_with_the_last_of_them(first: int) -> None:
    listing = make_listing(state="observed")
    both = [stop(listing)]
    reported(listing, "stopped")
    both.append(stop(listing))
    measures.undo(both[first], by=None, at=AT)
    assert Listing.objects.get().state == "stopped"
    measures.undo(both[1 - first], by=None, at=AT)
    assert Listing.objects.get().state == "observed"
    assert listings.standing(listing) == "observed"


def test_what_the_platform_had_stopped_itself_stays_stopped() -> None:
    listing = make_listing(state="stopped")
    measures.undo(stop(listing), by=None, at=AT)
    assert listings.standing(listing) == "stopped"


def test_a_stop_of_what_is_not_listed_or_of_no_product_is_refused() -> None:
    listing, other = make_listing(), make_product()
    for penalty, says in (
        (make_penalty(other.shop, product=other, alliance=listing.alliance), "not listed"),
        (make_penalty(other.shop, product=other), "needs to be told"),
        (make_penalty(other.shop, alliance=listing.alliance), "needs to be told"),
    ):
        with pytest.raises(Refused, match=says):
            measures.apply(Measure(penalty=penalty, kind=Measure.Kind.STOP), by=None, at=AT)


def test_an_applied_stop_names_its_listing() -> None:
    measure = Measure(penalty=make_penalty(), kind=Measure.Kind.STOP, applied_at=AT)
    with pytest.raises(IntegrityError, match="stop_names_the_listing"), transaction.atomic():
        measure.save()


def test_a_stop_is_described_in_a_line_in_both_languages() -> None:
    measure = stop(make_listing(make_product(code="G1", name="面霜")))
    assert measures.describe(measure) == ("Stopped 面霜 (G1) in WeChat Select Alliance on 11 Mar 2026")
    with translation.override("zh-hans"):
        assert measures.describe(measure) == "2026年3月11日停止面霜 (G1)在视频号优选联盟的推广"
    measures.undo(measure, by=None, at=AT)
    assert measures.describe(measure).endswith("undone")
    assert measures.describe(Measure(penalty=make_penalty(), kind="stop")) == "Stop the product's promotion"


@pytest.mark.django_db
def test_a_clearance_beside_a_closing_is_the_one_that_comes_with_it() -> None:
    enrollment = make_enrollment()
    both = [Measure(kind="clear"), Measure(kind="close")]
    cleared = measures.with_clearances(enrollment.shop, both, enrollment.alliance)
    assert [measure.kind for measure in cleared] == ["clear", "close"]
