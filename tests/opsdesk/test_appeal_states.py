"""Random hearings against a model of them: whatever is tried, both say the same of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdesk import appeals, audit
from opsdesk.models import Appeal
from shops import bars, enrollments, penalties
from shops.errors import Refused
from shops.models import Enrollment, Penalty
from tests.factories import AT, make_cleared_and_warned, make_enrollment, make_user
from tests.opsdesk.hearing import Hearing
from tests.rules import agreement

pytestmark = pytest.mark.django_db

HEARINGS, STEPS = 60, 14
PEOPLE = ["maker", "ann", "ben"]
WAITS = [timedelta(0), timedelta(seconds=1), timedelta(hours=5), timedelta(days=2), timedelta(days=9)]
VERBS = ["take", "ask", "answer", "grant", "grant_in_part", "deny", "release", "withdraw", "lift", "stay"]
VERBS += ["unstay", "readmit", "file", "complete"]

steps = st.lists(
    # Ten times out of twenty-four something that carries the hearing on.
    st.tuples(st.sampled_from(["file", "take"] * 5 + VERBS), st.sampled_from(PEOPLE), st.sampled_from(WAITS)),
    min_size=4,
    max_size=STEPS,
)


def call(verb: str, penalty: Penalty, by: User, at: datetime) -> None:
    """The same step by the product's verbs, on the newest appeal. Refused where it may not be."""
    newest = Appeal.objects.filter(penalty=penalty).order_by("-pk").values_list("pk", flat=True).first()
    enrollment = Enrollment.objects.get(shop=penalty.shop_id)
    on_the_penalty: dict[str, Callable[[], Any]] = {
        "file": lambda: appeals.file(penalty=penalty, channel="mail", statement="s", by=by, at=at),
        "lift": lambda: penalties.lift(penalty, by=by, at=at, reason="r"),
        "readmit": lambda: readmit(enrollment, at),
    }
    if verb in on_the_penalty:
        on_the_penalty[verb]()
        return
    if newest is None:
        raise Refused("nothing was filed")
    given: dict[str, Any] = {"reason": "r"}
    match verb:
        case "take" | "release" | "complete":
            given = {}
        case "ask":
            given = {"items": "x"}
        case "answer":
            given = {"text": "x"}
        case "grant_in_part":
            given |= {"measures": [penalty.measures.get(kind="clear").pk]}
    getattr(appeals, verb)(newest, by=by, at=at, **given)


def readmit(enrollment: Enrollment, at: datetime) -> None:
    enrollments.apply(enrollment, by=None, at=at)
    enrollments.admit(enrollment, by=None, at=at)


def disagreement(tried: list[tuple[str, str, timedelta]]) -> str | None:
    """The first step of which product and model don't say the same, in words."""
    people = {name: make_user("supervisor", username=name) for name in PEOPLE}
    twin, enrollment = make_enrollment(), make_enrollment()
    penalty = make_cleared_and_warned(enrollment, ground="metric", by=people["maker"])
    model, now = Hearing("maker", AT), AT
    for number, (verb, who, wait) in enumerate(tried):
        model.now = now = now + wait
        allowed = model.step(verb, who)
        try:
            with transaction.atomic():
                call(verb, penalty, people[who], now)
        except Refused as refusal:
            done, why = False, str(refusal)
        else:
            done, why = True, "done"
        appeal = Appeal.objects.filter(penalty=penalty).order_by("-pk").select_related("taken_by").first()
        penalty.refresh_from_db()
        found = (
            appeal.state if appeal else "",
            appeal.level if appeal else 0,
            appeal.taken_by.username if appeal and appeal.taken_by else None,
            penalty.status,
            penalty.stayed_at is not None,
        )
        said = (model.state, model.level, model.holder, model.penalty, model.stayed)
        if (done, found) != (allowed, said):
            return f"step {number} {verb} by {who}: {done} {found} ({why}), the model: {allowed} {said}"
        if model.penalty == "overturned" and (lasting := differences(enrollment, twin)):
            return f"step {number} {verb}: the shop is not as one that was never penalised: {lasting}"
    return audit.verify_history() or audit.verify_enrollments() or audit.verify_decisions()


def differences(enrollment: Enrollment, twin: Enrollment) -> list[str]:
    """In what the shop's standing differs from that of one of which nothing was ever decided."""
    return [
        f"{name}: {mine} instead of {its}"
        for name, mine, its in zip(
            ("state", "openings used", "openings", "barred"),
            standing(enrollment),
            standing(twin),
            strict=True,
        )
        if mine != its
    ]


def standing(of: Enrollment) -> tuple[Any, ...]:
    of = Enrollment.objects.get(pk=of.pk)
    openings = list(of.openings.order_by("number").values_list("number", "opened_on", "closed", "cause"))
    barred = bars.barred_shops(of.alliance).filter(pk=of.shop_id).exists()
    return of.state, of.openings_used, openings, barred


@settings(max_examples=HEARINGS, derandomize=True, **agreement.GENERATING)
@given(tried=steps)
def test_whatever_is_tried_the_desk_does_what_the_model_allows(tried: list) -> None:
    with transaction.atomic():
        problem = disagreement(tried)
        transaction.set_rollback(True)
    assert problem is None, f"{problem}\n{tried}"


def test_control_a_model_in_which_the_maker_judges_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hearing, "_judges", lambda hearing, who: True)
    now = timedelta(0)
    assert "take by maker" in str(disagreement([("file", "ann", now), ("take", "maker", now)]))
