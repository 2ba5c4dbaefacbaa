from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import bars, deposits, enrollments, penalties, topups
from shops.accounts import balance_of
from shops.errors import NotAllowed, Refused
from shops.models import Alliance, Enrollment, Measure, Opening, Penalty, TopUp, Violation
from tests.factories import (
    AT,
    DOUYIN,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_product,
    make_shop,
    make_user,
)
from tests.shops.accounting import entered, paid_in


def impose(enrollment: Enrollment, by: User | None = None, ground: str = "metric", **values) -> Penalty:
    return penalties.impose(
        **{
            "shop": enrollment.shop,
            "alliance": enrollment.alliance,
            "ground": ground,
            "by": by,
            "at": AT,
            "reason": "below the bar",
            "evidence": {"rules": ["DF-C1"]},
            "measures": [Measure(kind="clear")],
            **values,
        }
    )


@pytest.mark.django_db
def test_an_imposed_clearance_closes_the_opening_and_says_so_with_who_and_why() -> None:
    by = make_user("operator")
    enrollment = make_enrollment()
    penalty = impose(enrollment, by)
    measure = penalty.measures.get()
    opening = enrollment.openings.get()
    assert (penalty.status, penalty.imposed_by, penalty.imposed_at) == ("imposed", by, AT)
    assert (measure.kind, measure.opening, measure.applied_at) == ("clear", opening, AT)
    assert (opening.closed, opening.cause) == (True, "metric")
    for record in (penalty, measure, opening, Enrollment.objects.get()):
        assert record.history.first().history_user == by


@pytest.mark.django_db
def test_a_penalty_without_a_reason_is_refused_and_nothing_is_written() -> None:
    enrollment = make_enrollment()
    with pytest.raises(Refused, match="reason"):
        impose(enrollment, reason=" ")
    assert not Penalty.objects.exists()


@pytest.mark.django_db
def test_a_clearance_of_a_shop_that_is_out_is_refused_and_nothing_is_written() -> None:
    enrollment = make_enrollment(state="cleared")
    with pytest.raises(Refused, match="not open"):
        impose(enrollment)
    with pytest.raises(Refused, match="not in the alliance"):
        impose(enrollment, shop=make_shop())
    assert not Penalty.objects.exists()
    assert not Penalty.history.exists()


@pytest.mark.django_db
def test_a_violation_is_named_for_that_ground_alone() -> None:
    enrollment = make_enrollment()
    with pytest.raises(Refused, match="violation"):
        impose(enrollment, ground="violation")
    with pytest.raises(Refused, match="violation"):
        impose(enrollment, violation=Violation.objects.get(code="V1"))


@pytest.mark.django_db
def test_maker_and_approver_are_two_people() -> None:
    by = make_user("operator")
    with pytest.raises(Refused, match="approve"):
        impose(make_enrollment(), by, approved_by=by)
    assert impose(make_enrollment(), by, approved_by=make_user("supervisor")).approved_by


@pytest.mark.django_db
def test_another_shops_product_is_refused() -> None:
    with pytest.raises(Refused, match="not a product of"):
        impose(make_enrollment(), product=make_product())


@pytest.mark.django_db
def test_a_case_that_is_dismissed_is_closed_and_never_was_a_penalty() -> None:
    case = make_penalty(violation_code="V9", status="reported")
    penalties.dismiss(case, by=None, at=AT, reason="unfounded")
    assert (case.status, case.imposed_at, case.ended_at) == ("dismissed", None, AT)
    assert case not in Penalty.objects.filter(status__in=Penalty.PENALISED)
    for verb in (penalties.dismiss, penalties.lift, penalties.overturn):
        with pytest.raises(Refused, match="dismissed"):
            verb(case, by=None, at=AT, reason="again")


@pytest.mark.django_db
def test_only_a_case_that_nobody_has_decided_is_dismissed_and_with_a_reason() -> None:
    with pytest.raises(Refused, match="imposed"):
        penalties.dismiss(make_penalty(violation_code="V9"), by=None, at=AT, reason="unfounded")
    with pytest.raises(Refused, match="reason"):
        penalties.dismiss(make_penalty(violation_code="V9", status="reported"), by=None, at=AT, reason=" ")


@pytest.mark.django_db
def test_lifting_ends_a_penalty_and_opens_nothing() -> None:
    by = make_user("supervisor")
    enrollment = make_enrollment()
    penalty = impose(enrollment)
    penalties.lift(penalty, by=by, at=AT, reason="papers accepted")
    assert (penalty.status, penalty.ended_by, penalty.ended_reason) == ("lifted", by, "papers accepted")
    assert Enrollment.objects.get().state == "cleared"


@pytest.mark.django_db
@pytest.mark.parametrize("ended", ["imposed", "lifted"])
def test_overturning_continues_the_same_opening(ended: str) -> None:
    enrollment = make_enrollment(openings=2)
    penalty = impose(enrollment)
    if ended == "lifted":
        penalties.lift(penalty, by=None, at=AT, reason="over")
    penalties.overturn(penalty, by=None, at=AT + timedelta(days=3), reason="the data were wrong")
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.openings_used) == ("open", 2)
    assert enrollment.openings.get(number=2).closed is False
    assert penalty.status == "overturned"
    assert penalty.measures.get().undone_at == AT + timedelta(days=3)


@pytest.mark.django_db
def test_an_overturned_judgement_lets_the_shop_go_on() -> None:
    enrollment = make_enrollment()
    penalty = impose(enrollment, ground="judgement")
    penalties.overturn(penalty, by=None, at=AT, reason="appeal granted")
    assert Enrollment.objects.get().state == "open"


