"""A file of appeals: all of it is filed or nothing, and every wrong row is told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from opsdesk import appeals
from opsdesk.appeals.tables import LARGEST, MOST_ROWS
from opsdesk.models import LONGEST_TEXT, Appeal
from shops.errors import NotAllowed
from tests.clients import client_of
from tests.factories import AT, make_appeal, make_cleared, make_penalty, make_user

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(days=2)
HEADER = "penalty,level,channel,reference,filed_at,statement\n"


def wrong_rows(content: bytes) -> dict[int, str]:
    with pytest.raises(appeals.FileOfAppealsRefused) as refusal:
        appeals.file_many(content, by=None, at=NOW)
    assert not Appeal.objects.exists()
    return {wrong.row: wrong.message for wrong in refusal.value.rows}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_each_row_is_an_appeal(encoding: str) -> None:
    first, second = make_cleared(), make_penalty(violation_code="V1", reference="case 9")
    content = (
        f'{HEADER}{first},1,mail,EMS 1,2026-03-12 10:00,评分有误\n\n case 9 ,,phone,,,"第一行\n第二行"\n'
    )
    filed = appeals.file_many(content.encode(encoding), by=None, at=NOW)
    assert [appeal.penalty for appeal in filed] == [first, second]
    assert filed[0].filed_at.isoformat() == "2026-03-12T10:00:00+08:00"
    assert (filed[1].filed_at, filed[1].channel) == (NOW, "phone")
    assert filed[1].messages.get().text == "第一行\n第二行"


@pytest.mark.parametrize(
    ("day", "filed_at"),
    [
        # The decision is of 09:30 on the 11th, and the window ends at 09:30 on 10 April.
        ("2026-03-11", "2026-03-11T09:30:00+08:00"),
        ("2026-03-12", "2026-03-12T00:00:00+08:00"),
        ("2026-04-10", "2026-04-10T00:00:00+08:00"),
    ],
)
def test_a_day_alone_is_read_for_the_good_of_the_shop(day: str, filed_at: str) -> None:
    content = f"{HEADER}{make_cleared()},,mail,,{day},s\n".encode()
    [appeal] = appeals.file_many(content, by=None, at=AT + timedelta(days=40))
    assert appeal.filed_at == datetime.fromisoformat(filed_at)


@pytest.mark.parametrize(
    ("day", "why"), [("2026-03-10", "nobody could appeal"), ("2026-03-14", "has not come in yet")]
)
def test_a_day_before_the_decision_or_to_come_is_refused(day: str, why: str) -> None:
    assert why in wrong_rows(f"{HEADER}{make_cleared()},,mail,,{day},s\n".encode())[2]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-12:00", "2199-01-01"])
def test_a_moment_of_which_nothing_can_be_reckoned_is_told_like_every_wrong_row(moment: str) -> None:
    told = wrong_rows((HEADER + f"{make_cleared()},,mail,,{moment},s").encode())
    assert f"“{moment}” is no moment" in told[2]


@pytest.mark.parametrize(
    ("saved", "filed_at"),
    [
        ("2026/3/12", "2026-03-12T00:00:00+08:00"),
        ("2026/03/12 9:05", "2026-03-12T09:05:00+08:00"),
        ("2026/3/12 10:00:07", "2026-03-12T10:00:07+08:00"),
    ],
)
def test_a_moment_may_be_as_a_spreadsheet_saves_it(saved: str, filed_at: str) -> None:
    [appeal] = appeals.file_many(f"{HEADER}{make_cleared()},,mail,,{saved},s\n".encode(), by=None, at=NOW)
    assert appeal.filed_at == datetime.fromisoformat(filed_at)


@pytest.mark.parametrize(
    "moment",
    [
        "20260312",
        "2026-W11-4",
        "2026-072",
        "12/3/2026",
        "26/3/12",
        "2026/13/1",
        "2026/3/12T9",
        "２０２６/3/1",
    ],
)
def test_what_two_people_could_read_as_two_days_is_refused(moment: str) -> None:
    told = wrong_rows((HEADER + f"{make_cleared()},,mail,,{moment},s").encode())
    assert f"“{moment}” is no moment" in told[2]


def test_of_a_file_every_wrong_row_is_told_and_none_is_filed() -> None:
    right, late = make_cleared(), make_cleared(at=AT - timedelta(days=60))
    rows = [
        f"{right},1,mail,,,s",
        f"{right},1,mail,,,again",
        "P99999999,,mail,,,s",
        f"{make_cleared()},2,mail,,,s",
        f"{make_cleared()},,pigeon,,,s",
        f"{make_cleared()},,mail,,yesterday,s",
        f"{make_cleared()},,mail,,,",
        f"{late},,mail,,,s",
    ]
    told = wrong_rows((HEADER + "\n".join(rows)).encode())
    expected = {
        3: f"Row 2 appeals against {right} already.",
        4: "There is no case “P99999999”.",
        5: "is one of level 1, and not of “2”",
        6: "“pigeon” is no channel. Write one of: phone (电话), mail (信函), ticket (工单), other (",
        7: "“yesterday” is no moment",
        8: "says what the shop has to say",
        9: "Out of time",
    }
    assert set(told) == set(expected)
    assert all(text in told[row] for row, text in expected.items())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00p", "no text"),
        (b"penalty,channel,statement\n\0", "no text"),
        (b"penalty,channel\n", "names the columns"),
        (b"penalty,channel,statement,penalty\n", "names the columns"),
        (b"penalty,channel,statement,judge\n", "names the columns"),
        (b'penalty,channel,statement\n"P1,mail,s\n', "quotation marks of the row that ends in line 2"),
        (b'penalty,channel,statement\nP1,"mail" x,s\n', "quotation marks of the row that ends in line 2"),
        (b"penalty,channel,statement\nP1,mail," + b"x" * 140_000, "more than 131072 characters"),
        (b"penalty,channel,statement\n" + b"P1,mail,s\n" * (MOST_ROWS + 1), "divide the file"),
        (b"x" * (LARGEST + 1), "larger than 5 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_file_of_appeals_is_refused_as_a_whole(content: bytes, why: str) -> None:
    assert why in wrong_rows(content)[0]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("penalty,channel", ["The column statement (申诉陈述) is missing."]),
        (
            "penalty,channel,statement,案件编号",
            ["The column penalty stands in the first row more than once."],
        ),
        (
            "penalty,judge,statement",
            ["“judge” is no column of this file.", "The column channel (申诉渠道) is missing."],
        ),
    ],
)
def test_of_a_first_row_it_is_told_what_is_wrong_and_what_belongs_there(header: str, told: list[str]) -> None:
    with pytest.raises(appeals.FileOfAppealsRefused) as refusal:
        appeals.file_many(f"{header}\n".encode(), by=None, at=NOW)
    *wrong, last = (row.message for row in refusal.value.rows)
    assert wrong == told
    assert "penalty (案件编号), channel (申诉渠道), statement (申诉陈述), and where known level" in last


@pytest.mark.parametrize(
    ("said", "channel"),
    [("电话", "phone"), ("信函", "mail"), ("工单", "ticket"), ("其他", "other"), ("Phone", "phone")],
)
def test_headers_and_channels_may_be_in_chinese(said: str, channel: str) -> None:
    penalty = make_cleared()
    content = (
        f"案件编号,申诉级别,申诉渠道,编号,提交时间,申诉陈述\n{penalty},1,{said},K 1,2026-03-12 10:00,s\n"
    )
    [appeal] = appeals.file_many(content.encode(), by=None, at=NOW)
    assert (appeal.penalty, appeal.channel, appeal.reference) == (penalty, channel, "K 1")


def test_a_level_that_is_not_the_next_is_told_by_what_stands_in_its_way() -> None:
    appeal = make_appeal()
    with pytest.raises(appeals.FileOfAppealsRefused, match="is open already"):
        appeals.file_many(f"{HEADER}{appeal.penalty},2,mail,,,s\n".encode(), by=None, at=NOW)


@pytest.mark.parametrize("content", [b'"P1,mail,s\n', b'P1,"mail" x,s\n', b"P1,mail," + b"x" * 140_000])
def test_a_broken_file_is_told_in_chinese_without_an_english_word(content: bytes) -> None:
    with translation.override("zh-hans"):
        told = wrong_rows(b"penalty,channel,statement\n" + content)[0]
    assert not re.search("[a-z]{3}", told.replace("quoted", ""))


@pytest.mark.parametrize("language", ["en", "zh-cn"])
def test_the_page_lists_the_columns_the_channels_and_how_a_moment_is_written(language: str) -> None:
    page = client_of("appeals_officer", language).get(reverse("admin:opsdesk_appeal_many")).content.decode()
    for word in ("statement (申诉陈述)", "evidence (证据文件)", "ticket (工单)", "2026-03-12 10:00"):
        assert word in page


def test_a_row_with_another_number_of_cells_is_told() -> None:
    assert "another number of cells" in wrong_rows(f"{HEADER}{make_cleared()},mail\n".encode())[2]


def test_nothing_is_cut_short_without_a_word() -> None:
    first, second = make_cleared(), make_cleared()
    rows = f"{first},,mail,{'x' * 101},,s\n{second},,mail,,,{'x' * (LONGEST_TEXT + 1)}\n"
    told = wrong_rows((HEADER + rows).encode())
    assert "The reference has more than 100 characters" in told[2]
    assert "The statement has more than 20000 characters" in told[3]
    rows = f"{first},,mail,{'x' * 100},,{'x' * LONGEST_TEXT}\n"
    [appeal] = appeals.file_many((HEADER + rows).encode(), by=None, at=NOW)
    assert (appeal.reference, len(appeal.messages.get().text)) == ("x" * 100, LONGEST_TEXT)


def test_utf_8_with_a_foreign_byte_is_told_by_its_line_and_not_filed_as_gibberish() -> None:
    rows = f"{make_cleared()},,mail,,,评分有误附物流记录\n{make_cleared()},,mail,,,照片".encode()
    for foreign in (b" caf\xe9 x", b"\xe9x", "照".encode("gb18030")):
        told = wrong_rows(HEADER.encode() + rows + foreign + b"\n")
        assert "Line 3 is not in UTF-8, as the rest of the file is" in told[0]


@pytest.mark.parametrize("text", ["联通", "平安", "的", "评分有误，附物流记录。买家已签收，见照片"])
def test_chinese_of_any_length_in_gb18030_is_read(text: str) -> None:
    [appeal] = appeals.file_many(
        f"{HEADER}{make_cleared()},,mail,,,{text}".encode("gb18030"), by=None, at=NOW
    )
    assert appeal.messages.get().text == text


def test_what_is_cut_in_a_character_is_no_text() -> None:
    content = f"{HEADER}{make_cleared()},,mail,,,评".encode("gb18030")
    assert "no text" in wrong_rows(content[:-1])[0]


def test_filing_many_takes_the_right_to_file() -> None:
    with pytest.raises(NotAllowed):
        appeals.file_many(HEADER.encode(), by=make_user("operator"), at=NOW)


@pytest.mark.parametrize("superuser", [False, True])
def test_a_row_against_what_its_sender_decided_himself_is_told_and_none_is_filed(superuser: bool) -> None:
    maker = User.objects.create_superuser("root") if superuser else make_user("supervisor", username="root")
    own = make_cleared(by=maker)
    rows = f"{make_cleared()},,mail,,,s\n{own},,mail,,,本店承认\n"
    with pytest.raises(appeals.FileOfAppealsRefused) as refusal:
        appeals.file_many((HEADER + rows).encode(), by=maker, at=NOW)
    [wrong] = refusal.value.rows
    assert (wrong.row, wrong.message) == (
        3,
        f"root had a part in what this appeal is about (decided it): somebody else files it against {own}.",
    )
    assert not Appeal.objects.exists()
    assert len(appeals.file_many((HEADER + rows).encode(), by=None, at=NOW)) == 2


def test_an_officer_sends_a_file_and_reads_what_is_wrong() -> None:
    client = Client(headers={"accept-language": "en"})
    with time_machine.travel(NOW, tick=False):
        client.force_login(make_user("appeals_officer"))
        address = reverse("admin:opsdesk_appeal_many")
        penalty = make_cleared()

        def send(text: str):
            file = SimpleUploadedFile("appeals.csv", (HEADER + text).encode())
            return client.post(address, {"file": file})

        refused = send("P99999999,,mail,,,s\n")
        assert refused.status_code == 400
        assert "Row 2: There is no case “P99999999”." in refused.content.decode()
        assert send(f"{penalty},,mail,,,s\n")["Location"] == reverse("admin:opsdesk_appeal_changelist")
        assert Appeal.objects.get().penalty == penalty


def statements_for(rows: int) -> int:
    """How many are sent to file so many rows, one of them against a second time."""
    cases = [make_cleared() for _row in range(rows)]
    first = make_appeal(cases[0])
    appeals.take(first.pk, by=(judge := make_user("appeals_officer")), at=NOW)
    appeals.deny(first.pk, reason="the figures are right", by=judge, at=NOW)
    content = HEADER + "".join(f"{case},,mail,,,s\n" for case in cases)
    with CaptureQueriesContext(connection) as sent:
        assert len(appeals.file_many(content.encode(), by=None, at=NOW)) == rows
    return len(sent)


def test_what_decides_on_rows_is_asked_at_once_for_all_of_them() -> None:
    # Of each row are written its appeal, its history, and what the shop says.
    assert statements_for(12) == statements_for(2) + 3 * 10


def test_what_was_filed_before_stays_when_a_file_is_refused() -> None:
    appeal = make_appeal()
    with pytest.raises(appeals.FileOfAppealsRefused):
        appeals.file_many(f"{HEADER}{appeal.penalty},,mail,,,s\n".encode(), by=None, at=NOW)
    assert Appeal.objects.get() == appeal
