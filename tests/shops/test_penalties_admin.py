"""A penalty's page, and what of penalties goes out: which version of the catalogue they name."""

from __future__ import annotations

import pytest
from django.urls import reverse

from shops import catalogue
from shops.models import Penalty, Violation
from tests.clients import client_of
from tests.exporting import taken
from tests.factories import make_imposed, make_penalty, make_shop

pytestmark = pytest.mark.django_db

PENALTIES = "/admin/shops/penalty/export/"


def written_anew(code: str) -> None:
    violation = Violation.objects.get(code=code)
    measures = list(violation.default_measures.all())
    catalogue.change(violation, values={}, measures=measures, by=None, reason="as agreed")


@pytest.fixture
def penalty() -> Penalty:
    """Imposed under what its entry said secondly, of three."""
    written_anew("V8")
    found = make_imposed(make_shop())
    written_anew("V8")
    return found


@pytest.mark.parametrize(
    ("language", "told"), [("en", "imposed under version 2 of V8"), ("zh-hans", "依据 V8 第 2 版作出")]
)
def test_its_page_names_the_version_as_people_number_it(penalty: Penalty, language: str, told: str) -> None:
    address = reverse("admin:shops_penalty_change", args=[penalty.pk])
    assert told in client_of("operator", language).get(address).content.decode()


def test_what_goes_out_does_as_well(penalty: Penalty) -> None:
    make_penalty()
    rows = taken(client_of("supervisor"), PENALTIES)
    assert {row["version of the violation (desk)"] for row in rows} == {"2", ""}
