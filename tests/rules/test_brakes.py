"""What holds a check: a bad file or a slip in a rule puts nobody out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils.translation import override

from rules import brakes, sweeps
from rules.brakes import Brake
from rules.models import Proposal, Rule, RuleSet, Sweep
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Shop, ShopMetrics
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_enrollment,
    make_metrics,
    make_proposal,
    make_published,
    make_sweep,
    make_user,
)
from tests.rules.test_sweeps import check
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

SHOPS = 40


def an_alliance(code: str = DOUYIN, **values) -> Alliance:
    """With settings of the test's own."""
    alliance = Alliance.objects.get(code=code)
    for name, value in values.items():
        setattr(alliance, name, value)
    alliance.save()
    return alliance


@pytest.fixture
def shops() -> list[Shop]:
    """Forty shops that are in."""
    return [make_enrollment().shop for _ in range(SHOPS)]


def line(shop: Shop, number: int, day: date, *, divided_by: int = 1, as_of: date | None = None) -> str:
    """A good shop's figures, which differ from shop to shop and from day to day."""
    moved = (as_of or day).toordinal() % 7
    score = (Decimal("4.30") + Decimal(number % 20 + moved) / 100) / divided_by
    return (
        f"{shop.code},{day},{10_000 + number * 10 + moved},{100 + number + moved},"
        f"{score:.2f},{score:.2f},{score:.2f},{score:.2f},{score:.2f},0.9{number % 9},1,1,1,1"
    )


def bring_day(shops: Sequence[Shop], day: date, **values) -> None:
    headers = (
        "shop,day,gmv_30d,paid_orders_30d,shop_score,experience_score,product_score,service_score,"
        "logistics_score,positive_rate,warehouse_passed,alliance_connected,erp_connected,freight_insurance"
    )
    lines = [line(shop, number, day, **values) for number, shop in enumerate(shops)]
    batch = bring("metrics", "\n".join([headers, *lines]), at=AT + timedelta(days=(day - DAY).days))
    assert batch.state == "applied"


def a_usual_week(shops: Sequence[Shop]) -> None:
    for back in range(7, 0, -1):
        bring_day(shops, DAY - timedelta(days=back))


def held_for(sweep: Sweep) -> list[str]:
    """The brakes of a held check, which has done nothing."""
    assert (sweep.status, sweep.filed, sweep.withdrawn) == ("held", 0, 0)
    assert sweep.finished_at is not None
    assert not Proposal.objects.exists()
    return [record["brake"] for record in sweep.brakes]


def test_a_usual_morning_is_not_held(shops: list[Shop]) -> None:
    a_usual_week(shops)
    bring_day(shops, DAY)
    sweep = check()
    assert (sweep.status, sweep.brakes, sweep.checked) == ("done", [], SHOPS)


