"""What a penalty that falls does to proposals which rested on it."""

from __future__ import annotations

import pytest

from opsdesk import voiding
from shops import catalogue
from shops.models import Alliance, Measure, Penalty, Violation
from tests.factories import (
    AT,
    DAY,
    DOUYIN,
    WECHAT,
    make_controller,
    make_enrollment,
    make_imposed,
    make_proposal,
    make_shop,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("metric", "given_in", "status"),
    [
        ("standing_points", DOUYIN, "withdrawn"),
        ("standing_points", WECHAT, "open"),
        ("standing_points", None, "open"),
        ("platform_points", None, "withdrawn"),
        ("platform_points", DOUYIN, "open"),
    ],
)
def test_what_rested_on_its_points_goes_where_they_counted(
    metric: str, given_in: str | None, status: str
) -> None:
    shop = make_shop()
    penalty = make_imposed(
        shop,
        Measure(kind="points", points=12, alliance=given_in and Alliance.objects.get(code=given_in)),
        ground="judgement",
    )
    rule = {"code": "P-1", "purpose": "clearance", "metric": metric, "outcome": "fails", "advisory": False}
    proposal = make_proposal(
        make_enrollment(shop),
        failed_rules=["P-1"],
        evidence={"day": DAY.isoformat(), "batch": None, "rule_sets": [], "rules": [rule]},
    )
    waiting = voiding.hold_open_proposals(penalty)
    voiding.withdraw_what_rested_on(penalty, waiting, by=None, at=AT)
    proposal.refresh_from_db()
    assert proposal.status == status


# Cases of the controller's other shops (DF-A10)


def say(violation: Violation, **flags: bool) -> None:
    defaults = list(violation.default_measures.all())
    catalogue.change(violation, values=flags, measures=defaults, by=None, reason="as people have it")


@pytest.mark.parametrize(
    ("said", "said_later", "metric", "status"),
    [
        ({"serious": True}, {}, "controller_serious_penalties", "open"),
        ({"serious": True}, {"bars_controller": True}, "controller_serious_cases", "open"),
        ({"serious": True, "bars_controller": True}, {}, "controller_serious_penalties", "withdrawn"),
        (
            {"serious": True, "bars_controller": True},
            {"bars_controller": False},
            "controller_serious_cases",
            "withdrawn",
        ),
        ({"serious": True, "bars_controller": True}, {}, "controller_transaction_cases", "open"),
        ({"endangers_transactions": True}, {}, "controller_transaction_cases", "withdrawn"),
        ({"endangers_transactions": True}, {}, "controller_serious_penalties", "open"),
    ],
)
def test_what_counts_cases_of_other_shops_rests_on_those_that_counted_as_they_were_imposed(
    said: dict[str, bool], said_later: dict[str, bool], metric: str, status: str
) -> None:
    controller, violation = make_controller(), Violation.objects.get(code="V1")
    say(violation, **{"bars_controller": False, "endangers_transactions": False} | said)
    penalty = make_imposed(make_shop(controller=controller), Measure(kind="warning"), violation=violation)
    if said_later:
        say(violation, **said_later)
    rule = {"code": "X-1", "purpose": "clearance", "metric": metric, "outcome": "fails", "advisory": False}
    proposal = make_proposal(
        make_enrollment(make_shop(controller=controller)),
        failed_rules=["X-1"],
        evidence={"day": DAY.isoformat(), "batch": None, "rule_sets": [], "rules": [rule]},
    )
    voiding.overturn(Penalty.objects.get(pk=penalty.pk), by=None, at=AT, reason="not theirs")
    proposal.refresh_from_db()
    assert proposal.status == status
