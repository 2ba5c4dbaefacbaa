"""A refund waits for appeals, and for the time in which there may be one; not for a mere record."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opsdesk import appeals
from shops import accounts, deposits, holds, penalties
from shops.errors import Refused
from shops.models import Measure, Penalty, Shop, Violation
from tests.clients import client_of
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
    make_user,
)
from tests.shops.accounting import entered, paid_in

pytestmark = pytest.mark.django_db

# A first appeal is in time until thirty days after the decision, to the second (R16).
LAST = datetime(2026, 4, 10, 9, 30, tzinfo=AT.tzinfo)
OVER = LAST + timedelta(seconds=1)


def closed_shop(**values: object) -> Shop:
    """One that has closed by itself and wants back all of its deposit."""
    shop = make_shop(status=Shop.Status.CLOSED, closed_cause="voluntary", **values)
    paid_in(shop, 100)
    return shop


def held(shop: Shop, at: datetime) -> list[str]:
    return [hold.what for hold in holds.held_by(shop, at)]


def imposed(shop: Shop, *measures: Measure, code: str = "V8") -> Penalty:
    return make_imposed(shop, *measures, code=code)


def test_a_clearance_for_a_metric_holds_the_deposit_only_while_it_can_be_appealed_against() -> None:
    enrollment = make_enrollment()
    paid_in(enrollment.shop, 100)
    make_cleared(enrollment)
    assert held(enrollment.shop, LAST) == ["appealable"]
    assert held(enrollment.shop, OVER) == []
    with pytest.raises(Refused, match=r"penalties that can still be appealed against \(1\)"):
        entered(deposits.refund, enrollment.shop, 100, at=LAST)
    entered(deposits.refund, enrollment.shop, 100, at=OVER)
    assert accounts.balance_of(enrollment.shop) == 0


def test_an_open_appeal_holds_it_until_the_shop_can_appeal_no_more() -> None:
    enrollment = make_enrollment()
    paid_in(enrollment.shop, 100)
    appeal = make_appeal(make_cleared(enrollment), at=LAST)
    later = OVER + timedelta(days=60)
    assert held(enrollment.shop, later) == ["appeal"]
    with pytest.raises(Refused, match=r"open appeals \(1\)"):
        entered(deposits.refund, enrollment.shop, 1, at=later)
    judge = make_user("appeals_officer")
    ruled = datetime(2026, 4, 20, 10, 0, tzinfo=AT.tzinfo)
    appeals.take(appeal.pk, by=judge, at=ruled)
    appeals.deny(appeal.pk, by=judge, at=ruled, reason="as measured")
    # The second level: within fifteen days of the rejection.
    last = datetime(2026, 5, 5, 10, 0, tzinfo=AT.tzinfo)
    assert held(enrollment.shop, last) == ["appealable"]
    assert held(enrollment.shop, last + timedelta(seconds=1)) == []


def test_an_appeal_of_another_shop_holds_nothing() -> None:
    make_appeal()
    assert held(closed_shop(), AT) == []


def test_where_the_catalogue_leaves_no_appeal_nothing_waits_for_one() -> None:
    shop = closed_shop()
    violation = Violation.objects.get(code="V7")
    violation.appealable = False
    violation.save_by(None, "as the platform says")
    imposed(shop, Measure(kind="warning"), code="V7")
    assert held(shop, AT) == []


@pytest.mark.parametrize(
    ("measure", "until"),
    [
        (Measure(kind="points", points=4, ends_at=OVER + timedelta(days=9)), OVER + timedelta(days=9)),
        (Measure(kind="suspend", ends_at=OVER + timedelta(days=9)), OVER + timedelta(days=9)),
        (Measure(kind="warning"), OVER),
        (Measure(kind="deduct", basis="fixed", amount_fen=7), OVER),
    ],
)
def test_what_goes_on_holds_it_to_its_last_second_and_what_is_done_does_not(
    measure: Measure, until: datetime
) -> None:
    shop = closed_shop()
    imposed(shop, measure)
    assert held(shop, until - timedelta(seconds=1)) != []
    assert held(shop, until) == []


def test_what_bars_or_closes_the_shop_holds_it_until_somebody_ends_it() -> None:
    years = AT + timedelta(days=3000)
    closed, barred, judged, reported = (closed_shop() for _ in range(4))
    imposed(closed, Measure(kind="close"))
    enrollment = make_enrollment(barred)
    violation = imposed(barred, Measure(kind="clear", alliance=enrollment.alliance))
    make_penalty(judged, ground="judgement")
    make_penalty(reported, violation_code="V8", status="reported")
    for shop in (closed, barred, judged, reported):
        assert held(shop, years) == ["penalty"]
    penalties.lift(violation, by=None, at=AT, reason="enough")
    assert held(barred, years) == []


def test_an_import_that_says_no_more_than_until_when_holds_it_until_then() -> None:
    shop = closed_shop()
    make_penalty(shop, violation_code="V9", ends_at=OVER + timedelta(days=3))
    assert held(shop, OVER + timedelta(days=2)) == ["penalty"]
    assert held(shop, OVER + timedelta(days=3)) == []


@pytest.mark.parametrize("number", [1, 7])
def test_however_many_penalties_there_are_as_few_questions_are_asked(
    number: int, django_assert_num_queries
) -> None:
    shop = closed_shop()
    penalties_of_it = [imposed(shop, Measure(kind="warning")) for _penalty in range(number)]
    judge = make_user("appeals_officer")
    for penalty in penalties_of_it[1:3]:
        appeal = make_appeal(penalty)
        appeals.take(appeal.pk, by=judge, at=AT + timedelta(days=2))
        appeals.deny(appeal.pk, by=judge, at=AT + timedelta(days=2), reason="as found")
    # Penalties in effect, top-ups, appeals; of appealable ones themselves, notices, rulings and terms.
    with django_assert_num_queries(7):
        found = holds.held_by(shop, AT + timedelta(days=10))
    assert [hold.key for hold in found] == [penalty.pk for penalty in penalties_of_it]


def test_the_account_tells_what_holds_it_by_its_number() -> None:
    penalty = make_cleared()
    other = make_penalty(penalty.shop, ends_at=timezone.now() + timedelta(days=9))
    appeal = make_appeal(penalty)
    address = reverse("admin:shops_depositentry_account", args=[penalty.shop_id])
    page = client_of("supervisor").get(address).content.decode()
    assert f"a penalty in effect {other.case_number}</a>" in page
    assert f"an open appeal {appeal.number}</a>" in page


@pytest.mark.parametrize("role", ["operator", "finance", "rules_editor"])
def test_of_an_appeal_who_may_see_none_reads_no_number(role: str) -> None:
    appeal = make_appeal()
    address = reverse("admin:shops_depositentry_account", args=[appeal.penalty.shop_id])
    page = client_of(role).get(address).content.decode()
    assert "<li>an open appeal</li>" in page
    assert appeal.number not in page
