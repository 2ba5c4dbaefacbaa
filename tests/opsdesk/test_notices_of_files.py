"""What shops are told of penalties that files have brought as imposed."""

from __future__ import annotations

import pytest

from opsdesk import audit, jobs, notices
from opsdesk.models import Notice
from opsdesk.wording import known_of, text_of
from shops.models import Penalty
from tests.factories import AT, DOUYIN, make_enrollment, make_shop
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
    assert [list(line) for line in notice.text_en] == text_of(penalty, known_of([penalty]), "en")
    assert told(penalty)["Platform's case number"] == "R1"
    assert "4 points" in told(penalty)["Decision"]
    assert (notice.first_days, notice.second_days, notice.written_at) == (30, 15, AT)
    assert audit.verify_history() is None


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
    with django_assert_max_num_queries(15):
        assert notices.write_for_files(at=AT) == 30
    assert told(Penalty.objects.get(reference="R7"))["Openings left"] == "2 of 3"


def test_the_timetable_sees_to_it() -> None:
    shop = make_shop()
    bring("penalties", f"{FILE}R1,{shop.code},V8,2026-03-11 08:00,imposed,\n")
    jobs.tell_what_files_brought()
    assert Notice.objects.get().penalty.reference == "R1"
