"""What a shop is told of a ruling: by value, in both languages, and delivered like the first notice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from opsdesk import appeals, audit, deadlines, notices, overtaken
from opsdesk.models import Appeal, AppealTerms, Notice
from opsdesk.story import story
from shops import penalties
from shops.errors import Refused
from shops.models import Measure
from tests.clients import client_of, signed_in
from tests.factories import AT, make_appeal, make_cleared, make_enrollment, make_imposed, make_user
from tests.opsdesk.test_appeals import LATER, taken

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
WHY = "附件二的物流记录可信"


def told(appeal: Appeal, language: str = "en") -> dict[str, str]:
    notice = Notice.objects.get(appeal=appeal)
    return dict(notice.text_en if language == "en" else notice.text_zh)


def ruled(judge: User, verb: str, appeal: Appeal | None = None, **given: object) -> Appeal:
    appeal = appeal or make_appeal()
    appeals.take(appeal.pk, by=judge, at=LATER)
    getattr(appeals, verb)(appeal.pk, reason=WHY, by=judge, at=LATER, **given)
    return Appeal.objects.get(pk=appeal.pk)


def test_a_granted_appeal_is_told_with_all_that_was_taken_back(judge: User) -> None:
    appeal = ruled(judge, "grant")
    text = told(appeal)
    assert text["Appeal"] == f"{appeal.number} · first"
    assert text["Case"] == appeal.penalty.case_number
    assert text["Ruling"] == "The appeal is granted: the decision is overturned."
    assert text["Ruled on"] == "13 Mar 2026 09:30:00"
    assert text["Reasons"] == WHY
    assert text["Taken back"].startswith("Cleared from Douyin Featured Alliance out of opening 1")
    assert text["Another appeal"] == "Nothing of the decision is left to appeal against."
    assert "Not as before" not in text
    chinese = told(appeal, "zh")
    assert chinese["裁定"] == "申诉成立：原决定予以撤销。"
    assert len(chinese) == len(text)


def test_one_granted_in_part_is_told_with_amounts_and_until_when_to_go_on(judge: User) -> None:
    deduction = Measure(kind=Kind.DEDUCT, basis=Measure.Basis.FIXED, amount_fen=50_000)
    penalty = make_imposed(make_enrollment().shop, Measure(kind=Kind.WARNING), deduction)
    warning, deducted = penalty.measures.order_by("pk")
    appeal = ruled(
        judge, "grant_in_part", make_appeal(penalty), measures=[warning.pk], less={deducted.pk: 10_000}
    )
    text, chinese = told(appeal), told(appeal, "zh")
    assert text["Ruling"].startswith("The appeal is granted in part")
    assert text["Taken back"] == "Warned, undone"
    assert "¥500.00 → ¥100.00" in text["Lessened"] and "¥500.00 → ¥100.00" in chinese["减轻的措施"]
    until = deadlines.said(deadlines.window_of(penalty, 2).until)
    assert f"A second appeal can be filed until {until}" in text["Another appeal"]
    assert "merchant channel" in text["Another appeal"] and "商家渠道" in chinese["再次申诉"]


def test_a_denied_one_says_how_to_go_on_and_on_the_second_level_that_it_is_final(judge: User) -> None:
    terms = AppealTerms.current()
    terms.contact_zh, terms.contact_en = "电话 400-000-0000", "Telephone 400-000-0000"
    terms.save_by(None, "as the desk is called")
    first = ruled(judge, "deny")
    assert "Telephone 400-000-0000" in told(first)["Another appeal"]
    assert Notice.objects.get(appeal=first).contact_zh == terms.contact_zh
    second = ruled(make_user("appeals_officer"), "deny", make_appeal(first.penalty, at=LATER))
    assert told(second)["Ruling"] == "The appeal is denied: the decision stands."
    assert told(second)["Another appeal"] == "This ruling is final: no further appeal is provided."
    assert told(second, "zh")["再次申诉"] == "本裁定为最终裁定，不再受理申诉。"


def test_what_could_not_be_restored_is_said(judge: User) -> None:
    appeal = taken(judge)
    make_imposed(appeal.penalty.shop, Measure(kind=Kind.CLOSE), ground="judgement")
    appeals.grant(appeal.pk, reason=WHY, by=judge, at=LATER, all_the_same=True)
    assert "Cleared from Douyin Featured Alliance" in told(appeal)["Not as before"]
    assert "抖音精选联盟" in told(appeal, "zh")["未能恢复原状"]


def test_its_delivery_is_recorded_and_moves_no_window(judge: User) -> None:
    appeal = ruled(judge, "deny")
    notice = Notice.objects.get(appeal=appeal)
    given = {"channel": "mail", "by": judge, "at": LATER + timedelta(days=9)}
    with pytest.raises(Refused, match="The ruling is of 13 Mar 2026 09:30:00"):
        notices.record_delivery(notice.pk, delivered_at=LATER - timedelta(seconds=1), **given)
    window = deadlines.window_of(appeal.penalty, 2)
    notices.record_delivery(notice.pk, delivered_at=LATER + timedelta(days=5), **given)
    notices.correct_delivery(notice.pk, delivered_at=LATER + timedelta(days=3), reason="r", **given)
    assert deadlines.window_of(appeal.penalty, 2) == window
    assert deadlines.window_of(appeal.penalty, 1).since == "decision"
    assert audit.verify_history() is None


def test_by_sql_it_is_delivered_after_the_ruling_never_rewritten_and_of_one_thing(judge: User) -> None:
    appeal = ruled(judge, "deny")
    of_it = Notice.objects.filter(appeal=appeal)
    with pytest.raises(IntegrityError, match="not delivered before it was decided"), transaction.atomic():
        of_it.update(channel="mail", delivered_at=LATER - timedelta(seconds=1))
    with pytest.raises(IntegrityError, match="what it says never changes"), transaction.atomic():
        of_it.update(appeal=None, penalty=make_imposed(appeal.penalty.shop, Measure(kind=Kind.WARNING)))
    both = {"text_zh": [], "text_en": [], "written_at": AT}
    for values in ({}, {"appeal": make_appeal(), "penalty": make_appeal().penalty}):
        with (
            pytest.raises(IntegrityError, match=r"of_a_decision_or_of_a_ruling|unique"),
            transaction.atomic(),
        ):
            Notice.objects.create(**both, **values)


def test_what_the_ruling_itself_did_does_not_overtake_it(judge: User) -> None:
    won, lost = ruled(judge, "grant"), ruled(judge, "deny")
    of_won, of_lost = (Notice.objects.get(appeal=appeal) for appeal in (won, lost))
    assert overtaken.overtaken(of_won, LATER, "en") == []
    assert not overtaken.needs_no_delivery(of_won)
    penalties.overturn(lost.penalty, by=None, at=LATER + timedelta(seconds=1), reason="after all")
    of_lost = Notice.objects.get(appeal=lost)
    assert "was overturned on 13 Mar 2026 09:30:01" in overtaken.overtaken(of_lost, LATER, "en")[0]


@pytest.fixture
def page(judge: User) -> str:
    return reverse("admin:opsdesk_notice_change", args=[Notice.objects.get(appeal=ruled(judge, "deny")).pk])


@pytest.mark.usefixtures("two_days_later")
def test_the_appeals_page_leads_to_it_and_it_is_found_by_the_appeals_number(judge: User, page: str) -> None:
    appeal, client = Appeal.objects.get(), signed_in(judge)
    of_appeal = client.get(reverse("admin:opsdesk_appeal_change", args=[appeal.pk])).content.decode()
    assert page in of_appeal and "print and deliver it" in of_appeal
    shown = client.get(page).content.decode()
    assert all(text in shown for text in ("申诉裁定通知", "Notice of a ruling", WHY, "维持原决定"))
    listed = client.get(reverse("admin:opsdesk_notice_changelist"), {"q": appeal.number}).content.decode()
    assert page in listed and appeal.number in listed


@pytest.mark.usefixtures("two_days_later")
def test_who_sees_no_appeals_sees_nothing_of_it(page: str) -> None:
    client: Client = client_of("operator")
    history = page.replace("change", "history")
    delivery = page.replace("change", "delivery")
    assert client.get(history).status_code == 404
    assert client.get(delivery).status_code == 404
    notice = Notice.objects.get(appeal__isnull=False)
    kept = [notice.pk, notice.history.get().pk]
    assert client.get(reverse("admin:opsdesk_notice_simple_history", args=kept)).status_code == 404
    assert WHY not in client.get(page, follow=True).content.decode()
    changelist = reverse("admin:opsdesk_notice_changelist")
    for address in (changelist, f"{changelist}?delivered=no"):
        assert Appeal.objects.get().number not in client.get(address).content.decode()


def test_the_story_tells_of_it_to_those_who_see_appeals(judge: User) -> None:
    appeal = ruled(judge, "deny")
    of_it = f"Notice of the ruling on appeal {appeal.number} is written"
    shop = appeal.penalty.shop
    assert of_it in [event.what for event in story(shop)]
    assert of_it not in [event.what for event in story(shop, lambda model: model is not Appeal)]


def test_what_was_decided_is_told_once_beside_it(judge: User) -> None:
    penalty = make_cleared()
    appeal = ruled(judge, "deny", make_appeal(penalty))
    assert Notice.objects.filter(penalty=penalty).count() == 1
    assert notices.write_ruling(appeal, by=None, at=LATER) == Notice.objects.get(appeal=appeal)
