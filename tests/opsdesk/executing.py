"""Decisions and penalties, how far the platform has come with them, and stays."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from opsdesk import appeals, execution, pausing, penalising, review
from opsdesk.models import Appeal, Execution
from rules import casework
from rules.models import Proposal
from shops.models import Alliance, Measure, Penalty, Violation
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_enrollment,
    make_penalty,
    make_proposal,
    make_shop,
    make_user,
)
from tests.shops.importing import bring

LATER = AT + timedelta(days=2)
# While the appeal is open, which is filed a day after the decision and ruled on at LATER.
STAYED_AT = AT + timedelta(days=1)
PAUSED_ON = STAYED_AT.date()
HEAD = "reference,shop,violation,imposed_at,status,ends_at,points,deposit_deducted\n"


def cleared(so_far: str = "to_do") -> Execution:
    """A clearance that was accepted, and what the platform has done of it."""
    return as_far_as(review.accept(make_proposal().pk, by=None, reason="below_bar", at=AT).execution, so_far)


def as_far_as(asked: Execution, so_far: str) -> Execution:
    if so_far == "failed":
        execution.record(asked.pk, outcome="failed", by=None, note="page was down")
    elif so_far == "done":
        execution.record(asked.pk, outcome="done", by=None, on=AT.date(), reference="DY-7")
    return fresh(asked)


def fresh(asked: Execution) -> Execution:
    return Execution.objects.get(pk=asked.pk)


def granted(penalty: Penalty) -> None:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant(appeal.pk, by=judge, at=LATER, reason="wrong")


def overturned(penalty: Penalty) -> None:
    penalising.overturn(penalty, by=make_user("appeals_officer"), at=LATER, reason="wrong")


def undone(asked: Execution) -> Execution:
    return execution.record(asked.pk, outcome="done", by=None, on=LATER.date(), reference="DY-8")


def penalised(*measures: Measure, so_far: str) -> Execution:
    """A reported case that was accepted with a clearance and these measures."""
    enrollment = make_enrollment()
    make_penalty(enrollment.shop, violation_code="V1", status="reported")
    casework.file_from_facts(at=AT)
    clear = Measure(kind="clear", alliance=Alliance.objects.get(code=DOUYIN))
    decision = penalising.accept(
        Proposal.objects.get(shop=enrollment.shop),
        measures=[clear, *measures],
        reason="as found",
        by=None,
        at=AT,
    )
    return as_far_as(decision.execution, so_far)


def part_taken_back(asked: Execution, kind: str) -> None:
    penalty = asked.penalty
    assert penalty is not None
    judge = make_user("appeals_officer")
    penalising.undo_measures(
        penalty, [penalty.measures.get(kind=kind)], by=judge, at=LATER, reason="too much"
    )


def by_hand(*measures: Measure, so_far: str = "to_do") -> Execution:
    """A penalty that an operator imposed by hand, and what the platform has done of it."""
    penalty = penalising.impose(
        shop=make_shop(),
        violation=Violation.objects.get(code="V9"),
        measures=measures,
        reason="as found",
        by=make_user("operator"),
        at=AT,
        key=f"by hand {uuid4()}",
    )
    return as_far_as(penalty.execution, so_far)


def lifted(penalty: Penalty) -> None:
    penalising.lift(penalty, by=make_user("operator"), at=LATER, reason="mended its ways")


def brought(points: str = "", deducted: str = "") -> Penalty:
    """A penalty that its platform imposed."""
    shop = make_shop()
    row = f"DY-9,{shop.code},V8,2026-03-01T10:00:00+08:00,imposed,,{points},{deducted}\n"
    assert bring("penalties", HEAD + row, at=AT).state == "applied"
    return Penalty.objects.get(shop=shop)


def stayed(penalty: Penalty) -> Appeal:
    appeal = make_appeal(penalty)
    return appeals.stay(appeal.pk, reason="thin", by=make_user("supervisor"), at=STAYED_AT)


def paused(asked: Execution) -> Appeal:
    """Stayed, and recorded as paused on the platform."""
    appeal = stayed(asked.penalty)
    pausing.record(asked.pk, outcome="done", by=None, on=PAUSED_ON)
    return appeal


def unstayed(appeal: Appeal) -> None:
    appeals.unstay(appeal.pk, reason="seen", by=make_user("supervisor"), at=LATER)


def denied(appeal: Appeal) -> None:
    judge = make_user("appeals_officer")
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.deny(appeal.pk, reason="as found", by=judge, at=LATER)


def withdrawn(appeal: Appeal) -> None:
    officer = make_user("appeals_officer")
    appeals.take(appeal.pk, by=officer, at=LATER)
    appeals.withdraw(appeal.pk, reason="its wish", by=officer, at=LATER)


def granted_in_part(appeal: Appeal, kind: str) -> None:
    judge = make_user("appeals_officer")
    appeals.take(appeal.pk, by=judge, at=LATER)
    chosen = [appeal.penalty.measures.get(kind=kind).pk]
    appeals.grant_in_part(appeal.pk, measures=chosen, reason="too much", by=judge, at=LATER)
