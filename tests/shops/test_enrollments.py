from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from opsdesk import audit
from shops import enrollments
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Enrollment, Opening
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    SHANGHAI,
    WECHAT,
    make_enrollment,
    make_penalty,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db


def state(enrollment: Enrollment) -> tuple[str, int, list[tuple[int | None, bool]]]:
    now = Enrollment.objects.get(pk=enrollment.pk)
    return now.state, now.openings_used, list(now.openings.values_list("number", "closed"))


def test_an_admission_opens_the_next_opening_on_the_local_day_and_names_who() -> None:
    by = make_user("operator")
    enrollment = make_enrollment(state="applied")
    just_after_midnight = datetime(2026, 3, 12, 0, 0, 1, tzinfo=SHANGHAI)
    opening = enrollments.admit(enrollment, by=by, at=just_after_midnight)
    assert opening.opened_on == date(2026, 3, 12)
    assert state(enrollment) == ("open", 1, [(1, False)])
    assert opening.history.get().history_user == by
    assert enrollment.history.first().history_user == by


def test_the_third_opening_is_granted_and_the_fourth_refused() -> None:
    third = make_enrollment(state="applied", openings=2)
    fourth = make_enrollment(state="applied", openings=3)
    assert enrollments.admit(third, by=None, at=AT).number == 3
    with pytest.raises(Refused, match="DF-A12"):
        enrollments.admit(fourth, by=None, at=AT)
    assert state(fourth) == ("applied", 3, [(1, True), (2, True), (3, True)])


def test_the_database_refuses_a_fourth_opening_whoever_asks() -> None:
    enrollment = make_enrollment(state="cleared", openings=3)
    with pytest.raises(IntegrityError, match="only 3 are allowed"), transaction.atomic():
        Opening.objects.create(enrollment=enrollment, number=4)


def test_wechat_has_no_limit_of_openings() -> None:
    enrollment = make_enrollment(alliance_code=WECHAT, state="applied", openings=7)
    assert enrollments.admit(enrollment, by=None, at=AT).number == 8


def test_a_shop_that_is_in_is_not_admitted_again() -> None:
    with pytest.raises(Refused, match="already open"):
        enrollments.admit(make_enrollment(), by=None, at=AT)


