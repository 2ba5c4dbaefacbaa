"""The course of a penalty: one verb a line, and of what does less, from how much to how much."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils.translation import override

from shops import lessening, penalties, stays
from shops import measures as effects
from shops.admin.courses import course_of
from shops.models import Measure, Penalty
from tests.clients import client_of
from tests.factories import AT, make_imposed, make_penalty, make_shop
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

END = AT + timedelta(days=9)
LATE = END + timedelta(days=30)


def imposed() -> Penalty:
    measures = [Measure(kind="points", points=4), Measure(kind="suspend", ends_at=END)]
    return make_imposed(make_shop(), *measures, Measure(kind="warning"))


def course(penalty: Penalty, language: str = "en") -> list[str]:
    with override(language):
        return [str(step) for step in course_of(penalty)]


BEGIN = [
    "penalty imposed",
    "“points” takes effect",
    "“suspend the shop” takes effect",
    "“warning” takes effect",
]


def done(penalty: Penalty) -> list[str]:
    """The course since it was imposed."""
    told = course(penalty)
    assert told[: len(BEGIN)] == BEGIN
    return told[len(BEGIN) :]


def of(penalty: Penalty, kind: str) -> Measure:
    return penalty.measures.get(kind=kind)


def test_a_part_that_is_taken_back_is_no_second_penalty() -> None:
    penalty = imposed()
    given: dict[str, Any] = {"by": None, "at": AT, "reason": "too much"}
    penalties.undo_measures(penalty, [of(penalty, "points")], **given)
    assert done(penalty) == ["“points” is taken back", "a part of the penalty is taken back: too much"]


def test_what_is_lessened_tells_from_how_much_to_how_much() -> None:
    penalty = imposed()
    lessening.lessen_measures(penalty, {of(penalty, "points").pk: 2}, by=None, at=AT, reason="on appeal")
    assert done(penalty) == [
        "“points” is lessened from 4 to 2",
        "a part of the penalty is lessened: on appeal",
    ]
    assert course(penalty, "zh-hans")[-2:] == ["“违规积分”由 4 减为 2", "减轻部分措施：经申诉"]


def test_a_stay_and_its_end_say_so_once() -> None:
    penalty = imposed()
    stays.stay(penalty, by=None, at=AT, reason="an appeal runs")
    stays.end_stay(penalty, by=None, reason="denied")
    assert done(penalty) == ["stayed: an appeal runs", "stay ended: denied"]


def test_lifted_says_why_and_what_ends_with_it() -> None:
    penalty = imposed()
    penalties.lift(penalty, by=None, at=AT, reason="mended")
    assert done(penalty) == ["penalty lifted: mended", "“suspend the shop” ends with the penalty"]


def test_overturned_says_why_and_what_is_taken_back() -> None:
    penalty = imposed()
    penalties.overturn(penalty, by=None, at=AT, reason="it was wrong")
    assert done(penalty) == [
        "penalty overturned: it was wrong",
        "“points” is taken back",
        "“suspend the shop” is taken back",
        "“warning” is taken back",
    ]


def test_what_ran_out_did_so_at_its_end_however_late_that_was_found() -> None:
    penalty = make_imposed(make_shop(), Measure(kind="suspend", ends_at=END))
    penalties.run_timers(LATE)
    assert course(penalty)[2:] == [
        "“suspend the shop” ran out on 20 Mar 2026, 09:30",
        "penalty ran out on 20 Mar 2026, 09:30",
    ]
    [measure] = penalty.measures.all()
    told = effects.describe(measure)
    assert told == "The shop is suspended until 20 Mar 2026, 09:30, ran out on 20 Mar 2026"


def test_what_was_ended_before_its_time_was_over_on_that_day() -> None:
    penalty = imposed()
    penalties.lift(penalty, by=None, at=AT + timedelta(days=1), reason="mended")
    assert effects.describe(of(penalty, "suspend")).endswith("over since 12 Mar 2026")


def test_a_case_that_is_dismissed_says_why() -> None:
    case = make_penalty(violation_code="V8", status="reported")
    penalties.dismiss(case, by=None, at=AT, reason="unfounded")
    assert course(case)[-1] == "case dismissed: unfounded"


def history(penalty: Penalty) -> str:
    page = client_of("auditor").get(reverse("admin:shops_penalty_history", args=[penalty.pk]))
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_its_history_says_what_became_of_measures_where_nothing_else_changed() -> None:
    penalty = imposed()
    lessening.lessen_measures(penalty, {of(penalty, "points").pk: 2}, by=None, at=AT, reason="too much")
    penalties.undo_measures(penalty, [of(penalty, "warning")], by=None, at=AT, reason="too harsh")
    told = history(penalty)
    assert "a part of the penalty is lessened: too much points: 4 → 2" in told
    assert "a part of the penalty is taken back: too harsh warning: stands → undone" in told


def test_its_history_leaves_out_what_it_keeps_as_evidence() -> None:
    case = make_penalty(violation_code="V8", status="reported")
    penalties.impose(
        shop=case.shop,
        ground="violation",
        violation=case.violation,
        alliance=case.alliance,
        by=None,
        at=AT,
        reason="so it was",
        evidence={"statement": "seen"},
        measures=[Measure(kind="warning")],
        case=case,
    )
    told = history(case)
    assert "Status: reported → imposed" in told
    assert "seen" not in told and "Evidence" not in told


def test_what_a_file_brought_says_so() -> None:
    make_shop(code="S1")
    file = "reference,shop,violation,imposed_at,status\nC-1,S1,V8,2026-03-01,"
    first = bring("penalties", f"{file}reported\n")
    second = bring("penalties", f"{file}imposed\n")
    told = course(Penalty.objects.get())
    assert told == [f"case reported: import {first.pk}", f"penalty imposed: import {second.pk}"]
