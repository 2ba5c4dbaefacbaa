"""The pages of the money: statements, forms, what is owed and who is short."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from shops import accounts, deposits, topups
from shops.models import DepositEntry, DepositRequirement, DepositStep, Measure, Shop, TopUp
from tests.clients import client_of
from tests.exporting import ask, content
from tests.factories import AT, make_imposed, make_penalty, make_shop, make_user
from tests.shops.accounting import entered, make_measure, paid_in, statement, taken_back

pytestmark = pytest.mark.django_db


def account(shop: Shop) -> str:
    return reverse("admin:shops_depositentry_account", args=[shop.pk])


def sent_twice(client: Client, address: str, **values: Any) -> tuple[str, Any]:
    """The form filled in, then what it showed confirmed: the page between, and the last answer."""
    key = client.get(address).context["form"]["key"].value()
    shown = client.post(address, {"key": key, **values})
    assert shown.status_code == 200, shown.content.decode()
    return shown.content.decode(), client.post(address, {"key": key, "confirmed": "1", **values})


def test_a_statement_tells_each_movement_with_cause_author_and_balance() -> None:
    shop, by = make_shop(), make_user("finance", username="mei")
    paid_in(shop, 123_456, by=by, cause="opening deposit", reference="R-7")
    taken_back(entered(deposits.compensate, shop, 1000))
    page = client_of("auditor").get(account(shop)).content.decode()
    for words in ("¥1,234.56", "opening deposit", "R-7", "mei", "compensated", "of 2", "opening balance"):
        assert words in page, words
    assert "Take it back" not in page
    assert "Pay in" not in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_of_a_movement_tells_its_moment_as_every_other(language: str) -> None:
    entry = paid_in(make_shop(), 1)
    where = reverse("admin:shops_depositentry_change", args=[entry.pk])
    page = client_of("auditor", language).get(where).content.decode()
    with translation.override(language):
        assert page.count(date_format(timezone.localtime(AT), "DATETIME_FORMAT")) == 2
    assert "+00:00" not in page


@pytest.mark.parametrize("page", ["depositentry", "topup"])
def test_what_a_case_moved_is_found_by_its_number(page: str) -> None:
    cases = []
    for _number in range(2):
        shop = make_shop()
        paid_in(shop, 1_000)
        deducts = Measure(kind=Measure.Kind.DEDUCT, basis=Measure.Basis.FIXED, amount_fen=3_000)
        cases.append(make_imposed(shop, deducts))
    address = reverse(f"admin:shops_{page}_changelist")
    answer = client_of("auditor").get(address, {"q": cases[0].case_number})
    assert [record.shop for record in answer.context["cl"].result_list] == [cases[0].shop]


def test_what_holds_a_deposit_is_told_one_from_the_other() -> None:
    shop = make_shop()
    deducts = Measure(kind=Measure.Kind.DEDUCT, basis=Measure.Basis.FIXED, amount_fen=3_000)
    make_imposed(shop, deducts)
    cases = [make_penalty(shop) for _number in range(2)]
    page = client_of("finance").get(account(shop)).content.decode()
    for case in cases:
        assert f"a penalty in effect {case.case_number}</a>" in page
    assert f"a top-up due {date_format(TopUp.objects.get().due_on)}</a>" in page


def test_a_statement_is_drawn_over_time_with_what_is_required() -> None:
    DepositRequirement(category="", base_fen=50_000).save_by(None)
    shop = make_shop()
    paid_in(shop, 10_000, at=AT - timedelta(days=2), recorded_at=AT)
    paid_in(shop, 5_000)
    page = client_of("finance").get(account(shop)).content.decode()
    assert '<svg viewBox="0 0 400 180"' in page
    assert "threshold-label" in page
    assert "¥350.00" in page  # lacking


def test_a_long_statement_is_told_in_parts_that_join() -> None:
    shop = make_shop()
    for _ in range(103):
        paid_in(shop, 1)
    client = client_of("auditor")
    newest = client.get(account(shop))
    assert (len(newest.context["entries"]), newest.context["opening"]) == (100, 3)
    earlier = client.get(account(shop), {"before": newest.context["earlier"]})
    assert [entry.number for entry, *_may in earlier.context["entries"]] == [3, 2, 1]
    assert (earlier.context["opening"], earlier.context["earlier"]) == (0, None)
    for nonsense in ("x", "-1", "٣", "9" * 40):
        assert client.get(account(shop), {"before": nonsense}).status_code == 200


def test_an_empty_account_says_what_to_do() -> None:
    shop = make_shop()
    assert "Pay in what the shop has paid" in client_of("finance").get(account(shop)).content.decode()
    assert "Finance enters or imports" in client_of("auditor").get(account(shop)).content.decode()
    chinese = client_of("finance", "zh-CN").get(account(shop)).content.decode()
    assert "请录入店铺的缴存" in chinese


def test_the_shops_page_leads_to_its_deposit() -> None:
    shop = make_shop()
    page = client_of("operator").get(reverse("admin:shops_shop_change", args=[shop.pk])).content.decode()
    assert account(shop) in page


@pytest.mark.parametrize(
    ("kind", "amount", "left"),
    [
        ("pay_in", "0.01", 10_001),
        ("top_up", "12.50", 11_250),
        ("compensate", "100", 0),
        ("refund", "1", 9_900),
        ("adjust", "-0.50", 9_950),
        ("deduct", "30", 7_000),
    ],
)
def test_finance_enters_a_movement_once_it_was_shown_what_it_does(kind: str, amount: str, left: int) -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, kind])
    shown, answer = sent_twice(client_of("finance"), address, amount_fen=amount, cause="as agreed")
    assert "The deposit goes from ¥100.00 to" in shown
    assert (answer.status_code, answer["Location"]) == (302, account(shop))
    assert statement(shop)[-1][1::2] == (kind, left)


def test_what_was_only_shown_is_not_entered_and_a_double_click_is_one_movement() -> None:
    shop, client = make_shop(), client_of("finance")
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, "pay_in"])
    values = {"key": "k" * 32, "amount_fen": "5", "cause": "c"}
    client.post(address, values)
    assert not DepositEntry.objects.exists()
    for _ in range(2):
        assert client.post(address, {**values, "confirmed": "1"}).status_code == 302
    assert statement(shop) == [(1, "pay_in", 500, 500)]
    other = client.post(address, {**values, "amount_fen": "6", "confirmed": "1"})
    assert other.status_code == 400
    assert "Something else was entered under the key" in other.content.decode()


def test_what_is_confirmed_is_named_in_full_and_can_be_changed_before() -> None:
    shop, client = make_shop(code="S-1"), client_of("finance")
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, "pay_in"])
    values = {
        "key": "k",
        "amount_fen": "5",
        "cause": "opening deposit",
        "reference": "R-7",
        "at": "2026-03-10T09:30:15",
    }
    shown = client.post(address, values)
    assert dict(shown.context["facts"]) == {
        "Shop": shop,
        "Amount in yuan": "¥5.00",
        "Moved at": "10 Mar 2026 09:30:15",
        "Cause": "opening deposit",
        "Reference": "R-7",
    }
    page = client.post(address, {**values, "confirmed": "1", "again": "Change it"})
    assert page.status_code == 200
    assert {name: page.context["form"][name].value() for name in values} == values
    assert not page.context["form"]["cause"].is_hidden
    assert 'name="confirmed"' not in page.content.decode()
    assert not DepositEntry.objects.exists()


def test_what_would_be_taken_back_settled_or_demanded_names_its_shop() -> None:
    shop, client = make_shop(), client_of("finance")
    paid = paid_in(shop, 1000)
    due = owed(shop, 500, timezone.localdate(), "one")
    for address, values in (
        (reverse("admin:shops_depositentry_reverse", args=[paid.pk]), {"cause": "a mistake"}),
        (reverse("admin:shops_topup_settle", args=[due.pk]), {"amount_fen": "1", "cause": "paid"}),
        (reverse("admin:shops_topup_demand", args=[shop.pk]), {"amount_fen": "1", "note": "asked"}),
    ):
        facts = dict(client.post(address, {"key": "k", **values}).context["facts"])
        assert facts["Shop"] == shop
        assert set(values.values()) & {"a mistake", "paid", "asked"} <= set(facts.values())


def test_a_deduction_beyond_the_balance_shows_what_will_be_due() -> None:
    shop = make_shop()
    paid_in(shop, 1000)
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, "deduct"])
    later = (timezone.localdate() + timedelta(days=30)).isoformat()
    shown, _answer = sent_twice(client_of("finance"), address, amount_fen="25", cause="V8", due_on=later)
    assert "A top-up of ¥15.00 is due on" in shown
    assert TopUp.objects.get().due_on.isoformat() == later


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"amount_fen": "200"}, "less than ¥200.00"),
        ({"amount_fen": "0.001"}, "no more than 2 decimal places"),
        ({"amount_fen": "1e400"}, "no more than 19 digits"),
        ({"amount_fen": "NaN"}, "Enter a number"),
        ({"amount_fen": "1", "cause": ""}, "This field is required"),
        ({"amount_fen": "1", "at": "2100-01-01T00:00"}, "lies in the future"),
        ({"amount_fen": "1", "at": "0026-03-01T10:00"}, "Name a day from"),
        ({"amount_fen": "1", "at": "0001-01-01T00:00"}, "Name a day from"),
    ],
)
def test_what_cannot_be_entered_is_told_at_once(values: dict, words: str) -> None:
    shop = make_shop()
    paid_in(shop, 10_000)
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, "compensate"])
    answer = client_of("finance").post(address, {"key": "k", "cause": "c", **values})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert accounts.balance_of(shop) == 10_000


def test_nobody_enters_what_is_no_movement() -> None:
    shop, client = make_shop(), client_of("finance")
    for kind in ("reversal", "nothing"):
        address = reverse("admin:shops_depositentry_enter", args=[shop.pk, kind])
        assert client.get(address).status_code == 404


def test_finance_takes_an_entry_back_but_not_what_a_penalty_took() -> None:
    shop, client = make_shop(), client_of("finance")
    entry = paid_in(shop, 1000)
    address = reverse("admin:shops_depositentry_reverse", args=[entry.pk])
    assert address in client.get(account(shop)).content.decode()
    assert address in client.get(reverse("admin:shops_depositentry_change", args=[entry.pk])).content.decode()
    taken = deposits.deduct_for(make_measure(shop), amount_fen=1, cause="V8", by=None, at=AT).entry
    assert taken is not None
    by_penalty = reverse("admin:shops_depositentry_reverse", args=[taken.pk])
    assert by_penalty not in client.get(account(shop)).content.decode()
    refused = client.post(by_penalty, {"key": "x", "cause": "c"})
    assert "Overturn the penalty" in refused.content.decode()
    deposits.reverse_for(taken.measure, cause="c", by=None, at=AT)
    _shown, answer = sent_twice(client, address, cause="a mistake")
    assert answer.status_code == 302
    assert accounts.balance_of(shop) == 0


@pytest.mark.parametrize(("language", "told"), [("en", "deducted once paid"), ("zh-hans", "补扣")])
def test_what_is_deducted_of_a_payment_is_told_with_it_and_offers_no_way_back(
    language: str, told: str
) -> None:
    shop = make_shop()
    entered(deposits.deduct, shop, 200)
    client = client_of("finance", language)
    address = reverse("admin:shops_depositentry_enter", args=[shop.pk, "top_up"])
    shown, _answer = sent_twice(client, address, amount_fen="1.50", cause="paid")
    assert told in shown
    payment, collected = DepositEntry.objects.filter(shop=shop).order_by("number")
    page = client.get(account(shop)).content.decode()
    assert told in page
    assert reverse("admin:shops_depositentry_reverse", args=[payment.pk]) in page
    assert reverse("admin:shops_depositentry_reverse", args=[collected.pk]) not in page


def test_the_ledger_goes_out_in_yuan() -> None:
    shop = make_shop(code="S1")
    taken_back(paid_in(shop, 1234, cause="=1+1"))
    sent = content(ask(client_of("auditor"), reverse("admin:shops_depositentry_export"))).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sent)))
    told = [(row["amount"], row["balance"], row["takes back"]) for row in rows]
    assert told == [("-12.34", "0.00", "1"), ("12.34", "12.34", "")]
    assert rows[1]["cause"] == "'=1+1"


def test_an_empty_ledger_says_what_to_do() -> None:
    page = client_of("finance").get(reverse("admin:shops_depositentry_changelist")).content.decode()
    assert "Import a file of movements" in page


# What is owed


def owed(shop: Shop, fen: int, due_on: date, key: str) -> TopUp:
    return topups.demand(shop=shop, amount_fen=fen, by=None, at=AT, key=key, due_on=due_on)


def test_the_worklist_shows_what_is_due_first_and_counts_the_groups() -> None:
    shop, today = make_shop(), timezone.localdate()
    late = owed(shop, 1000, AT.date(), "late")
    soon = owed(shop, 2000, today + timedelta(days=9), "soon")
    gone = owed(shop, 3000, today + timedelta(days=9), "gone")
    topups.remind(soon, by=None, at=AT)
    topups.cancel(gone, by=None, at=AT, reason="waived")
    client, address = client_of("auditor"), reverse("admin:shops_topup_changelist")

    def listed(**query: str) -> list[TopUp]:
        return list(client.get(address, query).context["cl"].result_list)

    assert listed() == [late, soon]
    assert listed(standing="overdue") == [late]
    assert listed(standing="reminded") == [soon]
    assert listed(standing="cancelled") == [gone]
    assert listed(standing="all") == [late, soon, gone]
    assert listed(standing="nonsense") == []
    page = client.get(address).content.decode()
    for words in ("due (2)", "overdue (1)", "reminded (1)", "settled (0)", "cancelled (1)", "all (3)"):
        assert words in page


def test_finance_reminds_settles_and_cancels_from_the_top_ups_page() -> None:
    shop, client = make_shop(), client_of("finance")
    due = owed(shop, 1000, timezone.localdate(), "one")
    page = reverse("admin:shops_topup_change", args=[due.pk])
    for name in ("remind", "settle", "cancel"):
        assert f"/{name}/" in client.get(page).content.decode()
    client.post(reverse("admin:shops_topup_remind", args=[due.pk]), {"reason": "called"})
    due.refresh_from_db()
    assert due.reminded_at is not None
    assert "called" in client.get(page).content.decode()
    address = reverse("admin:shops_topup_settle", args=[due.pk])
    assert str(client.get(address).context["form"]["amount_fen"].value()) == "10.00"
    shown, _answer = sent_twice(client, address, amount_fen="4", cause="paid")
    assert "¥4.00 of it count towards the top-up due on" in shown
    due.refresh_from_db()
    assert (due.state, topups.outstanding_of(due)) == ("open", 600)
    client.post(reverse("admin:shops_topup_cancel", args=[due.pk]), {"reason": "waived"})
    due.refresh_from_db()
    assert due.state == "cancelled"
    assert "/settle/" not in client.get(page).content.decode()
    history = client.get(reverse("admin:shops_topup_history", args=[due.pk])).content.decode()
    assert "called" in history


def test_top_ups_go_out_in_yuan_with_what_is_outstanding() -> None:
    shop = make_shop(code="S1")
    due = owed(shop, 1000, AT.date(), "one")
    deposits.settle(due, amount_fen=300, cause="c", key="k", by=None, at=AT)
    sent = content(ask(client_of("finance"), reverse("admin:shops_topup_export"))).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(sent))
    assert (row["shop's code"], row["amount"], row["outstanding"]) == ("S1", "10.00", "7.00")


def test_who_is_short_is_listed_and_finance_demands_what_is_lacking() -> None:
    DepositRequirement(category="", base_fen=50_000).save_by(None)
    short, full = make_shop(code="SHORT"), make_shop(code="FULL")
    paid_in(short, 20_000)
    paid_in(full, 50_000)
    client, address = client_of("finance"), reverse("admin:shops_topup_short")
    page = client.get(address).content.decode()
    assert "SHORT" in page and "¥300.00" in page and "FULL" not in page
    demand = reverse("admin:shops_topup_demand", args=[short.pk])
    assert demand in page
    assert str(client.get(demand).context["form"]["amount_fen"].value()) == "300.00"
    shown, _answer = sent_twice(client, demand, amount_fen="300")
    assert "A top-up of ¥300.00 is due on" in shown
    page = client.get(address).content.decode()
    assert demand not in page and "demanded" in page
    sent = content(client.post(reverse("admin:shops_topup_short_export"))).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(sent))
    code, _name, *amounts = row.values()
    assert (code, amounts) == ("SHORT", ["500.00", "200.00", "300.00"])
    for nonsense in ("x", "0", "99999"):
        assert client.get(address, {"p": nonsense}).status_code == 200


def test_nobody_short_says_where_amounts_are_kept() -> None:
    page = client_of("auditor").get(reverse("admin:shops_topup_short")).content.decode()
    assert "No shop is short" in page


# How much it is to be


@pytest.mark.parametrize("role", ["finance", "supervisor"])
def test_amounts_are_written_in_yuan_and_their_history_says_by_whom(role: str) -> None:
    client = client_of(role)
    client.post(reverse("admin:shops_depositrequirement_add"), {"category": "beauty", "base_fen": "2000.50"})
    requirement = DepositRequirement.objects.get()
    assert (requirement.alliance, requirement.category, requirement.base_fen) == (None, "beauty", 200_050)
    assert requirement.history.get().history_user.groups.get().name == role
    again = client.post(
        reverse("admin:shops_depositrequirement_add"), {"category": "beauty", "base_fen": "1"}
    )
    assert "There is a requirement for this category already" in again.content.decode()
    client.post(
        reverse("admin:shops_depositstep_add"),
        {"category": "", "sales_fen": "10000", "amount_fen": "3000"},
    )
    step = DepositStep.objects.get()
    assert (step.sales_fen, step.amount_fen) == (1_000_000, 300_000)
    form = client.get(reverse("admin:shops_depositstep_change", args=[step.pk])).content.decode()
    assert 'value="10000.00"' in form
    for model, told in (("depositrequirement", "¥2,000.50"), ("depositstep", "¥10,000.00")):
        assert told in client.get(reverse(f"admin:shops_{model}_changelist")).content.decode()
    client.post(reverse("admin:shops_depositrequirement_delete", args=[requirement.pk]), {"post": "yes"})
    assert not DepositRequirement.objects.exists()
    assert DepositRequirement.history.latest("history_id").history_user is not None


def test_an_amount_below_zero_is_told_in_words() -> None:
    answer = client_of("finance").post(
        reverse("admin:shops_depositrequirement_add"), {"category": "", "base_fen": "-1"}
    )
    assert "An amount is not below zero" in answer.content.decode()


def test_every_page_of_the_money_is_told_in_chinese() -> None:
    shop = make_shop()
    _entry, due = entered(deposits.deduct, shop, 1000)
    client = client_of("finance", "zh-CN")
    with translation.override("zh-hans"):
        pages = {
            account(shop): "应补缴款",
            reverse("admin:shops_depositentry_changelist"): "保证金流水",
            reverse("admin:shops_topup_changelist"): "扣划超出余额",
            reverse("admin:shops_topup_change", args=[due.pk]): "结清",
            reverse("admin:shops_topup_short"): "没有店铺不足",
            reverse("admin:shops_depositentry_enter", args=[shop.pk, "deduct"]): "扣划",
        }
    for address, words in pages.items():
        assert words in client.get(address).content.decode(), address