@pytest.mark.parametrize("was", ["cleared", "left"])
def test_a_later_opening_needs_an_application(was: str) -> None:
    enrollment = make_enrollment(state=was)
    with pytest.raises(Refused, match="R18"):
        enrollments.admit(enrollment, by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    assert enrollments.admit(enrollment, by=None, at=AT).number == 2


def test_a_first_opening_needs_no_application() -> None:
    enrollment = make_enrollment(state="left", openings=0)
    assert enrollments.admit(enrollment, by=None, at=AT).number == 1


def test_a_local_life_shop_is_never_admitted_to_wechat_select() -> None:
    shop = make_shop(category="local-life")
    with pytest.raises(Refused, match="R22"):
        enrollments.admit(make_enrollment(shop, WECHAT, "applied"), by=None, at=AT)
    enrollments.admit(make_enrollment(shop, DOUYIN, "applied"), by=None, at=AT)


def test_clearing_closes_the_open_opening_with_its_cause() -> None:
    enrollment = make_enrollment(openings=2)
    opening = enrollments.clear(enrollment, cause=Opening.Cause.QUALIFICATION, by=None, at=AT)
    assert (opening.number, opening.closed_on, opening.cause) == (2, date(2026, 3, 11), "qualification")
    assert state(enrollment) == ("cleared", 2, [(1, True), (2, True)])


@pytest.mark.parametrize("was", ["applied", "cleared", "left"])
def test_a_shop_that_is_not_in_is_not_cleared(was: str) -> None:
    enrollment = make_enrollment(state=was)
    with pytest.raises(Refused, match="not open"):
        enrollments.clear(enrollment, cause=Opening.Cause.METRIC, by=None, at=AT)


def test_leaving_closes_the_opening_voluntarily_and_takes_back_an_application() -> None:
    inside, applying = make_enrollment(), make_enrollment(state="applied")
    enrollments.leave(inside, by=None, at=AT, reason="asked by mail")
    enrollments.leave(applying, by=None, at=AT)
    assert state(inside) == ("left", 1, [(1, True)])
    assert inside.openings.get().cause == "voluntary"
    assert state(applying)[0] == "left"
    with pytest.raises(Refused):
        enrollments.leave(applying, by=None, at=AT)


def test_an_application_is_refused_inside_and_when_one_waits() -> None:
    with pytest.raises(Refused, match="already open"):
        enrollments.apply(make_enrollment(), by=None, at=AT)
    with pytest.raises(Refused, match="already applied"):
        enrollments.apply(make_enrollment(state="applied"), by=None, at=AT)


@pytest.mark.parametrize("verb", [enrollments.apply, enrollments.leave])
def test_recording_an_application_or_a_leave_takes_the_right(verb) -> None:
    enrollment = make_enrollment(state="applied")
    with pytest.raises(NotAllowed):
        verb(enrollment, by=make_user("auditor"), at=AT)


def test_a_clearance_taken_back_continues_the_same_opening() -> None:
    enrollment = make_enrollment(openings=3)
    opening = enrollments.clear(enrollment, cause=Opening.Cause.METRIC, by=None, at=AT)
    assert enrollments.continue_opening(opening, by=None, at=AT)
    assert state(enrollment) == ("open", 3, [(1, True), (2, True), (3, False)])
    assert not enrollments.continue_opening(opening, by=None, at=AT), "it is safe twice"


def cleared(enrollment: Enrollment, cause: str = Opening.Cause.METRIC) -> Opening:
    return enrollments.clear(enrollment, cause=cause, by=None, at=AT)


def back(enrollment: Enrollment) -> Opening:
    enrollments.apply(enrollment, by=None, at=AT)
    return enrollments.admit(enrollment, by=None, at=AT)


def test_a_later_opening_is_void_once_the_clearance_before_it_is_taken_back() -> None:
    enrollment = make_enrollment()
    first = cleared(enrollment)
    second = back(enrollment)
    assert enrollments.continue_opening(first, by=None, at=AT)
    assert state(enrollment) == ("open", 1, [(1, False), (None, True)])
    second.refresh_from_db()
    assert (second.voided_at, second.part_of) == (AT, first)
    assert audit.verify_enrollments() is None
    assert audit.verify_history() is None


def test_what_closed_the_void_opening_has_closed_the_earlier_one() -> None:
    enrollment = make_enrollment()
    first = cleared(enrollment)
    back(enrollment)
    cleared(enrollment, Opening.Cause.QUALIFICATION)
    assert enrollments.continue_opening(first, by=None, at=AT)
    assert state(enrollment) == ("cleared", 1, [(1, True), (None, True)])
    first.refresh_from_db()
    assert (first.cause, first.closed_on) == ("qualification", AT.date())


def test_the_openings_after_a_void_one_move_up_and_the_third_is_given_back() -> None:
    enrollment = make_enrollment()
    assert enrollment.alliance.openings_limit == 3
    first = cleared(enrollment)
    for _ in range(2):
        back(enrollment)
        cleared(enrollment)
    enrollments.apply(enrollment, by=None, at=AT)
    with pytest.raises(Refused, match="all 3 openings"):
        enrollments.admit(enrollment, by=None, at=AT)
    assert enrollments.continue_opening(first, by=None, at=AT)
    assert state(enrollment) == ("applied", 2, [(1, True), (2, True), (None, True)])
    assert enrollments.admit(enrollment, by=None, at=AT).number == 3
    assert audit.verify_enrollments() is None
    # The control: with nothing more given back, it is the last.
    cleared(enrollment)
    enrollments.apply(enrollment, by=None, at=AT)
    with pytest.raises(Refused, match="all 3 openings"):
        enrollments.admit(enrollment, by=None, at=AT)


@pytest.mark.parametrize("values", [{"number": 1}, {"number": None}, {"opened_on": None}, {"voided_at": AT}])
def test_no_statement_renumbers_or_voids_an_opening_otherwise(values: dict) -> None:
    enrollment = make_enrollment()
    cleared(enrollment)
    second = back(enrollment)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opening.objects.filter(pk=second.pk).update(**values)


def test_a_clearance_is_not_taken_back_for_a_shop_that_is_barred_otherwise() -> None:
    enrollment = make_enrollment()
    opening = enrollments.clear(enrollment, cause=Opening.Cause.METRIC, by=None, at=AT)
    make_penalty(enrollment.shop, violation_code="V10")
    assert not enrollments.continue_opening(opening, by=None, at=AT)


@pytest.mark.parametrize(
    ("cause", "closed_on", "says"),
    [
        ("voluntary", DAY, r"may return from 10 Sep 2026 on, .*\(CL-2\)"),
        ("voluntary", None, r"doesn't say since when: it may return 6 months after, .*\(CL-2\)"),
        ("", DAY, r"until its platform reports it open \(DF-A2, WS-A1\)"),
        ("violation", DAY, r"barred for ever.*\(R5, CL-1\)"),
    ],
)
def test_a_shop_that_is_closed_on_its_platform_is_not_admitted_and_is_told_until_when(
    cause: str, closed_on: date | None, says: str
) -> None:
    shop = make_shop(status="closed", closed_cause=cause, closed_on=closed_on)
    enrollment = make_enrollment(shop, state="applied")
    with pytest.raises(Refused, match=says):
        enrollments.admit(enrollment, by=None, at=AT)
    assert len(list(enrollments.refusals_to_admit(enrollment, DAY, AT))) == 1


def test_who_was_cleared_lately_is_told_from_which_day_on_it_is_taken_back() -> None:
    alliance = Alliance.objects.get(code=DOUYIN)
    alliance.cool_down_days = 15
    alliance.save_by(None, "as people have it")
    enrollment = make_enrollment()
    enrollments.clear(enrollment, cause=Opening.Cause.METRIC, by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    enrollment = Enrollment.objects.get()
    with pytest.raises(Refused, match=r"cleared on 11 Mar 2026: .* back from 26 Mar 2026 on, .*\(R5\)"):
        enrollments.admit(enrollment, by=None, at=AT + timedelta(days=14))
    assert enrollments.admit(enrollment, by=None, at=AT + timedelta(days=15)).number == 2