def test_half_a_file_holds_the_check(shops: list[Shop]) -> None:
    a_usual_week(shops)
    bring_day(shops[: SHOPS // 2], DAY)
    sweep = check()
    assert held_for(sweep) == ["least_measured"]
    [brake] = map(Brake.of_record, sweep.brakes)
    assert brake.message == "Only 50 % of the shops that are in have metrics of the day, below 80 %."
    with override("zh-hans"):
        assert "50 %" in brake.message and "80 %" in brake.message and "shops" not in brake.message


def test_yesterdays_file_again_under_another_date_holds_the_check(shops: list[Shop]) -> None:
    a_usual_week(shops)
    bring_day(shops, DAY, as_of=DAY - timedelta(days=1))
    sweep = check()
    assert held_for(sweep) == ["holds_repeated_days"]
    assert sweep.brakes[0]["before"] == (DAY - timedelta(days=1)).isoformat()
    assert "yesterday's file" in Brake.of_record(sweep.brakes[0]).message


def test_every_score_divided_by_ten_holds_the_check(shops: list[Shop]) -> None:
    a_usual_week(shops)
    bring_day(shops, DAY, divided_by=10)
    sweep = check()
    assert set(held_for(sweep)) == {"most_cleared", "largest_jump"}
    told = {(record["brake"], record.get("metric")) for record in sweep.brakes}
    assert {("largest_jump", "experience_score"), ("largest_jump", "shop_score")} <= told
    # Of which no blocking rule speaks.
    assert ("largest_jump", "product_score") not in told
    # What it has seen is told all the same.
    assert (sweep.checked, sweep.failing) == (SHOPS, SHOPS)
    assert sweep.by_rule["DF-C1"]["fails"] == SHOPS


def test_brakes_that_are_switched_off_hold_nothing(shops: list[Shop]) -> None:
    an_alliance(most_cleared=None, least_measured=None, largest_jump=None, holds_repeated_days=False)
    a_usual_week(shops)
    bring_day(shops[:22], DAY, divided_by=10)
    sweep = check()
    assert (sweep.status, sweep.filed) == ("done", 22)
    bring_day(shops[:22], DAY + timedelta(days=1), divided_by=10, as_of=DAY)
    assert check(day=DAY + timedelta(days=1)).status == "done"


@pytest.mark.parametrize(("failing", "status"), [(4, "done"), (5, "held")])
def test_the_share_proposed_to_be_cleared_is_allowed_up_to_the_limit(failing: int, status: str) -> None:
    for number in range(SHOPS):
        score = "3.40" if number < failing else "4.00"
        make_metrics(make_enrollment().shop, experience_score=score)
    assert check().status == status


@pytest.mark.parametrize(("measured", "status"), [(32, "done"), (31, "held")])
def test_the_share_with_metrics_is_enough_at_the_limit(measured: int, status: str) -> None:
    for number in range(SHOPS):
        shop = make_enrollment().shop
        if number < measured:
            make_metrics(shop)
    assert check().status == status


def test_clearances_that_are_open_already_count_as_well() -> None:
    for number in range(SHOPS):
        enrollment = make_enrollment()
        make_metrics(enrollment.shop, experience_score="3.40" if number < 5 else "4.00")
        if number < 5:
            make_proposal(enrollment, sweep=make_sweep())
    assert check().status == "held"
    assert Proposal.objects.count() == 5


def test_a_rule_that_slipped_holds_the_check(shops: list[Shop]) -> None:
    bring_day(shops, DAY)
    slipped = RuleSet.objects.create(
        alliance=Alliance.objects.get(code=DOUYIN), purpose="clearance", version=2, in_force_from=DAY
    )
    Rule.objects.create(
        rule_set=slipped, position=1, code="DF-C1", metric="experience_score", operator="<", value="35"
    )
    make_published(slipped)
    assert held_for(check()) == ["most_cleared"]


def test_a_small_desk_is_held_for_nothing_but_the_age() -> None:
    an_alliance(oldest_days=2)
    for _ in range(brakes.ENOUGH_SHOPS - 1):
        make_metrics(make_enrollment().shop, experience_score="3.40")
    assert check().filed == brakes.ENOUGH_SHOPS - 1


def unnamed(at=AT) -> Sweep:
    """A check of whatever day is the newest."""
    asked = sweeps.request(alliance=Alliance.objects.get(code=DOUYIN), by=None, at=at)
    return sweeps.run(asked.pk, at=at)


@pytest.mark.parametrize(("later", "status"), [(1, "done"), (2, "held")])
def test_metrics_older_than_allowed_hold_a_check(later: int, status: str) -> None:
    an_alliance(oldest_days=2)
    make_metrics(make_enrollment().shop)
    sweep = unnamed(AT + timedelta(days=later))
    assert sweep.status == status
    if status == "held":
        assert Brake.of_record(sweep.brakes[0]).message == "The metrics are 3 days old; 2 are allowed."


def test_a_day_that_somebody_named_may_be_as_old_as_it_likes() -> None:
    an_alliance(oldest_days=2)
    make_metrics(make_enrollment().shop)
    sweep = check(at=AT + timedelta(days=30))
    assert (sweep.day_was_named, sweep.status) == (True, "done")


# Release and drop


def a_held_check() -> Sweep:
    for number in range(SHOPS):
        make_metrics(make_enrollment().shop, experience_score="3.40" if number < 8 else "4.00")
    sweep = check()
    assert sweep.status == "held"
    return sweep


def test_a_supervisor_releases_a_held_check_with_a_reason_and_it_files() -> None:
    sweep, supervisor = a_held_check(), make_user("supervisor")
    later = AT + timedelta(hours=1)
    released = sweeps.release(sweep.pk, reason=" a real slump ", by=supervisor, at=later)
    assert (released.pk, released.status, released.filed) == (sweep.pk, "done", 8)
    assert (released.ruling, released.ruled_by, released.ruled_at) == ("a real slump", supervisor, later)
    # What held it stays on record.
    assert [record["brake"] for record in released.brakes] == ["most_cleared"]


@pytest.mark.parametrize(("score", "status"), [("3.40", "held"), ("3.60", "done")])
def test_a_released_check_is_held_again_for_more_than_was_seen(score: str, status: str) -> None:
    sweep = a_held_check()
    ShopMetrics.objects.filter(experience_score="4.00").update(experience_score=score)
    released = sweeps.release(sweep.pk, reason="a real slump", by=make_user("supervisor"), at=AT)
    assert released.status == status
    if status == "held":
        assert (released.filed, released.ruling, released.brakes[0]["observed"]) == (0, "", "1.0000")


def test_a_released_check_is_held_again_for_a_brake_that_had_not_tripped() -> None:
    sweep = a_held_check()
    ShopMetrics.objects.filter(experience_score="4.00").delete()
    released = sweeps.release(sweep.pk, reason="a real slump", by=make_user("supervisor"), at=AT)
    assert [record["brake"] for record in released.brakes] == ["most_cleared", "least_measured"]
    assert (released.status, Proposal.objects.count()) == ("held", 0)


def test_a_dropped_check_files_nothing() -> None:
    sweep, supervisor = a_held_check(), make_user("supervisor")
    dropped = sweeps.drop(sweep.pk, reason="the file was wrong", by=supervisor, at=AT)
    assert (dropped.status, dropped.ruling, Proposal.objects.count()) == (
        "dropped",
        "the file was wrong",
        0,
    )
    with pytest.raises(Refused):
        sweeps.release(sweep.pk, reason="after all", by=supervisor, at=AT)


@pytest.mark.parametrize("verb", [sweeps.release, sweeps.drop])
def test_without_a_reason_or_the_right_nobody_rules_on_a_held_check(verb) -> None:
    sweep = a_held_check()
    with pytest.raises(sweeps.ReasonMissing):
        verb(sweep.pk, reason=" \x00", by=make_user("supervisor"), at=AT)
    with pytest.raises(NotAllowed):
        verb(sweep.pk, reason="let it go", by=make_user("operator"), at=AT)
    sweep.refresh_from_db()
    assert (sweep.status, sweep.ruling) == ("held", "")


@pytest.mark.parametrize("verb", [sweeps.release, sweeps.drop])
def test_one_that_is_not_held_or_has_a_successor_is_left_alone(verb) -> None:
    held = a_held_check()
    done = check(WECHAT)
    with pytest.raises(Refused):
        verb(done.pk, reason="why not", by=None, at=AT)
    assert check().status == "held"
    with pytest.raises(Refused, match="newer"):
        verb(held.pk, reason="why not", by=None, at=AT)


def test_a_check_released_beforehand_files_and_keeps_the_reason_only_where_a_brake_trips() -> None:
    a_held_check()
    for alliance, ruling in ((DOUYIN, "known"), (WECHAT, "")):
        asked = sweeps.request(
            alliance=Alliance.objects.get(code=alliance), by=None, at=AT, day=DAY, release="known"
        )
        sweep = sweeps.run(asked.pk, at=AT)
        assert (sweep.status, sweep.ruling) == ("done", ruling)
        assert bool(sweep.ruled_at) == bool(ruling)


def test_a_held_or_dropped_day_counts_as_checked_until_more_metrics_of_it_come_in(shops: list[Shop]) -> None:
    alliance = Alliance.objects.get(code=DOUYIN)
    bring_day(shops[:10], DAY)
    sweep = check(at=AT + timedelta(hours=1))
    assert sweep.status == "held"
    assert sweeps.is_checked(alliance, DAY)
    sweeps.drop(sweep.pk, reason="half a file", by=None, at=AT + timedelta(hours=1))
    assert sweeps.is_checked(alliance, DAY)
    lines = [line(shop, number, DAY) for number, shop in enumerate(shops) if number >= 10]
    headers = "shop,day,gmv_30d,paid_orders_30d,shop_score,experience_score"
    rows = [",".join(text.split(",")[:6]) for text in lines]
    bring("metrics", "\n".join([headers, *rows]), at=AT + timedelta(hours=2))
    assert not sweeps.is_checked(alliance, DAY)
    assert check(at=AT + timedelta(hours=3)).status == "done"
    assert sweeps.is_checked(alliance, DAY)
