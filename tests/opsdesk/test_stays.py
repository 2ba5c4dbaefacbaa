"""A penalty is stayed while an appeal against it runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from opsdesk import appeals, audit, penalising, resting, review
from opsdesk.models import Appeal
from rules import casework
from rules.models import Proposal
from shops import bars, enrollments, standing
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Enrollment, Measure, Penalty
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_cleared_and_warned,
    make_enrollment,
    make_imposed,
    make_user,
)
from tests.opsdesk.test_appeals import LATER, taken
from tests.shops import test_shipped_consequences

pytestmark = pytest.mark.django_db


def test_a_stay_lets_the_penalty_bar_nobody_until_the_appeal_ends(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = taken(judge, penalty)
    barred = bars.barred_for_now(penalty.alliance).filter(pk=penalty.shop_id)
    assert barred.exists()
    with pytest.raises(NotAllowed):
        appeals.stay(appeal.pk, reason="doubtful", by=judge, at=LATER)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    assert not barred.exists()
    assert "doubtful" not in penalty.history.first().history_change_reason
    assert appeal.history.first().history_change_reason == "stayed: doubtful"
    # What it closed stays closed.
    assert Enrollment.objects.get(shop=penalty.shop).state == "cleared"
    with pytest.raises(Refused, match="stayed already"):
        appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    assert barred.exists()


def test_a_stay_lets_a_suspended_shop_trade_meanwhile(judge: User, supervisor: User) -> None:
    shop = test_shipped_consequences.in_both()
    penalty = make_imposed(
        shop, Measure(kind="suspend", ends_at=LATER + timedelta(days=9)), code="V3", reason="r"
    )
    appeal = taken(judge, penalty)
    assert standing.standing(shop, LATER).status == "suspended"
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    assert standing.standing(shop, LATER).status == "normal"
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    assert standing.standing(shop, LATER).status == "suspended"


@pytest.mark.parametrize("end", ["unstay", "withdraw", "grant", "grant_in_part"])
def test_a_stay_ends_by_word_and_with_the_appeal(judge: User, supervisor: User, end: str) -> None:
    penalty = make_cleared_and_warned()
    appeal = taken(judge, penalty)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    match end:
        case "unstay":
            appeals.unstay(appeal.pk, reason="clear by now", by=supervisor, at=LATER)
        case "grant_in_part":
            warning = penalty.measures.get(kind="warning")
            appeals.grant_in_part(appeal.pk, measures=[warning.pk], reason="r", by=judge, at=LATER)
        case _:
            getattr(appeals, end)(appeal.pk, reason="r", by=judge, at=LATER)
    assert Penalty.objects.get(pk=penalty.pk).stayed_at is None
    assert audit.verify_history() is None


def test_why_it_is_stayed_is_kept_whole(judge: User, supervisor: User) -> None:
    appeal, why = taken(judge, make_cleared_and_warned()), "the supplier's test report " * 700 + "THE END"
    appeals.stay(appeal.pk, reason=why, by=supervisor, at=LATER)
    assert appeal.history.first().history_change_reason == f"stayed: {why}"


# Let in meanwhile


def let_in_while_stayed(judge: User, supervisor: User, penalty: Penalty) -> Appeal:
    """The shop is admitted to its alliance while the penalty is stayed, before the appeal has ended."""
    appeal = taken(judge, penalty)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    let_in(penalty)
    return appeal


def let_in(penalty: Penalty, at: datetime = LATER) -> None:
    enrollment = Enrollment.objects.get(shop=penalty.shop, alliance=penalty.alliance)
    enrollments.apply(enrollment, by=None, at=at)
    enrollments.admit(enrollment, by=None, at=at)


def standing_of(penalty: Penalty) -> tuple[str, int]:
    return Enrollment.objects.values_list("state", "openings_used").get(shop=penalty.shop)


def waiting() -> list[Proposal]:
    return list(Proposal.objects.filter(status="open"))


def put_out_again(judge: User, supervisor: User) -> tuple[Penalty, Penalty]:
    """A penalty whose appeal was denied, and that of the clearance which followed."""
    case = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, case)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    review.accept(waiting()[0].pk, by=make_user("operator"), reason="judgement", at=LATER)
    return case, Penalty.objects.exclude(pk=case.pk).get()


def cleared_for_a_violation() -> Penalty:
    """A clearance under a violation that is over once a suspension of two weeks has ended."""
    shop = make_enrollment().shop
    return make_imposed(
        shop,
        Measure(kind="clear"),
        Measure(kind="suspend", ends_at=AT + timedelta(days=14)),
        code="V3",
        alliance=Alliance.objects.get(code=DOUYIN),
        reason="r",
    )


@pytest.mark.parametrize("end", ["deny", "unstay", "withdraw", "grant_in_part"])
@pytest.mark.parametrize("case", [make_cleared_and_warned, cleared_for_a_violation])
def test_whoever_was_let_in_meanwhile_is_proposed_to_be_cleared_once_barred_again(
    judge: User, supervisor: User, case: Callable[[], Penalty], end: str
) -> None:
    penalty = case()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    assert (waiting(), audit.verify_enrollments()) == ([], None)
    match end:
        case "unstay":
            appeals.unstay(appeal.pk, reason="clear by now", by=supervisor, at=LATER)
        case "grant_in_part":
            other = penalty.measures.exclude(kind="clear").get()
            less = {other.pk: LATER + timedelta(days=3)} if other.kind == "suspend" else {}
            taken_back = [] if less else [other.pk]
            appeals.grant_in_part(appeal.pk, measures=taken_back, less=less, reason="r", by=judge, at=LATER)
        case _:
            getattr(appeals, end)(appeal.pk, reason="r", by=judge, at=LATER)
    # Proposed, and never done by itself.
    assert standing_of(penalty) == ("open", 2)
    [proposal] = waiting()
    assert (proposal.kind, proposal.ground, proposal.case) == ("clear", "judgement", penalty)
    assert (proposal.failed_rules, proposal.lead_rule, proposal.openings_used) == (["R5"], "R5", 2)
    assert proposal.evidence["case"]["number"] == penalty.case_number
    day = LATER.date().isoformat()
    assert proposal.evidence["stayed"] == {"since": day, "opening": 2, "opened_on": day}
    assert (audit.verify_enrollments(), audit.verify_history()) == (None, None)
    casework.file_from_facts(at=LATER + timedelta(days=1))
    assert waiting() == [proposal]


def test_nobody_is_proposed_for_an_opening_that_is_older_or_for_a_bar_that_is_over(
    judge: User, supervisor: User
) -> None:
    inside = make_enrollment()
    judged = make_imposed(
        inside.shop, Measure(kind="warning"), ground="judgement", alliance=inside.alliance, reason="r"
    )
    appeal = taken(judge, judged)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    over = cleared_for_a_violation()
    stayed = let_in_while_stayed(judge, supervisor, over)
    ended = AT + timedelta(days=15)
    penalising.run_timers(ended)
    appeals.deny(stayed.pk, reason="right", by=judge, at=ended)
    assert (waiting(), audit.verify_enrollments()) == ([], None)


def test_a_grant_leaves_the_shop_where_it_is(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    appeals.grant(appeal.pk, reason="wrong", by=judge, at=LATER)
    assert (standing_of(penalty), waiting()) == (("open", 1), [])


def test_stayed_anew_it_is_proposed_no_longer(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    appeals.unstay(appeal.pk, reason="clear by now", by=supervisor, at=LATER)
    appeals.stay(appeal.pk, reason="doubtful all the same", by=supervisor, at=LATER)
    assert (waiting(), audit.verify_enrollments()) == ([], None)
    appeals.unstay(appeal.pk, reason="clear by now", by=supervisor, at=LATER)
    assert len(waiting()) == 1


@pytest.mark.parametrize("ended", [penalising.lift, penalising.overturn])
def test_a_bar_that_ends_withdraws_what_it_proposed(judge: User, supervisor: User, ended) -> None:
    penalty = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    ended(penalty, by=None, at=LATER, reason="r")
    assert (waiting(), audit.verify_enrollments()) == ([], None)


def test_whoever_was_left_in_knowingly_is_not_proposed_again(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    review.reject(waiting()[0].pk, by=None, reason="recovered", at=LATER)
    casework.file_from_facts(at=LATER)
    assert (waiting(), standing_of(penalty), audit.verify_enrollments()) == ([], ("open", 2), None)


def test_put_out_again_it_is_barred_by_the_case_alone(judge: User, supervisor: User) -> None:
    case, clearance = put_out_again(judge, supervisor)
    assert standing_of(case) == ("cleared", 2)
    barred = bars.barred_for_now(case.alliance).filter(pk=case.shop_id)
    assert barred.exists()
    penalising.lift(case, by=None, at=LATER, reason="for long enough")
    assert not barred.exists()
    # Rightly put out, it comes back by applying.
    assert standing_of(case) == ("cleared", 2)
    assert not resting.without_ground().filter(pk=clearance.pk).exists()


def test_let_in_while_stayed_once_more_it_is_proposed_once_more(judge: User, supervisor: User) -> None:
    case, _clearance = put_out_again(judge, supervisor)
    at = LATER + timedelta(days=3)
    second = make_appeal(case, at=at)
    judge_of_the_second = make_user("appeals_officer")
    appeals.take(second.pk, by=judge_of_the_second, at=at)
    appeals.stay(second.pk, reason="doubtful", by=supervisor, at=at)
    let_in(case, at)
    appeals.deny(second.pk, reason="right", by=judge_of_the_second, at=at)
    assert standing_of(case) == ("open", 3)
    assert [(one.case, one.openings_used) for one in waiting()] == [(case, 3)]


@pytest.mark.parametrize("undo", ["overturn", "part"])
def test_once_its_case_was_wrong_the_shop_goes_on_as_if_it_had_never_been_out(
    judge: User, supervisor: User, undo: str
) -> None:
    case = cleared_for_a_violation()
    appeal = let_in_while_stayed(judge, supervisor, case)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    review.accept(waiting()[0].pk, by=make_user("operator"), reason="judgement", at=LATER)
    clearance = Penalty.objects.exclude(pk=case.pk).get()
    assert list(resting.on(case)) == [clearance]
    if undo == "overturn":
        penalising.overturn(case, by=None, at=LATER, reason="wrong")
    else:
        clear = case.measures.get(kind="clear")
        penalising.undo_measures(case, [clear], by=None, at=LATER, reason="too much")
    assert Penalty.objects.get(pk=clearance.pk).status == "overturned"
    assert standing_of(case) == ("open", 1)
    assert (waiting(), audit.verify_enrollments(), list(resting.without_ground())) == ([], None, [])


def test_verify_finds_whom_nobody_was_asked_about(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = let_in_while_stayed(judge, supervisor, penalty)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    proposal = waiting()[0]
    proposal.status, proposal.closed_at = "withdrawn", LATER
    proposal.save_by(None, "as if it had never been filed")
    assert f"while penalty {penalty.pk} was stayed" in (audit.verify_enrollments() or "")


def test_the_database_knows_since_when_it_was_stayed_first() -> None:
    penalty = make_cleared_and_warned()
    penalty.stayed_at = LATER
    with pytest.raises(IntegrityError, match="that_is_stayed_knows_since_when_first"), transaction.atomic():
        penalty.save_by(None, "past the verb")


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "The stay has ended, and the case keeps the shop out again (R5)"), ("zh-hans", "暂缓执行已结束")],
)
def test_the_proposals_page_and_the_notice_say_why(
    judge: User, supervisor: User, language: str, says: str
) -> None:
    case, clearance = put_out_again(judge, supervisor)
    proposal = clearance.proposal
    page = client_of(language=language).get(f"/admin/rules/proposal/{proposal.pk}/change/").content.decode()
    assert says in page and case.case_number in page
    text = dict(clearance.notice.text_en if language == "en" else clearance.notice.text_zh)
    assert says in str(text)
    if language == "en":
        assert text["Case of the shop"].startswith(
            f"{case.case_number} against shop {case.shop.code}, on the"
        )
        assert f"Once case {case.case_number} keeps it out no longer" in text["What would undo it"]
