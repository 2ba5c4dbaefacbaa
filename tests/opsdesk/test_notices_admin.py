"""A notice's page: both languages, its delivery, and what corrects that."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from opsdesk import notices
from opsdesk.models import AppealTerms, Notice
from tests.clients import signed_in
from tests.factories import AT, make_cleared, make_user
from tests.opsdesk.test_appeal_admin import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_days_later")]


@pytest.fixture
def client(judge: User) -> Client:
    return signed_in(judge)


def test_a_notice_is_shown_in_both_languages_and_its_delivery_recorded(client: Client, judge: User) -> None:
    notice = Notice.objects.get(penalty=make_cleared())
    page = reverse("admin:opsdesk_notice_change", args=[notice.pk])
    shown = client.get(page).content.decode()
    assert all(
        text in shown for text in ("处罚决定通知", "Notice of a decision", "案件编号", "Openings left")
    )
    delivery = reverse("admin:opsdesk_notice_delivery", args=[notice.pk])
    assert delivery in shown
    given = {"channel": "mail", "delivered_at": "2026-03-12T10:00:30", "reference": "EMS 12"}
    assert client.post(delivery, given)["Location"] == page
    notice.refresh_from_db()
    assert notice.delivered_at == datetime.fromisoformat("2026-03-12T10:00:30+08:00")
    recorded = client.get(page).content.decode()
    assert "Delivered by mail on 12 Mar 2026 10:00:30" in recorded and "minute" not in recorded
    assert "on record already" in client.post(delivery, given).content.decode()


def test_a_wrong_delivery_is_corrected_on_its_page_for_a_reason(client: Client, judge: User) -> None:
    notice = Notice.objects.get(penalty=make_cleared())
    notices.record_delivery(notice.pk, channel="mail", delivered_at=AT, by=judge, at=NOW)
    page = reverse("admin:opsdesk_notice_change", args=[notice.pk])
    correction = reverse("admin:opsdesk_notice_correction", args=[notice.pk])
    assert correction in client.get(page).content.decode()
    given = {"channel": "phone", "delivered_at": "2026-03-12T10:00", "reference": "call 3"}
    assert "This field is required" in client.post(correction, given).content.decode()
    assert client.post(correction, {**given, "reason": "the letter came back"})["Location"] == page
    shown = client.get(page).content.decode()
    assert "Delivered by phone on 12 Mar 2026 10:00:59 (counted to the minute's end)" in shown
    assert "it counts from the minute&#x27;s end" in client.get(correction).content.decode()
    assert "corrected on 13 Mar 2026 09:30:00: the letter came back" in shown


def test_who_decided_corrects_how_it_was_delivered_in_the_minute_that_was_recorded() -> None:
    maker = make_user("operator")
    notice = Notice.objects.get(penalty=make_cleared(by=maker))
    given = {"channel": "mail", "delivered_at": "2026-03-13T09:30", "reference": ""}
    with time_machine.travel(NOW.replace(second=41, microsecond=250_000), tick=False):
        client = signed_in(maker)
        client.post(reverse("admin:opsdesk_notice_delivery", args=[notice.pk]), given)
        correction = reverse("admin:opsdesk_notice_correction", args=[notice.pk])
        form = client.get(correction).content.decode()
        shown = re.search(r'name="delivered_at" value="([^"]+)"', form)
        assert shown is not None
        again = {**given, "channel": "phone", "delivered_at": shown[1], "reason": "a call it was"}
        assert client.post(correction, again).status_code == 302
    notice.refresh_from_db()
    assert (notice.channel, notice.delivered_at) == ("phone", NOW.replace(second=41))


def test_who_issues_it_stands_at_its_head_and_foot_with_the_way_to_the_desk(client: Client) -> None:
    terms = AppealTerms.current()
    terms.issuer_zh, terms.issuer_en = "联盟治理组", "Alliance governance"
    terms.contact_zh, terms.contact_en = "电话 400-000-0000", "Telephone 400-000-0000"
    terms.save_by(None, "as the desk is called")
    notice = Notice.objects.get(penalty=make_cleared())
    shown = client.get(reverse("admin:opsdesk_notice_change", args=[notice.pk])).content.decode()
    for issuer, contact in ((terms.issuer_zh, terms.contact_zh), (terms.issuer_en, terms.contact_en)):
        # At the head, at the foot; and how to appeal besides.
        assert (shown.count(issuer), shown.count(contact)) == (2, 2)
