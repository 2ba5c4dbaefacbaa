"""A shop whose clearance was wrong goes on with its opening once nothing else keeps it out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsdesk import audit, penalising
from rules.models import Proposal
from shops import enrollments, stays
from shops.measures import could_go_on
from shops.models import Enrollment, Measure, Shop
from tests.factories import (
    AT,
    make_cleared,
    make_cleared_and_warned,
    make_enrollment,
    make_imposed,
    make_proposal,
    make_shop,
)
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)
SHOPS = "code,name,shop_type,category,goods_kind,status,subject_kind,account_ok,entered_on,closed_cause\n"


def says_its_platform(shop: Shop, status: str, closed_cause: str = "") -> None:
    bring(
        "shops",
        f"{SHOPS}{shop.code},{shop.name},ordinary,beauty,physical,{status},enterprise,1,2024-01-15,{closed_cause}\n",
    )


def closed_and_then_overturned() -> Enrollment:
    """A shop that was cleared and whose platform closed it before its clearance was taken back."""
    enrollment = make_enrollment(openings=2)
    penalty = make_cleared(enrollment)
    says_its_platform(enrollment.shop, "closed")
    penalising.overturn(penalty, by=None, at=LATER, reason="the data were wrong")
    return enrollment


def standing(enrollment: Enrollment) -> tuple[str, int]:
    return Enrollment.objects.values_list("state", "openings_used").get(pk=enrollment.pk)


def test_it_goes_on_once_its_platform_has_opened_it_again() -> None:
    enrollment = closed_and_then_overturned()
    penalising.run_timers(LATER)
    assert standing(enrollment) == ("cleared", 2)
    says_its_platform(enrollment.shop, "normal")
    penalising.run_timers(LATER)
    assert standing(enrollment) == ("open", 2)
    assert not could_go_on(LATER).exists()
    assert (audit.verify_enrollments(), audit.verify_history()) == (None, None)


def test_it_need_not_be_admitted_any_more() -> None:
    enrollment = closed_and_then_overturned()
    says_its_platform(enrollment.shop, "normal")
    enrollments.apply(enrollment, by=None, at=LATER)
    admission = make_proposal(enrollment, kind="admit")
    penalising.run_timers(LATER)
    assert standing(enrollment) == ("open", 2)
    assert Proposal.objects.get(pk=admission.pk).status == "withdrawn"


def test_what_a_penalty_bars_stays_out_though_its_platform_has_opened_it() -> None:
    enrollment = closed_and_then_overturned()
    own = make_imposed(enrollment.shop, Measure(kind="warning"), ground="judgement", reason="unsuitable")
    says_its_platform(enrollment.shop, "normal")
    assert not could_go_on(LATER).exists()
    penalising.run_timers(LATER)
    assert standing(enrollment) == ("cleared", 2)
    penalising.overturn(own, by=None, at=LATER, reason="not theirs")
    assert standing(enrollment) == ("open", 2)


def test_what_is_only_stayed_may_bar_it_again() -> None:
    enrollment = closed_and_then_overturned()
    own = make_imposed(enrollment.shop, Measure(kind="warning"), ground="judgement", reason="unsuitable")
    says_its_platform(enrollment.shop, "normal")
    stays.stay(own, by=None, at=LATER, reason="doubtful")
    assert not could_go_on(LATER).exists()
    penalising.lift(own, by=None, at=LATER, reason="long enough")
    assert standing(enrollment) == ("open", 2)


def test_whom_its_platform_closed_for_a_violation_never_goes_on() -> None:
    enrollment = closed_and_then_overturned()
    says_its_platform(enrollment.shop, "closed", "violation")
    assert not could_go_on(LATER).exists()


@pytest.mark.parametrize("why", ["rightly cleared", "left since", "a part left"])
def test_nobody_else_is_looked_at(why: str) -> None:
    enrollment = make_enrollment(make_shop())
    if why == "rightly cleared":
        make_cleared(enrollment)
    elif why == "left since":
        enrollment = closed_and_then_overturned()
        says_its_platform(enrollment.shop, "normal")
        enrollments.apply(enrollment, by=None, at=LATER)
        enrollments.admit(enrollment, by=None, at=LATER)
        enrollments.leave(enrollment, by=None, at=LATER)
    else:
        # The judgement stands, though it cleared too much.
        penalty = make_cleared_and_warned(enrollment)
        clear = penalty.measures.get(kind="clear")
        penalising.undo_measures(penalty, [clear], by=None, at=LATER, reason="too much")
    assert not could_go_on(LATER).exists()


def test_to_find_them_costs_the_same_for_many_as_for_one(django_assert_num_queries) -> None:
    for _shop in range(5):
        make_cleared()
    with django_assert_num_queries(2):
        assert list(could_go_on(LATER)) == []
