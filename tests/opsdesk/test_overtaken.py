"""What a notice says of a decision that is no longer as it was told, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from opsdesk import appeals, notices
from opsdesk.models import Notice
from opsdesk.overtaken import needs_no_delivery, overtaken
from shops import penalties, stays
from shops.models import Measure, Penalty
from tests.clients import signed_in
from tests.factories import AT, make_appeal, make_cleared_and_warned, make_enrollment, make_imposed, make_user

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
LATER = AT + timedelta(days=2)
DONE = {"by": None, "at": LATER, "reason": "as found since"}


def noticed(penalty: Penalty) -> Notice:
    return notices.write(penalty, by=None, at=AT)


def since(notice: Notice, language: str = "en") -> list[str]:
    """As it is read from the record again."""
    return overtaken(Notice.objects.get(pk=notice.pk), LATER, language)


def test_of_what_stands_as_it_was_told_nothing_is_said() -> None:
    assert since(noticed(make_cleared_and_warned())) == []


def test_what_was_overturned_no_longer_stands_and_is_not_to_be_delivered() -> None:
    penalty = make_cleared_and_warned()
    notice = noticed(penalty)
    penalties.overturn(penalty, **DONE)
    assert since(notice) == [
        f"Case {penalty} was overturned on 13 Mar 2026 09:30:00: this decision no longer stands."
    ]
    assert since(notice, "zh-hans") == [
        f"案件 {penalty} 已于 2026年3月13日 09:30:00 被撤销：本决定不再有效。"
    ]
    assert needs_no_delivery(Notice.objects.get(pk=notice.pk))


def test_what_was_lifted_and_what_is_stayed_is_said_to_be() -> None:
    lifted, stayed = make_cleared_and_warned(), make_cleared_and_warned()
    of_lifted, of_stayed = noticed(lifted), noticed(stayed)
    penalties.lift(lifted, **DONE)
    stays.stay(stayed, **DONE)
    assert since(of_lifted) == [f"Case {lifted} was lifted on 13 Mar 2026 09:30:00."]
    assert since(of_lifted, "zh-hans") == [f"案件 {lifted} 已于 2026年3月13日 09:30:00 解除。"]
    assert since(of_stayed) == [f"Case {stayed} is stayed since 13 Mar 2026 09:30:00."]
    assert since(of_stayed, "zh-hans") == [f"案件 {stayed} 自 2026年3月13日 09:30:00 起暂缓执行。"]
    assert not needs_no_delivery(Notice.objects.get(pk=of_lifted.pk))


def test_what_was_taken_back_in_part_and_what_does_less_is_named() -> None:
    penalty = make_imposed(
        make_enrollment().shop, Measure(kind=Kind.WARNING), Measure(kind=Kind.POINTS, points=4)
    )
    notice = noticed(penalty)
    warning, points = penalty.measures.order_by("pk")
    judge, appeal = make_user("appeals_officer"), make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    ruled = DONE | {"by": judge}
    appeals.grant_in_part(appeal.pk, measures=[warning.pk], less={points.pk: 2}, **ruled)
    taken_back, less = since(notice)
    assert taken_back == f"Case {penalty}, taken back on 13 Mar 2026 09:30:00: Warned, undone"
    assert less.startswith(f"Case {penalty}, lessened on ")
    assert "; what it is now: 2 points on the platform" in less
    assert all(line.startswith(f"案件 {penalty}") for line in since(notice, "zh-hans"))
    # The notice of that ruling tells it itself.
    assert since(Notice.objects.get(appeal=appeal)) == []


@pytest.mark.usefixtures("two_days_later")
def test_the_page_says_so_in_both_languages_and_asks_for_no_delivery() -> None:
    penalty = make_cleared_and_warned()
    notice = noticed(penalty)
    client, page = signed_in(make_user("operator")), reverse("admin:opsdesk_notice_change", args=[notice.pk])
    undelivered = reverse("admin:opsdesk_notice_changelist") + "?delivered=no"
    assert "Print this page, deliver it" in client.get(page).content.decode()
    assert penalty.case_number in client.get(undelivered).content.decode()
    penalties.overturn(penalty, **DONE)
    shown = client.get(page).content.decode()
    assert "was overturned on" in shown and "本决定不再有效" in shown
    assert "Print this page, deliver it" not in shown and "none is asked for" in shown
    assert penalty.case_number not in client.get(undelivered).content.decode()
