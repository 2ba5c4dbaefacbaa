"""A hearing from filing to ruling, by the verbs alone."""

from __future__ import annotations

import io
import re
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from opsdesk import appeals, audit
from opsdesk.appeals import Offered, contests
from opsdesk.models import Appeal, AppealMessage, AppealTerms
from opsdesk.models.appeals import TOOK_PART
from shops.errors import NotAllowed, Refused
from shops.models import Penalty
from tests.factories import (
    AT,
    SHANGHAI,
    make_appeal,
    make_cleared,
    make_penalty,
    make_user,
)
from tests.opsdesk.files import jpeg
from tests.opsdesk.parts import PARTS, penalty_with

pytestmark = pytest.mark.django_db

State = Appeal.State
NEXT_DAY = AT + timedelta(days=1)
LATER = AT + timedelta(days=2)


def taken(judge: User, penalty: Penalty | None = None) -> Appeal:
    appeal = make_appeal(penalty)
    return appeals.take(appeal.pk, by=judge, at=LATER)


def waiting(judge: User, penalty: Penalty | None = None) -> Appeal:
    appeal = taken(judge, penalty)
    return appeals.ask(appeal.pk, items="物流记录", by=judge, at=LATER)


def fresh(appeal: Appeal) -> Appeal:
    return Appeal.objects.get(pk=appeal.pk)


def denied(judge: User, penalty: Penalty, at: datetime = LATER) -> Appeal:
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=at)
    appeals.deny(appeal.pk, reason="the figures are right", by=judge, at=at)
    return fresh(appeal)


# Filing


def test_a_filed_appeal_keeps_how_it_came_and_what_the_shop_says() -> None:
    officer = make_user("appeals_officer")
    appeal = appeals.file(
        penalty=make_cleared(),
        channel="phone",
        reference="call 17",
        statement="评分有误",
        by=officer,
        at=LATER,
        filed_at=NEXT_DAY,
    )
    assert (appeal.level, appeal.state, appeal.channel, appeal.reference) == (1, "filed", "phone", "call 17")
    assert (appeal.filed_at, appeal.filed_by) == (NEXT_DAY, officer)
    (said,) = appeal.messages.all()
    assert (said.kind, said.sender, said.text, said.by) == ("statement", "shop", "评分有误", officer)
    assert audit.verify_history() is None


@pytest.mark.parametrize("role", ["operator", "finance", "rules_editor", "auditor", "administrator"])
def test_whoever_hears_no_appeals_files_none(role: str) -> None:
    with pytest.raises(NotAllowed):
        make_appeal(by=make_user(role))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"statement": " \x00"}, "what the shop has to say"),
        ({"channel": "pigeon"}, "on which way"),
        ({"filed_at": NEXT_DAY + timedelta(seconds=1)}, "has not come in yet"),
        ({"filed_at": AT - timedelta(seconds=1)}, "nobody could appeal"),
    ],
)
def test_an_appeal_that_can_not_be_is_refused(given: dict, why: str) -> None:
    with pytest.raises(Refused, match=why):
        make_appeal(**given)
    assert not Appeal.objects.exists()


def test_a_second_open_appeal_is_refused() -> None:
    first = make_appeal()
    with pytest.raises(Refused, match=f"{first.number} against .* is open already"):
        make_appeal(first.penalty)


@pytest.mark.parametrize("status", ["reported", "overturned"])
def test_a_penalty_that_does_not_stand_is_not_appealed_against(status: str) -> None:
    penalty = make_penalty(violation_code="V1", status=status)
    with pytest.raises(Refused, match="nothing to appeal against"):
        make_appeal(penalty)


@pytest.mark.parametrize("status", ["lifted", "expired"])
def test_a_penalty_that_has_ended_still_is(status: str) -> None:
    assert make_appeal(make_penalty(violation_code="V1", status=status)).level == 1


def test_out_of_time_is_refused_with_the_dates_and_a_supervisor_may_admit_it(supervisor: User) -> None:
    penalty, late = make_cleared(), AT + timedelta(days=31)
    with pytest.raises(appeals.TooLate, match="10 Apr 2026 09:30:00, counted from 11 Mar 2026 09:30:00"):
        make_appeal(penalty, at=late)
    given = {"penalty": penalty, "channel": "mail", "statement": "评分有误", "at": late}
    with pytest.raises(NotAllowed):
        appeals.admit_late(**given, reason="was ill", by=make_user("appeals_officer"))
    with pytest.raises(Refused, match="Say why"):
        appeals.admit_late(**given, reason=" ", by=supervisor)
    appeal = appeals.admit_late(**given, reason="was ill", by=supervisor)
    assert (appeal.late_admitted_by, appeal.late_reason) == (supervisor, "was ill")


