"""Whom a case puts out of every alliance: its shop (CL-1, R19), and the controller's others (R6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsdesk import penalising, review
from rules import casework
from shops import enrollments
from shops.models import Enrollment, Measure
from tests.factories import (
    AT,
    DAY,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
)
from tests.rules.test_casework import penalised, waiting

pytestmark = pytest.mark.django_db


def two_shops() -> tuple[Enrollment, Enrollment]:
    controller = make_controller()
    first, second = (make_enrollment(make_shop(controller=controller)) for _ in range(2))
    return first, second


@pytest.mark.parametrize(
    ("code", "status", "files"),
    [
        ("V4", "imposed", True),
        ("V4", "lifted", True),
        ("V4", "overturned", False),
        ("V4", "reported", False),
        ("V11", "reported", True),
        ("V8", "imposed", False),
    ],
)
def test_what_bars_a_shop_proposes_to_clear_the_controllers_others(
    code: str, status: str, files: bool
) -> None:
    offender, other = two_shops()
    make_penalty(offender.shop, violation_code=code, status=status)
    casework.file_from_facts(at=AT)
    filed = waiting(kind="clear", shop=other.shop)
    assert [one.enrollment for one in filed] == ([other] if files else [])
    if files:
        assert (filed[0].failed_rules, filed[0].ground) == (["R6-C1"], "judgement")
        assert Enrollment.objects.get(pk=other.pk).state == "open"


def test_a_clearance_for_a_metric_reaches_no_other_shop() -> None:
    offender, _other = two_shops()
    make_imposed(
        offender.shop, Measure(kind="clear"), ground="metric", alliance=offender.alliance, reason="below"
    )
    assert casework.file_from_facts(at=AT) == 0


def test_a_case_that_is_overturned_withdraws_what_it_barred() -> None:
    offender, _other = two_shops()
    penalty = penalised(offender.shop, Measure(kind="close"), code="V4")
    casework.file_from_facts(at=AT)
    assert len(waiting(kind="clear")) == 1
    penalising.overturn(penalty, by=None, at=AT, reason="granted")
    assert waiting() == []


def test_whoever_was_let_off_or_cleared_for_a_case_is_not_proposed_for_it_again() -> None:
    offender, other = two_shops()
    penalised(offender.shop, Measure(kind="warning"), code="V4")
    casework.file_from_facts(at=AT)
    review.reject(waiting()[0].pk, by=None, reason="thin_evidence", at=AT)
    assert casework.file_from_facts(at=AT) == 0
    assert Enrollment.objects.get(pk=other.pk).state == "open"


def test_an_accepted_bar_clears_the_other_shop_and_is_overturned_like_every_penalty() -> None:
    offender, other = two_shops()
    penalised(offender.shop, Measure(kind="warning"), code="V4")
    casework.file_from_facts(at=AT)
    decision = review.accept(waiting()[0].pk, by=None, reason="controller_barred", at=AT)
    other.refresh_from_db()
    assert other.state == "cleared"
    penalty = decision.proposal.penalty
    assert penalty is not None
    penalising.overturn(penalty, by=None, at=AT, reason="a different controller")
    other.refresh_from_db()
    assert other.state == "open"


def test_a_bar_is_withdrawn_once_the_shop_has_another_controller() -> None:
    offender, other = two_shops()
    penalised(offender.shop, Measure(kind="warning"), code="V4")
    casework.file_from_facts(at=AT)
    other.shop.controller = make_controller()
    other.shop.save()
    casework.file_from_facts(at=AT + timedelta(days=1))
    assert waiting(shop=other.shop) == []


def test_a_case_that_is_dismissed_bars_nobody_any_longer() -> None:
    offender, other = two_shops()
    make_penalty(offender.shop, violation_code="V11", status="reported")
    casework.file_from_facts(at=AT)
    [bar] = waiting(kind="clear")
    assert bar.enrollment == other
    review.reject(waiting(kind="penalise")[0].pk, by=None, reason="unfounded", at=AT)
    assert waiting() == []


@pytest.mark.parametrize(
    ("code", "status", "refused"),
    [
        ("V4", "imposed", True),
        ("V4", "overturned", False),
        ("V11", "reported", True),
        ("V8", "imposed", False),
    ],
)
def test_whom_another_shop_of_the_controller_bars_nobody_admits(
    code: str, status: str, refused: bool
) -> None:
    offender, _other = two_shops()
    outside = make_enrollment(make_shop(controller=offender.shop.controller), WECHAT, state="applied")
    make_penalty(offender.shop, violation_code=code, status=status)
    refusals = enrollments.refusals_to_admit(outside, DAY, AT)
    assert ["(R6)" in refusal for refusal in refusals] == ([True] if refused else [])
    # Its own case doesn't reach it by way of itself.
    again = make_enrollment(offender.shop, WECHAT, state="applied")
    assert not any("(R6)" in refusal for refusal in enrollments.refusals_to_admit(again, DAY, AT))


@pytest.mark.parametrize(
    ("code", "status", "files"),
    [
        ("V2", "imposed", True),
        ("V2", "lifted", True),
        ("V2", "overturned", False),
        ("V2", "reported", False),
        ("V8", "imposed", False),
    ],
)
def test_a_shop_that_has_left_the_platform_is_proposed_to_leave_its_alliances(
    code: str, status: str, files: bool
) -> None:
    enrollment = make_enrollment()
    case = make_penalty(enrollment.shop, violation_code=code, status=status)
    casework.file_from_facts(at=AT)
    casework.file_from_facts(at=AT)
    filed = waiting(kind="clear")
    assert [one.enrollment for one in filed] == ([enrollment] if files else [])
    if files:
        assert (filed[0].failed_rules, filed[0].ground, filed[0].case) == (["CL-1"], "judgement", case)


def test_a_removal_that_is_overturned_withdraws_what_it_proposed() -> None:
    case = make_penalty(make_enrollment().shop, violation_code="V2")
    casework.file_from_facts(at=AT)
    penalising.overturn(case, by=None, at=AT, reason="granted")
    assert waiting() == []


def test_an_accepted_removal_clears_the_shop() -> None:
    enrollment = make_enrollment()
    make_penalty(enrollment.shop, violation_code="V2")
    casework.file_from_facts(at=AT)
    review.accept(waiting()[0].pk, by=None, reason="violation", at=AT)
    enrollment.refresh_from_db()
    assert enrollment.state == "cleared"
    assert waiting() == []


def test_a_removal_that_is_overturned_takes_back_what_was_accepted_for_it() -> None:
    enrollment = make_enrollment()
    case = make_penalty(enrollment.shop, violation_code="V2")
    casework.file_from_facts(at=AT)
    review.accept(waiting()[0].pk, by=None, reason="violation", at=AT)
    penalising.overturn(case, by=None, at=AT, reason="granted")
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.openings_used) == ("open", 1)
