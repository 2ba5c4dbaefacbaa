"""What barring a controller's other shops has cost them falls with the case, or is listed to be decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from opsdesk import appeals, audit, dashboard, penalising, resting, review
from opsdesk.admin.appeal_forms import GrantInPartForm
from rules import casework
from rules.models import Proposal
from shops.models import Enrollment, Measure, Penalty, PointsThreshold, Shop
from tests.clients import client_of
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_controller,
    make_enrollment,
    make_imposed,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=2)


def family(number: int = 2) -> list[Shop]:
    """Shops of one controller, each in both alliances."""
    controller = make_controller()
    shops = [make_shop(controller=controller) for _ in range(number)]
    for shop in shops:
        for alliance in (DOUYIN, WECHAT):
            make_enrollment(shop, alliance)
    return shops


def barred_by(shop: Shop, code: str = "V4") -> Penalty:
    """A serious penalty, and the clearances that it proposes for the other shops accepted."""
    penalty = make_imposed(shop, Measure(kind="close"), code=code)
    casework.file_from_facts(at=AT)
    for proposal in Proposal.objects.filter(status="open", failed_rules=["R6-C1"]):
        review.accept(proposal.pk, by=make_user("operator"), reason="controller_barred", at=AT)
    return penalty


def states(shop: Shop) -> list[tuple[str, int]]:
    return list(Enrollment.objects.filter(shop=shop).order_by("pk").values_list("state", "openings_used"))


def granted(penalty: Penalty) -> None:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant(appeal.pk, by=judge, at=LATER, reason="not theirs")


def overturned(penalty: Penalty) -> None:
    penalising.overturn(penalty, by=make_user("appeals_officer"), at=LATER, reason="not theirs")


@pytest.mark.parametrize("undo", [overturned, granted])
def test_the_other_shops_go_on_with_their_openings(undo) -> None:
    first, second, third = family(3)
    penalty = barred_by(first)
    assert states(second) == states(third) == [("cleared", 1)] * 2
    assert resting.on(penalty).count() == 4
    undo(penalty)
    assert states(first) == states(second) == states(third) == [("open", 1)] * 2
    assert set(Penalty.objects.values_list("status", flat=True)) == {"overturned"}
    assert not Proposal.objects.filter(status="open").exists()
    assert (list(resting.without_ground()), audit.verify_enrollments()) == ([], None)


def test_a_shop_that_something_else_keeps_out_stays_out_until_that_ends() -> None:
    first, second = family()
    penalty = barred_by(first)
    own = make_imposed(second, Measure(kind="warning"), ground="judgement", reason="unsuitable")
    overturned(penalty)
    assert states(second) == [("cleared", 1)] * 2
    penalising.overturn(own, by=None, at=LATER, reason="not theirs")
    assert states(second) == [("open", 1)] * 2


def test_what_another_case_bars_as_well_is_listed_for_somebody_to_decide() -> None:
    first, second, third = family(3)
    penalty = barred_by(first)
    barred_by(third, "V2")
    overturned(penalty)
    left = list(resting.without_ground())
    assert {one.shop for one in left} == {second}
    # The third shop's own case keeps it out, whatever becomes of the first's.
    assert states(third) == [("cleared", 1)] * 2
    assert states(second) == [("cleared", 1)] * 2
    state = dashboard.state_of(make_user("operator"), at=LATER)
    assert ([one for one, _lost in state.without_ground], state.waits) == (left, True)


def test_what_an_appeal_is_heard_about_is_left_to_its_judge() -> None:
    first, second = family()
    penalty = barred_by(first)
    heard, other = resting.on(penalty)
    make_appeal(heard)
    overturned(penalty)
    assert list(resting.without_ground()) == [heard]
    assert [Penalty.objects.get(pk=one.pk).status for one in (heard, other)] == ["imposed", "overturned"]
    assert {state for state, _used in states(second)} == {"open", "cleared"}


def test_pages_tell_what_rests_on_a_case_and_what_lost_its_ground() -> None:
    first, second, third = family(3)
    penalty = barred_by(first)
    barred_by(third, "V2")
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("operator"))
    page = client.get(reverse("admin:shops_penalty_change", args=[penalty.pk])).content.decode()
    [one, *_others] = resting.on(penalty).filter(shop=second)
    assert one.case_number in page
    overturned(penalty)
    page = client.get(reverse("admin:shops_penalty_change", args=[one.pk])).content.decode()
    assert f"It rests on {penalty.case_number} of" in page
    home = client.get(reverse("admin:index")).content.decode()
    assert f"rests on {penalty.case_number} of" in home


# A part is taken back


def part_overturned(penalty: Penalty) -> None:
    closing = penalty.measures.get(kind="close")
    judge = make_user("appeals_officer")
    penalising.undo_measures(penalty, [closing], by=judge, at=LATER, reason="too much")


def part_granted(penalty: Penalty) -> None:
    judge, closing = make_user("appeals_officer"), penalty.measures.get(kind="close")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=LATER)
    appeals.grant_in_part(
        appeal.pk, measures=[closing.pk], by=judge, at=LATER, reason="too much", all_the_same=True
    )


@pytest.mark.parametrize("undo", [part_overturned, part_granted])
@pytest.mark.parametrize(("code", "back"), [("V1", "open"), ("V4", "cleared")])
def test_a_closing_that_is_taken_back_lets_those_go_on_whom_it_alone_had_barred(
    code: str, back: str, undo
) -> None:
    first, second = family()
    penalty = barred_by(first, code)
    undo(penalty)
    assert states(second) == [(back, 1)] * 2
    assert (list(resting.without_ground()), audit.verify_enrollments()) == ([], None)
    why = set(Penalty.objects.filter(shop=second).values_list("ended_reason", flat=True))
    assert (f"closing by penalty {penalty}" in str(why)) == (back == "open")
    # Nor are they proposed to be put out for it again.
    assert not Proposal.objects.filter(status="open", shop=second).exists()


@pytest.mark.parametrize(
    ("undo", "english", "chinese"),
    [
        (granted, "it rested on penalty {}, which was overturned", "该处罚所依据的处罚 {} 已撤销"),
        (
            part_granted,
            "it rested on the closing by penalty {}, which was taken back",
            "该处罚所依据的处罚 {} 的关店措施已撤回",
        ),
    ],
)
def test_why_it_fell_is_told_in_the_readers_language_whoever_decided(
    undo, english: str, chinese: str
) -> None:
    first, second = family()
    penalty = barred_by(first, "V1")
    with override("zh-hans"):
        undo(penalty)
    fallen = Penalty.objects.filter(shop=second).first()
    page = reverse("admin:shops_penalty_change", args=[fallen.pk])
    for language, why in (("en", english), ("zh-hans", chinese)):
        shown = client_of("operator", language).get(page).content.decode()
        assert why.format(penalty.case_number) in shown


@pytest.mark.parametrize(("code", "told"), [("V1", True), ("V4", False)])
def test_pages_tell_beforehand_what_falls_with_a_closing(code: str, told: bool) -> None:
    first, second = family()
    penalty = barred_by(first, code)
    page = client_of("operator").get(reverse("admin:shops_penalty_change", args=[penalty.pk]))
    form = GrantInPartForm(appeal=make_appeal(penalty))
    sentence = "With its closing these are overturned as well"
    assert (sentence in page.content.decode()) == (sentence in form["measures"].help_text) == told
    for one in resting.on(penalty) if told else ():
        assert f"{one.case_number} ({second})" in form["measures"].help_text


@pytest.mark.parametrize(("given", "taken_back", "left"), [(4, 1, True), (4, 0, False), (6, 1, False)])
@pytest.mark.parametrize("set_since", [12, 4, 20])
def test_a_penalty_for_points_that_were_taken_back_is_listed(
    set_since: int, given: int, taken_back: int, left: bool
) -> None:
    shop = make_shop()
    PointsThreshold.objects.create(points=12, kinds=["restrict_live"], days=30)
    cases = [
        make_imposed(shop, Measure(kind="points", points=given), ground="judgement") for _case in range(3)
    ]
    casework.file_from_facts(at=AT)
    decision = review.accept(Proposal.objects.get().pk, by=None, reason="points_reached", at=AT)
    threshold = PointsThreshold.objects.get()
    threshold.points = set_since
    threshold.save_by(None, "set anew")
    for case in cases[:taken_back]:
        penalising.overturn(case, by=None, at=LATER, reason="granted")
    found = [one.pk for one in resting.without_ground()]
    assert found == ([decision.proposal.penalty_id] if left else [])
    assert ("8 are left of 12" in resting.lost_ground(decision.proposal.penalty)) == left
    # That they lapse takes nothing back.
    penalising.run_timers(AT + timedelta(days=800))
    assert not resting.without_ground().exists()


def test_what_a_penalty_for_points_did_is_listed_also_after_its_end() -> None:
    enrollment = make_enrollment()
    where = enrollment.alliance
    PointsThreshold.objects.create(alliance=where, points=12, kinds=["clear", "restrict_live"], days=1)
    cases = [
        make_imposed(enrollment.shop, Measure(kind="points", points=4, alliance=where), code="V3")
        for _case in range(3)
    ]
    casework.file_from_facts(at=AT)
    proposal = Proposal.objects.get(status="open")
    penalty = review.accept(proposal.pk, by=None, reason="points_reached", at=AT).proposal.penalty
    assert penalty is not None
    penalising.run_timers(LATER)
    assert Penalty.objects.get(pk=penalty.pk).status == "expired"
    overturned(cases[0])
    assert list(resting.without_ground()) == [penalty]
    penalising.overturn(Penalty.objects.get(pk=penalty.pk), by=None, at=LATER, reason="too few")
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.openings_used) == ("open", 1)


def test_whoever_may_overturn_is_offered_to_keep_what_lost_its_ground() -> None:
    first, _second, third = family(3)
    penalty = barred_by(first)
    barred_by(third, "V2")
    overturned(penalty)
    one = resting.without_ground()[0]
    where = reverse("admin:shops_penalty_keep", args=[one.pk])
    page = reverse("admin:shops_penalty_change", args=[one.pk])
    assert where not in client_of("operator").get(page).content.decode()
    judge = client_of("supervisor")
    assert where in judge.get(page).content.decode()
    judge.post(where, {"reason": "the other case is as bad"})
    assert where not in judge.get(page).content.decode()
    assert one not in resting.without_ground()
