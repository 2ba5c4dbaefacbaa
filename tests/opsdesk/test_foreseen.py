"""Before a penalty is taken back, or a part of it, one can look at what would change; nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from opsdesk import appeals, foreseen, penalising, remainders
from opsdesk.models import Appeal
from rules import casework
from rules.models import Proposal
from shops import closing
from shops.accounts import balance_of
from shops.models import Alliance, Enrollment, Listing, Measure, Penalty
from tests.clients import client_of, signed_in
from tests.factories import (
    AT,
    make_appeal,
    make_cleared,
    make_cleared_and_warned,
    make_enrollment,
    make_imposed,
    make_shop,
    make_user,
)
from tests.opsdesk.test_remainders import a_promoted_product, observed_again, stopped
from tests.opsdesk.test_resting import LATER, barred_by, family
from tests.shops.accounting import paid_in
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
SUSPENDED_UNTIL = LATER + timedelta(days=5)


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


def overturned(penalty: Penalty, by: User | None = None) -> foreseen.Foreseen:
    def overturn(same: Penalty) -> list[dict[str, Any]]:
        fallen = penalising.overturn(same, by=by, at=LATER, reason="not theirs")
        return remainders.of(fallen, LATER)

    return foreseen.foresee(penalty, overturn, by=by, at=LATER)


def undone(penalty: Penalty, *measures: Measure) -> foreseen.Foreseen:
    def undo(same: Penalty) -> list[dict[str, Any]]:
        fallen = penalising.undo_measures(same, measures, by=None, at=LATER, reason="too much")
        return remainders.of(fallen, LATER)

    return foreseen.foresee(penalty, undo, by=None, at=LATER)


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
    assert told(overturned(penalty)) == {
        "Taken back": [
            "6 points on the platform until 11 Mar 2027, 00:00",
            "Deducted ¥150.00 from the deposit, and ¥50.00 became due",
        ],
        "Deposit": ["甲 (S1): ¥0.00 → ¥150.00"],
        "Owed": ["甲 (S1): ¥50.00 → ¥0.00"],
        "Points": ["甲 (S1) · the platform: 6 → 0"],
        "Penalties": [
            f"{penalty.case_number} · 甲 (S1): imposed until 11 Mar 2027 00:00:00 → overturned",
        ],
        "On the platform": [f"甲 (S1) · penalise · {penalty.case_number} · the platform: to undo"],
    }


def test_what_is_on_a_deposit_is_told_to_those_alone_who_may_look_at_it() -> None:
    penalty, reader = case_with_money(), make_user(None)
    reader.user_permissions.add(Permission.objects.get(codename="overturn_penalty"))
    assert not {"Deposit", "Owed"} & told(overturned(penalty, reader)).keys()
    officer = make_user("appeals_officer")
    assert {"Deposit", "Owed"} <= told(overturned(penalty, officer)).keys()


def test_a_measure_is_told_as_it_was() -> None:
    [line] = told(overturned(make_cleared()))["Taken back"]
    assert line == "Cleared from Douyin Featured Alliance out of opening 1 on 11 Mar 2026"


def records() -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the application keeps."""
    ours = [model for model in apps.get_models() if model._meta.app_label in ("shops", "rules", "opsdesk")]
    kept = [model for model in ours if model._meta.managed]
    return {model.__name__: sorted(model._base_manager.values_list(), key=repr) for model in kept}


def test_nothing_is_done_by_looking() -> None:
    first, _second = family()
    penalty = barred_by(first)
    before = records()
    overturned(penalty)
    undone(penalty, *penalty.measures.all()[:1])
    assert records() == before


def test_what_falls_with_it_is_told_with_where_each_shop_goes_on() -> None:
    first, second = family()
    penalty = barred_by(first)
    found = told(overturned(penalty))
    shops = Enrollment.objects.filter(shop__in=[first, second]).select_related("shop", "alliance")
    assert found["Standing"] == [f"{first}: closed → normal"]
    moved = "cleared, opening 1 → open, opening 1"
    assert sorted(found["Alliances"]) == sorted(f"{one}: {moved}" for one in shops)
    assert set(found["Kept out no longer"]) == {
        f"{first} · every alliance, for ever (CL-1)",
        f"{second} · every alliance, for a case of another shop of the controller (R6)",
        *(f"{shop} · {one} (R5)" for shop in (first, second) for one in Alliance.objects.all()),
    }
    assert [line.rpartition(": ")[2] for line in found["Penalties"]] == ["imposed → overturned"] * 3


