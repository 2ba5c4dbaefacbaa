"""Points count on a day at least: as an alliance's setting, whoever writes it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.utils import translation

from shops.admin.alliances import AllianceForm
from shops.models import Alliance
from tests.factories import DOUYIN

pytestmark = pytest.mark.django_db


def form_with(points_days: str) -> AllianceForm:
    alliance = Alliance.objects.get(code=DOUYIN)
    said = {name: value for name, value in model_to_dict(alliance).items() if value is not None}
    return AllianceForm({**said, "points_days": points_days}, instance=alliance)


def test_no_day_at_all_is_refused_in_words() -> None:
    assert form_with("0").errors["points_days"] == ["1 day at least; empty for until the end of 31 December."]
    with translation.override("zh-hans"):
        assert form_with("0").errors["points_days"] == ["至少 1 天；留空则计至 12 月 31 日结束。"]


@pytest.mark.parametrize("days", ["1", ""])
def test_a_day_or_none_said_is_taken(days: str) -> None:
    assert form_with(days).is_valid()


def test_the_database_has_the_last_word() -> None:
    for days, refused in ((0, True), (1, False), (None, False)):
        try:
            with transaction.atomic():
                Alliance.objects.filter(code=DOUYIN).update(points_days=days)
        except IntegrityError as error:
            assert refused and "shops_alliance_points_count_on_a_day_at_least" in str(error)
        else:
            assert not refused
