"""Whoever was shown the whole effect of what he is about to do is held to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from opsdesk import appeals, pausing
from opsdesk.appeals import looked_at
from opsdesk.models import Appeal, Execution
from shops import closing
from shops.accounts import balance_of
from shops.models import Measure, Penalty
from tests.clients import client_of, signed_in
from tests.factories import AT, make_cleared, make_cleared_and_warned, make_imposed, make_shop, make_user
from tests.opsdesk.test_foreseen import LATER, address, case_with_money, effect_in, taken
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

OTHERWISE = "What would change is not what was shown to you"


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def judge() -> User:
    return make_user("appeals_officer")


def looked(client: Client, page: str, **chosen) -> dict:
    """What a form sends after its effect was shown."""
    answer = client.post(page, {**chosen, "look": "1"})
    assert effect_in(answer)
    return sent_from(answer, **chosen)


def sent_from(answer: HttpResponse, **chosen) -> dict:
    shown = dict(answer.context["hidden"])["shown"]
    return {**chosen, "reason": "wrong", "shown": shown, **all_seen()}


def all_seen() -> dict:
    """What came to the appeal was looked at as well, where there is one."""
    appeal = Appeal.objects.first()
    return {} if appeal is None else {"seen": looked_at(appeal)}


def test_a_judge_rules_on_what_he_was_shown(judge: User) -> None:
    appeal, client = taken(make_cleared(), judge), signed_in(judge)
    sent = looked(client, address("grant", appeal))
    assert client.post(address("grant", appeal), sent).status_code == 302
    assert Appeal.objects.get().state == "granted"


def test_what_has_become_another_effect_is_shown_anew_and_nothing_is_ruled(judge: User) -> None:
    appeal, client = taken(make_cleared(), judge), signed_in(judge)
    page = address("grant", appeal)
    sent = looked(client, page)
    closing.close(appeal.penalty.shop, by=None, at=AT)
    answer = client.post(page, sent)
    assert answer.status_code == 409
    assert OTHERWISE in answer.content.decode()
    assert "has closed by itself since" in effect_in(answer)
    assert "Rule all the same" in answer.content.decode()
    assert Appeal.objects.get().state == "taken"
    # Of what was shown now it may be done.
    assert client.post(page, sent_from(answer, all_the_same="on")).status_code == 302
    assert Appeal.objects.get().state == "granted"


def test_another_choice_than_was_looked_at_is_shown_first(judge: User) -> None:
    appeal, client = taken(make_cleared_and_warned(), judge), signed_in(judge)
    page, measures = address("grant_in_part", appeal), appeal.penalty.measures
    sent = looked(client, page, measures=[measures.get(kind="warning").pk])
    sent["measures"] = [measures.get(kind="clear").pk]
    answer = client.post(page, sent)
    assert OTHERWISE in answer.content.decode() and "Cleared from" in effect_in(answer)
    assert Appeal.objects.get().state == "taken"


def test_who_forgets_his_reasons_is_held_to_what_he_saw_all_the_same(judge: User) -> None:
    appeal, client = taken(make_cleared(), judge), signed_in(judge)
    page = address("grant", appeal)
    answer = client.post(page, looked(client, page) | {"reason": ""})
    assert answer.status_code == 400
    closing.close(appeal.penalty.shop, by=None, at=AT)
    answer = client.post(page, sent_from(answer, all_the_same="on"))
    assert (answer.status_code, Appeal.objects.get().state) == (409, "taken")
    assert OTHERWISE in answer.content.decode()


@pytest.mark.parametrize("verb", ["overturn", "undo"])
def test_so_is_who_forgets_his_reason_by_hand(verb: str) -> None:
    penalty, client = case_with_money(), client_of("supervisor")
    page = reverse(f"admin:shops_penalty_{verb}", args=[penalty.pk])
    chosen = {"measures": [penalty.measures.get(kind="deduct").pk]} if verb == "undo" else {}
    answer = client.post(page, looked(client, page, **chosen) | {"reason": ""})
    paid_in(penalty.shop, 10_00)
    assert OTHERWISE in client.post(page, sent_from(answer, **chosen)).content.decode()


def test_a_stay_that_would_end_is_a_part_of_the_effect(judge: User) -> None:
    """What the platform has paused, it is to resume then."""
    penalty = make_imposed(make_shop(), Measure(kind="warning"), Measure(kind="restrict_live"))
    appeal = taken(penalty, judge)
    appeals.stay(appeal.pk, reason="thin", by=make_user("supervisor"), at=AT + timedelta(days=1))
    asked = Execution.objects.get()
    client, page = signed_in(judge), address("grant_in_part", appeal)
    warning = [penalty.measures.get(kind="warning").pk]
    sent = looked(client, page, measures=warning)
    pausing.record(asked.pk, outcome="done", by=None, on=LATER.date())
    effect = effect_in(client.post(page, sent))
    assert "imposed; stayed → imposed" in effect
    assert "done → done; to resume" in effect


def test_who_has_not_looked_is_held_to_nothing(judge: User) -> None:
    appeal = taken(make_cleared(), judge)
    assert (
        signed_in(judge).post(address("grant", appeal), {"reason": "wrong", **all_seen()}).status_code == 302
    )


@pytest.mark.parametrize("verb", ["overturn", "undo"])
def test_so_is_whoever_takes_something_back_by_hand(verb: str) -> None:
    penalty, client = case_with_money(), client_of("supervisor")
    page = reverse(f"admin:shops_penalty_{verb}", args=[penalty.pk])
    chosen = {"measures": [penalty.measures.get(kind="deduct").pk]} if verb == "undo" else {}
    sent = looked(client, page, **chosen)
    paid_in(penalty.shop, 10_00)
    answer = client.post(page, sent)
    assert OTHERWISE in answer.content.decode()
    # What was paid in is due as well, and gone.
    assert "¥0.00 → ¥160.00" in effect_in(answer)
    assert balance_of(penalty.shop) == 0
    assert client.post(page, sent_from(answer, **chosen)).status_code == 302
    assert balance_of(penalty.shop) == 160_00


@pytest.mark.parametrize("forged", ["", "0" * 32, "\x00", "é" * 5_000])
def test_a_forged_word_is_an_effect_that_was_not_shown(judge: User, forged: str) -> None:
    appeal = taken(make_cleared(), judge)
    answer = signed_in(judge).post(
        address("grant", appeal), {"reason": "wrong", "shown": forged, **all_seen()}
    )
    assert answer.status_code == 409 and OTHERWISE in answer.content.decode()
    assert Penalty.objects.get().status == "imposed" and Measure.objects.get().undone_at is None