def test_a_case_without_measures_that_its_platform_imposed_frees_whom_it_bars() -> None:
    first, second = family()
    row = f"P1,{first.code},V4,2026-03-01,imposed\n"
    bring("penalties", "reference,shop,violation,imposed_at,status\n" + row)
    found = told(overturned(Penalty.objects.get(reference="P1")))
    assert [line.partition(" · ")[0] for line in found["Kept out no longer"]] == [str(first), str(second)]


def test_proposals_that_would_be_withdrawn_are_told_with_their_alliance() -> None:
    first, second = family()
    penalty = make_imposed(first, Measure(kind=Kind.CLOSE), code="V4")
    casework.file_from_facts(at=AT)
    waiting = Proposal.objects.filter(status="open", shop=second).order_by("pk")
    found = told(overturned(penalty))
    assert found["Proposals withdrawn"] == [f"clear · {second} · {one.alliance}" for one in waiting]
    assert "Proposals filed" not in found


def test_a_product_that_would_be_promoted_again_is_told() -> None:
    listing = a_promoted_product()
    penalty = stopped(listing)
    observed_again(listing)
    assert told(overturned(penalty))["Products"] == [f"{listing}: under observation → promoted"]


def test_a_product_that_something_else_stops_is_told_not_to_be_as_before() -> None:
    listing = a_promoted_product()
    penalty, _other = stopped(listing), stopped(listing)
    found = overturned(penalty)
    assert "something else stops the product" in found.not_restored[0]
    assert found.told[-1] == ("Would not be as before", found.not_restored)
    assert "Products" not in told(found)


def test_of_a_part_only_that_part_is_told() -> None:
    penalty = case_with_money()
    found = told(undone(penalty, penalty.measures.get(kind=Kind.POINTS)))
    assert set(found) == {"Taken back", "Points", "Penalties", "On the platform"}
    # With the points goes the moment at which they end.
    assert found["Penalties"][0].endswith("imposed until 11 Mar 2027 00:00:00 → imposed")


def test_what_changes_nothing_says_so() -> None:
    penalty = make_imposed(make_shop(), Measure(kind=Kind.WARNING))
    found = foreseen.foresee(penalty, lambda same: [], by=None, at=LATER)
    assert told(found) == {"Changes": ["Nothing would change."]}


# What a look tells is what comes


def suspended_and_stayed(judge: User) -> Penalty:
    penalty = make_imposed(
        make_enrollment().shop,
        Measure(kind=Kind.POINTS, points=3),
        Measure(kind=Kind.SUSPEND, ends_at=SUSPENDED_UNTIL),
    )
    appeals.stay(taken(penalty, judge).pk, reason="doubtful", by=make_user("supervisor"), at=AT)
    return penalty


def taken(penalty: Penalty, judge: User) -> Appeal:
    appeal = make_appeal(penalty)
    appeals.take(appeal.pk, by=judge, at=AT)
    return appeal


@pytest.fixture
def judge() -> User:
    return make_user("appeals_officer")


def address(page: str, appeal: Appeal) -> str:
    return reverse(f"admin:opsdesk_appeal_{page}", args=[appeal.pk])


def effect_in(page: HttpResponse) -> str:
    _before, _heading, effect = page.content.decode().partition('id="effect"')
    return effect.partition("</section>")[0]


def look(client: Client, page: str, appeal: Appeal, measures: Sequence[Measure] = ()) -> HttpResponse:
    return client.post(address(page, appeal), {"measures": [one.pk for one in measures], "look": "1"})


def test_a_grant_in_part_ends_a_stay_as_well_and_a_look_tells_so(judge: User) -> None:
    penalty = suspended_and_stayed(judge)
    appeal, client = Appeal.objects.get(), signed_in(judge)
    points = penalty.measures.filter(kind=Kind.POINTS)
    effect = effect_in(look(client, "grant_in_part", appeal, points))
    assert "3 → 0" in effect
    assert "normal → suspended" in effect
    assert Penalty.objects.get().stayed_at is not None