def test_the_system_itself_admits_nothing_late() -> None:
    late = {"penalty": make_cleared(), "channel": "mail", "statement": "s", "at": AT + timedelta(days=31)}
    with pytest.raises(Refused, match="A person admits"):
        appeals.admit_late(**late, reason="was ill", by=None)


def test_nobody_admits_late_what_is_in_time(supervisor: User) -> None:
    with pytest.raises(Refused, match="in time"):
        appeals.admit_late(
            penalty=make_cleared(), channel="mail", statement="s", reason="r", by=supervisor, at=NEXT_DAY
        )


# The hearing


def test_a_claim_keeps_others_out_until_it_runs_out(judge: User) -> None:
    appeal, other = taken(judge), make_user("appeals_officer")
    assert (appeal.state, appeal.taken_by, appeal.lease_until) == (
        "taken",
        judge,
        LATER + timedelta(hours=24),
    )
    with pytest.raises(Refused, match="judge has taken"):
        appeals.take(appeal.pk, by=other, at=LATER + timedelta(hours=24))
    appeals.take(appeal.pk, by=other, at=LATER + timedelta(hours=24, seconds=1))
    assert fresh(appeal).taken_by == other


def test_a_claim_that_has_run_out_is_its_holders_until_somebody_takes_it(judge: User) -> None:
    appeal = taken(judge)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER + timedelta(days=4))
    assert fresh(appeal).state == State.DENIED


def test_what_is_released_anybody_takes(judge: User) -> None:
    appeal, other = taken(judge), make_user("appeals_officer")
    with pytest.raises(Refused, match="only its holder"):
        appeals.release(appeal.pk, by=other, at=LATER)
    appeals.release(appeal.pk, by=judge, at=LATER)
    assert (fresh(appeal).state, fresh(appeal).taken_by) == ("filed", None)
    appeals.take(appeal.pk, by=other, at=LATER)


def test_the_shop_is_asked_item_by_item_until_the_third_working_day(judge: User) -> None:
    appeal = taken(judge)
    # A Friday.
    friday = datetime(2026, 3, 13, 18, 0, tzinfo=SHANGHAI)
    appeals.ask(appeal.pk, items="物流记录\n检测报告", by=judge, at=friday)
    appeal = fresh(appeal)
    assert (appeal.state, appeal.asked) == ("waiting", "物流记录\n检测报告")
    assert appeal.due_at == datetime(2026, 3, 18, 23, 59, 59, tzinfo=SHANGHAI)
    assert appeal.messages.get(kind="request").due_at == appeal.due_at


def test_the_officer_may_name_another_day_but_none_that_is_over(judge: User) -> None:
    appeal = taken(judge)
    with pytest.raises(Refused, match="over already"):
        appeals.ask(appeal.pk, items="x", by=judge, at=LATER, due_on=LATER.date() - timedelta(days=1))
    appeals.ask(appeal.pk, items="x", by=judge, at=LATER, due_on=date(2026, 4, 1))
    assert fresh(appeal).due_at == datetime(2026, 4, 1, 23, 59, 59, tzinfo=SHANGHAI)


@pytest.mark.parametrize("verb", ["deny", "grant"])
def test_nobody_rules_before_the_due_date_and_then_on_the_file(judge: User, verb: str) -> None:
    appeal = waiting(judge)
    with pytest.raises(Refused, match=r"has until 18 Mar 2026 23:59:59"):
        getattr(appeals, verb)(appeal.pk, reason="r", by=judge, at=appeal.due_at)
    getattr(appeals, verb)(appeal.pk, reason="r", by=judge, at=appeal.due_at + timedelta(seconds=1))
    assert fresh(appeal).state in Appeal.RULED


def test_who_is_asked_again_keeps_the_time_that_was_given(judge: User) -> None:
    appeal = taken(judge)
    promised = (LATER + timedelta(days=20)).date()
    first = appeals.ask(appeal.pk, items="检测报告", by=judge, at=LATER, due_on=promised)
    again = appeals.ask(appeal.pk, items="照片", by=judge, at=LATER, due_on=LATER.date())
    assert (again.asked, again.due_at) == ("照片", first.due_at)
    with pytest.raises(Refused, match="has until"):
        appeals.deny(appeal.pk, reason="nothing came", by=judge, at=LATER + timedelta(days=1))


