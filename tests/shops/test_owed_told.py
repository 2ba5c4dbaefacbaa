"""What people read of a shop's money: what it owes, what is used up, and what they are about to enter."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from shops import deposits, topups
from shops.models import DepositEntry, DepositRequirement, Measure, Penalty, Shop, TopUp
from tests.clients import client_of
from tests.factories import AT, make_imposed, make_shop
from tests.shops.accounting import entered, paid_in

pytestmark = pytest.mark.django_db


def page(address: str, role: str = "finance", language: str = "en", **query: str) -> str:
    return client_of(role, language).get(address, query).content.decode()


def words_of(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def account(shop: Shop) -> str:
    return reverse("admin:shops_depositentry_account", args=[shop.pk])


def entering(shop: Shop, kind: str) -> str:
    return reverse("admin:shops_depositentry_enter", args=[shop.pk, kind])


def sent(address: str, language: str = "en", **values: Any) -> str:
    given = {"key": "a key", "cause": "as agreed", **values}
    return client_of("finance", language).post(address, given).content.decode()


def deducted_beyond() -> Penalty:
    shop = make_shop()
    paid_in(shop, 10_000)
    return make_imposed(shop, Measure(kind="deduct", basis="fixed", amount_fen=25_000), at=timezone.now())


# What a shop owes


def test_a_shops_page_says_what_it_owes_until_when_and_leads_there() -> None:
    penalty = deducted_beyond()
    [owed] = TopUp.objects.all()
    shown = page(reverse("admin:shops_shop_change", args=[penalty.shop.pk]), "operator")
    standing = shown.split('id="standing"')[1].split("</section>")[0]
    assert reverse("admin:shops_topup_change", args=[owed.pk]) in standing
    assert f"to be paid ¥150.00 · due on {date_format(owed.due_on)}" in words_of(standing)


def test_a_shop_that_owes_nothing_reads_of_nothing_to_be_paid() -> None:
    shown = page(reverse("admin:shops_shop_change", args=[make_shop().pk]), "operator")
    assert "to be paid" not in shown


def test_the_page_of_a_penalty_leads_to_what_is_owed_for_it() -> None:
    penalty = deducted_beyond()
    [owed] = TopUp.objects.all()
    where = reverse("admin:shops_penalty_change", args=[penalty.pk])
    assert reverse("admin:shops_topup_change", args=[owed.pk]) in page(where)
    entered(deposits.top_up, penalty.shop, 15_000, at=timezone.now())
    measures = page(where).split('id="measures"')[1].split("</section>")[0]
    assert "¥150.00 · settled" in words_of(measures)


@pytest.mark.parametrize(
    ("status", "language", "told"),
    [
        ("closed", "en", "nothing: the shop is closed"),
        ("closed", "zh-hans", "无：店铺已关店"),
        ("normal", "en", "nothing stated"),
    ],
)
def test_why_nothing_is_required_is_told(status: str, language: str, told: str) -> None:
    if status == "closed":
        DepositRequirement(category="", base_fen=50_000).save_by(None)
    assert told in page(account(make_shop(status=status)), language=language)


def test_what_is_demanded_stands_beside_what_is_lacking_and_the_rest_can_be() -> None:
    DepositRequirement(category="", base_fen=50_000).save_by(None)
    shop = make_shop()
    entered(deposits.deduct, shop, 7_000)
    topups.demand(shop=shop, amount_fen=30_000, by=None, at=timezone.now(), key="k")
    demand = reverse("admin:shops_topup_demand", args=[shop.pk])
    listed = page(reverse("admin:shops_topup_short"))
    assert "¥300.00 demanded" in listed and demand in listed and "Demand the rest" in listed
    assert "besides, ¥70.00 is due and deducted once paid" in listed
    form = page(demand)
    assert "lacks ¥500.00 of what is required; ¥300.00 is demanded already" in form
    assert 'value="200.00"' in form


def test_who_lacks_nothing_reads_so_where_more_would_be_demanded() -> None:
    demand = reverse("admin:shops_topup_demand", args=[make_shop().pk])
    assert "lacks nothing of what is required" in page(demand)


def test_a_top_ups_page_says_what_it_is_and_names_each_payment_once() -> None:
    shop = make_shop(name="一家店")
    _entry, owed = entered(deposits.deduct, shop, 7_000)
    payment = entered(deposits.top_up, shop, 2_000)
    shown = page(reverse("admin:shops_topup_change", args=[owed.pk]))
    heading = words_of(shown.split("<h1>")[1].split("</h1>")[0])
    assert heading == f"Top-up of ¥70.00 due on {date_format(owed.due_on)} · 一家店 {shop.code}"
    assert f">entry {payment.number} of" in shown


# What is used up


def test_what_is_used_up_is_not_offered_to_be_taken_back_and_says_why() -> None:
    shop = make_shop()
    first, second = paid_in(shop, 10_000), paid_in(shop, 1_000)
    entered(deposits.compensate, shop, 10_000)
    shown = page(account(shop))
    back = [reverse("admin:shops_depositentry_reverse", args=[one.pk]) for one in (first, second)]
    assert back[0] not in shown and "used: only ¥10.00 left" in shown
    assert back[1] in shown
    assert back[0] not in page(reverse("admin:shops_depositentry_change", args=[first.pk]))
    assert back[1] in page(reverse("admin:shops_depositentry_change", args=[second.pk]))


def test_a_payment_of_which_was_deducted_can_be_taken_back() -> None:
    shop = make_shop()
    entered(deposits.deduct, shop, 7_000)
    payment = entered(deposits.top_up, shop, 7_000)
    back = reverse("admin:shops_depositentry_reverse", args=[payment.pk])
    assert back in page(account(shop))


# What people are about to enter


@pytest.mark.parametrize(
    ("kind", "amount", "told"),
    [
        ("pay_in", "-5", "An amount is above zero."),
        ("pay_in", "0", "An amount is above zero."),
        ("pay_in", "100000000.01", "More than ¥100,000,000.00 is not entered at once"),
        ("adjust", "0", "An adjustment is not zero."),
        ("adjust", "-100000000.01", "More than ¥100,000,000.00 is not entered at once"),
    ],
)
def test_an_amount_that_is_a_slip_is_told_at_its_field(kind: str, amount: str, told: str) -> None:
    shown = sent(entering(make_shop(), kind), amount_fen=amount)
    assert told in shown.split("field-amount_fen")[1].split("field-at")[0]


def test_a_moment_to_come_and_a_known_reference_are_told_at_their_fields() -> None:
    shop = make_shop()
    paid_in(shop, 1, reference="R-1")
    shown = sent(entering(shop, "pay_in"), amount_fen="1", at="2100-01-01T00:00", reference="R-1")
    assert "lies in the future" in shown.split("field-at")[1].split("field-cause")[0]
    assert "R-1 is on record already" in shown.split("field-reference")[1]


def test_a_movement_with_a_reference_that_is_sent_twice_is_one() -> None:
    shop = make_shop()
    for _time in range(2):
        sent(entering(shop, "pay_in"), amount_fen="1", reference="R-1", confirmed="1")
    assert DepositEntry.objects.get().reference == "R-1"


def test_what_is_meant_where_nothing_is_filled_in_is_told_before_it_is_confirmed() -> None:
    shop = make_shop()
    shown = words_of(sent(entering(shop, "deduct"), amount_fen="5"))
    due = date_format(timezone.localdate() + timedelta(days=topups.DAYS_TO_PAY))
    assert "Moved at now" in shown and f"Due on {due}" in shown


@pytest.mark.parametrize(
    ("language", "told"), [("en", "enter what it paid as a pay-in"), ("zh-hans", "请录入为缴存")]
)
def test_a_top_up_where_nothing_is_due_says_so_first(language: str, told: str) -> None:
    shop = make_shop()
    address = entering(shop, "top_up")
    assert told in page(address, language=language)
    assert told in sent(address, language, amount_fen="5")
    entered(deposits.deduct, shop, 500, at=AT)
    assert told not in page(address, language=language)
    assert told not in sent(address, language, amount_fen="5")


# What is drawn


def test_balances_are_drawn_from_zero_up_with_the_last_one_told() -> None:
    shop = make_shop()
    paid_in(shop, 300_000, at=AT - timedelta(days=2), recorded_at=AT)
    paid_in(shop, 39_040)
    shown = page(account(shop))
    drawn = shown.split('<svg viewBox="0 0 400 180"')[1].split("</figure>")[0]
    assert 'text-anchor="end">0</text>' in drawn and "¥3,390.40</text>" in drawn
    heights = [float(place.split(",")[1]) for place in re.findall(r'points="([^"]+)"', drawn)[0].split()]
    ground = float(re.findall(r'class="ground"[^>]* y1="([^"]+)"', drawn)[0])
    assert (ground - heights[0]) / (ground - heights[1]) == pytest.approx(3000 / 3390.4, abs=0.01)
    assert "what is required" not in drawn
