"""A penalty is stayed while an appeal against it runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from opsdesk import appeals, audit
from shops import bars, standing
from shops.errors import NotAllowed, Refused
from shops.models import Enrollment, Measure, Penalty
from tests.factories import make_cleared_and_warned, make_imposed
from tests.opsdesk.test_appeals import LATER, taken
from tests.shops import test_shipped_consequences

pytestmark = pytest.mark.django_db


def test_a_stay_lets_the_penalty_bar_nobody_until_the_appeal_ends(judge: User, supervisor: User) -> None:
    penalty = make_cleared_and_warned()
    appeal = taken(judge, penalty)
    barred = bars.barred_for_now(penalty.alliance).filter(pk=penalty.shop_id)
    assert barred.exists()
    with pytest.raises(NotAllowed):
        appeals.stay(appeal.pk, reason="doubtful", by=judge, at=LATER)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    assert not barred.exists()
    assert "doubtful" not in penalty.history.first().history_change_reason
    assert appeal.history.first().history_change_reason == "stayed: doubtful"
    # What it closed stays closed.
    assert Enrollment.objects.get(shop=penalty.shop).state == "cleared"
    with pytest.raises(Refused, match="stayed already"):
        appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    assert barred.exists()


def test_a_stay_lets_a_suspended_shop_trade_meanwhile(judge: User, supervisor: User) -> None:
    shop = test_shipped_consequences.in_both()
    penalty = make_imposed(
        shop, Measure(kind="suspend", ends_at=LATER + timedelta(days=9)), code="V3", reason="r"
    )
    appeal = taken(judge, penalty)
    assert standing.standing(shop, LATER).status == "suspended"
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    assert standing.standing(shop, LATER).status == "normal"
    appeals.deny(appeal.pk, reason="right", by=judge, at=LATER)
    assert standing.standing(shop, LATER).status == "suspended"


@pytest.mark.parametrize("end", ["unstay", "withdraw", "grant", "grant_in_part"])
def test_a_stay_ends_by_word_and_with_the_appeal(judge: User, supervisor: User, end: str) -> None:
    penalty = make_cleared_and_warned()
    appeal = taken(judge, penalty)
    appeals.stay(appeal.pk, reason="doubtful", by=supervisor, at=LATER)
    match end:
        case "unstay":
            appeals.unstay(appeal.pk, reason="clear by now", by=supervisor, at=LATER)
        case "grant_in_part":
            warning = penalty.measures.get(kind="warning")
            appeals.grant_in_part(appeal.pk, measures=[warning.pk], reason="r", by=judge, at=LATER)
        case _:
            getattr(appeals, end)(appeal.pk, reason="r", by=judge, at=LATER)
    assert Penalty.objects.get(pk=penalty.pk).stayed_at is None
    assert audit.verify_history() is None


def test_why_it_is_stayed_is_kept_whole(judge: User, supervisor: User) -> None:
    appeal, why = taken(judge, make_cleared_and_warned()), "the supplier's test report " * 700 + "THE END"
    appeals.stay(appeal.pk, reason=why, by=supervisor, at=LATER)
    assert appeal.history.first().history_change_reason == f"stayed: {why}"
