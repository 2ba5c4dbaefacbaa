from __future__ import annotations

import pytest
from django.utils import translation

from shops import measures
from shops.models import Enrollment, Measure, Penalty
from tests.factories import AT, make_enrollment, make_penalty

pytestmark = pytest.mark.django_db


def clearance() -> tuple[Enrollment, Measure]:
    enrollment = make_enrollment()
    penalty = make_penalty(enrollment.shop, ground="metric", alliance=enrollment.alliance)
    measure = Measure(penalty=penalty, kind=Measure.Kind.CLEAR)
    measures.apply(measure, by=None, at=AT)
    return enrollment, measure


def test_every_kind_of_measure_has_its_effect_and_its_inverse() -> None:
    assert set(measures.EFFECTS) == set(Measure.Kind)


def test_a_clearance_applied_twice_is_applied_once() -> None:
    _enrollment, measure = clearance()
    measures.apply(measure, by=None, at=AT)
    assert Measure.objects.get().history.count() == 1


def test_a_clearance_undone_twice_is_undone_once() -> None:
    enrollment, measure = clearance()
    Penalty.objects.get()
    measures.undo(measure, by=None, at=AT)
    measures.undo(measure, by=None, at=AT)
    assert Enrollment.objects.get(pk=enrollment.pk).state == "open"
    assert measure.history.count() == 2


def test_undoing_what_was_never_applied_does_nothing() -> None:
    measure = Measure(penalty=make_penalty(), kind=Measure.Kind.CLEAR)
    measures.undo(measure, by=None, at=AT)
    assert not Measure.objects.exists()


def test_a_clearance_is_described_in_a_line() -> None:
    _enrollment, measure = clearance()
    with translation.override("en"):
        assert measures.describe(measure) == (
            "Cleared from Douyin Featured Alliance out of opening 1 on 11 Mar 2026"
        )
        measures.undo(measure, by=None, at=AT)
        assert measures.describe(measure).endswith("undone")
        assert measures.describe(Measure(penalty=make_penalty(), kind="clear")).startswith("Clear ")
