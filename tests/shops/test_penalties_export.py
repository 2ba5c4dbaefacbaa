"""What a list of penalties that goes out says of each, where files have columns of the same name."""

from __future__ import annotations

import pytest
from django.utils import translation

from shops import penalties
from shops.models import Measure, Penalty
from shops.outgoing import SOURCES
from tests.factories import AT, make_imposed, make_penalty, make_shop

pytestmark = pytest.mark.django_db


def told(penalty: Penalty) -> dict[str, object]:
    source = SOURCES["shops.penalty"]
    [row] = source.export_queryset(Penalty.objects.filter(pk=penalty.pk))
    return {column.name: column.value(row) for column in source.export_columns()}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_two_columns_are_headed_alike(language: str) -> None:
    with translation.override(language):
        headings = [str(column.heading) for column in SOURCES["shops.penalty"].export_columns()]
        assert len(set(headings)) == len(headings)
        assert ("status (desk)" if language == "en" else "状态（本台）") in headings


def test_a_case_that_was_dismissed_goes_out_as_reported_and_what_was_imposed_as_imposed() -> None:
    case = make_penalty(violation_code="V11", status="reported")
    assert told(case)["status"] == "reported"
    penalties.dismiss(case, by=None, at=AT, reason="unfounded")
    assert (told(case)["status"], told(case)["desk_status"]) == ("reported", "dismissed")
    penalty = make_imposed(make_shop(), Measure(kind="warning"))
    penalties.overturn(penalty, by=None, at=AT, reason="wrong")
    assert (told(penalty)["status"], told(penalty)["desk_status"]) == ("imposed", "overturned")
