"""Before a penalty is taken back, or a part of it, everything that would change is told; nothing is done."""

from __future__ import annotations

import pytest
from django.urls import reverse

from opsdesk import appeals, foreseen, penalising
from opsdesk.models import Appeal
from rules import casework
from rules.models import Proposal
from shops import closing
from shops.accounts import balance_of
from shops.models import DepositEntry, Enrollment, Measure, Penalty
from tests.clients import client_of, signed_in
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_imposed,
    make_shop,
    make_user,
)
from tests.opsdesk.test_resting import LATER, barred_by, family
from tests.shops.accounting import paid_in

pytestmark = pytest.mark.django_db

Kind = Measure.Kind


def told(found: foreseen.Foreseen) -> dict[str, list[str]]:
    return dict(found.told)


def case_with_money() -> Penalty:
    """Six points and ¥200.00, of which the shop had ¥150.00."""
    shop = make_shop(name="甲", code="S1")
    paid_in(shop, 150_00)
    return make_imposed(
        shop, Measure(kind=Kind.POINTS, points=6), Measure(kind=Kind.DEDUCT, basis="fixed", amount_fen=200_00)
    )


def test_money_and_points_are_told_as_they_would_be() -> None:
    penalty = case_with_money()
    found = told(foreseen.of_overturning(penalty, LATER))
    assert found == {
        "Taken back": found["Taken back"],
        "Deposit": ["甲 (S1): ¥0.00 → ¥150.00"],
        "Owed": ["甲 (S1): ¥50.00 → ¥0.00"],
        "Points": ["甲 (S1) · the platform: 6 → 0"],
    }
    assert len(found["Taken back"]) == 2


def test_nothing_is_done_by_looking() -> None:
    first, _second = family()
    penalty = barred_by(first)
    before = records()
    foreseen.of_overturning(penalty, LATER)
    foreseen.of_undoing(penalty, penalty.measures.values_list("pk", flat=True)[:1], LATER)
    assert records() == before
    assert Penalty.objects.get(pk=penalty.pk).status == "imposed"


def records() -> list[object]:
    """All that a penalty could have changed, and what is kept of that."""
    return [
        sorted(model.objects.values_list("pk", *fields))
        for model, fields in (
            (Penalty, ("status",)),
            (Penalty.history.model, ()),
            (Measure, ("kind",)),
            (Measure.history.model, ()),
            (Enrollment, ("state", "openings_used")),
            (DepositEntry, ("balance_fen",)),
            (Proposal, ("status",)),
        )
    ]


def test_what_falls_with_it_is_told_with_where_each_shop_goes_on() -> None:
    first, second = family()
    penalty = barred_by(first)
    shops = Enrollment.objects.filter(shop__in=[first, second]).select_related("shop", "alliance")
    found = told(foreseen.of_overturning(penalty, LATER))
    assert found["Standing"] == [f"{first}: closed → normal"]
    assert sorted(found["Alliances"]) == sorted(
        f"{one}: cleared, opening 1 → open, opening 1" for one in shops
    )
    assert len(found["Overturned with it"]) == 2
    penalising.overturn(penalty, by=None, at=LATER, reason="not theirs")
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"open"}


def test_proposals_that_would_be_withdrawn_are_told() -> None:
    first, second = family()
    penalty = make_imposed(first, Measure(kind=Kind.CLOSE), code="V4")
    casework.file_from_facts(at=AT)
    waiting = Proposal.objects.filter(status="open", shop=second)
    found = told(foreseen.of_overturning(penalty, LATER))
    assert sorted(found["Proposals withdrawn"]) == sorted(map(str, waiting))
    assert "Proposals filed" not in found


def test_of_a_part_only_that_part_is_told() -> None:
    penalty = case_with_money()
    points, deducted = penalty.measures.order_by("pk")
    assert set(told(foreseen.of_undoing(penalty, [points.pk], LATER))) == {"Taken back", "Points"}
    less = told(foreseen.of_undoing(penalty, [], LATER, {deducted.pk: 100_00, points.pk: 2}))
    assert less == {
        "Deposit": ["甲 (S1): ¥0.00 → ¥50.00"],
        "Owed": ["甲 (S1): ¥50.00 → ¥0.00"],
        "Points": ["甲 (S1) · the platform: 6 → 2"],
    }


def test_what_can_not_be_restored_is_told_last() -> None:
    penalty = make_cleared()
    closing.close(penalty.shop, by=None, at=AT)
    found = foreseen.of_overturning(penalty, LATER)
    assert found.told[-1] == ("Not as before", found.not_restored)
    assert "has closed by itself since" in found.not_restored[0]


# Pages


def test_the_page_that_overturns_tells_it_before_it_asks_why() -> None:
    penalty = case_with_money()
    address = reverse("admin:shops_penalty_overturn", args=[penalty.pk])
    assert "甲 (S1): ¥0.00 → ¥150.00" in client_of("supervisor").get(address).content.decode()
    assert "全部效果" in client_of("supervisor", "zh-hans").get(address).content.decode()
    assert balance_of(penalty.shop) == 0


def test_whoever_takes_a_part_back_may_look_first_and_needs_no_reason_for_that() -> None:
    penalty = case_with_money()
    points = penalty.measures.get(kind=Kind.POINTS)
    address = reverse("admin:shops_penalty_undo", args=[penalty.pk])
    client = client_of("supervisor")
    page = client.post(address, {"measures": [points.pk], "look": "1"}).content.decode()
    assert "6 → 0" in page
    assert Measure.objects.get(pk=points.pk).undone_at is None
    assert "This field is required" in client.post(address, {"measures": [points.pk]}).content.decode()
    assert Measure.objects.get(pk=points.pk).undone_at is None


def heard(penalty: Penalty) -> tuple[Appeal, object]:
    judge = make_user("appeals_officer")
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=AT)
    return appeal, signed_in(judge)


def test_a_judge_sees_what_granting_would_change_and_is_asked_only_where_something_is_lost() -> None:
    appeal, client = heard(make_cleared())
    address = reverse("admin:opsdesk_appeal_grant", args=[appeal.pk])
    page = client.get(address).content.decode()
    assert "open, opening 1" in page
    assert "Rule all the same" not in page
    closing.close(appeal.penalty.shop, by=None, at=AT)
    page = client.get(address).content.decode()
    assert "has closed by itself since" in page
    assert "Rule all the same" in page


def test_a_judge_may_look_at_a_part_before_he_rules_on_it() -> None:
    penalty = case_with_money()
    appeal, client = heard(penalty)
    address = reverse("admin:opsdesk_appeal_grant_in_part", args=[appeal.pk])
    points, deducted = penalty.measures.order_by("pk")
    assert 'name="look"' in client.get(address).content.decode()
    page = client.post(
        address, {"measures": [points.pk], f"less_{deducted.pk}": "60", "look": "1"}
    ).content.decode()
    assert "6 → 0" in page
    assert "¥0.00 → ¥90.00" in page
    assert Appeal.objects.get(pk=appeal.pk).state == "taken"
    assert "Say what is taken back" in client.post(address, {"look": "1"}).content.decode()


def test_whoever_had_a_part_in_the_decision_is_shown_no_effect_of_granting() -> None:
    maker = make_user("supervisor")
    appeal = make_appeal(make_cleared(by=maker))
    page = signed_in(maker).get(reverse("admin:opsdesk_appeal_grant", args=[appeal.pk]))
    assert "open, opening 1" not in page.content.decode()