def test_a_look_at_what_is_lessened_tells_from_what_to_what(judge: User) -> None:
    penalty = make_imposed(make_shop(), Measure(kind=Kind.SUSPEND, ends_at=SUSPENDED_UNTIL))
    appeal = taken(penalty, judge)
    less = {f"less_{penalty.measures.get().pk}": "2099-01-01T00:00", "look": "1"}
    page = signed_in(judge).post(address("grant_in_part", appeal), less)
    assert (page.status_code, effect_in(page)) == (409, "")
    penalty = make_imposed(make_shop(), Measure(kind=Kind.POINTS, points=6))
    appeal = taken(penalty, judge)
    less = {f"less_{penalty.measures.get().pk}": "2", "look": "1"}
    effect = effect_in(signed_in(judge).post(address("grant_in_part", appeal), less))
    assert "6 points on the platform" in effect and "→ 2 points on the platform" in effect


def test_a_judge_is_asked_to_rule_all_the_same_only_where_something_is_lost(judge: User) -> None:
    appeal, client = taken(make_cleared(), judge), signed_in(judge)
    page = look(client, "grant", appeal)
    assert "open, opening 1" in effect_in(page)
    assert "Rule all the same" not in page.content.decode()
    # Without reasons nothing was ruled on yet.
    assert "Rule all the same" not in client.post(address("grant", appeal), {}).content.decode()
    closing.close(appeal.penalty.shop, by=None, at=AT)
    page = look(client, "grant", appeal)
    assert "has closed by itself since" in effect_in(page)
    assert "Rule all the same" in page.content.decode()
    assert Appeal.objects.get().state == "taken"


@pytest.mark.parametrize("page", ["grant", "grant_in_part"])
def test_nobody_looks_at_a_ruling_that_is_not_his(judge: User, page: str) -> None:
    maker = make_user("supervisor")
    penalty = make_cleared_and_warned(by=maker)
    appeal = taken(penalty, judge)
    warning = penalty.measures.filter(kind=Kind.WARNING)
    for person, why in ((maker, "had a part"), (make_user("appeals_officer"), "only its holder")):
        answer = look(signed_in(person), page, appeal, warning)
        assert (answer.status_code, effect_in(answer)) == (409, "")
        assert why in answer.content.decode()
    appeals.ask(appeal.pk, items="proof", by=judge, at=AT)
    answer = look(signed_in(judge), page, appeal, warning)
    assert (answer.status_code, effect_in(answer)) == (409, "")


def test_opening_a_page_looks_at_nothing(judge: User, django_assert_max_num_queries) -> None:
    appeal, client = taken(make_cleared(), judge), signed_in(judge)
    with django_assert_max_num_queries(40):
        assert effect_in(client.get(address("grant", appeal))) == ""


# By hand


def test_whoever_overturns_may_look_first_and_needs_no_reason_for_that() -> None:
    penalty = case_with_money()
    page = reverse("admin:shops_penalty_overturn", args=[penalty.pk])
    for language, heading in (("en", "The whole effect"), ("zh-hans", "全部效果")):
        effect = effect_in(client_of("supervisor", language).post(page, {"look": "1"}))
        assert heading in effect and "¥0.00 → ¥150.00" in effect
    assert balance_of(penalty.shop) == 0


def test_whoever_takes_a_part_back_may_look_first() -> None:
    penalty = case_with_money()
    points = penalty.measures.get(kind=Kind.POINTS)
    page, client = reverse("admin:shops_penalty_undo", args=[penalty.pk]), client_of("supervisor")
    assert "6 → 0" in effect_in(client.post(page, {"measures": [points.pk], "look": "1"}))
    assert "This field is required" in client.post(page, {"measures": [points.pk]}).content.decode()
    assert Measure.objects.get(pk=points.pk).undone_at is None


@pytest.mark.parametrize("verb", ["overturn", "undo"])
def test_while_an_appeal_is_heard_nobody_looks_past_its_judge(verb: str) -> None:
    penalty = case_with_money()
    appeal = make_appeal(penalty)
    page = reverse(f"admin:shops_penalty_{verb}", args=[penalty.pk])
    points = penalty.measures.get(kind=Kind.POINTS)
    answer = client_of("supervisor").post(page, {"measures": [points.pk], "look": "1"})
    assert effect_in(answer) == ""
    assert f"Appeal {appeal.number} is heard" in answer.content.decode()


def test_a_product_is_as_it_was_after_a_look() -> None:
    listing = a_promoted_product()
    penalty = stopped(listing)
    overturned(penalty)
    assert Listing.objects.get().state == "promoted"
    assert penalty.measures.get().undone_at is None
