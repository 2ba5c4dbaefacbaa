"""What an appeal comes to: granted, granted in part, denied; by the verbs alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from opsdesk import appeals, audit, penalising
from opsdesk.models import Appeal
from shops import enrollments, penalties
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty, Violation
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_cleared_and_warned,
    make_enrollment,
    make_evidence,
    make_penalty,
    make_proposal,
    make_shop,
    make_user,
)
from tests.opsdesk.files import png
from tests.opsdesk.test_appeals import LATER, NEXT_DAY, State, fresh, taken
from tests.shops import test_shipped_consequences

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("verb", ["grant", "deny"])
def test_a_ruling_without_reasons_is_refused(judge: User, verb: str) -> None:
    appeal = taken(judge)
    with pytest.raises(Refused, match="gives its reasons"):
        getattr(appeals, verb)(appeal.pk, reason=" \x00", by=judge, at=LATER)


CAME = {
    "answer by clerk on 13 Mar 2026 09:30:00: “见附件”": lambda appeal, clerk, there: appeals.answer(
        appeal.pk, text="见附件", by=clerk, at=LATER
    ),
    "internal note by clerk on 13 Mar 2026 09:30:00: “rang”": lambda appeal, clerk, there: appeals.note(
        appeal.pk, text="rang", by=clerk, at=LATER
    ),
    "evidence by clerk on 13 Mar 2026 09:30:00: “a.png”": lambda appeal, clerk, there: make_evidence(
        appeal, png(), name="a.png", by=clerk, at=LATER
    ),
    "evidence by clerk on 13 Mar 2026 09:30:00: “signed for”": lambda appeal, clerk, there: appeals.add(
        appeal.pk, text="signed for", by=clerk, at=LATER
    ),
    "evidence struck by judge on 13 Mar 2026 09:30:00: “proof.jpg”": lambda appeal, clerk, there: (
        appeals.strike(there.token, reason="of another shop", by=User.objects.get(username="judge"), at=LATER)
    ),
}


@pytest.mark.parametrize("what", CAME)
@pytest.mark.parametrize("verb", ["grant", "deny"])
def test_nobody_rules_past_what_has_come_since_he_looked(judge: User, verb: str, what: str) -> None:
    appeal = taken(judge, make_cleared_and_warned())
    appeals.ask(appeal.pk, items="检测报告", by=judge, at=LATER, due_on=LATER.date())
    there, clerk = make_evidence(appeal, at=LATER), make_user("appeals_officer", username="clerk")
    seen, over = appeals.looked_at(appeal), fresh(appeal).due_at + timedelta(seconds=1)
    CAME[what](appeal, clerk, there)
    ruling = {"reason": "as it was", "by": judge, "at": over}
    with pytest.raises(appeals.Unseen) as unseen:
        getattr(appeals, verb)(appeal.pk, **ruling, seen=seen)
    assert unseen.value.came == [what]
    getattr(appeals, verb)(appeal.pk, **ruling, seen=unseen.value.now)
    assert fresh(appeal).state in Appeal.RULED


def test_a_grant_in_part_is_of_what_was_looked_at_too(judge: User) -> None:
    appeal = taken(judge, make_cleared_and_warned())
    chosen = [appeal.penalty.measures.get(kind="warning").pk]
    seen = appeals.looked_at(appeal)
    appeals.add(appeal.pk, text="signed for", by=None, at=LATER)
    with pytest.raises(appeals.Unseen, match="signed for"):
        appeals.grant_in_part(appeal.pk, measures=chosen, reason="r", by=judge, at=LATER, seen=seen)


@pytest.mark.parametrize("what", [what for what in CAME if what.startswith("evidence")])
def test_who_may_not_see_evidence_is_told_whose_it_is_and_nothing_of_it(judge: User, what: str) -> None:
    appeal = taken(judge)
    there, seen = make_evidence(appeal, at=LATER), appeals.looked_at(appeal)
    CAME[what](appeal, make_user("appeals_officer", username="clerk"), there)
    judge.groups.get().permissions.remove(Permission.objects.get(codename="view_evidence"))
    with pytest.raises(appeals.Unseen) as unseen:
        appeals.deny(appeal.pk, reason="r", by=User.objects.get(pk=judge.pk), at=LATER, seen=seen)
    assert unseen.value.came == [what.split(": ")[0]]


@pytest.mark.parametrize("written", ["", "0-0", "1", "x-y", f"{'9' * 30}-1"])
def test_who_says_that_he_saw_something_else_has_seen_nothing(judge: User, written: str) -> None:
    appeal = taken(judge)
    with pytest.raises(appeals.Unseen, match=r"statement by the system .*评分有误"):
        appeals.deny(appeal.pk, reason="right", by=judge, at=LATER, seen=written)


def test_a_claim_that_is_renewed_changes_nothing_of_what_was_looked_at(judge: User) -> None:
    appeal = taken(judge)
    seen = appeals.looked_at(appeal)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER, seen=seen)
    assert fresh(appeal).state == State.DENIED


def test_a_grant_overturns_the_penalty_and_the_shop_goes_on_with_its_opening(judge: User) -> None:
    enrollment = make_enrollment(openings=2)
    appeal = taken(judge, make_cleared(enrollment))
    appeals.grant(appeal.pk, reason="the score was wrong", by=judge, at=LATER)
    appeal, enrollment = fresh(appeal), Enrollment.objects.get(pk=enrollment.pk)
    assert (appeal.state, appeal.decided_by, appeal.ruling) == ("granted", judge, "the score was wrong")
    # More people read the penalty than its appeal.
    assert (appeal.penalty.status, appeal.penalty.ended_reason) == ("overturned", "on appeal")
    assert appeal.taken_back == [appeal.penalty.measures.get().pk]
    assert appeal.not_restored == []
    assert (enrollment.state, enrollment.openings_used) == ("open", 2)
    assert (audit.verify_history(), audit.verify_enrollments()) == (None, None)


def test_a_grant_withdraws_an_admission_that_is_proposed_meanwhile(judge: User) -> None:
    penalty = make_cleared()
    enrollment = Enrollment.objects.get(shop=penalty.shop)
    enrollments.apply(enrollment, by=None, at=NEXT_DAY)
    proposal = make_proposal(enrollment, kind="admit")
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    proposal.refresh_from_db()
    assert proposal.status == "withdrawn"
    assert audit.verify_enrollments() is None


def test_a_grant_voids_the_opening_by_which_the_shop_came_in_again(judge: User) -> None:
    penalty = make_cleared()
    enrollment = Enrollment.objects.get(shop=penalty.shop)
    enrollments.apply(enrollment, by=None, at=NEXT_DAY)
    enrollments.admit(enrollment, by=None, at=NEXT_DAY)
    appeal = appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.openings_used) == ("open", 1)
    assert (appeal.state, appeal.not_restored) == ("granted", [])
    assert audit.verify_enrollments() is None


def test_a_grant_in_part_takes_back_the_chosen_measures_alone(judge: User) -> None:
    penalty = make_cleared_and_warned()
    clearance, warning = penalty.measures.order_by("pk")
    appeal = taken(judge, penalty)
    # The penalty itself stands, and a judgement that stands keeps the shop out (R5).
    appeals.grant_in_part(appeal.pk, measures=[warning.pk], reason="too much", by=judge, at=LATER)
    warning.refresh_from_db()
    clearance.refresh_from_db()
    assert (warning.undone_at, clearance.undone_at) == (LATER, None)
    appeal = fresh(appeal)
    assert (appeal.state, appeal.taken_back, appeal.penalty.status) == (
        "granted_in_part",
        [warning.pk],
        "imposed",
    )
    assert make_appeal(penalty, at=LATER).level == 2


def test_a_grant_in_part_names_measures_of_this_penalty_that_have_an_effect(judge: User) -> None:
    penalty, other = make_cleared_and_warned(), make_cleared_and_warned()
    appeal = taken(judge, penalty)
    own = [measure.pk for measure in penalty.measures.all()]
    for chosen in ([], [other.measures.first().pk], [own[0], 0], own):
        with pytest.raises(Refused):
            appeals.grant_in_part(appeal.pk, measures=chosen, reason="r", by=judge, at=LATER)
    assert fresh(appeal).state == State.TAKEN


@pytest.mark.parametrize("verb", ["overturn", "undo_measures"])
def test_while_an_appeal_is_heard_nobody_decides_past_it(judge: User, supervisor: User, verb: str) -> None:
    penalty = make_cleared_and_warned()
    appeal = taken(judge, penalty)
    chosen = [[penalty.measures.first()]] if verb == "undo_measures" else []
    with pytest.raises(Refused, match=f"{appeal.number} is heard"):
        getattr(penalising, verb)(penalty, *chosen, by=supervisor, at=LATER, reason="r")
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    getattr(penalising, verb)(penalty, *chosen, by=supervisor, at=LATER, reason="r")


def test_a_shop_may_not_contest_what_the_catalogue_leaves_no_appeal_against() -> None:
    penalty = make_penalty(violation_code="V1")
    Violation.objects.filter(code="V1").update(appealable=False)
    with pytest.raises(Refused, match="there is no appeal"):
        make_appeal(Penalty.objects.get(pk=penalty.pk))


def test_a_catalogue_that_changes_later_takes_no_promised_appeal_away() -> None:
    violation = Violation.objects.get(code="V1")
    penalty = penalising.impose(
        shop=make_shop(),
        violation=violation,
        measures=[Measure(kind="warning")],
        reason="r",
        by=None,
        at=AT,
        key="k",
    )
    violation.appealable = False
    violation.save_by(None, "as the platform says now")
    assert make_appeal(Penalty.objects.get(pk=penalty.pk)).level == 1


def test_a_denial_names_until_when_the_shop_may_go_to_the_next_level(judge: User) -> None:
    window = appeals.deny(taken(judge).pk, reason="right", by=judge, at=LATER)
    assert window is not None
    assert (window.level, window.until) == (2, LATER + timedelta(days=15))


@pytest.mark.parametrize("ended", ["lift", "never"])
def test_a_grant_overturns_also_what_was_lifted_while_the_appeal_ran(judge: User, ended: str) -> None:
    penalty = make_cleared()
    appeal = taken(judge, penalty)
    if ended == "lift":
        penalties.lift(penalty, by=None, at=LATER, reason="served")
    appeals.grant(appeal.pk, reason="wrong", by=judge, at=LATER)
    assert fresh(appeal).penalty.status == "overturned"
    assert Enrollment.objects.get(shop=penalty.shop).state == "open"


@pytest.mark.parametrize("code", ["V4", "V8", "V10", "WS-V1"])
def test_a_grant_undoes_all_that_a_violation_brought_to_the_fen(judge: User, code: str) -> None:
    shop = test_shipped_consequences.in_both()
    before = test_shipped_consequences.seen(shop)
    penalty = test_shipped_consequences.imposed(shop, code)
    assert test_shipped_consequences.seen(shop) != before
    appeals.grant(taken(judge, penalty).pk, reason="wrong", by=judge, at=LATER)
    assert test_shipped_consequences.seen(shop) == before
    assert audit.verify_ledger() is None
