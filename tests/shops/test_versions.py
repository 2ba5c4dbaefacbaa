"""What an entry of the catalogue has said so far, and how people number that."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from shops import catalogue, versions
from shops.models import DefaultMeasure
from tests.factories import make_imposed, make_penalty, make_shop, make_user
from tests.shops.test_catalogue import Kind, change, entry

pytestmark = pytest.mark.django_db


def test_each_version_says_what_followed_who_wrote_it_and_why() -> None:
    supervisor, violation = make_user("supervisor"), entry("V8")
    points, deduction = violation.default_measures.all()
    points.points_least, points.points_most = 6, 12
    harsher = [points, DefaultMeasure(kind=Kind.WARNING)]
    change(violation, harsher, by=supervisor, reason="harsher from June", name_en="Harming many buyers")
    change(violation, [], by=None)
    newest, told_second, told_first = versions.versions_of(violation)
    assert newest.measures == []
    # Other entries' versions are none of its own.
    assert [version.number for version in (newest, told_second, told_first)] == [3, 2, 1]
    assert (told_second.by, told_second.reason) == (supervisor, "harsher from June")
    assert [(m.kind, m.points_least, m.points_most) for m in told_second.measures] == [
        ("points", 6, 12),
        ("warning", None, None),
    ]
    assert [(m.kind, m.points_least, m.basis) for m in told_first.measures] == [
        ("points", 4, ""),
        ("deduct", None, "fixed"),
    ]
    assert told_first.violation.name_en == "Harming buyers' rights at scale"
    assert not DefaultMeasure.objects.filter(pk=deduction.pk).exists()


def test_people_number_a_version_by_how_many_there_were_of_its_entry() -> None:
    violation, other, numbers = entry("V8"), entry("V1"), []
    for one in (violation, other, violation, other, violation):
        numbers.append((one.code, versions.number_of(catalogue.version_of(one))))
        change(one)
    assert numbers == [("V8", 1), ("V1", 1), ("V8", 2), ("V1", 2), ("V8", 3)]


def test_a_penalty_tells_under_which_version_of_its_entry_it_was_imposed() -> None:
    change(entry("V8"))
    penalty = make_imposed(make_shop())
    change(entry("V8"))
    assert versions.told_version(penalty) == "version 2 of V8"
    with override("zh-hans"):
        assert versions.told_version(penalty) == "V8 第 2 版"
    assert versions.told_version(make_penalty()) == ""
    assert versions.told_version(make_penalty(violation_code="V8", status="reported")) == ""