def test_nobody_waits_for_years(judge: User) -> None:
    appeal = taken(judge)
    with pytest.raises(Refused, match="90 days at most"):
        appeals.ask(appeal.pk, items="x", by=judge, at=LATER, due_on=(LATER + timedelta(days=91)).date())


def test_the_longest_wait_counts_from_the_first_request_however_often_the_shop_is_asked(judge: User) -> None:
    appeal, last = taken(judge), (LATER + timedelta(days=90)).date()
    appeals.ask(appeal.pk, items="x", by=judge, at=LATER)
    appeals.answer(appeal.pk, text="见附件", by=judge, at=LATER)
    later = LATER + timedelta(days=60)
    with pytest.raises(Refused, match="from when it was first asked: until 11 Jun 2026 23:59:59"):
        appeals.ask(appeal.pk, items="y", by=judge, at=later, due_on=last + timedelta(days=1))
    assert appeals.ask(appeal.pk, items="y", by=judge, at=later, due_on=last).due_at.date() == last
    with pytest.raises(Refused, match="90 days at most"):
        appeals.ask(appeal.pk, items="z", by=judge, at=LATER + timedelta(days=89))


def test_what_nobody_has_taken_any_officer_records_as_withdrawn() -> None:
    appeals.withdraw(
        (appeal := make_appeal()).pk, reason="by phone", by=make_user("appeals_officer"), at=LATER
    )
    assert fresh(appeal).state == State.WITHDRAWN


@pytest.mark.parametrize("role", ["holder", "supervisor"])
def test_what_somebody_hears_he_or_a_supervisor_records_as_withdrawn(judge: User, role: str) -> None:
    appeal = taken(judge)
    with pytest.raises(Refused, match="only its holder goes on with it"):
        appeals.withdraw(appeal.pk, reason="by phone", by=make_user("appeals_officer"), at=LATER)
    appeals.withdraw(
        appeal.pk, reason="by phone", by=judge if role == "holder" else make_user("supervisor"), at=LATER
    )
    assert fresh(appeal).state == State.WITHDRAWN


def test_whoever_it_reaches_records_the_answer_and_the_holder_asks_again(judge: User) -> None:
    appeal = waiting(judge)
    appeals.answer(appeal.pk, text="见附件", by=make_user("appeals_officer"), at=LATER)
    appeals.ask(appeal.pk, items="检测报告", by=judge, at=LATER)
    assert fresh(appeal).state == State.WAITING
    assert list(appeal.messages.values_list("kind", flat=True)) == [
        "statement",
        "request",
        "answer",
        "request",
    ]


def test_a_first_piece_leaves_the_shop_its_time_for_the_rest(judge: User) -> None:
    appeal = waiting(judge)
    appeals.answer(appeal.pk, text="检测报告随后寄出", by=make_user("appeals_officer"), at=LATER)
    appeals.answer(appeal.pk, text="照片", by=judge, at=LATER, more_to_come=True)
    assert (fresh(appeal).state, fresh(appeal).due_at) == ("waiting", appeal.due_at)
    with pytest.raises(Refused, match="has until 18 Mar 2026 23:59:59"):
        appeals.deny(appeal.pk, reason="nothing supports it", by=judge, at=appeal.due_at)
    appeals.deny(appeal.pk, reason="the rest never came", by=judge, at=appeal.due_at + timedelta(seconds=1))


def test_the_holder_alone_says_that_the_answer_is_complete_once_there_is_one(judge: User) -> None:
    appeal, clerk = waiting(judge), make_user("appeals_officer")
    with pytest.raises(Refused, match="has not answered"):
        appeals.complete(appeal.pk, by=judge, at=LATER)
    appeals.answer(appeal.pk, text="物流记录见附件", by=clerk, at=LATER)
    with pytest.raises(Refused, match="only its holder"):
        appeals.complete(appeal.pk, by=clerk, at=LATER)
    appeals.complete(appeal.pk, by=judge, at=LATER)
    assert fresh(appeal).state == State.ANSWERED
    appeals.ask(appeal.pk, items="检测报告", by=judge, at=LATER)
    with pytest.raises(Refused, match="has not answered"):
        appeals.complete(appeal.pk, by=judge, at=LATER)


