"""What the desk's own record says of a shop on a day, at its boundary values."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from rules.checking import check
from rules.evaluation import Evaluation
from shops import enrollments
from shops.models import Alliance
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    make_controller,
    make_enrollment,
    make_metrics,
    make_penalty,
    make_shop,
)
from tests.rules.test_criteria import entry, in_force

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("days_ago", "counted"), [(0, 1), (29, 1), (30, 0)])
def test_penalties_under_any_violation_are_counted_in_any_number_of_days(days_ago: int, counted: int) -> None:
    in_force("admission", {"metric": "penalties:V8:30d", "operator": "=", "value": "0"})
    shop = make_shop()
    make_penalty(shop, violation_code="V8", at=AT - timedelta(days=days_ago + 1))
    make_penalty(shop, violation_code="V7", at=AT - timedelta(days=1))
    make_metrics(shop)
    assert entry(shop)["observed"] == counted


@pytest.mark.parametrize(
    ("metric", "counted"),
    [
        ("controller_serious_penalties", 1),
        ("controller_transaction_cases", 2),
        ("controller_serious_cases", 3),
    ],
)
def test_the_controllers_serious_penalties_and_transaction_cases_are_counted_apart(
    metric: str, counted: int
) -> None:
    in_force("admission", {"metric": metric, "operator": "=", "value": "0"})
    controller = make_controller()
    shop, other = make_shop(controller=controller), make_shop(controller=controller)
    make_penalty(other, violation_code="V2")
    make_penalty(other, violation_code="V11", status="reported")
    make_penalty(other, violation_code="V11", status="reported")
    make_metrics(shop)
    assert entry(shop)["observed"] == counted


def test_days_since_entry_and_clearance_are_counted_to_the_day_checked() -> None:
    since = ("days_since_entry", "days_since_clearance")
    in_force("admission", *({"code": f"R-{n}", "metric": key, "value": "1"} for n, key in enumerate(since)))
    shop = make_shop(entered_on=DAY - timedelta(days=30))
    make_metrics(shop)
    rules = check(shop, Alliance.objects.get(code=DOUYIN), DAY).rules["admission"]
    assert [rule["observed"] for rule in rules] == [30, None]
    enrollment = make_enrollment(shop)
    enrollments.clear(enrollment, cause="metric", by=None, at=AT - timedelta(days=8))
    rules = check(shop, Alliance.objects.get(code=DOUYIN), DAY).rules["admission"]
    assert [rule["observed"] for rule in rules] == [30, 7]


def test_facts_that_no_rule_asks_for_are_not_worked_out() -> None:
    in_force("admission", {})
    in_force("clearance", {"operator": "<", "value": "3.9"})
    evaluation = Evaluation(Alliance.objects.get(code=DOUYIN), DAY)
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        evaluation.prepare()
    told = " ".join(query["sql"] for query in asked.captured_queries)
    assert "shops_qualification" not in told and "'controller_" not in told and "'V9'" not in told
