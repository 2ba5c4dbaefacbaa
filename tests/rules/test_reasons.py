"""What a proposal names as its reason, and what is told to stand in a shop's way back."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from rules.checking import check as check_shop
from rules.models import Proposal
from rules.values import way_back_text
from shops.models import Alliance
from tests.factories import DAY, DOUYIN, make_enrollment, make_metrics, make_shop
from tests.rules.test_criteria import in_force
from tests.rules.test_sweeps import check

pytestmark = pytest.mark.django_db

EITHER = {
    "metric": "experience_score",
    "operator": "<",
    "value": "3.5",
    "alternatives": [("positive_rate", "<", "0.5"), ("gmv_30d", "<", "10")],
}


def test_of_a_rule_that_is_met_by_another_of_its_conditions_that_one_is_the_reason() -> None:
    in_force("clearance", EITHER)
    make_metrics(make_enrollment().shop, experience_score="4.60", positive_rate="0.4", gmv_30d="5")
    check()
    proposal = Proposal.objects.get()
    named = (proposal.lead_metric, proposal.observed, proposal.operator, proposal.threshold)
    assert named == ("positive_rate", "0.4", "<", "0.5")
    assert str(proposal.margin) == "-0.100000"


def test_of_a_rule_that_is_met_by_its_own_condition_as_well_its_own_is_the_reason() -> None:
    in_force("clearance", EITHER)
    make_metrics(make_enrollment().shop, experience_score="3.40", positive_rate="0.4")
    check()
    assert Proposal.objects.get().lead_metric == "experience_score"


def test_the_way_back_names_every_condition_of_a_rule() -> None:
    in_force("clearance", EITHER)
    in_force("admission", {"alternatives": [("positive_rate", "≥", "0.9")]})
    shop = make_shop()
    make_enrollment(shop, state="applied")
    make_metrics(shop, shop_score="4.10", experience_score="4.60", positive_rate="0.4", gmv_30d="500")
    against = check_shop(shop, Alliance.objects.get(code=DOUYIN), DAY).against
    with override("en"):
        assert [way_back_text(rule) for rule in against] == [
            "shop score is 4.10, positive rate is 40%; needed: shop score ≥ 4.20 or positive rate ≥ 90%.",
            "experience score is 4.60, positive rate is 40%, paid order amount of 30 days is ¥500.00;"
            " not allowed: experience score < 3.50 or positive rate < 50%"
            " or paid order amount of 30 days < ¥10.00.",
        ]
    with override("zh-hans"):
        assert way_back_text(against[0]) == (
            "店铺评分目前为 4.10，好评率目前为 40%，须满足 店铺评分 ≥ 4.20 或 好评率 ≥ 90%。"
        )
