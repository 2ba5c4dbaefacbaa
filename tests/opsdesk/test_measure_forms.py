"""What is asked of whoever imposes a penalty, measure by measure, and what is refused beside its field."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from opsdesk import penalising
from shops import points
from shops.errors import Refused
from shops.models import DefaultMeasure, Measure, Penalty, Violation
from tests.clients import client_of
from tests.factories import AT, make_shop
from tests.opsdesk.test_imposing import address, looked_at

pytestmark = pytest.mark.django_db


def test_what_the_catalogue_leaves_open_has_to_be_said_before() -> None:
    shop, client = make_shop(), client_of("operator")
    page, said = looked_at(client, address(shop, "V8"))
    assert "still to be said: amount" in page
    assert 'name="impose"' not in page
    client.post(address(shop, "V8"), said | {"impose": "1"})
    assert not Penalty.objects.exists()


@pytest.mark.parametrize(("points_given", "refused"), [(3, True), (4, False), (5, True)])
def test_other_points_than_the_catalogue_gives_are_refused_beside_the_field(points_given, refused) -> None:
    shop, client = make_shop(), client_of("operator")
    page, said = looked_at(
        client, address(shop, "V8"), **{"deduct-amount": "100", "points-points": str(points_given)}
    )
    assert ("The catalogue gives 4 points for this violation" in page) == refused
    client.post(address(shop, "V8"), said | {"impose": "1"})
    assert Penalty.objects.exists() != refused


def test_points_within_the_catalogues_range_are_free_to_choose() -> None:
    shop, client = make_shop(), client_of("operator")
    DefaultMeasure.objects.create(
        violation=Violation.objects.get(code="V7"), kind="points", points_least=2, points_most=6, position=0
    )
    page, _said = looked_at(client, address(shop, "V7"), **{"points-points": "7"})
    assert "The catalogue gives from 2 to 6 points for this violation." in page
    _page, said = looked_at(client, address(shop, "V7"), **{"points-points": "6"})
    client.post(address(shop, "V7"), said | {"impose": "1"})
    assert points.standing_points(shop, None, timezone.now()) == 6


def test_the_verb_refuses_them_as_well() -> None:
    with pytest.raises(Refused, match="gives 4 points"):
        penalising.impose(
            shop=make_shop(),
            violation=Violation.objects.get(code="V8"),
            measures=[Measure(kind="points", points=5)],
            reason="as found",
            by=None,
            at=AT,
            key="k",
        )


@pytest.mark.parametrize(("language", "told"), [("en", "say until when"), ("zh-hans", "请说明到何时为止")])
def test_an_end_that_the_catalogue_leaves_open_is_asked_beside_its_field(language: str, told: str) -> None:
    shop, client = make_shop(), client_of("operator", language)
    page, said = looked_at(client, address(shop, "WS-V1"))
    [field] = re.findall(r'<div class="[^"]*asked">(?:(?!</div>).)*name="reduce_room-ends_at"', page, re.S)
    assert "errorlist" in field and told in field
    client.post(address(shop, "WS-V1"), said | {"impose": "1"})
    assert not Penalty.objects.exists()
    until = (timezone.localtime() + timedelta(days=7)).replace(microsecond=0)
    _page, said = looked_at(
        client, address(shop, "WS-V1"), **{"reduce_room-ends_at": f"{until:%Y-%m-%dT%H:%M:%S}"}
    )
    client.post(address(shop, "WS-V1"), said | {"impose": "1"})
    assert Measure.objects.get().ends_at == until


def test_what_a_person_adds_may_stand_until_its_penalty_is_lifted() -> None:
    shop, client = make_shop(), client_of("operator")
    _page, said = looked_at(client, address(shop, "V1"), **{"restrict_live-taken": "on"})
    client.post(address(shop, "V1"), said | {"impose": "1"})
    assert Measure.objects.get().ends_at is None


def test_a_suspension_that_is_over_before_it_begins_is_refused_on_the_page() -> None:
    shop, client = make_shop(), client_of("operator")
    page, _said = looked_at(
        client,
        address(shop, "V1"),
        **{"suspend-taken": "on", "suspend-ends_at": "2020-01-01T00:00:00"},
    )
    assert "That moment is over." in page


def test_so_is_one_until_a_year_that_nobody_means() -> None:
    page, _said = looked_at(
        client_of("operator"),
        address(make_shop(), "V1"),
        **{"suspend-taken": "on", "suspend-ends_at": "9999-12-31T23:59"},
    )
    assert "Name a day from" in page
