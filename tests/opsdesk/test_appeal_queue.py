"""The appeal queue: what is urgent, whose it is, and how appeals are found."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from opsdesk import appeals
from opsdesk.models import Appeal, Notice
from tests.clients import client_of, signed_in
from tests.factories import make_appeal, make_cleared, make_user
from tests.opsdesk.test_appeal_admin import NOW, address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_days_later")]


@pytest.fixture
def client(judge: User) -> Client:
    return signed_in(judge)


def shown(client: Client, **query: str) -> set[str]:
    page = client.get(address("changelist"), query).content.decode()
    return {appeal.number for appeal in Appeal.objects.all() if f">{appeal.number}<" in page}


def test_the_queue_is_filtered_by_what_is_urgent_and_whose_it_is(client: Client, judge: User) -> None:
    mine, free, waiting, over = (make_appeal() for _ in range(4))
    appeals.take(mine.pk, by=judge, at=NOW)
    other = make_user("appeals_officer")
    for appeal in (waiting, over):
        appeals.take(appeal.pk, by=other, at=NOW)
    appeals.ask(waiting.pk, items="x", by=other, at=NOW, due_on=NOW.date())
    appeals.deny(over.pk, reason="right", by=other, at=NOW)
    numbers = {
        name: {appeal.number for appeal in found}
        for name, found in {
            "open": (mine, free, waiting),
            "mine": (mine,),
            "free": (free,),
            "waiting": (waiting,),
            "other": (waiting,),
            "all": (mine, free, waiting, over),
        }.items()
    }
    assert shown(client) == numbers["open"]
    assert shown(client, state="all") == numbers["all"]
    assert shown(client, state="waiting") == numbers["waiting"]
    assert shown(client, officer="mine") == numbers["mine"]
    assert shown(client, officer="nobody") == numbers["free"]
    assert shown(client, officer=str(other.pk)) == numbers["other"]
    assert shown(client, due="today") == numbers["waiting"]
    assert shown(client, due="overdue") == set()
    page = client.get(address("changelist")).content.decode()
    assert 'due today</dt><dd><a href="/admin/opsdesk/appeal/?due=today">1</a>' in page
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert shown(signed_in(judge), due="overdue") == numbers["waiting"]
    assert shown(client, level__exact="2") == set()
    assert shown(client, penalty__ground="metric") == numbers["open"]


def test_what_is_searched_for_is_found_whatever_has_become_of_it(client: Client, judge: User) -> None:
    over, other = make_appeal(), make_appeal()
    appeals.take(over.pk, by=judge, at=NOW)
    appeals.deny(over.pk, reason="right", by=judge, at=NOW)
    assert shown(client, q=over.number) == {over.number}
    assert shown(client, q=over.number, state="open") == set()
    assert shown(client, q=" ") == {other.number}


def test_a_shops_page_leads_to_its_appeals_alone(client: Client) -> None:
    appeal, other = make_appeal(), make_appeal()
    shop = reverse("admin:shops_shop_change", args=[appeal.penalty.shop_id])
    there = re.search(rf'href="({address("changelist")}[^"]+)"', client.get(shop).content.decode())
    assert there is not None
    page = client.get(html.unescape(there[1])).content.decode()
    assert appeal.number in page
    assert other.number not in page


@pytest.mark.parametrize("quoted", ["P{:08d}", "Ｐ{:d}"])
@pytest.mark.parametrize(
    "page", ["shops_penalty", "opsdesk_notice", "opsdesk_appeal", "opsdesk_decision", "rules_proposal"]
)
def test_what_is_of_a_case_is_found_by_the_desks_number(page: str, quoted: str) -> None:
    case, _other = (make_appeal().penalty for _ in range(2))
    asked = {"q": quoted.format(case.pk), **({"status": "all"} if page == "rules_proposal" else {})}
    answer = client_of("auditor").get(reverse(f"admin:{page}_changelist"), asked)
    [found] = answer.context["cl"].result_list
    of_it = {"shops_penalty": lambda: found, "opsdesk_decision": lambda: found.proposal.penalty}
    assert of_it.get(page, lambda: found.penalty)() == case


def test_an_appeal_is_found_by_its_own_number(client: Client) -> None:
    appeal, _other = make_appeal(), make_appeal()
    assert shown(client, q=appeal.number) == {appeal.number}


def test_an_appeal_is_filed_against_a_case_that_was_written_wide(client: Client) -> None:
    wide = str.maketrans("P0123456789", "Ｐ０１２３４５６７８９")
    penalty = make_cleared()
    given = {"penalty": penalty.case_number.translate(wide), "channel": "mail", "statement": "评分有误"}
    client.post(address("add"), given)
    assert Appeal.objects.get().penalty == penalty


def test_many_are_taken_at_once_but_none_that_another_holds(client: Client, judge: User) -> None:
    free, held = make_appeal(), make_appeal()
    other = make_user("appeals_officer", username="other")
    appeals.take(held.pk, by=other, at=NOW)
    answer = client.post(
        address("changelist"),
        {"action": "take_selected", "_selected_action": [free.pk, held.pk]},
        follow=True,
    ).content.decode()
    assert "1 appeal is yours." in answer
    assert f"has taken appeal {held.number}" in answer
    assert set(Appeal.objects.values_list("taken_by__username", flat=True)) == {"judge", "other"}


def test_the_home_page_counts_them_for_those_who_see_them(client: Client) -> None:
    make_appeal()
    assert 'id="tile-appeals"' in client.get("/admin/").content.decode()
    assert 'id="tile-appeals"' not in signed_in(make_user("operator")).get("/admin/").content.decode()


@pytest.mark.parametrize("role", ["operator", "finance", "rules_editor"])
def test_an_officer_without_the_right_sees_nothing_of_it(role: str) -> None:
    appeal = make_appeal(statement="only for the judge")
    client = signed_in(make_user(role))
    for page in (
        "/admin/",
        reverse("admin:shops_penalty_change", args=[appeal.penalty_id]),
        reverse("admin:shops_shop_change", args=[appeal.penalty.shop_id]),
        reverse("admin:opsdesk_notice_change", args=[Notice.objects.get(penalty=appeal.penalty).pk]),
    ):
        told = client.get(page)
        assert told.status_code == 200
        assert appeal.number not in told.content.decode()
        assert "/admin/opsdesk/appeal/" not in told.content.decode()
    assert client.get(address("change", appeal.pk)).status_code == 403


def test_the_rates_are_a_page(client: Client) -> None:
    make_cleared(by=make_user("operator", username="operator"))
    page = client.get(address("rates")).content.decode()
    assert all(text in page for text in ("By rule", "DF-C1", "operator", "0.00%"))
