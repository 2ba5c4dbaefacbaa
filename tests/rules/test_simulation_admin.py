"""The list of whom a simulation names, and by what it is narrowed."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from rules.models import RuleSet, Simulation
from shops.models import Enrollment
from tests.factories import make_enrollment, make_metrics, make_shop, make_user
from tests.rules.test_product_simulation import BAD, listed
from tests.rules.test_product_simulation import draft as draft_on_products
from tests.rules.test_simulation import draft, simulated

pytestmark = pytest.mark.django_db


def page(done: Simulation, **asked: str) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user("rules_editor"))
    asked = {"simulation__id__exact": str(done.pk), **asked}
    return client.get(reverse("admin:rules_simulatedchange_changelist"), asked).content.decode()


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, {"S1", "S2", "S3"}),
        ({"rule": "DF-A5"}, {"S1", "S3"}),
        ({"rule": "DF-A6"}, {"S2", "S3"}),
        ({"rule": "DF-A7"}, set()),
        ({"category": "food"}, {"S2", "S3"}),
        ({"category": "food", "rule": "DF-A5"}, {"S3"}),
        ({"change": "newly_in"}, set()),
    ],
)
def test_the_list_is_narrowed_by_rule_and_by_category(asked: dict[str, str], shown: set[str]) -> None:
    for code, category, score, rate in [
        ("S1", "beauty", "4.15", "0.96"),
        ("S2", "food", "4.80", "0.80"),
        ("S3", "food", "4.15", "0.80"),
    ]:
        outside = make_enrollment(make_shop(code=code, category=category), state=Enrollment.State.APPLIED)
        make_metrics(outside.shop, shop_score=score, positive_rate=rate)
    stricter = draft(RuleSet.Purpose.ADMISSION, DF_A5=("≥", "4.5"), DF_A6=("≥", "0.9"))
    found = page(simulated(stricter), **asked)
    assert {code for code in ("S1", "S2", "S3") if f"({code})" in found} == shown


def test_products_are_narrowed_by_their_own_category() -> None:
    product = listed("promoted", sales_amount="10.50", **BAD).product
    done = simulated(draft_on_products())
    assert product.code in page(done, category=product.category)
    assert product.code not in page(done, category="elsewhere")


def test_what_it_offers_is_what_the_simulation_found() -> None:
    make_metrics(make_enrollment(make_shop(category="beauty")).shop, experience_score="3.60")
    found = page(simulated(draft(DF_C1=("<", "3.8"))))
    assert "category=beauty" in found and "rule=DF-C1" in found
