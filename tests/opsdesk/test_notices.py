"""What a shop is told of a decision, and that it stays what it was told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import override

from opsdesk import appeals, audit, deadlines, notices, penalising, review
from opsdesk.models import Appeal, Notice
from rules.models import Rule
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Measure, Penalty, Violation
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_enrollment,
    make_penalty,
    make_proposal,
    make_user,
)
from tests.shops import test_shipped_consequences

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)


def told(penalty: Penalty, language: str = "en") -> dict[str, str]:
    notice = Notice.objects.get(penalty=penalty)
    return dict(notice.text_en if language == "en" else notice.text_zh)


def test_accepting_a_clearance_writes_all_that_the_shop_is_told() -> None:
    enrollment = make_enrollment(openings=2)
    penalty = make_cleared(enrollment)
    text = told(penalty)
    assert text["Case"] == penalty.case_number
    assert text["Shop"] == str(enrollment.shop)
    assert text["Alliance"] == "Douyin Featured Alliance"
    assert text["Decision"] == "Cleared from Douyin Featured Alliance out of opening 2 on 11 Mar 2026"
    assert text["Ground"] == "metric"
    sentence = Rule.objects.get(code="DF-C1", rule_set__version=1).sentence_en
    assert text["Rule DF-C1"] == (
        f"{sentence}\nexperience score: observed 3.49 on 10 Mar 2026, threshold < 3.50\n"
        "Clause §0 DF-C1, clearance version 1"
    )
    assert text["In effect from"] == "11 Mar 2026 09:30:00"
    assert "no longer work" in text["Live links and open orders"]
    assert "apply for its next opening" in text["What would undo it"]
    assert text["Openings left"] == "1 of 3"
    assert "within 30 days of the delivery of this notice" in text["Appeal"]
    assert "until 10 Apr 2026 09:30:00" in text["Appeal"]
    assert "denies it or grants it in part, a second appeal can be filed within 15 days" in text["Appeal"]


def test_both_languages_say_the_same_lines() -> None:
    notice = Notice.objects.get(penalty=make_cleared())
    assert len(notice.text_zh) == len(notice.text_en)
    assert ["案件编号", notice.penalty.case_number] in notice.text_zh
    assert dict(notice.text_zh)["联盟"] == "抖音精选联盟"
    assert not [
        line for line, english in zip(notice.text_zh, notice.text_en, strict=True) if line[0] == english[0]
    ]


def test_a_statement_by_hand_and_a_violation_are_told_as_such() -> None:
    enrollment = make_enrollment()
    proposal = review.file_by_hand(
        shop=enrollment.shop, alliance=enrollment.alliance, statement="不适合推广", by=None, at=AT
    )
    penalty = review.accept(proposal.pk, by=None, reason="judgement", at=AT).proposal.penalty
    assert told(penalty)["Statement"] == "不适合推广"
    reported = make_penalty(violation_code="V4", reference="case 9", reason="hidden main image")
    notices.write(reported, by=None, at=AT)
    assert told(reported)["Violation"].startswith("V4 Information cheating")
    assert told(reported)["Reason"] == "hidden main image"
    assert told(reported)["Platform's case number"] == "case 9"


def test_a_warning_and_an_admission_are_told_apart() -> None:
    warned = review.accept(
        make_proposal(kind="warn", ground="metric").pk, by=None, reason="below_bar", at=AT
    ).proposal.penalty
    assert "Links go on to work." in told(warned)["Live links and open orders"]
    review.accept(make_proposal(kind="admit").pk, by=None, reason="qualifies", at=AT)
    assert Notice.objects.count() == 1


def test_what_was_told_stays_when_everything_else_changes() -> None:
    penalty = make_cleared()
    before = told(penalty)
    alliance = penalty.alliance
    assert alliance is not None
    Alliance.objects.filter(pk=alliance.pk).update(name_en="Another name")
    assert notices.write(penalty, by=None, at=LATER).text_en == [list(line) for line in before.items()]


@pytest.mark.parametrize(
    "values",
    [{"text_en": []}, {"text_zh": []}, {"first_days": 5}, {"second_days": 5}, {"written_at": LATER}],
    ids=lambda values: next(iter(values)),
)
def test_what_was_told_is_not_rewritten(values: dict) -> None:
    penalty = make_cleared()
    with pytest.raises(IntegrityError, match="what it says never changes"), transaction.atomic():
        Notice.objects.filter(penalty=penalty).update(**values)


def not_appealable(code: str) -> Violation:
    violation = Violation.objects.get(code=code)
    violation.appealable = False
    violation.save_by(None, "as the platform says")
    return violation


@pytest.mark.parametrize("kind", ["warning", "clear"])
def test_where_the_catalogue_leaves_no_appeal_none_is_promised(kind: str) -> None:
    enrollment = make_enrollment()
    penalty = penalising.impose(
        shop=enrollment.shop,
        alliance=enrollment.alliance,
        violation=not_appealable("V4"),
        measures=[Measure(kind=kind)],
        reason="r",
        by=None,
        at=AT,
        key="k",
    )
    text = told(penalty)
    assert text["Appeal"] == "Against this decision no appeal is provided."
    assert "granted" not in str(text)
    assert told(penalty, "zh")["申诉"] == "对此决定不设申诉。"
    notice = Notice.objects.get(penalty=penalty)
    assert (notice.first_days, notice.second_days) == (None, None)


def test_an_officer_records_the_delivery_once() -> None:
    officer, notice = make_user("appeals_officer"), Notice.objects.get(penalty=make_cleared())
    given = {"channel": "mail", "reference": "EMS 12", "by": officer, "at": LATER}
    notices.record_delivery(notice.pk, delivered_at=LATER, **given)
    notice.refresh_from_db()
    assert (notice.channel, notice.delivered_at, notice.delivery_recorded_by) == ("mail", LATER, officer)
    with pytest.raises(Refused, match="on record already: mail on 13 Mar 2026 09:30:00"):
        notices.record_delivery(notice.pk, delivered_at=LATER, **given)
    with pytest.raises(IntegrityError, match="delivery is recorded once"), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(delivered_at=AT)
    assert audit.verify_history() is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"channel": "pigeon"}, "on which way"),
        ({"delivered_at": LATER + timedelta(seconds=1)}, "once it has happened"),
        ({"delivered_at": AT - timedelta(seconds=1)}, "not delivered before"),
    ],
)
def test_a_delivery_that_can_not_be_is_refused(given: dict, why: str) -> None:
    notice = Notice.objects.get(penalty=make_cleared())
    with pytest.raises(Refused, match=why):
        notices.record_delivery(
            notice.pk, **{"channel": "mail", "delivered_at": LATER, "by": None, "at": LATER, **given}
        )


DECIDED = AT.replace(second=30, microsecond=5)


def test_a_delivery_in_the_minute_of_the_decision_is_no_earlier_than_it() -> None:
    notice = Notice.objects.get(penalty=make_cleared(at=DECIDED))
    given = {"channel": "phone", "by": None, "at": LATER}
    with pytest.raises(Refused, match="not delivered before"):
        notices.record_delivery(notice.pk, delivered_at=AT.replace(second=29), **given)
    recorded = notices.record_delivery(notice.pk, delivered_at=AT, **given)
    assert recorded.delivered_at == AT.replace(second=30)


def delivered(penalty: Penalty, **values: Any) -> Notice:
    notice = Notice.objects.get(penalty=penalty)
    given = {"channel": "mail", "delivered_at": LATER, "by": None, "at": LATER, **values}
    return notices.record_delivery(notice.pk, **given)


def corrected(notice: Notice, by: User | None, **values: Any) -> Notice:
    given = {"channel": "phone", "delivered_at": LATER, "reason": "the letter came back", "at": LATER}
    return notices.correct_delivery(notice.pk, **{**given, "by": by, **values})


def test_a_wrong_delivery_is_recorded_anew_and_history_keeps_the_earlier_one() -> None:
    officer = make_user("operator")
    notice = delivered(make_cleared(), delivered_at=AT)
    corrected(notice, officer)
    notice.refresh_from_db()
    assert (notice.channel, notice.delivered_at, notice.delivery_recorded_by) == ("phone", LATER, officer)
    assert (notice.corrected_at, notice.corrected_because) == (LATER, "the letter came back")
    known = list(notice.history.order_by("history_id").values_list("delivered_at", flat=True))
    assert known == [None, AT, LATER]
    assert deadlines.window_of(notice.penalty, 1).until == LATER + timedelta(days=30)
    assert audit.verify_history() is None


def test_an_earlier_delivery_takes_a_supervisor_who_had_no_part_in_the_decision() -> None:
    maker = make_user("supervisor")
    notice = delivered(make_cleared(by=maker))
    for by in (make_user("operator"), make_user("appeals_officer"), maker):
        with pytest.raises(Refused, match="for a supervisor who had no part"):
            corrected(notice, by, delivered_at=AT)
    assert corrected(notice, make_user("supervisor"), delivered_at=AT).delivered_at == AT


OVER = LATER + timedelta(days=30, seconds=1)


@pytest.mark.parametrize("seconds", [0, 1], ids=["last second", "over"])
def test_a_window_that_is_over_is_opened_again_by_a_supervisor_without_a_part(seconds: int) -> None:
    maker = make_user("supervisor")
    penalty = make_cleared(by=maker)
    notice, at = delivered(penalty), OVER - timedelta(seconds=1 - seconds)
    again = {"delivered_at": LATER + timedelta(days=1), "at": at}
    for by in (make_user("operator"), maker) if seconds else ():
        with pytest.raises(Refused, match=r"13 Mar 2026 09:30:00 is over.*for a supervisor who had no part"):
            corrected(notice, by, **again)
    corrected(notice, make_user("supervisor" if seconds else "operator"), **again)
    assert make_appeal(penalty, at=at).level == 1


def test_that_a_window_which_is_over_is_opened_by_somebody_else_is_refused_in_chinese() -> None:
    notice = delivered(make_cleared())
    with override("zh-hans"), pytest.raises(Refused, match="已届满"):
        corrected(notice, make_user("operator"), delivered_at=LATER + timedelta(days=1), at=OVER)


def test_how_it_was_delivered_is_corrected_by_anybody_also_once_the_window_is_over() -> None:
    notice = delivered(make_cleared())
    assert corrected(notice, make_user("operator"), at=OVER).channel == "phone"


@pytest.mark.parametrize("seconds", [0, 1])
def test_by_sql_nobody_who_had_a_part_opens_a_window_again(seconds: int) -> None:
    maker = make_user("supervisor")
    notice = delivered(make_cleared(by=maker))
    move = Notice.objects.filter(pk=notice.pk).update
    values = {
        "delivered_at": LATER + timedelta(days=1),
        "delivery_recorded_by": maker,
        "corrected_at": OVER - timedelta(seconds=1 - seconds),
        "corrected_because": "so",
    }
    if not seconds:
        assert move(**values) == 1
        return
    name = "opsdesk_notice_window_is_moved_by_nobody_who_took_part"
    with pytest.raises(IntegrityError, match="had a part") as refusal, transaction.atomic():
        move(**values)
    assert name in str(refusal.value.__cause__.diag.constraint_name)


@pytest.mark.parametrize("earlier", [timedelta(seconds=1), timedelta(days=9_000)])
def test_by_sql_the_first_delivery_does_not_lie_before_the_decision(earlier: timedelta) -> None:
    notice = Notice.objects.get(penalty=make_cleared(at=DECIDED))
    record = Notice.objects.filter(pk=notice.pk).update
    with pytest.raises(IntegrityError, match="not delivered before it was decided"), transaction.atomic():
        record(channel="mail", delivered_at=DECIDED - earlier)
    assert record(channel="mail", delivered_at=DECIDED.replace(microsecond=0)) == 1


def test_another_channel_in_the_same_minute_shortens_nothing() -> None:
    notice = delivered(make_cleared(), delivered_at=LATER.replace(second=30), at=LATER + timedelta(hours=1))
    again = corrected(notice, make_user("operator"), at=LATER + timedelta(hours=1))
    assert (again.channel, again.delivered_at) == ("phone", LATER.replace(second=30))


def test_within_a_second_nothing_is_shortened_by_sql_either() -> None:
    maker = make_user("operator")
    notice = Notice.objects.get(penalty=make_cleared(by=maker))
    Notice.objects.filter(pk=notice.pk).update(
        channel="mail", delivered_at=LATER.replace(microsecond=5), delivery_recorded_by=maker
    )
    assert corrected(notice, maker).delivered_at == LATER


def test_an_appeal_that_was_filed_in_time_stays_when_the_delivery_is_corrected() -> None:
    penalty, until = make_cleared(), LATER + timedelta(days=30)
    notice = delivered(penalty)
    appeal = make_appeal(penalty, at=until)
    corrected(notice, None, delivered_at=AT, at=until)
    assert Appeal.objects.get(pk=appeal.pk).state == "filed"
    with pytest.raises(appeals.TooLate):
        appeals.withdraw(appeal.pk, reason="rang", by=None, at=until)
        make_appeal(penalty, at=until)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"reason": " "}, "Say why"),
        ({"channel": "pigeon"}, "on which way"),
        ({"delivered_at": AT - timedelta(seconds=1)}, "not delivered before"),
        ({"delivered_at": LATER + timedelta(seconds=1)}, "once it has happened"),
    ],
)
def test_a_correction_that_can_not_be_is_refused(given: dict, why: str) -> None:
    with pytest.raises(Refused, match=why):
        corrected(delivered(make_cleared()), None, **given)


def test_what_was_not_delivered_is_not_corrected() -> None:
    with pytest.raises(Refused, match="record it"):
        corrected(Notice.objects.get(penalty=make_cleared()), None)


def test_correcting_a_delivery_takes_the_right_to_record_it() -> None:
    with pytest.raises(NotAllowed):
        corrected(delivered(make_cleared()), make_user("finance"))


@pytest.mark.parametrize(
    "values",
    [
        {"delivered_at": AT},
        {"channel": "phone"},
        {"delivered_at": None, "channel": ""},
        {"corrected_because": "so"},
        {"corrected_at": LATER},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_delivery_is_changed_by_sql_only_for_a_reason(values: dict) -> None:
    notice = delivered(make_cleared())
    with pytest.raises(IntegrityError, match=r"recorded once|corrected_for_a_reason"), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(**values)


def test_a_delivery_is_corrected_by_sql_after_its_last_correction_alone() -> None:
    notice = corrected(delivered(make_cleared()), None)
    earlier = {"delivered_at": LATER, "corrected_at": LATER - timedelta(seconds=1)}
    with pytest.raises(IntegrityError, match="recorded once"), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(**earlier)


def test_who_recorded_a_delivery_is_not_rewritten() -> None:
    notice = delivered(make_cleared())
    with pytest.raises(IntegrityError, match="recorded once"), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(delivery_recorded_by=make_user())


def test_recording_a_delivery_takes_its_right() -> None:
    notice = Notice.objects.get(penalty=make_cleared())
    with pytest.raises(NotAllowed):
        notices.record_delivery(
            notice.pk, channel="mail", delivered_at=LATER, by=make_user("finance"), at=LATER
        )


def test_what_the_desks_own_record_has_brought_is_told_as_such() -> None:
    case = {"number": "P00000007", "shop": "S-9", "name_en": "Forged papers", "name_zh": "伪造资质"}
    evidence = {"points": {"standing": 12, "threshold": 10}, "case": case, "day": "2026-03-10"}
    penalty = make_penalty(evidence=evidence)
    notices.write(penalty, by=None, at=AT)
    assert told(penalty)["Points"] == (
        "12 points stood on 10 Mar 2026; the threshold is 10.\n"
        "Clause: the desk's own threshold for points of the platform"
    )
    assert "2026年3月10日" in told(penalty, "zh")["违规积分"]
    assert told(penalty)["Case of the controller"] == "P00000007 against shop S-9: Forged papers"
    assert "P00000007，店铺 S-9：伪造资质" in told(penalty, "zh-hans").values()


@pytest.mark.parametrize(
    ("code", "links", "back"),
    [
        ("V4", "the shop is closed", "Nothing but a granted appeal"),
        ("V8", "Links go on to work.", "all that this decision did is taken back"),
    ],
)
def test_a_notice_says_what_its_measures_mean(code: str, links: str, back: str) -> None:
    penalty = test_shipped_consequences.imposed(test_shipped_consequences.in_both(), code)
    notices.write(penalty, by=None, at=AT)
    assert links in told(penalty)["Live links and open orders"]
    assert back in told(penalty)["What would undo it"]
