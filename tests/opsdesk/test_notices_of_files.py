"""What shops are told of penalties that files have brought as imposed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from opsdesk import audit, jobs, notices
from opsdesk.deadlines import said, window_of
from opsdesk.known import known_of
from opsdesk.models import Notice
from opsdesk.wording import text_of
from shops import penalties
from shops.errors import Refused
from shops.models import Penalty
from tests.factories import AT, DOUYIN, make_appeal, make_enrollment, make_shop
from tests.opsdesk.test_notices import told
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

FILE = "reference,shop,violation,imposed_at,status,points\n"


def test_a_penalty_that_a_file_brings_as_imposed_is_told_like_one_of_the_desks() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-03-11 08:00,imposed,4\n")
    penalty = Penalty.objects.get(reference="R1")
    assert notices.write_for_files(at=AT) == 1
    notice = Notice.objects.get(penalty=penalty)
    assert [list(line) for line in notice.text_en] == text_of(penalty, known_of([penalty], AT), "en")
    assert told(penalty)["Platform's case number"] == "R1"
    assert "4 points" in told(penalty)["Decision"]
    assert (notice.first_days, notice.second_days, notice.written_at) == (30, 15, AT)
    assert audit.verify_history() is None


def test_what_the_platform_does_beside_is_said_to_be_unknown_in_both_languages() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V4,2026-03-11 08:00,imposed,\n")
    notices.write_for_files(at=AT)
    penalty = Penalty.objects.get(reference="R1")
    assert "the desk was not told" in told(penalty)["Decision"]
    assert "平台" in told(penalty, "zh")["决定"]
    assert "Live links and open orders" not in told(penalty)


def test_its_window_begins_with_the_notice_and_the_notice_says_so() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-01-20 08:00,imposed,4\n")
    notices.write_for_files(at=AT)
    penalty = Penalty.objects.get(reference="R1")
    window = window_of(penalty, 1)
    assert (window.since, window.begins) == ("notice", AT)
    assert f"until {said(window.until)}" in told(penalty)["Appeal"]
    assert make_appeal(penalty, at=window.until).level == 1


def test_its_notice_is_not_delivered_before_it_was_written() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-03-01 08:00,imposed,4\n")
    notices.write_for_files(at=AT)
    notice = Notice.objects.get()
    with pytest.raises(Refused, match="was not delivered before"):
        notices.record_delivery(
            notice.pk, channel="mail", delivered_at=AT - timedelta(days=1), by=None, at=AT + timedelta(days=1)
        )


@pytest.mark.parametrize("how", ["by its date", "by the timer", "overturned"])
def test_what_has_ended_when_notices_are_written_is_told_nobody(how: str) -> None:
    shop = make_shop()
    ends = "" if how == "overturned" else "2023-02-20 08:00"
    bring(
        "penalties",
        "reference,shop,violation,imposed_at,status,ends_at\n"
        f"R1,{shop.code},V8,2023-01-20 08:00,imposed,{ends}\n",
    )
    if how == "by the timer":
        penalties.run_timers(AT)
    if how == "overturned":
        penalties.overturn(Penalty.objects.get(reference="R1"), by=None, at=AT, reason="wrong")
    assert notices.write_for_files(at=AT) == 0


@pytest.mark.parametrize("timer", [False, True], ids=["by its date", "by the timer"])
def test_what_has_ended_but_whose_points_stand_is_told_and_may_be_appealed_against(timer: bool) -> None:
    shop = make_shop()
    bring(
        "penalties",
        "reference,shop,violation,imposed_at,status,ends_at,points\n"
        f"R1,{shop.code},V8,2026-01-20 08:00,imposed,2026-02-01 08:00,4\n"
        f"R2,{shop.code},V8,2023-01-20 08:00,imposed,2023-02-01 08:00,4\n",
    )
    if timer:
        penalties.run_timers(AT)
    assert notices.write_for_files(at=AT) == 1
    penalty = Penalty.objects.get(reference="R1")
    assert "4 points" in told(penalty)["Decision"]
    assert make_appeal(penalty, at=AT + timedelta(days=30)).level == 1


def test_by_sql_its_notice_is_not_delivered_before_it_was_written() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-03-01 08:00,imposed,4\n")
    notices.write_for_files(at=AT)
    with pytest.raises(IntegrityError, match="not delivered before it was decided"), transaction.atomic():
        Notice.objects.update(channel="mail", delivered_at=AT - timedelta(seconds=1))


def test_each_is_told_once_and_what_is_only_reported_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "AT_ONCE", 2)
    shop = make_shop()
    rows = [f"R{number},{shop.code},V8,2026-03-11 08:00,imposed,\n" for number in range(5)]
    bring("penalties", "".join([FILE, *rows, f"R9,{shop.code},V9,2026-03-11 08:00,reported,\n"]))
    assert (notices.write_for_files(at=AT), notices.write_for_files(at=AT)) == (5, 0)
    assert not Notice.objects.filter(penalty__reference="R9").exists()


def test_many_notices_ask_no_more_than_a_few(django_assert_max_num_queries) -> None:
    rows = []
    for number in range(30):
        enrollment = make_enrollment()
        rows.append(f"R{number},{enrollment.shop.code},V8,2026-03-11 08:00,imposed,4,{DOUYIN}\n")
    bring("penalties", FILE.replace("points", "points,alliance") + "".join(rows))
    with django_assert_max_num_queries(16):
        assert notices.write_for_files(at=AT) == 30
    assert told(Penalty.objects.get(reference="R7"))["Openings left"] == "2 of 3"


def test_the_timetable_sees_to_it() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-03-11 08:00,imposed,\n")
    jobs.tell_what_files_brought()
    assert Notice.objects.get().penalty.reference == "R1"