def test_what_the_holder_records_without_another_word_is_all(judge: User) -> None:
    appeal = waiting(judge)
    appeals.answer(appeal.pk, text="见附件", by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="it proves nothing", by=judge, at=LATER)
    assert fresh(appeal).state == State.DENIED


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (lambda a, by: appeals.complete(a.pk, by=by, at=LATER), "does not wait"),
        (lambda a, by: appeals.answer(a.pk, text="x", by=by, at=LATER), "does not wait"),
        (lambda a, by: appeals.ask(a.pk, items="x", by=by, at=LATER), "take it first"),
        (lambda a, by: appeals.release(a.pk, by=by, at=LATER), "take it first"),
        (lambda a, by: appeals.deny(a.pk, reason="x", by=by, at=LATER), "take it first"),
        (lambda a, by: appeals.grant(a.pk, reason="x", by=by, at=LATER), "take it first"),
        (lambda a, by: appeals.note(a.pk, text="\x00", by=by, at=LATER), "says something"),
        (lambda a, by: appeals.withdraw(a.pk, reason=" ", by=by, at=LATER), "how the shop"),
        (lambda a, by: appeals.unstay(a.pk, reason="x", by=by, at=LATER), "is not stayed"),
    ],
)
def test_a_step_out_of_turn_is_refused(supervisor: User, step, why: str) -> None:
    appeal = make_appeal()
    with pytest.raises(Refused, match=why):
        step(appeal, supervisor)
    assert fresh(appeal).state == State.FILED


