"""What was proposed from the desk's own record is asked of it again as somebody accepts it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from opsdesk import consequences, review
from opsdesk.models import Decision
from rules import casework
from rules.models import Proposal
from shops import penalties
from shops.models import Measure, Penalty, PointsThreshold, Shop
from tests.clients import client_of
from tests.factories import (
    AT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=400)


def filed() -> Proposal:
    casework.file_from_facts(at=AT)
    return Proposal.objects.get()


def of_a_shop_that_has_changed_hands() -> Proposal:
    offender, other = (make_shop(controller=controller) for controller in [make_controller()] * 2)
    make_enrollment(other)
    make_imposed(offender, Measure(kind="close"), code="V4")
    proposal = filed()
    Shop.objects.filter(pk=other.pk).update(controller=make_controller())
    return proposal


def of_points_that_have_lapsed() -> Proposal:
    PointsThreshold.objects.create(points=4, kinds=["suspend"], days=30)
    make_imposed(make_shop(), Measure(kind="points", points=4), code="V8")
    return filed()


def of_a_case_that_was_decided() -> Proposal:
    case = make_penalty(make_shop(), violation_code="V4", status="reported")
    proposal = filed()
    penalties.dismiss(case, by=None, at=AT, reason="unfounded")
    return proposal


STALE = pytest.mark.parametrize(
    ("stale", "english", "chinese"),
    [
        (of_a_shop_that_has_changed_hands, "the case no longer bars", "该案件不再构成限制"),
        (of_points_that_have_lapsed, "its points no longer stand", "积分已不再有效"),
        (of_a_case_that_was_decided, "the case was decided", "该案件已有决定"),
    ],
)


@STALE
def test_what_no_longer_holds_is_withdrawn_and_not_imposed(
    stale: Callable[[], Proposal], english: str, chinese: str
) -> None:
    proposal, by = stale(), make_user("operator")
    before = Penalty.objects.count()
    with pytest.raises(consequences.NoLongerHolds, match=f"the proposal is withdrawn: {english}"):
        review.accept(proposal.pk, by=by, reason="violation", at=LATER)
    proposal.refresh_from_db()
    assert (proposal.status, proposal.closed_at) == ("withdrawn", LATER)
    assert (Penalty.objects.count(), Decision.objects.count()) == (before, 0)
    # Withdrawn, it is decided like every other.
    with pytest.raises(review.AlreadyDecided):
        review.accept(proposal.pk, by=by, reason="violation", at=LATER)


@STALE
def test_whoever_accepts_it_reads_why_in_his_language(
    stale: Callable[[], Proposal], english: str, chinese: str
) -> None:
    proposal, client = stale(), client_of("operator", "zh-hans")
    if stale is of_points_that_have_lapsed:
        Measure.objects.filter(kind="points").update(ends_at=AT + timedelta(minutes=1))
    answer = client.post(reverse("admin:rules_proposal_accept", args=[proposal.pk]), {"reason": "violation"})
    assert answer.status_code == 409
    assert f"未作任何处理，该建议已撤回：{chinese}" in answer.content.decode()


def test_what_still_holds_is_accepted() -> None:
    PointsThreshold.objects.create(points=4, kinds=["suspend"], days=30)
    make_imposed(make_shop(), Measure(kind="points", points=4), code="V8")
    decision = review.accept(filed().pk, by=make_user("operator"), reason="points_reached", at=AT)
    assert decision.proposal.penalty is not None


def test_rejected_it_stays_rejected() -> None:
    """Nothing is imposed by that, so nothing is asked."""
    proposal = of_points_that_have_lapsed()
    review.reject(proposal.pk, by=make_user("operator"), reason="duplicate", at=LATER)
    proposal.refresh_from_db()
    assert proposal.status == "rejected"


@pytest.mark.parametrize(
    ("language", "told"), [("en", "case unfounded"), ("zh-hans", "案件不成立")], ids=["en", "zh"]
)
def test_why_a_case_was_dismissed_is_kept_by_its_code_whoever_decides_and_told_in_the_readers_language(
    language: str, told: str
) -> None:
    case = make_penalty(make_shop(), violation_code="V8", status="reported")
    with translation.override("zh-hans" if language == "en" else "en"):
        review.reject(filed().pk, by=make_user("operator"), reason="unfounded", at=AT)
    case.refresh_from_db()
    assert case.ended_reason == "unfounded"
    for where in ("change", "history"):
        page = client_of("auditor", language).get(reverse(f"admin:shops_penalty_{where}", args=[case.pk]))
        assert told in page.content.decode()
