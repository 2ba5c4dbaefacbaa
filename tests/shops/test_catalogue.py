"""What follows from each violation, which case is the how-manieth, and what an entry once said."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from shops import bars, catalogue, controllers, measures, versions
from shops.errors import NotAllowed, Refused
from shops.models import DefaultMeasure, Measure, Penalty, Shop, Violation
from tests.factories import (
    AT,
    DOUYIN,
    SHANGHAI,
    WECHAT,
    make_enrollment,
    make_imposed,
    make_penalty,
    make_shop,
    make_user,
)

pytestmark = pytest.mark.django_db
Kind = Measure.Kind
SHIPPED = [f"V{number}" for number in range(1, 12)] + [f"WS-V{number}" for number in range(1, 6)]
OPEN = ("ends_at",)


def entry(code: str) -> Violation:
    return Violation.objects.get(code=code)


def told(code: str, shop: Shop, at: datetime = AT) -> list[tuple[str, tuple[str, ...]]]:
    """Kind of each measure, and what of it is asked."""
    return [(m.kind, asked(m)) for m in catalogue.consequences(entry(code), shop, at=at)]


def asked(measure: Measure) -> tuple[str, ...]:
    return tuple(measures.needs(measure))


def change(violation: Violation, measures: list[DefaultMeasure] | None = None, **values: Any) -> None:
    told = list(violation.default_measures.all()) if measures is None else measures
    values.setdefault("by", None)
    options = {name: values.pop(name) for name in ("by", "seen", "reason") if name in values}
    catalogue.change(violation, values=values, measures=told, **{"reason": "as agreed", **options})


def test_the_whole_catalogue_of_the_documents_is_shipped() -> None:
    assert list(Violation.objects.values_list("code", flat=True)) == SHIPPED
    flags = {
        name: set(Violation.objects.filter(**{name: True}).values_list("code", flat=True))
        for name in ("serious", "bars_controller", "endangers_transactions", "appealable", "active")
    }
    assert flags == {
        "serious": {"V2", "V4", "V10", "V11"},
        "bars_controller": {"V2", "V4", "V10", "V11"},
        "endangers_transactions": {"V11"},
        "appealable": set(SHIPPED),
        "active": set(SHIPPED),
    }


@pytest.mark.parametrize("code", ["V2", "V4"])
def test_v2_and_v4_remove_the_shop_from_the_platform_and_forfeit_the_whole_deposit(code: str) -> None:
    shop = make_shop()
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    found = catalogue.consequences(entry(code), shop, at=AT)
    assert [(m.kind, m.alliance and m.alliance.code, m.basis, m.amount_fen, asked(m)) for m in found] == [
        (Kind.CLOSE, None, "", None, ()),
        (Kind.CLEAR, DOUYIN, "", None, ()),
        (Kind.CLEAR, WECHAT, "", None, ()),
        (Kind.DEDUCT, None, "all", None, ()),
    ]


def test_a_shop_is_cleared_only_out_of_alliances_that_it_is_in() -> None:
    shop = make_shop()
    make_enrollment(shop, DOUYIN, "left")
    make_enrollment(shop, WECHAT, "applied")
    assert told("V4", shop) == [(Kind.CLOSE, ()), (Kind.DEDUCT, ())]


def test_v8_gives_4_points_each_time_and_asks_the_amount_to_deduct() -> None:
    shop = make_shop()
    for case in range(3):
        points, deduction = catalogue.consequences(entry("V8"), shop, at=AT + timedelta(days=case))
        assert (points.kind, points.points, points.alliance, asked(points)) == (Kind.POINTS, 4, None, ())
        assert (deduction.kind, deduction.basis) == (Kind.DEDUCT, "fixed")
        assert (deduction.amount_fen, asked(deduction)) == (None, ("amount_fen",))
        make_penalty(shop, violation_code="V8", at=AT + timedelta(days=case))


def test_v10_closes_for_good_and_asks_the_amount_to_deduct() -> None:
    shop = make_enrollment().shop
    assert told("V10", shop) == [(Kind.CLOSE, ()), (Kind.CLEAR, ()), (Kind.DEDUCT, ("amount_fen",))]


def test_v11_deducts_an_amount_that_is_asked_and_names_no_other_measure() -> None:
    assert told("V11", make_enrollment().shop) == [(Kind.DEDUCT, ("amount_fen",))]


@pytest.mark.parametrize("code", ["V1", "V3", "V5", "V6", "V7", "V9"])
def test_where_the_documents_name_no_measure_none_follows(code: str) -> None:
    assert told(code, make_enrollment().shop) == []


@pytest.mark.parametrize("code", [f"WS-V{number}" for number in range(1, 6)])
def test_live_room_violations_climb_a_ladder_and_stay_on_its_last_step(code: str) -> None:
    shop = make_shop()
    climbed = []
    for case in range(4):
        climbed.append(told(code, shop, AT + timedelta(days=case)))
        make_penalty(shop, violation_code=code, at=AT + timedelta(days=case))
    ladder = (Kind.REDUCE_ROOM, Kind.REDUCE_ACCOUNT, Kind.RESTRICT_LIVE, Kind.RESTRICT_LIVE)
    assert climbed == [[(kind, OPEN)] for kind in ladder]


@pytest.mark.parametrize("kind", [Kind.REDUCE_ROOM, Kind.REDUCE_ACCOUNT, Kind.RESTRICT_LIVE])
def test_a_measure_of_any_step_of_the_ladder_is_not_imposed_without_its_end(kind: str) -> None:
    shop = make_enrollment(alliance_code=WECHAT).shop
    given = {"code": "WS-V1", "alliance": entry("WS-V1").alliance}
    with pytest.raises(Refused, match="needs to be told: ends at"):
        make_imposed(shop, Measure(kind=kind), **given)
    penalty = make_imposed(shop, Measure(kind=kind, ends_at=AT + timedelta(days=7)), **given)
    assert penalty.measures.get().ends_at == penalty.ends_at == AT + timedelta(days=7)


def test_of_a_kind_that_no_step_asks_about_nobody_has_to_say_the_end() -> None:
    assert catalogue.ends_asked(entry("V8")) == frozenset()
    assert make_imposed(make_shop(), Measure(kind=Kind.RESTRICT_LIVE), code="V1").ends_at is None


def test_only_live_room_violations_are_an_alliances() -> None:
    of_wechat = Violation.objects.filter(alliance__code=WECHAT).values_list("code", flat=True)
    assert set(of_wechat) == {f"WS-V{number}" for number in range(1, 6)}
    assert not Violation.objects.filter(alliance__code=DOUYIN).exists()


@pytest.mark.parametrize(
    ("status", "number"),
    [("reported", 1), ("imposed", 2), ("lifted", 2), ("expired", 2), ("overturned", 1)],
)
def test_a_case_repeats_those_that_were_rightful_penalties(status: str, number: int) -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="WS-V1", status=status, at=AT - timedelta(days=1000))
    assert catalogue.case_number_of(entry("WS-V1"), shop, AT) == number


def test_other_shops_and_other_violations_make_no_repetition() -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="WS-V2")
    make_penalty(violation_code="WS-V1")
    assert catalogue.case_number_of(entry("WS-V1"), shop, AT) == 1


def test_a_case_of_last_week_is_not_the_repetition_of_yesterdays() -> None:
    shop = make_shop()
    make_penalty(shop, violation_code="WS-V1", at=AT)
    assert catalogue.case_number_of(entry("WS-V1"), shop, AT - timedelta(microseconds=1)) == 1
    assert catalogue.case_number_of(entry("WS-V1"), shop, AT) == 2


@pytest.mark.parametrize(
    ("imposed", "number"),
    [
        (datetime(2026, 2, 10, 0, 0, tzinfo=SHANGHAI), 2),
        (datetime(2026, 2, 9, 23, 59, 59, 999_999, SHANGHAI), 1),
    ],
)
def test_repeats_count_within_the_days_of_the_entry(imposed: datetime, number: int) -> None:
    violation, shop = entry("WS-V1"), make_shop()
    change(violation, repeats_within_days=30)
    make_penalty(shop, violation_code="WS-V1", at=imposed)
    at = datetime(2026, 3, 11, 23, 59, tzinfo=SHANGHAI)
    assert catalogue.case_number_of(violation, shop, at) == number


def test_what_lasts_a_number_of_days_ends_at_the_same_time_of_day() -> None:
    violation = entry("V3")
    change(
        violation,
        [
            DefaultMeasure(kind=Kind.SUSPEND, days=7),
            DefaultMeasure(kind=Kind.POINTS, points_least=2, points_most=6, days=365),
            DefaultMeasure(kind=Kind.RESTRICT_LIVE),
            DefaultMeasure(kind=Kind.DEDUCT, basis="share", share=Decimal("0.5")),
            DefaultMeasure(kind=Kind.TOP_UP, amount_fen=100_00),
            DefaultMeasure(kind=Kind.SCORE),
        ],
    )
    found = {m.kind: m for m in catalogue.consequences(violation, make_shop(), at=AT)}
    assert found[Kind.SUSPEND].ends_at == datetime(2026, 3, 18, 9, 30, tzinfo=SHANGHAI)
    # Within the range the operator chooses.
    assert (found[Kind.POINTS].points, asked(found[Kind.POINTS])) == (None, ("points",))
    assert found[Kind.POINTS].ends_at == datetime(2027, 3, 11, tzinfo=SHANGHAI)
    # Without end, which is no question.
    assert (found[Kind.RESTRICT_LIVE].ends_at, asked(found[Kind.RESTRICT_LIVE])) == (None, ())
    assert (found[Kind.DEDUCT].share, asked(found[Kind.DEDUCT])) == (Decimal("0.5"), ())
    assert (found[Kind.TOP_UP].amount_fen, asked(found[Kind.TOP_UP])) == (100_00, ())
    assert asked(found[Kind.SCORE]) == ("score",)


def test_an_alliances_violation_clears_out_of_it_alone_and_its_points_count_there() -> None:
    violation, shop = entry("WS-V5"), make_shop()
    for alliance in (DOUYIN, WECHAT):
        make_enrollment(shop, alliance)
    points = DefaultMeasure(kind=Kind.POINTS, points_least=1, points_most=1)
    change(violation, [DefaultMeasure(kind=Kind.CLEAR), points])
    found = catalogue.consequences(violation, shop, at=AT)
    assert [(m.kind, m.alliance and m.alliance.code) for m in found] == [
        (Kind.CLEAR, WECHAT),
        (Kind.POINTS, WECHAT),
    ]


def test_supervisors_alone_write_the_catalogue() -> None:
    violation = entry("V1")
    for role in ("operator", "rules_editor", "finance", "auditor"):
        with pytest.raises(NotAllowed):
            change(violation, by=make_user(role), source="§9")
        with pytest.raises(NotAllowed):
            catalogue.add("V99", values={}, measures=[], by=make_user(role), reason="new")
    change(violation, by=make_user("supervisor"), source="§9")
    assert entry("V1").source == "§9"


def test_a_measure_that_stays_as_it_is_has_no_further_history() -> None:
    violation = entry("V8")
    change(violation, source="§2, §3")
    assert {m.history.count() for m in violation.default_measures.all()} == {1}
    assert violation.history.count() == 2


def test_a_new_entry_is_one_version_with_its_measures() -> None:
    supervisor = make_user("supervisor")
    values = {"group": "service", "name_en": "Late dispatch", "name_zh": "延迟发货", "source": "§1"}
    measures = [DefaultMeasure(kind=Kind.WARNING), DefaultMeasure(kind=Kind.SUSPEND, from_case=2, days=3)]
    violation = catalogue.add("V12", values=values, measures=measures, by=supervisor, reason="new rule")
    [version] = versions.versions_of(violation)
    assert [(m.from_case, m.kind) for m in version.measures] == [(1, "warning"), (2, "suspend")]
    assert version.by == supervisor
    assert [kind for kind, _asked in told("V12", make_shop())] == [Kind.WARNING]


def test_a_page_that_was_opened_before_somebody_elses_change_is_refused() -> None:
    violation, other = entry("V1"), make_user("supervisor")
    seen = catalogue.version_of(violation)
    change(entry("V1"), by=other, source="§9")
    with pytest.raises(Refused, match=other.username):
        change(violation, seen=seen, source="§1")
    assert entry("V1").source == "§9"


def test_kinds_may_change_places_within_one_edit() -> None:
    violation = entry("WS-V1")
    room, account, live = violation.default_measures.all()
    room.kind, account.kind = account.kind, room.kind
    change(violation, [room, account, live])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    kinds = [m.kind for m in violation.default_measures.all()]
    assert kinds == [Kind.REDUCE_ACCOUNT, Kind.REDUCE_ROOM, Kind.RESTRICT_LIVE]


WRONG: dict[str, dict[str, Any]] = {
    "ladder_begins_with_the_first_case": {"kind": "warning", "from_case": 0},
    "points_are_an_ordered_range": {"kind": "points", "points_least": 5, "points_most": 4},
    "score_is_taken_off_and_above_zero": {"kind": "score", "score": Decimal(0)},
    "has_a_basis_exactly_when_it_deducts": {"kind": "deduct"},
    "amount_is_of_a_fixed_sum_or_a_top_up": {"kind": "deduct", "basis": "all", "amount_fen": 1},
    "share_is_of_the_balance_and_at_most_all": {
        "kind": "deduct",
        "basis": "share",
        "share": Decimal("1.000001"),
    },
    "lasts_only_where_its_kind_can_end": {"kind": "close", "days": 3},
    "end_is_asked_where_none_is_given": {"kind": "restrict_live", "days": 3, "end_asked": True},
    "suspends_until_a_date": {"kind": "suspend"},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_measure_that_contradicts_itself_is_refused_in_words_and_by_the_database(sentence: str) -> None:
    violation = entry("V1")
    with pytest.raises(Refused, match=r"\w+ \w+"):
        change(violation, [DefaultMeasure(**WRONG[sentence])])
    name = f"shops_defaultmeasure_{sentence}"
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        DefaultMeasure.objects.create(violation=violation, **WRONG[sentence])


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "points", "points_least": 5},
        {"kind": "points", "points_least": 0, "points_most": 4},
        {"kind": "warning", "points_least": 1, "points_most": 1},
        {"kind": "warning", "basis": "all"},
        {"kind": "deduct", "basis": "fixed", "amount_fen": 0},
        {"kind": "deduct", "basis": "actual_loss", "amount_fen": 5},
        {"kind": "deduct", "basis": "share", "share": Decimal(0)},
        {"kind": "warning", "score": Decimal(1)},
        {"kind": "suspend", "days": 0},
        {"kind": "points", "end_asked": True},
    ],
)
def test_further_contradictions_of_a_measure_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        change(entry("V1"), [DefaultMeasure(**values)])
    with pytest.raises(IntegrityError), transaction.atomic():
        DefaultMeasure.objects.create(violation=entry("V1"), **values)


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("bars_other_shops_only_where_serious", {"bars_controller": True}),
        ("counts_repeats_within_a_day_at_least", {"repeats_within_days": 0}),
        ("expects_evidence_in_both_languages", {"evidence_en": "Records"}),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused_in_words_and_by_the_database(
    sentence: str, values: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=r"\w+ \w+"):
        change(entry("V1"), **values)
    with pytest.raises(IntegrityError, match=f"shops_violation_{sentence}"), transaction.atomic():
        Violation.objects.filter(code="V1").update(**values)


def test_the_catalogue_is_not_changed_without_a_reason_nor_by_halves() -> None:
    violation = entry("V8")
    with pytest.raises(Refused, match="why"):
        change(violation, reason=" ", source="§9")
    twice = [DefaultMeasure(kind=Kind.WARNING), DefaultMeasure(kind=Kind.WARNING)]
    with pytest.raises(Refused, match="once"):
        change(violation, twice, source="§9")
    with pytest.raises(Refused, match="already exists"):
        values = {"group": "service", "name_en": "a", "name_zh": "b", "source": "c"}
        catalogue.add("V8", values=values, measures=[], by=None, reason="twice")
    assert entry("V8").source == "§2"
    assert entry("V8").default_measures.count() == 2


def test_what_is_expected_as_evidence_is_a_checklist_in_both_languages() -> None:
    assert entry("V8").expected_evidence == [
        "Logistics records of the orders",
        "Chat records with the buyers",
    ]
    with override("zh-hans"):
        assert len(entry("V8").expected_evidence) == 2
    assert entry("V1").expected_evidence == []


steps = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(Kind.values)), max_size=12)


@given(steps, st.integers(1, 9))
def test_a_case_takes_the_highest_step_it_reaches_and_no_other(
    ladder: list[tuple[int, str]], number: int
) -> None:
    measures = [DefaultMeasure(from_case=case, kind=kind) for case, kind in ladder]
    taken = catalogue.step_of(measures, number)
    reached = {case for case, _kind in ladder if case <= number}
    expected = [(case, kind) for case, kind in ladder if reached and case == max(reached)]
    assert [(m.from_case, m.kind) for m in taken] == expected


def imposed_under(violation: Violation, shop: Shop) -> Penalty:
    """A penalty that keeps the version of this moment."""
    return make_imposed(shop, Measure(kind=Kind.WARNING), violation=violation, reason="as decided")


def test_a_penalty_bars_as_the_entry_said_when_it_was_imposed() -> None:
    violation, earlier, later = entry("V1"), make_shop(), make_shop()
    imposed_under(violation, earlier)
    change(violation, serious=True, bars_controller=True)
    second = imposed_under(violation, later)
    reported = make_penalty(violation_code="V1", status="reported")
    assert list(bars.barred_for_ever()) == [later]
    assert list(controllers.barring_cases()) == [second]
    change(violation, serious=False, bars_controller=False)
    assert list(bars.barred_for_ever()) == [later]
    # One that keeps no version is as the catalogue says today.
    change(violation, endangers_transactions=True)
    assert set(controllers.barring_cases()) == {second, reported}
