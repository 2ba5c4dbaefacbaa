"""What a penalty that falls does to proposals which rested on the points that it gave."""

from __future__ import annotations

import pytest

from opsdesk import voiding
from shops.models import Alliance, Measure
from tests.factories import AT, DAY, DOUYIN, WECHAT, make_enrollment, make_imposed, make_proposal, make_shop

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
