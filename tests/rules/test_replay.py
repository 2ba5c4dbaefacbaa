"""A check evaluated again from what it kept: the same, whatever has become of rules and shops since."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from rules import exemptions, replay, sweeps
from rules.models import Rule, RuleSet, Sweep, SweepInput
from shops.models import Alliance, Enrollment, Shop
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_metrics,
    make_penalty,
    make_published,
    make_qualification,
    make_shop,
    make_user,
)
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db


def in_the_sample(**values: Any) -> Shop:
    """A shop of which every check keeps its inputs."""
    number = 0
    while True:
        number += 1
        code = f"sample-{number}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT mod(('x' || left(md5(%s), 8))::bit(32)::bigint, 100) = 0", [code])
            (sampled,) = cursor.fetchone()
        if sampled and not Shop.objects.filter(code=code).exists():
            return make_shop(code=code, **values)


def test_a_check_keeps_what_it_proposed_and_what_belongs_to_the_sample() -> None:
    failing, quiet, sampled = make_shop(), make_shop(code="not sampled"), in_the_sample()
    for shop in (failing, quiet, sampled):
        make_enrollment(shop)
        make_metrics(shop, experience_score="3.49" if shop == failing else "4.00")
    sweep = check()
    kept = {row.shop_id: row for row in sweep.inputs.all()}
    assert set(kept) == {failing.pk, sampled.pk}
    assert kept[failing.pk].inputs["v_experience_score"] == 3.49
    assert kept[failing.pk].verdict["due"] == "clear"
    assert kept[failing.pk].verdict["rules"]["DF-C1"] == "fails"
    assert kept[sampled.pk].verdict["due"] == ""
    assert kept[sampled.pk].verdict["rules"]["DF-C1"] == "holds"


def test_a_check_delivered_again_keeps_its_inputs_once() -> None:
    make_metrics(make_enrollment().shop, experience_score="3.49")
    sweep = check()
    sweeps.run(sweep.pk, at=AT)
    assert sweep.inputs.count() == 1


def a_population() -> list[Shop]:
    """Shops of all sorts, all in the sample, some in an alliance and some applying."""
    shops = []
    for number in range(16):
        shop = in_the_sample(
            shop_type=["ordinary", "flagship"][number % 2],
            goods_kind=["physical", "virtual", "mixed"][number % 3],
            status=["normal", "normal", "suspended"][number % 3],
            controller=make_controller() if number % 4 == 0 else None,
        )
        for alliance in (DOUYIN, WECHAT):
            make_enrollment(shop, alliance, Enrollment.State.OPEN if number % 2 else Enrollment.State.APPLIED)
        if number % 5 == 0:
            make_penalty(shop, violation_code="V9")
        if number % 3 == 0:
            make_qualification(shop, verdict=["accepted", "pending", "rejected"][number // 3 % 3])
        shops.append(shop)
    return shops


def measured(shops: list[Shop], day: date, turn: int) -> None:
    for number, shop in enumerate(shops):
        if (number + turn) % 7 == 0:
            continue
        score = None if (number + turn) % 5 == 0 else f"{3.90 + (number * 7 + turn * 3) % 60 / 100:.2f}"
        make_metrics(
            shop,
            day,
            shop_score=score,
            shop_score_none=score is None and number % 2 == 0,
            experience_score=f"{3.30 + (number * 5 + turn) % 40 / 100:.2f}",
            positive_rate=f"{0.74 + (number + turn) % 4 / 100:.6f}",
            warehouse_passed=(number + turn) % 3 != 0,
            erp_connected=None if number == turn else True,
        )


def everything_changes(shops: list[Shop]) -> None:
    """New versions of the rules, other shops, penalties and exemptions, another setting."""
    for rule_set in list(RuleSet.objects.filter(subject="shop")):
        newer = RuleSet.objects.create(
            alliance=rule_set.alliance, purpose=rule_set.purpose, version=2, in_force_from=DAY
        )
        Rule.objects.create(
            rule_set=newer,
            position=1,
            code=rule_set.rules.first().code,
            metric="shop_score",
            operator="<" if rule_set.purpose == "clearance" else "≥",
            value="4.9",
        )
        make_published(newer)
    for shop in shops:
        shop.status, shop.shop_type, shop.goods_kind = "closed", "flagship", "physical"
        shop.entered_on, shop.closed_on, shop.closed_cause = None, DAY, "violation"
        shop.category = "local-life"
        shop.save()
        make_penalty(shop, violation_code="V2")
        exemptions.grant(
            shop=shop,
            alliance=Alliance.objects.get(code=DOUYIN),
            rule_code="DF-C1",
            until=DAY + timedelta(days=99),
            reason="another day",
            by=make_user("supervisor"),
            at=AT,
        )
    for alliance in Alliance.objects.all():
        alliance.openings_limit = None
        alliance.warns_on_lost_admission = not alliance.warns_on_lost_admission
        alliance.category_not_served = "beauty"
        alliance.save()


def test_thirty_past_checks_come_to_the_same_after_everything_has_changed() -> None:
    shops = a_population()
    exemptions.grant(
        shop=shops[1],
        alliance=Alliance.objects.get(code=DOUYIN),
        rule_code="DF-C1",
        until=DAY + timedelta(days=20),
        reason="the platform's own incident",
        by=make_user("supervisor"),
        at=AT,
    )
    past: list[Sweep] = []
    for turn in range(15):
        day = DAY + timedelta(days=turn)
        measured(shops, day, turn)
        for alliance in (DOUYIN, WECHAT):
            past.append(check(alliance, day=day, at=AT + timedelta(days=turn)))
    outcomes = {outcome for row in SweepInput.objects.all() for outcome in row.verdict["rules"].values()}
    assert outcomes == {"holds", "fails", "exempt", "no_data"}
    everything_changes(shops)
    answers = [replay.replay(Sweep.objects.get(pk=sweep.pk)) for sweep in past]
    assert [answer.differences for answer in answers] == [[]] * 30
    assert all(answer.identical and answer.compared >= 10 for answer in answers)
    assert sum(answer.compared for answer in answers) == SweepInput.objects.count()


def test_a_verdict_that_its_inputs_do_not_bear_out_is_told() -> None:
    make_metrics(make_enrollment(make_shop(code="S1")).shop, experience_score="3.49")
    sweep = check()
    kept = sweep.inputs.get()
    other = make_shop(code="S2")
    SweepInput.objects.create(
        sweep=sweep,
        shop=other,
        inputs={**kept.inputs, "v_experience_score": "3.5"},
        verdict=kept.verdict,
    )
    answer = replay.replay(sweep)
    assert not answer.identical
    assert (answer.compared, answer.differing) == (2, 1)
    [difference] = answer.differences
    assert difference["shop"] == "S2"
    assert (difference["then"]["due"], difference["now"]["due"]) == ("clear", "")
