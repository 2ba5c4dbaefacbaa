"""What PostgreSQL itself refuses of appeals and notices, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from opsdesk import appeals, notices, review
from opsdesk.models import Appeal, AppealTerms, Evidence, Notice
from opsdesk.models.appeals import TOOK_PART
from rules import casework
from rules.models import Proposal, Sweep
from shops.errors import Refused
from shops.models import Measure, Penalty
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_evidence,
    make_penalty,
    make_user,
)
from tests.opsdesk.parts import OF_THE_PENALTY, PARTS, penalty_with

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)
NOT_STANDING = {
    "reported": {"imposed_at": None, "reported_at": AT},
    "dismissed": {"imposed_at": None, "reported_at": AT, "ended_at": AT},
    "overturned": {"ended_at": AT},
}


def update(appeal: Appeal, **values: Any) -> None:
    with transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(**values)


def ruled(by: User, state: str = "denied") -> dict[str, Any]:
    """What a ruling writes."""
    return {"state": state, "decided_at": LATER, "decided_by": by, "ruling": "as I see it"}


def insert(penalty: Any, level: int = 1, **values: Any) -> int:
    """An appeal written past the desk; its key."""
    row = {
        "penalty_id": penalty.pk,
        "level": level,
        "state": "filed",
        "channel": "mail",
        "reference": "",
        "filed_at": LATER,
        "late_reason": "",
        "asked": "",
        "due_at": LATER,
        "ruling": "",
        "taken_back": [],
        "not_restored": "[]",
        **values,
    }
    columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO opsdesk_appeal ({columns}) VALUES ({marks}) RETURNING id", list(row.values())
        )
        return cursor.fetchone()[0]


def test_the_trigger_copies_who_had_a_part_whatever_the_statement_says() -> None:
    people = {part: make_user() for part in OF_THE_PENALTY}
    penalty = make_penalty(violation_code="V1", **{OF_THE_PENALTY[part]: who for part, who in people.items()})
    somebody = make_user()
    written = {"maker_id": somebody.pk, "approver_id": None, "first_judge_id": somebody.pk}
    appeal = Appeal.objects.get(pk=insert(penalty, **written, reporter_id=somebody.pk))
    assert {part: getattr(appeal, part) for part in OF_THE_PENALTY} == people
    assert appeal.first_judge is None


def test_these_tests_know_every_part_that_there_is() -> None:
    assert {*PARTS, "first_judge"} == set(TOOK_PART)


@pytest.mark.parametrize("part", PARTS)
def test_the_trigger_copies_each_part_and_no_other(part: str) -> None:
    somebody, involved = make_user(), make_user("supervisor")
    penalty = penalty_with(part, involved)
    appeal = Appeal.objects.get(pk=insert(penalty, **{f"{one}_id": somebody.pk for one in TOOK_PART}))
    assert {one: getattr(appeal, one) for one in TOOK_PART if getattr(appeal, one)} == {part: involved}


def test_who_penalised_a_reported_case_is_its_maker_and_no_more() -> None:
    maker, case = make_user("supervisor"), make_penalty(violation_code="V8", status="reported")
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get(case=case)
    given = [Measure(kind="points", points=4)]
    review.accept(proposal.pk, measures=given, by=maker, reason="violation_confirmed", at=AT)
    appeal = make_appeal(Penalty.objects.get(pk=case.pk))
    assert {one for one in TOOK_PART if getattr(appeal, one)} == {"maker"}


@pytest.mark.parametrize("status", ["reported", "dismissed", "overturned"])
def test_nothing_is_filed_against_what_was_not_imposed_or_has_fallen(status: str) -> None:
    penalty = make_penalty(violation_code="V1", **NOT_STANDING[status], status=status)
    with pytest.raises(IntegrityError, match=f"it is {status}"):
        insert(penalty)


def test_the_trigger_copies_the_judge_of_the_first_appeal() -> None:
    judge, penalty = make_user("appeals_officer"), make_cleared()
    first = make_appeal(penalty)
    appeals.take(first.pk, by=judge, at=LATER)
    appeals.deny(first.pk, reason="right", by=judge, at=LATER)
    assert Appeal.objects.get(pk=insert(penalty, level=2)).first_judge == judge


@pytest.mark.parametrize("part", TOOK_PART)
@pytest.mark.parametrize("superuser", [False, True])
def test_whoever_had_a_part_neither_files_nor_takes_nor_judges_by_sql(part: str, superuser: bool) -> None:
    involved = User.objects.create_superuser("root") if superuser else make_user("supervisor")
    penalty = make_penalty(violation_code="V1") if part == "first_judge" else penalty_with(part, involved)
    if part == "first_judge":
        first = make_appeal(penalty)
        appeals.take(first.pk, by=involved, at=LATER)
        appeals.deny(first.pk, reason="right", by=involved, at=LATER)
    with pytest.raises(IntegrityError, match=f"opsdesk_appeal_is_not_filed_by_the_{part}"):
        insert(penalty, level=2 if part == "first_judge" else 1, filed_by_id=involved.pk)
    appeal = make_appeal(penalty, at=LATER)
    claim = {"taken_at": LATER, "lease_until": LATER}
    with pytest.raises(IntegrityError, match=f"opsdesk_appeal_is_not_taken_by_the_{part}"):
        update(appeal, state="taken", taken_by=involved, **claim)
    update(appeal, state="taken", taken_by=make_user("appeals_officer"), **claim)
    with pytest.raises(IntegrityError, match=f"opsdesk_appeal_judge_is_not_the_{part}"):
        update(appeal, **ruled(involved))


@pytest.mark.parametrize(
    ("part", "column"),
    [("proposer", "filed_by"), ("proposer", "penalty"), ("case_maker", "case"), ("releaser", "sweep")],
)
def test_by_whom_and_on_what_a_penalty_was_proposed_is_not_rewritten(part: str, column: str) -> None:
    penalty = penalty_with(part, make_user("supervisor"))
    with pytest.raises(IntegrityError, match="rules_proposal_keeps_who_proposed"), transaction.atomic():
        Proposal.objects.filter(penalty=penalty).update(**{column: None})


def test_who_released_a_check_that_has_filed_is_not_rewritten() -> None:
    sweep = penalty_with("releaser", make_user("supervisor")).proposal.sweep
    for values in ({"ruled_by": None}, {"ruled_by": make_user("supervisor")}):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Sweep.objects.filter(pk=sweep.pk).update(**values)
        name = refused.value.__cause__.diag.constraint_name
        assert name == "rules_sweep_that_has_filed_keeps_who_released_it"


@pytest.mark.parametrize("part", PARTS)
def test_no_part_at_all_ends_the_window_earlier_by_the_verb_or_by_sql(part: str) -> None:
    involved = make_user("supervisor")
    notice = Notice.objects.get(penalty=penalty_with(part, involved))
    notices.record_delivery(notice.pk, channel="mail", delivered_at=LATER, by=None, at=LATER)
    earlier = {"channel": "mail", "delivered_at": AT}
    with pytest.raises(Refused, match="no part"):
        notices.correct_delivery(notice.pk, **earlier, reason="r", by=involved, at=LATER)
    corrected = {"corrected_at": LATER, "corrected_because": "r", "delivery_recorded_by": involved}
    name = "opsdesk_notice_window_is_moved_by_nobody_who_took_part"
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(**earlier, **corrected)


def test_whoever_had_a_part_strikes_no_evidence_by_sql() -> None:
    maker = make_user("supervisor")
    evidence = make_evidence(make_appeal(make_cleared(by=maker)))
    struck = {"struck_at": LATER, "struck_reason": "away with it"}
    name = "opsdesk_evidence_is_struck_by_nobody_who_took_part"
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(struck_by=maker, **struck)


@pytest.mark.parametrize("part", TOOK_PART)
def test_nobody_who_had_a_part_speaks_for_the_shop_by_sql(part: str) -> None:
    involved = make_user("supervisor")
    penalty = make_cleared() if part == "first_judge" else penalty_with(part, involved)
    if part == "first_judge":
        first = make_appeal(penalty)
        appeals.take(first.pk, by=involved, at=LATER)
        appeals.deny(first.pk, reason="right", by=involved, at=LATER)
    appeal, name = make_appeal(penalty, at=LATER), "opsdesk_appeal_shop_is_spoken_for_by_nobody_who_took_part"
    file = {"kind": "mp4", "name": "a.mp4", "place": "a", "size": 1, "sha256": "0" * 64}
    for given in (file, {"kind": "statement", "text": "t"}):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Evidence.objects.create(appeal=appeal, added_at=LATER, added_by=involved, **given)
        assert refused.value.__cause__.diag.constraint_name == name
    for kind in ("statement", "answer"):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            appeal.messages.create(kind=kind, sender="shop", text="t", at=LATER, by=involved)
        assert refused.value.__cause__.diag.constraint_name == name


def test_a_second_open_appeal_against_a_penalty_is_refused() -> None:
    appeal = make_appeal()
    with pytest.raises(IntegrityError, match="opsdesk_appeal_is_the_only_open_one_of_its_penalty"):
        insert(appeal.penalty)


@pytest.mark.parametrize(
    ("level", "values", "name"),
    [
        (3, {}, "opsdesk_appeal_is_of_the_first_or_second_level"),
        (2, {}, "no first one was ruled on"),
        (1, {"state": "denied"}, "begins as filed"),
        (1, {"late_reason": "was ill"}, "opsdesk_appeal_is_admitted_late_for_a_reason"),
    ],
)
def test_an_appeal_that_can_not_begin_so_is_refused(level: int, values: dict, name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        insert(make_cleared(), level, **values)


@pytest.mark.parametrize("status", ["reported", "overturned"])
def test_an_appeal_is_against_a_penalty_that_was_imposed(status: str) -> None:
    with pytest.raises(IntegrityError, match=f"it is {status}"):
        insert(make_penalty(violation_code="V1", status=status))


def test_a_level_is_ruled_on_once() -> None:
    judge, penalty = make_user("appeals_officer"), make_cleared()
    first = make_appeal(penalty)
    appeals.take(first.pk, by=judge, at=LATER)
    appeals.deny(first.pk, reason="right", by=judge, at=LATER)
    again = Appeal.objects.get(pk=insert(penalty))
    appeals.take(again.pk, by=judge, at=LATER)
    with pytest.raises(IntegrityError, match="opsdesk_appeal_is_ruled_on_once_on_each_level"):
        update(again, **ruled(judge))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"state": "waiting"}, "does not go from filed to waiting"),
        ({"state": "denied"}, "does not go from filed to denied"),
        ({"state": "taken"}, "opsdesk_appeal_is_held_by_somebody_exactly_when_taken"),
        ({"taken_at": LATER}, "opsdesk_appeal_claim_is_whole_or_absent"),
        ({"state": "withdrawn"}, "opsdesk_appeal_is_withdrawn_at_a_moment"),
        ({"decided_at": LATER}, "opsdesk_appeal_has_a_judge_and_a_moment_exactly_when_ruled_on"),
        ({"taken_back": [1]}, "opsdesk_appeal_in_part_names_what_was_taken_back"),
        ({"level": 2}, "what was filed never changes"),
        ({"reference": "other"}, "what was filed never changes"),
        ({"filed_at": AT}, "what was filed never changes"),
    ],
)
def test_a_state_without_its_facts_is_refused(values: dict, name: str) -> None:
    appeal = make_appeal()
    with pytest.raises(IntegrityError, match=name):
        update(appeal, **values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"state": "waiting"}, "opsdesk_appeal_waits_for_what_was_asked"),
        ({"state": "answered"}, "does not go from taken to answered"),
        ({"ruling": ""}, "opsdesk_appeal_ruling_gives_its_reasons"),
        ({"state": "granted_in_part"}, "opsdesk_appeal_in_part_names_what_was_taken_back"),
        ({"decided_by": None}, "opsdesk_appeal_has_a_judge_and_a_moment_exactly_when_ruled_on"),
    ],
)
def test_a_ruling_without_its_facts_is_refused(values: dict, name: str) -> None:
    judge = make_user("appeals_officer")
    appeal = appeals.take(make_appeal().pk, by=judge, at=LATER)
    facts = values if values.get("state") in ("waiting", "answered") else {**ruled(judge), **values}
    with pytest.raises(IntegrityError, match=name):
        update(appeal, **facts)


@pytest.mark.parametrize("part", TOOK_PART)
def test_who_had_a_part_is_not_rewritten(part: str) -> None:
    appeal = make_appeal()
    with pytest.raises(IntegrityError, match="what was filed never changes"):
        update(appeal, **{part: make_user()})


def test_an_appeal_that_is_over_never_changes() -> None:
    judge = make_user("appeals_officer")
    appeal = appeals.take(make_appeal().pk, by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    with pytest.raises(IntegrityError, match="it is over and never changes"):
        update(appeal, ruling="wrong")


def test_the_terms_are_one_row_that_leaves_some_time() -> None:
    with pytest.raises(IntegrityError, match="opsdesk_appealterms_are_one_row"), transaction.atomic():
        AppealTerms.objects.create(pk=2)
    with pytest.raises(IntegrityError, match="opsdesk_appealterms_leave_some_time"), transaction.atomic():
        AppealTerms.objects.update(first_days=0)
