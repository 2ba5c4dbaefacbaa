"""An appeal's page, as officers use it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from opsdesk import appeals, caseload
from opsdesk.models import Appeal
from shops import closing
from shops.models import Measure
from tests.clients import client_of, signed_in
from tests.factories import (
    AT,
    DAY,
    make_appeal,
    make_cleared,
    make_cleared_and_warned,
    make_enrollment,
    make_evidence,
    make_imposed,
    make_metrics,
    make_user,
)
from tests.opsdesk.files import jpeg
from tests.opsdesk.parts import penalty_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_days_later")]

NOW = AT + timedelta(days=2)


@pytest.fixture
def client(judge: User) -> Client:
    return signed_in(judge)


def address(page: str, *args: object) -> str:
    return reverse(f"admin:opsdesk_appeal_{page}", args=args)


def page_of(client: Client, appeal: Appeal) -> str:
    return client.get(address("change", appeal.pk)).content.decode()


def hidden(page: str) -> dict[str, str]:
    """What a form sends of itself: nobody writes it."""
    return dict(re.findall(r'<input type="hidden" name="(seen|asked)" value="([^"]*)"', page))


def send(client: Client, step: str, appeal: Appeal, given: dict[str, Any]) -> HttpResponse:
    """Open the form of a step, and send it."""
    form = client.get(address(step, appeal.pk)).content.decode()
    return client.post(address(step, appeal.pk), {**hidden(form), **given})


def test_the_page_tells_the_whole_story(client: Client) -> None:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, experience_score="3.49")
    make_metrics(enrollment.shop, AT.date(), experience_score="3.80")
    judged = make_appeal(at=NOW)
    other = make_user("appeals_officer")
    appeals.take(judged.pk, by=other, at=NOW)
    appeals.deny(judged.pk, reason="the figures are right", by=other, at=NOW)
    page = page_of(client, make_appeal(make_cleared(enrollment, by=make_user(username="maker"))))
    for said in (
        "评分有误，附物流记录",
        "maker",
        "DF-C1",
        "3.49",
        "below the bar",
        "experience score since the decision",
        "Cleared from Douyin Featured Alliance out of opening 1 on 11 Mar 2026",
        "not delivered yet",
        "0 granted, 0 in part, 1 denied",
        "the figures are right",
    ):
        assert said in page


def test_the_page_says_what_is_over_and_which_openings_the_platforms_penalty_closed(client: Client) -> None:
    enrollment = make_enrollment(openings=2)
    ends_at = AT + timedelta(hours=1)
    penalty = make_imposed(
        enrollment.shop,
        Measure(kind=Measure.Kind.CLEAR, alliance=enrollment.alliance),
        Measure(kind=Measure.Kind.SUSPEND, ends_at=ends_at),
    )
    page = page_of(client, make_appeal(penalty))
    assert '<span class="pill pill-over">over</span>' in page
    assert "Openings · Douyin Featured Alliance" in page


@pytest.mark.parametrize(("seconds", "late"), [(0.5, False), (1, True)])
def test_pages_give_a_second_until_it_is_over(judge: User, seconds: float, late: bool) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    appeals.ask(appeal.pk, items="material", by=judge, at=NOW)
    appeal.refresh_from_db()
    with time_machine.travel(appeal.due_at + timedelta(seconds=seconds), tick=False):
        client = signed_in(judge)
        page = page_of(client, appeal)
        queue = client.get(address("changelist")).content.decode()
    assert ("time to answer is over" in page) == late
    assert (f"{address('deny', appeal.pk)}?" in page) == late
    assert ("pill-overdue" in queue) == late


def test_the_metric_since_the_decision_reaches_the_day_of_looking(judge: User) -> None:
    enrollment = make_enrollment()
    penalty = make_cleared(enrollment)
    for after, score in ((0, "3.49"), (20, "3.31"), (41, "4.10"), (100, "4.40")):
        make_metrics(enrollment.shop, DAY + timedelta(days=after), experience_score=score)
    appeal = make_appeal(penalty)
    with time_machine.travel(AT + timedelta(days=99), tick=False):
        page = page_of(signed_in(judge), appeal)
    assert "18 Jun 2026: 4.4" in page
    assert "20 Apr 2026: 4.1" in page
    assert "30 Mar 2026: 3.31" not in page
    assert "On the 41 days before: from 3.31 to 3.49." in page


def test_an_officer_takes_asks_hears_and_grants_in_part(client: Client, judge: User) -> None:
    appeal = make_appeal(make_cleared_and_warned())
    client.post(address("take", appeal.pk))
    client.post(address("ask", appeal.pk), {"items": "物流记录"})
    assert Appeal.objects.get(pk=appeal.pk).state == "waiting"
    # While the shop may still answer, no ruling is offered.
    assert address("grant", appeal.pk) not in page_of(client, appeal)
    send(client, "answer", appeal, {"text": "见附件"})
    client.post(address("note", appeal.pk), {"text": "rang back"})
    page = page_of(client, appeal)
    assert all(text in page for text in ("物流记录", "见附件", "rang back"))
    assert all(address(step, appeal.pk) in page for step in ("grant", "grant_in_part", "deny"))
    measure = appeal.penalty.measures.get(kind="warning")
    assert "Cleared from Douyin" in client.get(address("grant_in_part", appeal.pk)).content.decode()
    answer = send(client, "grant_in_part", appeal, {"measures": [measure.pk], "reason": "too much"})
    assert answer["Location"] == address("change", appeal.pk)
    appeal.refresh_from_db()
    assert (appeal.state, appeal.decided_by, appeal.taken_back) == ("granted_in_part", judge, [measure.pk])
    page = page_of(client, appeal)
    assert "too much" in page
    assert "Appeal of level 2: until 28 Mar 2026 09:30:00" in page
    assert re.search(r"Taken back:</p>\s*<ul><li>[^<]*[Ww]arn", page)


def test_a_first_answer_is_shown_and_its_officer_says_when_it_is_all(client: Client, judge: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    appeals.ask(appeal.pk, items="物流记录", by=judge, at=NOW)
    clerk = signed_in(make_user("appeals_officer"))
    assert address("complete", appeal.pk) not in page_of(client, appeal)
    assert "More is to come" not in clerk.get(address("answer", appeal.pk)).content.decode()
    clerk.post(address("answer", appeal.pk), {"text": "一部分"})
    assert "a first answer" in client.get(address("changelist")).content.decode()
    assert address("complete", appeal.pk) not in page_of(clerk, appeal)
    assert "More is to come" in client.get(address("answer", appeal.pk)).content.decode()
    send(client, "answer", appeal, {"text": "又一部分", "more_to_come": "on"})
    page = page_of(client, appeal)
    assert address("complete", appeal.pk) in page
    assert address("deny", appeal.pk) not in page
    client.post(address("complete", appeal.pk))
    assert address("deny", appeal.pk) in page_of(client, appeal)


def test_who_was_not_asked_whether_more_is_to_come_ends_nobodys_time(client: Client, judge: User) -> None:
    appeal = make_appeal()
    first = make_user("appeals_officer")
    appeals.take(appeal.pk, by=first, at=NOW)
    appeals.ask(appeal.pk, items="物流记录", by=first, at=NOW)
    opened = hidden(client.get(address("answer", appeal.pk)).content.decode())
    appeals.release(appeal.pk, by=first, at=NOW)
    appeals.take(appeal.pk, by=judge, at=NOW)
    incomplete = client.post(address("answer", appeal.pk), {**opened, "text": ""}).content.decode()
    client.post(address("answer", appeal.pk), {**opened, "text": "一部分"})
    assert Appeal.objects.get(pk=appeal.pk).state == "waiting"
    # The form as it came back has the box: now it was left empty on purpose.
    assert "More is to come" in incomplete
    client.post(address("answer", appeal.pk), {**hidden(incomplete), "text": "其余"})
    assert Appeal.objects.get(pk=appeal.pk).state == "answered"


def test_what_can_not_be_restored_is_shown_and_ruled_on_all_the_same(client: Client, judge: User) -> None:
    penalty = make_cleared()
    closing.close(penalty.shop, by=None, at=NOW)
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=NOW)
    answer = send(client, "grant", appeal, {"reason": "wrong"})
    assert answer.status_code == 409
    assert "Not everything would be as before" in answer.content.decode()
    assert "Tick this to rule all the same." in answer.content.decode()
    send(client, "grant", appeal, {"reason": "wrong", "all_the_same": "on"})
    assert Appeal.objects.get(pk=appeal.pk).state == "granted"
    assert "Not everything is as before" in page_of(client, appeal)


@pytest.mark.parametrize(
    "step",
    ["take", "grant", "deny", "grant_in_part", "note", "answer", "complete", "withdraw", "stay", "evidence"],
)
@pytest.mark.parametrize("superuser", [False, True])
def test_whoever_decided_is_refused_by_post_and_offered_nothing(step: str, superuser: bool) -> None:
    maker = User.objects.create_superuser("root") if superuser else make_user("supervisor")
    appeal = make_appeal(make_cleared(by=maker))
    client = signed_in(maker)
    page = page_of(client, appeal)
    assert "You had a part in what this is about (decided it)" in page
    assert address(step, appeal.pk) not in page
    measure = appeal.penalty.measures.get()
    given = {"reason": "r", "text": "t", "measures": [measure.pk]}
    client.post(address(step, appeal.pk), {**given, "seen": appeals.looked_at(appeal)})
    appeal.refresh_from_db()
    appeal.penalty.refresh_from_db()
    assert (appeal.state, appeal.penalty.status, appeal.penalty.stayed_at) == ("filed", "imposed", None)
    assert appeal.messages.count() == 1
    assert not appeal.evidence.exists()


@pytest.mark.parametrize("part", ["case_maker", "releaser"])
def test_who_brought_the_decision_about_is_named_and_told_why_he_does_not_hear_it(part: str) -> None:
    involved = make_user("supervisor", username="somebody-else")
    page = page_of(signed_in(involved), make_appeal(penalty := penalty_with(part, involved)))
    did = {"case_maker": "imposed the case", "releaser": "released the held check"}[part]
    told = {"case_maker": "case imposed by", "releaser": "check released by"}[part]
    assert f"You had a part in what this is about ({did}" in page
    assert f"<dt>{told}</dt><dd>somebody-else</dd>" in page
    assert did in appeals.why_not_contested(penalty_with(part, involved), involved)
    assert penalty.case_number in page


def test_whoever_decided_adds_and_strikes_no_evidence() -> None:
    maker = make_user("supervisor")
    evidence = make_evidence(make_appeal(make_cleared(by=maker)))
    client = signed_in(maker)
    add = address("evidence", evidence.appeal_id)
    assert add not in page_of(client, evidence.appeal)
    file = SimpleUploadedFile("they-lie.jpg", jpeg(seed=2))
    assert client.post(add, {"evidence": [file]}).status_code == 409
    assert evidence.appeal.evidence.count() == 1
    strike = reverse("admin:opsdesk_evidence_strike", args=[evidence.token])
    viewer = client.get(reverse("admin:opsdesk_evidence_viewer", args=[evidence.token]))
    assert strike not in viewer.content.decode()
    assert client.post(strike, {"reason": "r"}).status_code == 409
    evidence.refresh_from_db()
    assert not evidence.is_struck


def test_that_the_shop_withdraws_is_offered_to_who_may_record_it(client: Client, judge: User) -> None:
    appeal, other = make_appeal(), client_of("appeals_officer")
    withdraw = address("withdraw", appeal.pk)
    assert withdraw in page_of(other, appeal)
    appeals.take(appeal.pk, by=judge, at=NOW)
    assert withdraw not in page_of(other, appeal)
    assert other.post(withdraw, {"reason": "rang"}).status_code == 409
    assert withdraw in page_of(client, appeal)
    assert withdraw in page_of(client_of("supervisor"), appeal)


def test_a_withdrawn_appeal_has_no_ruling(client: Client, judge: User) -> None:
    appeal = make_appeal()
    appeals.withdraw(appeal.pk, reason="rang", by=judge, at=NOW)
    heading = re.search(r'id="appeal-state">([^<]*)<', page_of(client, appeal))
    assert heading is not None and heading[1] == "Withdrawn"


def test_a_ruling_that_comes_second_is_refused_and_told_who_was_first(client: Client, judge: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    appeals.deny(appeal.pk, reason="right", by=judge, at=NOW)
    over = "is over: denied by judge on 13 Mar 2026 09:30:00"
    for step, given in (
        ("grant", {"reason": "wrong"}),
        ("grant_in_part", {"reason": "x", "measures": ["46"]}),
    ):
        answer = client.post(address(step, appeal.pk), given)
        assert answer.status_code == 409
        assert (
            over in answer.content.decode()
            and "not one of the available choices" not in answer.content.decode()
        )
    led_back = client.get(address("grant", appeal.pk), follow=True)
    assert led_back.redirect_chain == [(address("change", appeal.pk), 302)]
    assert over in led_back.content.decode()


def test_a_second_judge_finds_what_came_with_the_first_appeal(judge: User) -> None:
    first = make_appeal()
    make_evidence(first)
    appeals.take(first.pk, by=judge, at=NOW)
    appeals.note(first.pk, text="rang the shop", by=judge, at=NOW)
    appeals.deny(first.pk, reason="the figures hold", by=judge, at=NOW)
    second = make_appeal(first.penalty, at=NOW)
    page = page_of(signed_in(make_user("appeals_officer")), second)
    story = page[page.index(f'id="before-{first.pk}"') :]
    assert "rang the shop" in story and "the figures hold" in story
    assert str(first.evidence.get().token) in story
    # Of its own case it is no earlier appeal of the kind.
    assert caseload.hearing_of(second, at=NOW)["alike"].count() == 0


@pytest.mark.parametrize("step", ["grant", "grant_in_part", "deny"])
def test_a_ruling_keeps_its_reasons_and_tells_what_has_come_since_the_judge_looked(
    client: Client, judge: User, step: str
) -> None:
    appeal = make_appeal(make_cleared_and_warned())
    appeals.take(appeal.pk, by=judge, at=NOW)
    measures = [appeal.penalty.measures.get(kind="warning").pk]
    form = client.get(address(step, appeal.pk)).content.decode()
    make_evidence(appeal, name="迟到.jpg", at=NOW)
    written = {"reason": "nothing supports it", "measures": measures}
    # Told by this answer alone: one that lacks something is no look at what has come.
    incomplete = client.post(address(step, appeal.pk), {**hidden(form), "measures": measures})
    assert hidden(incomplete.content.decode()) == hidden(form)
    refused = client.post(address(step, appeal.pk), {**written, **hidden(form)})
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "since you looked: evidence by the system on 13 Mar 2026 09:30:00: “迟到.jpg”" in page
    assert "nothing supports it" in page
    assert Appeal.objects.get(pk=appeal.pk).is_open
    assert client.post(address(step, appeal.pk), {**written, **hidden(page)}).status_code == 302


def test_what_comes_between_the_appeal_and_its_form_has_not_been_seen(client: Client, judge: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    [link] = re.findall(rf'"({address("deny", appeal.pk)}\?[^"]*)"', page_of(client, appeal))
    make_evidence(appeal, at=NOW)
    form = client.get(link).content.decode()
    answer = client.post(link, {"reason": "nothing has come", **hidden(form)})
    assert (answer.status_code, Appeal.objects.get(pk=appeal.pk).is_open) == (409, True)


@pytest.mark.parametrize("step", ["grant", "grant_in_part", "deny"])
def test_who_does_not_say_what_he_saw_rules_on_nothing(client: Client, judge: User, step: str) -> None:
    appeal = make_appeal(make_cleared_and_warned())
    appeals.take(appeal.pk, by=judge, at=NOW)
    measures = [appeal.penalty.measures.get(kind="warning").pk]
    for sent in ({}, {"seen": ""}):
        refused = client.post(address(step, appeal.pk), {"reason": "r", "measures": measures, **sent})
        assert refused.status_code == 409
        assert "since you looked: statement by the system" in refused.content.decode()
    assert Appeal.objects.get(pk=appeal.pk).is_open


def test_an_empty_ruling_is_incomplete(client: Client, judge: User) -> None:
    appeal = make_appeal()
    appeals.take(appeal.pk, by=judge, at=NOW)
    assert client.post(address("deny", appeal.pk), {"reason": ""}).status_code == 400


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_pages_speak_the_readers_language(judge: User, language: str) -> None:
    appeal = make_appeal()
    client = signed_in(judge, language)
    pages = [address("changelist"), address("add"), address("change", appeal.pk), address("rates")]
    pages += [address(step, appeal.pk) for step in ("ask", "grant", "grant_in_part", "deny")]
    for page in pages:
        told = client.get(page).content.decode()
        assert ("申诉" in told) == (language == "zh-hans")