STEPS = [
    lambda pk, by: appeals.take(pk, by=by, at=LATER),
    lambda pk, by: appeals.release(pk, by=by, at=LATER),
    lambda pk, by: appeals.ask(pk, items="x", by=by, at=LATER),
    lambda pk, by: appeals.answer(pk, text="x", by=by, at=LATER),
    lambda pk, by: appeals.complete(pk, by=by, at=LATER),
    lambda pk, by: appeals.note(pk, text="x", by=by, at=LATER),
    lambda pk, by: appeals.withdraw(pk, reason="x", by=by, at=LATER),
    lambda pk, by: appeals.stay(pk, reason="x", by=by, at=LATER),
    lambda pk, by: appeals.unstay(pk, reason="x", by=by, at=LATER),
    lambda pk, by: appeals.grant(pk, reason="x", by=by, at=LATER),
    lambda pk, by: appeals.grant_in_part(pk, measures=[1], reason="x", by=by, at=LATER),
    lambda pk, by: appeals.deny(pk, reason="x", by=by, at=LATER),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("end", ["denied", "withdrawn"])
def test_an_appeal_that_is_over_goes_no_further(judge: User, supervisor: User, end: str, step) -> None:
    appeal = taken(judge)
    if end == "denied":
        appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    else:
        appeals.withdraw(appeal.pk, reason="by phone", by=judge, at=LATER)
    with pytest.raises(appeals.AlreadyOver, match=f"is over: {end} by judge on 13 Mar 2026 09:30:00"):
        step(appeal.pk, supervisor)
    with pytest.raises(NotAllowed):
        step(appeal.pk, make_user("operator"))


def test_a_withdrawn_appeal_uses_up_no_level(judge: User) -> None:
    penalty = make_cleared()
    appeals.withdraw(make_appeal(penalty).pk, reason="by phone", by=judge, at=LATER)
    assert make_appeal(penalty).level == 1


# Who judges


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("superuser", [False, True])
def test_whoever_had_a_part_neither_files_nor_hears_an_appeal(part: str, superuser: bool) -> None:
    involved = User.objects.create_superuser("root") if superuser else make_user("supervisor")
    penalty, done = penalty_with(part, involved), re.escape(str(TOOK_PART[part]))
    with pytest.raises(Refused, match=rf"about \({done}\): somebody else files it against {penalty}"):
        make_appeal(penalty, by=involved)
    # The system decides nothing of it: it files what comes with a file.
    appeal = make_appeal(penalty, by=None)
    assert [one for one in TOOK_PART if getattr(appeal, one)] == [part]
    assert getattr(appeal, part) == involved
    with pytest.raises(Refused, match=rf"had a part .* \({done}\)"):
        appeals.take(appeal.pk, by=involved, at=LATER)
    for verb in (appeals.grant, appeals.deny):
        with pytest.raises(Refused, match="had a part"):
            verb(appeal.pk, reason="r", by=involved, at=LATER)
    assert fresh(appeal).state == State.FILED


@pytest.mark.parametrize("step", STEPS)
def test_no_step_of_the_hearing_is_for_whoever_decided(judge: User, step) -> None:
    maker = make_user("supervisor")
    appeal = waiting(judge, make_cleared(by=maker))
    with pytest.raises(Refused, match="had a part"):
        step(appeal.pk, maker)
    assert fresh(appeal).state == State.WAITING


def test_whoever_decided_admits_no_late_appeal_of_the_shop() -> None:
    maker = make_user("supervisor")
    late = {"penalty": make_cleared(by=maker), "channel": "mail", "statement": "s", "reason": "was ill"}
    late["at"] = AT + timedelta(days=31)
    with pytest.raises(Refused, match="somebody else files it"):
        appeals.admit_late(**late, by=maker)
    assert appeals.admit_late(**late, by=make_user("supervisor")).level == 1


@pytest.mark.parametrize("part", PARTS)
def test_whoever_had_a_part_hands_in_nothing_in_the_shops_name(part: str) -> None:
    involved = make_user("supervisor")
    appeal = make_appeal(penalty_with(part, involved))
    for given in (
        {"evidence": [Offered("they-lie.jpg", io.BytesIO(jpeg()))]},
        {"text": "The shop admits all of it."},
    ):
        with pytest.raises(Refused, match="had a part"):
            appeals.add(appeal.pk, **given, by=involved, at=LATER)
    assert not appeal.evidence.exists()


def test_the_first_judge_neither_files_nor_hears_the_second_appeal(judge: User) -> None:
    penalty = make_cleared()
    first = denied(judge, penalty)
    with pytest.raises(Refused, match="somebody else files it"):
        make_appeal(penalty, by=judge, at=LATER)
    second = make_appeal(penalty, at=LATER)
    assert (second.level, second.first_judge) == (2, first.decided_by)
    with pytest.raises(Refused, match="had a part"):
        appeals.take(second.pk, by=judge, at=LATER)
    other = make_user("appeals_officer")
    appeals.take(second.pk, by=other, at=LATER)
    assert appeals.deny(second.pk, reason="right", by=other, at=LATER) is None
    with pytest.raises(Refused, match="there is no third"):
        make_appeal(penalty, at=LATER)


def test_the_system_hears_no_appeal(judge: User) -> None:
    with pytest.raises(Refused, match="heard by a person"):
        appeals.take(make_appeal().pk, by=None, at=LATER)
    with pytest.raises(Refused, match="heard by a person"):
        appeals.deny(taken(judge).pk, reason="r", by=None, at=LATER)


def test_a_case_goes_by_the_desks_own_number_before_a_platforms() -> None:
    own = make_penalty()
    make_penalty(reference=own.case_number)
    other = make_penalty(reference="DY-1")
    assert contests.case_of(own.case_number) == own
    assert contests.case_of("P99999999") is None
    assert contests.case_of("DY-1") == other


def test_what_was_said_stays_in_the_order_in_which_it_was_said(judge: User) -> None:
    appeal = waiting(judge)
    appeals.note(appeal.pk, text="rang twice", by=judge, at=LATER)
    appeals.answer(appeal.pk, text="见附件", by=judge, at=LATER)
    appeals.withdraw(appeal.pk, reason="by letter", by=judge, at=LATER)
    said = list(AppealMessage.objects.filter(appeal=appeal).values_list("kind", "sender"))
    assert said == [
        ("statement", "shop"),
        ("request", "desk"),
        ("note", "desk"),
        ("answer", "shop"),
        ("note", "desk"),
    ]


def test_the_terms_are_settings(judge: User) -> None:
    terms = AppealTerms.current()
    terms.first_days, terms.second_days, terms.lease_hours = 1, 1, 2
    terms.save_by(None, "changed")
    penalty = make_cleared()
    with pytest.raises(appeals.TooLate):
        make_appeal(penalty, at=AT + timedelta(days=1, seconds=1))
    appeal = make_appeal(penalty)
    assert appeals.take(appeal.pk, by=judge, at=LATER).lease_until == LATER + timedelta(hours=2)
    window = appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    assert window is not None
    assert window.until == LATER + timedelta(days=1)
