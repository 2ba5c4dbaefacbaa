"""A shop leaves, closes by itself, and returns: every refusal says which rule, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import get_default_timezone

from shops import bars, closing, deposits, enrollments, penalties, standing
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Closure, Enrollment, Measure, Penalty, Shop
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_shop,
    make_user,
)
from tests.shops.accounting import entered, paid_in

pytestmark = pytest.mark.django_db
SHANGHAI = get_default_timezone()


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]


def closed(shop: Shop, at: datetime = AT) -> Closure:
    return closing.close(shop, by=None, at=at, reason="stops trading")


def test_closing_leaves_every_alliance_and_is_told_by_the_standing() -> None:
    shop = make_shop()
    make_enrollment(shop, DOUYIN)
    make_enrollment(shop, WECHAT, state="applied")
    closed(shop)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"left"}
    assert standing.standing(shop, AT).status == "closed"
    assert Shop.objects.get().status == "normal"
    assert not bars.barred_for_ever().exists()
    with pytest.raises(Refused, match="closed already"):
        closed(shop)


def test_closed_on_31_august_a_shop_returns_on_28_february_from_midnight_in_shanghai() -> None:
    shop = make_shop()
    closure = closed(shop, moment(2024, 8, 31, 23, 59))
    assert closure.return_from.isoformat() == "2025-02-28"
    with pytest.raises(Refused, match=r"CL-2"):
        closing.come_back(shop, by=None, at=moment(2025, 2, 27, 23, 59, 59))
    closing.come_back(shop, by=None, at=moment(2025, 2, 28))
    assert standing.standing(shop, moment(2025, 2, 28)).status == "normal"
    with pytest.raises(Refused, match="nothing to return from"):
        closing.come_back(shop, by=None, at=moment(2025, 2, 28))


def test_never_after_a_serious_violation() -> None:
    shop = make_shop()
    closed(shop)
    make_imposed(shop, Measure(kind="warning"), code="V4", reason="found later")
    with pytest.raises(Refused, match=r"CL-1"):
        closing.come_back(shop, by=None, at=AT + timedelta(days=400))


def test_meanwhile_it_neither_applies_nor_is_admitted() -> None:
    enrollment = make_enrollment(state="applied")
    closed(enrollment.shop)
    with pytest.raises(Refused, match=r"may return from .* \(CL-2\)"):
        enrollments.apply(enrollment, by=None, at=AT)
    told = enrollments.refusals_to_admit(enrollment, AT.date())
    assert any("(CL-2)" in line for line in told)


def test_leaving_an_alliance_alone_starts_no_wait() -> None:
    enrollment = make_enrollment()
    enrollments.leave(enrollment, by=None, at=AT)
    enrollments.apply(enrollment, by=None, at=AT)
    assert enrollments.admit(enrollment, by=None, at=AT).number == 2


def test_a_suspended_shop_is_not_admitted_and_is_told_until_when() -> None:
    enrollment = make_enrollment(state="applied")
    make_imposed(enrollment.shop, Measure(kind="suspend", ends_at=AT + timedelta(days=7)))
    with pytest.raises(Refused, match=r"suspended until .* \(CL-3\)"):
        enrollments.admit(enrollment, by=None, at=AT)
    assert enrollments.admit(enrollment, by=None, at=AT + timedelta(days=7)).number == 1


def test_of_a_closed_shop_the_whole_deposit_is_free_unless_a_penalty_is_in_effect() -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    closed(shop)
    penalty = make_imposed(shop, Measure(kind="suspend", ends_at=AT + timedelta(days=1)))
    with pytest.raises(Refused, match="penalties in effect"):
        entered(deposits.refund, shop, 10_000)
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    entered(deposits.refund, shop, 10_000)


def test_each_verb_asks_for_the_right_to_record() -> None:
    auditor, shop = make_user("auditor"), make_shop()
    with pytest.raises(NotAllowed):
        closing.close(shop, by=auditor, at=AT)
    with pytest.raises(NotAllowed):
        closing.come_back(shop, by=auditor, at=AT)


@pytest.mark.parametrize("at", [moment(2025, 2, 27, 12), moment(2025, 2, 28)])
def test_what_the_platform_reports_as_closed_by_itself_waits_as_long_and_is_its_platforms_to_open(
    at: datetime,
) -> None:
    shop = make_shop(status="closed", closed_cause="voluntary", closed_on=moment(2024, 8, 31).date())
    day = standing.returns_from(shop)
    assert day is not None and day.isoformat() == "2025-02-28"
    with pytest.raises(Refused, match=r"from 28 Feb 2025 on, .* platform reports it open \(CL-2\)"):
        closing.come_back(shop, by=None, at=at)


def test_whom_its_platform_closed_for_a_violation_never_comes_back() -> None:
    with pytest.raises(Refused, match=r"barred for ever.*CL-1"):
        closing.come_back(make_shop(status="closed", closed_cause="violation"), by=None, at=AT)


def test_an_alliance_that_serves_the_shop_is_left_alone_by_another() -> None:
    shop = make_shop()
    douyin = make_enrollment(shop, DOUYIN)
    make_enrollment(shop, WECHAT)
    enrollments.leave(douyin, by=None, at=AT)
    wechat = Enrollment.objects.get(alliance=Alliance.objects.get(code=WECHAT))
    assert wechat.state == "open"


# A clearance that is taken back


def put_out() -> tuple[Enrollment, Penalty]:
    enrollment = make_enrollment()
    return enrollment, make_cleared(enrollment)


def where(enrollment: Enrollment) -> tuple[str, int, list[str]]:
    enrollment.refresh_from_db()
    causes = list(enrollment.openings.order_by("number").values_list("cause", flat=True))
    return enrollment.state, enrollment.openings_used, causes


def test_overturning_lets_nobody_in_who_has_closed_by_itself_since() -> None:
    enrollment, penalty = put_out()
    closing.close(enrollment.shop, by=None, at=AT)
    assert where(enrollment)[0] == "left"
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    # As if it had never been put out: it went by itself.
    assert where(enrollment) == ("left", 1, ["voluntary"])


def test_a_shop_that_closed_comes_back_by_an_application_whatever_was_overturned() -> None:
    enrollment, penalty = put_out()
    closing.close(enrollment.shop, by=None, at=AT)
    back = AT + timedelta(days=200)
    closing.come_back(enrollment.shop, by=None, at=back)
    enrollments.apply(enrollment, by=None, at=back)
    penalties.overturn(penalty, by=None, at=back, reason="granted")
    assert where(enrollment) == ("applied", 1, ["voluntary"])
    # And once it is in, the opening that it left by itself is not continued in its place.
    enrollments.admit(enrollment, by=None, at=back)
    assert where(enrollment) == ("open", 2, ["voluntary", ""])


def test_overturning_opens_no_shop_that_its_platform_reports_closed() -> None:
    enrollment, penalty = put_out()
    shop = Shop.objects.get(pk=enrollment.shop_id)
    shop.status, shop.closed_cause = Shop.Status.CLOSED, Shop.ClosedCause.VOLUNTARY
    shop.save_by(None, "import")
    penalties.overturn(Penalty.objects.get(pk=penalty.pk), by=None, at=AT, reason="granted")
    assert where(enrollment)[0] == "cleared"


def test_who_was_put_out_wrongly_and_closes_while_kept_out_has_ended_the_opening_itself() -> None:
    enrollment, penalty = put_out()
    make_imposed(
        enrollment.shop,
        Measure(kind="warning"),
        ground="judgement",
        alliance=enrollment.alliance,
        reason="unsuitable",
    )
    penalties.overturn(penalty, by=None, at=AT, reason="granted")
    assert where(enrollment) == ("cleared", 1, ["metric"])
    closing.close(enrollment.shop, by=None, at=AT + timedelta(days=1))
    assert where(enrollment) == ("left", 1, ["voluntary"])
