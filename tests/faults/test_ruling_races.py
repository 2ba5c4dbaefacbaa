"""A ruling meets what else becomes of the penalty at that moment: lifted, lapsed, or the shop checked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.db.models import QuerySet

from opsdesk import audit, execution, foreseen, remainders, voiding
from opsdesk.models import Execution
from rules import sweeps
from rules.models import Proposal, Sweep
from shops import penalties, standing
from shops.accounts import balance_of
from shops.errors import Refused
from shops.models import Enrollment, Measure, Penalty, Shop
from tests.factories import (
    AT,
    DAY,
    make_batch,
    make_cleared,
    make_enrollment,
    make_imposed,
    make_metrics,
    make_sweep,
    make_user,
)
from tests.faults.test_appeal_races import LATER, TIMES, broken, grant, taken
from tests.faults.test_publishing_races import at_once
from tests.shops.accounting import paid_in
from tests.shops.importing import bring


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **options: rows.all())


def suspended() -> Penalty:
    """Put out, suspended until LATER, and the deposit gone."""
    enrollment = make_enrollment()
    paid_in(enrollment.shop, 50_000)
    return make_imposed(
        enrollment.shop,
        Measure(kind="clear", alliance=enrollment.alliance),
        Measure(kind="suspend", ends_at=LATER),
        Measure(kind="deduct", basis="all"),
    )


def test_a_grant_while_the_penalty_is_lifted_has_one_outcome(committed_db) -> None:
    judge = make_user("appeals_officer")
    for _ in range(TIMES):
        appeal = taken(judge)
        lifted = Penalty.objects.get(pk=appeal.penalty_id)
        said = at_once(
            grant(appeal, judge),
            lambda penalty=lifted: penalties.lift(penalty, by=None, at=LATER, reason="served"),
        )
        # The grant goes through whichever comes first; what was overturned is not lifted any more.
        assert said[0] is None
        assert said[1] is None or "it can't be ended" in str(said[1])
        penalty = Penalty.objects.get(pk=appeal.penalty_id)
        assert penalty.status == "overturned"
        assert Enrollment.objects.get(shop=penalty.shop_id).state == "open"
    assert broken() is None


def test_a_grant_while_the_penalty_lapses_has_one_outcome(committed_db) -> None:
    judge = make_user("appeals_officer")
    for _ in range(TIMES):
        appeal = taken(judge, suspended())
        # Whichever comes first, the suspension has been in effect until its end.
        granted = grant(appeal, judge, all_the_same=True)
        assert at_once(granted, lambda: penalties.run_timers(LATER)) == [None, None]
        penalty = Penalty.objects.get(pk=appeal.penalty_id)
        assert (penalty.status, penalty.measures.filter(undone_at=None).count()) == ("overturned", 0)
        assert Enrollment.objects.get(shop=penalty.shop_id).state == "open"
        assert (balance_of(penalty.shop), standing.standing(penalty.shop, LATER).status) == (50_000, "normal")
    assert broken() is None


def test_control_without_locks_what_lapses_is_expired_after_it_was_overturned(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    with connections["owner"].cursor() as owner:
        owner.execute("DROP TRIGGER shops_penalty_that_was_overturned_stays_so ON shops_penalty")
    judge = make_user("appeals_officer")
    appeal = taken(judge)
    penalty = appeal.penalty
    penalty.ends_at = LATER
    penalty.save_by(None, "as its platform says")
    # The timer has looked at it before the grant, and ends it after.
    real, looked, granted = penalties._end, threading.Event(), threading.Event()

    def slowly(ended: Penalty, status: Penalty.Status, **values) -> None:
        if status == Penalty.Status.EXPIRED:
            looked.set()
            granted.wait(timeout=30)
        real(ended, status, **values)

    def grant_between() -> None:
        looked.wait(timeout=30)
        grant(appeal, judge)()
        granted.set()

    monkeypatch.setattr(penalties, "_end", slowly)
    assert at_once(grant_between, lambda: penalties.run_timers(LATER)) == [None, None]
    history = penalty.history.order_by("-history_id").values_list("status", flat=True)
    assert list(history[:2]) == ["expired", "overturned"]


def cleared_and_applied() -> Penalty:
    """Put out for a metric that has risen since: it asks to be let in again."""
    penalty = make_cleared()
    enrollment = Enrollment.objects.get(shop=penalty.shop_id)
    enrollment.state = Enrollment.State.APPLIED
    enrollment.save_by(None, "applied")
    return penalty


def a_check_of(*penalised: Penalty) -> Sweep:
    """A check of the day on which the shops' metrics came in, not yet run."""
    batch = make_batch(first_day=DAY, last_day=DAY)
    for penalty in penalised:
        make_metrics(penalty.shop, batch=batch)
    alliance = make_sweep(day=DAY - timedelta(days=9)).alliance
    return sweeps.request(alliance=alliance, by=None, at=AT, day=DAY)


