"""What rules do by their mode, and what promotion days make of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from opsdesk import jobs, review
from opsdesk.models import Decision
from rules import checking, sweeps
from rules.models import Proposal, RuleSet, Sweep
from shops.errors import Refused
from shops.models import Alliance, Enrollment, Penalty, PromotionPeriod
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    make_enrollment,
    make_metrics,
    make_published,
    make_sweep,
    make_user,
)
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db

NEXT = DAY + timedelta(days=1)


def in_mode(mode: str, purpose: str = "clearance", alliance: str = DOUYIN) -> RuleSet:
    """The shipped rules again, as a version of that mode."""
    shipped = RuleSet.objects.get(alliance__code=alliance, purpose=purpose, subject="shop", version=1)
    version = RuleSet.objects.create(
        alliance=shipped.alliance, purpose=purpose, version=2, in_force_from=DAY, mode=mode
    )
    for rule in shipped.rules.all():
        rule.pk, rule.rule_set = None, version
        rule.save(force_insert=True)
    make_published(version)
    return version


def failing() -> Enrollment:
    enrollment = make_enrollment()
    make_metrics(enrollment.shop, experience_score="3.49")
    return enrollment


def applying() -> Enrollment:
    enrollment = make_enrollment(state="applied")
    make_metrics(enrollment.shop)
    return enrollment


# Shadow


def test_rules_in_shadow_mode_file_nothing_and_tell_what_they_would_have_filed() -> None:
    in_mode("shadow")
    failing(), applying()
    sweep = check()
    assert (sweep.failing, sweep.filed, sweep.already_open) == (1, 1, 0)
    assert (sweep.by_kind, sweep.in_shadow) == ({"admit": 1}, {"clear": 1})
    assert sweep.by_rule["DF-C1"] == {"holds": 0, "fails": 1, "exempt": 0, "no_data": 0}


def test_shadow_admissions_let_nobody_in() -> None:
    in_mode("shadow", "admission")
    failing(), applying()
    sweep = check()
    assert (sweep.by_kind, sweep.in_shadow) == ({"clear": 1}, {"admit": 1})


def test_clearance_in_shadow_mode_keeps_no_applicant_out() -> None:
    in_mode("shadow")
    applicant = make_enrollment(state="applied")
    make_metrics(applicant.shop, experience_score="3.40")
    assert check().by_kind == {"admit": 1}
    assert checking.check(applicant.shop, applicant.alliance, DAY).against == []
    # Nor is it withdrawn again.
    assert (check().withdrawn, Proposal.objects.get().status) == (0, "open")


# Automatic


def test_automatic_rules_accept_their_own_proposals_as_the_system() -> None:
    in_mode("automatic")
    out, candidate = failing(), applying()
    sweep = check()
    assert review.accept_automatic(sweep.pk, at=AT) == 1
    decision = Decision.objects.get()
    assert (decision.decided_by, decision.reason, decision.verdict) == (None, "automatic", "accepted")
    out.refresh_from_db()
    candidate.refresh_from_db()
    assert (out.state, candidate.state) == ("cleared", "applied")
    penalty = Penalty.objects.get()
    assert (penalty.imposed_by, penalty.ground) == (None, "metric")
    # The admission, whose rules only propose, waits for a person.
    assert Proposal.objects.get(status="open").kind == "admit"


def test_accepting_automatically_again_changes_nothing() -> None:
    in_mode("automatic")
    failing()
    sweep = check()
    review.accept_automatic(sweep.pk, at=AT)
    assert review.accept_automatic(sweep.pk, at=AT) == 0
    assert Decision.objects.count() == Penalty.objects.count() == 1


def test_one_that_cannot_be_carried_out_keeps_no_other_waiting() -> None:
    in_mode("automatic")
    gone, out = failing(), failing()
    sweep = check()
    Enrollment.objects.filter(pk=gone.pk).update(state="cleared")
    assert review.accept_automatic(sweep.pk, at=AT) == 1
    out.refresh_from_db()
    assert out.state == "cleared"
    assert Proposal.objects.get(status="open").shop == gone.shop


@pytest.mark.parametrize("status", ["held", "dropped", "failed"])
def test_nothing_is_accepted_automatically_of_a_check_that_is_not_done(status: str) -> None:
    in_mode("automatic")
    failing()
    sweep = check()
    sweep.status = status
    sweep.save_by(None)
    assert review.accept_automatic(sweep.pk, at=AT) == 0


def test_what_a_brake_has_held_is_not_accepted_automatically_once_it_is_released() -> None:
    in_mode("automatic")
    for number in range(40):
        make_metrics(make_enrollment().shop, experience_score="3.40" if number < 8 else "4.00")
    held = check()
    released = sweeps.release(held.pk, reason="real", by=make_user("supervisor"), at=AT)
    assert (released.status, released.filed) == ("done", 8)
    assert review.accept_automatic(released.pk, at=AT) == 0
    assert review.half_accepted(at=AT) == []


def test_a_check_of_an_old_day_clears_nobody_by_itself() -> None:
    in_mode("automatic")
    enrollment = failing()
    make_metrics(enrollment.shop, NEXT)
    old = check()
    assert (old.filed, review.accept_automatic(old.pk, at=AT)) == (1, 0)
    assert review.half_accepted(at=AT) == []


def test_what_people_filed_or_another_check_filed_is_left_to_people() -> None:
    in_mode("automatic")
    failing()
    earlier = check()
    assert review.accept_automatic(make_sweep(day=NEXT).pk, at=AT) == 0
    assert review.half_accepted(at=AT) == [earlier.pk]
    assert review.half_accepted(at=AT + timedelta(hours=2)) == []


def test_the_checks_job_accepts_what_automatic_rules_filed() -> None:
    in_mode("automatic")
    failing()
    sweep = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=AT, day=DAY)
    jobs.check(sweep.pk)
    jobs.check(sweep.pk)
    assert Decision.objects.get().reason == "automatic"


# Promotion days


def promotion(first: date, last: date, effect: str) -> PromotionPeriod:
    return PromotionPeriod.objects.create(
        alliance=Alliance.objects.get(code=DOUYIN),
        name_en="618",
        name_zh="618",
        first_day=first,
        last_day=last,
        effect=effect,
    )


def test_clearances_of_a_promotion_day_wait_and_the_next_check_after_it_opens_them() -> None:
    promotion(DAY, DAY, "wait")
    enrollment = failing()
    applying()
    sweep = check()
    assert sweep.by_kind == {"clear": 1, "admit": 1}
    waiting = Proposal.objects.get(kind="clear")
    assert waiting.status == "held"
    assert Proposal.objects.get(kind="admit").status == "open"
    with pytest.raises(Refused):
        review.accept(waiting.pk, by=make_user("supervisor"), reason="below_bar", at=AT)
    make_metrics(enrollment.shop, NEXT, experience_score="3.40")
    check(day=NEXT, at=AT + timedelta(days=1))
    waiting.refresh_from_db()
    assert waiting.status == "open"
    assert waiting.history.first().history_change_reason == f"waited until {NEXT}"


def test_a_clearance_that_waits_is_withdrawn_once_the_shop_has_recovered() -> None:
    promotion(DAY, NEXT, "wait")
    enrollment = failing()
    check()
    make_metrics(enrollment.shop, NEXT)
    assert check(day=NEXT, at=AT + timedelta(days=1)).withdrawn == 1


def test_without_another_check_the_timetable_opens_what_waited_once_the_period_is_over() -> None:
    promotion(DAY, DAY, "wait")
    failing()
    check()
    for later, status in ((0, "held"), (1, "open")):
        jobs.daily_check(AT + timedelta(days=later))
        assert Proposal.objects.get().status == status


def test_on_promotion_days_for_supervisors_nobody_else_clears_and_rules_do_not_either() -> None:
    in_mode("automatic")
    promotion(DAY, DAY, "supervisor")
    enrollment = failing()
    sweep = check()
    [proposal] = Proposal.objects.all()
    assert proposal.status == "open"
    assert review.accept_automatic(sweep.pk, at=AT) == 0
    with pytest.raises(Refused, match="618"):
        review.accept(proposal.pk, by=make_user("operator"), reason="below_bar", at=AT)
    review.accept(proposal.pk, by=make_user("supervisor"), reason="below_bar", at=AT)
    enrollment.refresh_from_db()
    assert enrollment.state == "cleared"


def test_on_a_day_of_waiting_nobody_is_cleared_for_the_figures_of_a_day_before_it() -> None:
    in_mode("automatic")
    failing()
    sweep = check()
    [proposal] = Proposal.objects.all()
    promotion(NEXT, NEXT, "wait")
    assert proposal.status == "open"
    assert review.accept_automatic(sweep.pk, at=AT) == 0
    with pytest.raises(Refused, match="618"):
        review.accept(proposal.pk, by=make_user("supervisor"), reason="below_bar", at=AT)
    after = AT + timedelta(days=1)
    assert review.accept(proposal.pk, by=make_user("operator"), reason="below_bar", at=after)


def test_what_is_filed_on_a_day_of_waiting_waits_by_a_check_or_by_hand() -> None:
    promotion(NEXT, NEXT, "wait")
    failing()
    check()
    other = failing()
    review.file_by_hand(
        shop=other.shop, alliance=other.alliance, statement="no", by=make_user("operator"), at=AT
    )
    assert set(Proposal.objects.values_list("kind", "status")) == {("clear", "held")}


def test_nothing_that_waited_is_opened_on_the_first_day_of_another_period() -> None:
    promotion(DAY, DAY, "wait")
    failing()
    check()
    promotion(NEXT + timedelta(days=1), NEXT + timedelta(days=1), "wait")
    for later, status in ((1, "held"), (2, "held"), (3, "open")):
        jobs.daily_check(AT + timedelta(days=later))
        assert (later, Proposal.objects.get().status) == (later, status)


def test_a_promotion_of_another_time_changes_nothing() -> None:
    promotion(NEXT + timedelta(days=1), NEXT + timedelta(days=9), "wait")
    promotion(DAY - timedelta(days=9), DAY - timedelta(days=1), "supervisor")
    failing()
    sweep: Sweep = check()
    [proposal] = Proposal.objects.filter(sweep=sweep)
    assert proposal.status == "open"
    assert review.accept(proposal.pk, by=make_user("operator"), reason="below_bar", at=AT)
