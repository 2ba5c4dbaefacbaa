"""What those see who hear an appeal: what the penalty does at the moment, and what it has closed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opsdesk import caseload
from shops import penalties, stays
from shops.models import Measure, Penalty
from tests.factories import AT, make_imposed, make_shop

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
END, LATER = AT + timedelta(days=2), AT + timedelta(days=3)


def suspended() -> Penalty:
    return make_imposed(
        make_shop(), Measure(kind=Kind.SUSPEND, ends_at=END), Measure(kind=Kind.POINTS, points=4)
    )


def states(penalty: Penalty, at: datetime) -> list[str]:
    return [effect.state.value for effect in caseload.effects_of(Penalty.objects.get(pk=penalty.pk), at)]


def test_what_is_over_is_in_effect_no_longer_and_can_be_taken_back_all_the_same() -> None:
    penalty = suspended()
    assert states(penalty, AT) == ["standing", "standing"]
    penalties.run_timers(LATER)
    assert states(penalty, LATER) == ["over", "standing"]
    assert [effect.can_be_taken_back for effect in caseload.effects_of(penalty, LATER)] == [True, True]


def test_what_is_stayed_is_not_in_effect() -> None:
    penalty = suspended()
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    assert states(penalty, AT) == ["stayed", "standing"]


def test_what_was_taken_back_is_not_taken_back_again() -> None:
    penalty = suspended()
    penalties.undo_measures(
        penalty, [penalty.measures.get(kind="suspend")], by=None, at=AT, reason="too much"
    )
    found = caseload.effects_of(penalty, AT)
    assert [effect.can_be_taken_back for effect in found] == [False, True]
    assert states(penalty, AT) == ["undone", "standing"]