def test_a_grant_while_a_check_proposes_to_admit_the_shop_leaves_it_in_and_unproposed(committed_db) -> None:
    judge = make_user("appeals_officer")
    penalised = [cleared_and_applied() for _ in range(TIMES)]
    sweep = a_check_of(*penalised)
    cases = [taken(judge, penalty) for penalty in penalised]
    said = at_once(lambda: sweeps.run(sweep.pk, at=LATER), *(grant(case, judge) for case in cases))
    assert said == [None] * len(said)
    shops = [penalty.shop_id for penalty in penalised]
    assert not Proposal.objects.filter(shop__in=shops, kind="admit", status__in=["open", "held"]).exists()
    assert not Enrollment.objects.filter(shop__in=shops).exclude(state="open").exists()
    assert broken() is None


def test_control_without_locks_a_check_proposes_to_admit_a_shop_that_is_in(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = make_user("appeals_officer")
    penalty = cleared_and_applied()
    sweep = a_check_of(penalty)
    appeal = taken(judge, penalty)
    without_locks(monkeypatch)
    # Nor is what fits no longer withdrawn in the end.
    monkeypatch.setattr(voiding.casework, "file_from_facts", lambda **asked: 0)
    # The check files after the grant has looked for proposals, and before it lets the shop in.
    real, looked, swept = voiding.hold_open_proposals, threading.Event(), threading.Event()

    def hold(of: Penalty) -> None:
        real(of)
        looked.set()
        swept.wait(timeout=30)

    def check() -> None:
        looked.wait(timeout=30)
        sweeps.run(sweep.pk, at=LATER)
        swept.set()

    monkeypatch.setattr(voiding, "hold_open_proposals", hold)
    assert at_once(grant(appeal, judge), check) == [None, None]
    assert "for a shop inside" in str(audit.verify_enrollments())


def look_at(penalty: Penalty) -> foreseen.Foreseen:
    def overturn(same: Penalty) -> list[dict[str, Any]]:
        fallen = voiding.overturn(same, by=None, at=LATER, reason="not theirs")
        return remainders.of(fallen, LATER)

    return foreseen.foresee(penalty, overturn, by=None, at=LATER)


def test_a_look_at_what_would_change_waits_for_nobody_long(committed_db, monkeypatch) -> None:
    monkeypatch.setattr(foreseen, "PATIENCE", "50ms")
    penalty = suspended()
    held, looked = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Shop.objects.select_for_update().get(pk=penalty.shop_id)
            held.set()
            looked.wait(timeout=30)
        connections.close_all()

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        assert held.wait(timeout=30)
        with pytest.raises(Refused, match="look again in a moment"):
            look_at(penalty)
    finally:
        looked.set()
        holding.join()
    assert look_at(penalty).changes


def test_what_was_looked_at_holds_until_the_transaction_ends(committed_db) -> None:
    penalty = suspended()

    asked = execution.of_penalty(penalty)
    asked.save_by(None)

    def change(rows: QuerySet) -> Callable[[], None]:
        def changing() -> None:
            with transaction.atomic():
                rows.select_for_update(nowait=True).get()

        return changing

    changes = [change(Shop.objects.filter(pk=penalty.shop_id)), change(Execution.objects.filter(pk=asked.pk))]
    with transaction.atomic():
        look_at(penalty)
        assert [type(said) for said in at_once(*changes)] == [OperationalError] * 2
    assert at_once(*changes) == [None, None]


def test_a_look_is_not_disturbed_by_who_enrolls_the_shop_meanwhile(committed_db) -> None:
    penalty = suspended()
    shop = penalty.shop

    def overturn(same: Penalty) -> list[dict[str, Any]]:
        other = threading.Thread(target=enroll)
        other.start()
        other.join()
        return remainders.of(voiding.overturn(same, by=None, at=LATER, reason="not theirs"), LATER)

    def enroll() -> None:
        row = f"{shop.code},wechat-select,applied\n"
        bring("enrollments", "shop,alliance,state\n" + row, at=AT)
        connections.close_all()

    told = dict(foreseen.foresee(penalty, overturn, by=None, at=LATER).told)
    assert len(told["Alliances"]) == 1
    assert Enrollment.objects.filter(shop=shop).count() == 2


def test_a_look_while_somebody_rules_leaves_his_ruling_alone(committed_db) -> None:
    judge = make_user("appeals_officer")
    for _ in range(TIMES):
        appeal = taken(judge)
        said = at_once(grant(appeal, judge), lambda penalty=appeal.penalty: look_at(penalty))
        assert said[0] is None
        assert Penalty.objects.get(pk=appeal.penalty_id).status == "overturned"
    assert broken() is None