@pytest.mark.django_db
def test_overturning_after_a_new_admission_voids_the_new_opening() -> None:
    enrollment = make_enrollment()
    penalty = impose(enrollment)
    enrollments.apply(enrollment, by=None, at=AT)
    enrollments.admit(enrollment, by=None, at=AT)
    penalties.overturn(penalty, by=None, at=AT, reason="too late")
    assert list(enrollment.openings.order_by("pk").values_list("number", "closed")) == [
        (1, False),
        (None, True),
    ]
    assert penalty.measures.get().undone_at == AT


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["reported", "overturned"])
def test_what_does_not_stand_is_neither_lifted_nor_overturned(status: str) -> None:
    penalty = make_penalty(violation_code="V1", status=status)
    with pytest.raises(Refused):
        penalties.lift(penalty, by=None, at=AT, reason="x")
    with pytest.raises(Refused):
        penalties.overturn(penalty, by=None, at=AT, reason="x")


@pytest.mark.django_db
@pytest.mark.parametrize("verb", [penalties.lift, penalties.overturn])
def test_ending_a_penalty_takes_a_reason(verb) -> None:
    with pytest.raises(Refused, match="reason"):
        verb(make_penalty(), by=None, at=AT, reason="")


@pytest.mark.django_db
def test_each_verb_asks_for_its_own_right() -> None:
    auditor, operator = make_user("auditor"), make_user("operator")
    penalty = make_penalty()
    with pytest.raises(NotAllowed):
        impose(make_enrollment(), auditor)
    with pytest.raises(NotAllowed):
        penalties.lift(penalty, by=auditor, at=AT, reason="x")
    with pytest.raises(NotAllowed):
        penalties.overturn(penalty, by=operator, at=AT, reason="x")


VERBS = ["apply", "admit", "metric", "judgement", "violation", "lift", "overturn", "leave"]


@given(steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 9)), max_size=14))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
)
@pytest.mark.django_db
def test_whatever_is_done_in_whatever_order_openings_stay_numbered_and_within_the_limit(
    steps,
) -> None:
    """I6 for any sequence of verbs, each either done or refused as a whole."""
    with transaction.atomic():
        enrollment = make_enrollment(state="applied")
        minor = Violation.objects.get(code="V1")
        limit = Alliance.objects.get(code=DOUYIN).openings_limit
        dates: dict[int, object] = {}
        for verb, which in steps:
            standing = list(Penalty.objects.order_by("pk"))
            penalty = standing[which % len(standing)] if standing else None
            try:
                if verb == "apply":
                    enrollments.apply(enrollment, by=None, at=AT)
                elif verb == "admit":
                    enrollments.admit(enrollment, by=None, at=AT)
                elif verb == "leave":
                    enrollments.leave(enrollment, by=None, at=AT)
                elif verb in ("metric", "judgement"):
                    impose(enrollment, ground=verb)
                elif verb == "violation":
                    impose(enrollment, ground=verb, violation=minor)
                elif penalty is not None:
                    getattr(penalties, verb)(penalty, by=None, at=AT, reason="as it came")
            except Refused:
                pass
            enrollment.refresh_from_db()
            openings = list(Opening.objects.filter(enrollment=enrollment).order_by("number"))
            assert [opening.number for opening in openings] == list(range(1, enrollment.openings_used + 1))
            assert enrollment.openings_used <= limit
            open_ones = [opening.number for opening in openings if not opening.closed]
            assert open_ones == ([enrollment.openings_used] if enrollment.state == "open" else [])
            for opening in openings:
                assert dates.setdefault(opening.number, opening.opened_on) == opening.opened_on
            # A shop is in again only where nothing bars it.
            if verb == "overturn" and enrollment.state == "open":
                assert not bars.barred_shops(enrollment.alliance).exists()
            undone = Measure.objects.filter(undone_at__isnull=False).values_list("penalty__status", flat=True)
            assert set(undone) <= {"overturned"}
        # The next example begins with nothing.
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_payment_of_a_penalty_that_was_wrong_counts_for_what_the_next_one_lacked() -> None:
    shop = make_shop()
    paid_in(shop, 100_00)
    first, second = (
        make_imposed(shop, Measure(kind="deduct", basis="fixed", amount_fen=fen), ground="judgement")
        for fen in (300_00, 150_00)
    )
    entered(deposits.top_up, shop, 200_00)
    assert (balance_of(shop), outstanding(second)) == (0, 150_00)
    penalties.overturn(first, by=None, at=AT, reason="wrong")
    # It has paid 300.00 in all, and the penalty that stands has cost it 150.00.
    assert (balance_of(shop), outstanding(second)) == (150_00, 0)
    penalties.overturn(second, by=None, at=AT, reason="wrong")
    assert balance_of(shop) == 300_00
    assert set(TopUp.objects.values_list("state", flat=True)) == {"cancelled"}


def outstanding(penalty: Penalty) -> int:
    return topups.outstanding_of(TopUp.objects.get(measure__penalty=penalty))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("ends_at", AT + timedelta(days=3), AT + timedelta(days=9)),
        ("share", Decimal("0.3"), Decimal("0.5")),
        ("score", Decimal("0.5"), Decimal("1.5")),
    ],
)
def test_a_key_means_measures_by_all_that_people_say_of_them(field: str, one: Any, other: Any) -> None:
    kinds = {"ends_at": "suspend", "share": "deduct", "score": "score"}
    basis = {"basis": "share"} if field == "share" else {}
    shop = make_shop()

    def imposed(value: Any) -> Penalty:
        measure = Measure(kind=kinds[field], **basis, **{field: value})
        return make_imposed(shop, measure, ground="judgement", key="once")

    assert imposed(one) == imposed(one)
    with pytest.raises(Refused):
        imposed(other)
