"""Penalties out of a file: what the platform has imposed, and what it only reported."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import translation

from shops import accounts, bars, catalogue, lessening, penalties, points
from shops.errors import NotAllowed
from shops.imports.words import told
from shops.models import Alliance, DepositEntry, Measure, Penalty, Shop, TopUp, Violation
from tests.factories import AT, DOUYIN, SHANGHAI, WECHAT, make_imposed, make_product, make_shop, make_user
from tests.shops.accounting import paid_in
from tests.shops.importing import bring, counts, errors, only_error

HEADERS = (
    "reference,shop,violation,imposed_at,alliance,product,status,ends_at,points,deposit_deducted,reason\n"
)
IMPOSED = datetime(2026, 3, 1, 9, 30, tzinfo=SHANGHAI)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop(code="S1")


def case(reference: str = "P1") -> Penalty:
    return Penalty.objects.get(reference=reference)


def test_what_the_platform_has_imposed_is_a_penalty_with_what_it_did(shop: Shop) -> None:
    by = make_user("operator")
    paid_in(shop, 100_00)
    batch = bring(
        "penalties",
        f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,imposed,,4,30.50,late dispatch\n",
        by=by,
        at=AT,
    )
    assert counts(batch) == (1, 1, 0, 0, 0)
    penalty = case()
    assert (penalty.status, penalty.ground, penalty.violation.code) == ("imposed", "violation", "V8")
    assert (penalty.imposed_at, penalty.reported_at, penalty.imposed_by) == (IMPOSED, None, None)
    assert (penalty.reason, penalty.batch) == ("late dispatch", batch)
    assert penalty.violation_version == catalogue.version_of(penalty.violation)
    given, taken = penalty.measures.order_by("pk")
    assert (given.kind, given.points, given.alliance, given.applied_at) == ("points", 4, None, IMPOSED)
    assert given.ends_at == datetime(2027, 3, 1, tzinfo=SHANGHAI)
    assert (taken.kind, taken.basis, taken.amount_fen) == ("deduct", "fixed", 30_50)
    assert points.standing_points(shop, None, AT) == 4
    assert accounts.balance_of(shop) == 69_50
    [entry] = DepositEntry.objects.filter(measure=taken)
    assert (entry.amount_fen, entry.short_fen, entry.at, entry.recorded_at) == (-30_50, 0, IMPOSED, AT)
    assert (entry.cause, entry.batch) == (penalty.case_number, batch)


def test_everything_has_its_history(shop: Shop) -> None:
    by = make_user("operator")
    batch = bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01,,,,,4,10,\n", by=by)
    for record in (case(), *case().measures.all(), TopUp.objects.get()):
        row = record.history.get()
        assert (row.history_type, row.history_user, row.history_change_reason) == (
            "+",
            by,
            f"import {batch.pk}",
        )


def test_what_is_only_reported_is_a_case_that_nobody_has_decided(shop: Shop) -> None:
    product = make_product(shop, code="G1")
    bring("penalties", f"{HEADERS}P1,S1,V11,2026-03-01 09:30,{WECHAT},G1,reported,,,,\n")
    penalty = case()
    assert (penalty.status, penalty.reported_at, penalty.imposed_at) == ("reported", IMPOSED, None)
    assert (penalty.product, penalty.alliance.code) == (product, WECHAT)
    assert penalty.violation_version is None
    assert not penalty.measures.exists()


def test_who_brings_a_case_with_a_file_has_reported_it_whatever_the_file_says_of_it(shop: Shop) -> None:
    by = make_user("operator")
    rows = "P1,S1,V8,2026-03-01,,,reported,,,,\nP2,S1,V9,2026-03-01,,,imposed,,,,\n"
    bring("penalties", f"{HEADERS}{rows}", by=by)
    assert (case("P1").reported_by, case("P2").reported_by) == (by, by)
    other = make_user("operator")
    bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-05,,,imposed,,,,\n", by=other)
    assert (case("P1").status, case("P1").reported_by, case("P1").confirmed_by) == ("imposed", by, other)
    assert case("P2").confirmed_by is None


def test_a_serious_penalty_of_the_platform_bars_the_shop_for_ever(shop: Shop) -> None:
    bring("penalties", f"{HEADERS}P1,S1,V2,2026-03-01,,,imposed,,,,\nP2,S1,V10,2026-03-02,,,reported,,,,\n")
    assert list(bars.barred_for_ever()) == [shop]


def test_the_same_file_again_changes_nothing_whatever_has_become_of_its_cases(shop: Shop) -> None:
    paid_in(shop, 100_00)
    content = (
        f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,imposed,,4,30,first\n"
        "P2,S1,V1,2026-03-02 09:30,,,reported,,,,second\n"
        f"P3,S1,V9,2026-03-03,{DOUYIN},,,2026-04-01,,,\n"
    )
    assert counts(bring("penalties", content)) == (3, 3, 0, 0, 0)
    penalties.overturn(case("P1"), by=None, at=AT + timedelta(days=1), reason="won on appeal")
    make_imposed(
        shop,
        Measure(kind=Measure.Kind.WARNING),
        violation=case("P2").violation,
        case=case("P2"),
        at=AT + timedelta(days=1),
        reason="as reported",
    )
    penalties.lift(case("P3"), by=None, at=AT + timedelta(days=1), reason="enough")
    before = (accounts.balance_of(shop), Penalty.history.count(), Measure.history.count())
    again = bring("penalties", content, at=AT + timedelta(days=2))
    assert (counts(again), errors(again)) == ((3, 0, 0, 3, 0), [])
    assert (accounts.balance_of(shop), Penalty.history.count(), Measure.history.count()) == before
    assert [case(reference).status for reference in ("P1", "P2", "P3")] == ["overturned", "imposed", "lifted"]


REPORTED = f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,reported,,,,late\n"
DECIDED = f"{HEADERS}P1,S1,V8,2026-03-05 10:00,,,imposed,,4,30.50,late dispatch\n"


def test_a_case_that_the_platform_decides_after_all_becomes_imposed(shop: Shop) -> None:
    paid_in(shop, 100_00)
    bring("penalties", REPORTED)
    penalty = case()
    batch = bring("penalties", DECIDED, at=AT)
    assert (errors(batch), counts(batch)) == ([], (1, 0, 1, 0, 0))
    assert batch.changes["columns"] == {"status": 1}
    penalty.refresh_from_db()
    assert (penalty.status, penalty.reported_at, penalty.reason) == ("imposed", IMPOSED, "late dispatch")
    assert penalty.imposed_at == datetime(2026, 3, 5, 10, tzinfo=SHANGHAI)
    assert penalty.violation_version == catalogue.version_of(penalty.violation)
    assert [(one.kind, one.applied_at) for one in penalty.measures.order_by("pk")] == [
        ("points", penalty.imposed_at),
        ("deduct", penalty.imposed_at),
    ]
    assert (points.standing_points(shop, None, AT), accounts.balance_of(shop)) == (4, 69_50)
    assert [row.history_type for row in penalty.history.order_by("history_id")] == ["+", "~"]


def test_both_files_of_a_case_again_change_nothing_in_either_order(shop: Shop) -> None:
    paid_in(shop, 100_00)
    for content in (REPORTED, DECIDED):
        bring("penalties", content)
    for content in (DECIDED, REPORTED, DECIDED):
        batch = bring("penalties", content)
        assert (errors(batch), counts(batch)) == ([], (1, 0, 0, 1, 0))
    assert (Penalty.history.count(), accounts.balance_of(shop)) == (2, 69_50)


def test_what_the_platform_has_imposed_of_a_case_does_not_change_by_another_file(shop: Shop) -> None:
    bring("penalties", REPORTED)
    bring("penalties", DECIDED)
    batch = bring("penalties", DECIDED.replace("10:00", "10:01"))
    assert errors(batch) == [(2, "imposed_at", "2026-03-05 10:01", "known_case")]


def test_the_decision_may_say_where_a_case_was_that_was_reported_without(shop: Shop) -> None:
    bring(
        "penalties",
        f"{HEADERS}P1,S1,V1,2026-03-02,,,reported,,,,\nP2,S1,V1,2026-03-02,{WECHAT},,reported,,,,\n",
    )
    where = f"{HEADERS}P1,S1,V1,2026-03-03,{DOUYIN},,,,,,\n"
    assert [counts(bring("penalties", where)) for _twice in "12"] == [(1, 0, 1, 0, 0), (1, 0, 0, 1, 0)]
    assert (case().status, case().alliance.code) == ("imposed", DOUYIN)
    batch = bring("penalties", f"{HEADERS}P2,S1,V1,2026-03-03,{DOUYIN},,,,,,\n")
    assert errors(batch) == [(2, "alliance", DOUYIN, "known_case")]


def imposed_by_hand(penalty: Penalty) -> None:
    make_imposed(
        penalty.shop,
        Measure(kind=Measure.Kind.POINTS, points=4),
        Measure(kind=Measure.Kind.DEDUCT, basis="fixed", amount_fen=30_50),
        violation=penalty.violation,
        case=penalty,
        by=make_user("operator"),
        reason="as reported",
    )


def test_a_case_that_the_desk_has_decided_stays_as_it_is_when_the_platform_decides_too(shop: Shop) -> None:
    paid_in(shop, 100_00)
    bring("penalties", REPORTED)
    imposed_by_hand(case())
    for becomes in ("imposed", "lifted", "overturned"):
        if becomes != "imposed":
            getattr(penalties, {"lifted": "lift", "overturned": "overturn"}[becomes])(
                case(), by=None, at=AT + timedelta(days=1), reason="enough"
            )
        kept = (case().status, case().imposed_at, Penalty.history.count(), accounts.balance_of(shop))
        batch = bring("penalties", DECIDED, at=AT + timedelta(days=2))
        assert (errors(batch), counts(batch)) == ([], (1, 0, 0, 1, 0))
        assert (case().status, case().imposed_at, Penalty.history.count(), accounts.balance_of(shop)) == kept
        assert kept[0] == becomes


def test_other_points_than_the_desk_gave_are_told(shop: Shop) -> None:
    bring("penalties", REPORTED)
    imposed_by_hand(case())
    batch = bring("penalties", DECIDED.replace(",4,", ",6,"))
    assert errors(batch) == [(2, "points", "6", "decided_otherwise")]
    assert "with “4”" in only_error(batch).message


def test_what_a_dismissed_case_costs_by_the_platform_is_told(shop: Shop) -> None:
    bring("penalties", REPORTED)
    penalties.dismiss(case(), by=None, at=AT, reason="unfounded")
    assert [error[1] for error in errors(bring("penalties", DECIDED))] == [
        "status",
        "points",
        "deposit_deducted",
    ]


@pytest.mark.parametrize("status", ["imposed", ""])
def test_that_the_platform_imposed_what_the_desk_dismissed_is_told(status: str, shop: Shop) -> None:
    bring("penalties", REPORTED)
    penalties.dismiss(case(), by=None, at=AT, reason="unfounded")
    batch = bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-05,,,{status},,,,\n")
    assert errors(batch) == [(2, "status", status, "imposed_though_dismissed")]
    assert "has dismissed this case" in only_error(batch).message
    # What reported it says nothing new.
    assert (counts(bring("penalties", REPORTED)), case().status) == ((1, 0, 0, 1, 0), "dismissed")


@pytest.fixture
def two_of_a_name() -> None:
    """One entry of the platform's and one of an alliance's, and one that is named by another's code."""
    for code, alliance in (("X1", None), ("X2", Alliance.objects.get(code=WECHAT))):
        entry = Violation(
            code=code,
            group=Violation.objects.get(code="V8").group,
            alliance=alliance,
            name_en="late again",
            name_zh="又迟了",
            serious=code == "X1",
        )
        entry.save_by(None, "added")
    named = Violation.objects.get(code="V7")
    named.name_en = "V9"
    named.save_by(None, "renamed")


def test_a_code_goes_before_anothers_name(two_of_a_name: None, shop: Shop) -> None:
    bring("penalties", f"{HEADERS}P1,S1,V9,2026-03-01,,,imposed,,,,\n")
    assert case().violation.code == "V9"


@pytest.mark.parametrize(("alliance", "code"), [("", "X1"), (WECHAT, "X2")])
def test_of_two_of_a_name_the_rows_alliances_is_meant(
    alliance, code, two_of_a_name: None, shop: Shop
) -> None:
    bring("penalties", f"{HEADERS}P1,S1,又迟了,2026-03-01,{alliance},,imposed,,,,\n")
    assert case().violation.code == code


def test_a_name_of_several_is_refused_and_says_of_which(two_of_a_name: None, shop: Shop) -> None:
    batch = bring("penalties", f"{HEADERS}P1,S1,late again,2026-03-01,{DOUYIN},,imposed,,,,\n")
    assert errors(batch) == [(2, "violation", "late again", "ambiguous_violation")]
    assert "X1, X2" in only_error(batch).message


def test_a_contradiction_shows_what_stands_in_files_words(shop: Shop) -> None:
    bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,imposed,,4,12.50,\n")
    batch = bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,imposed,,4,12.51,\n")
    assert "came in as “12.5”" in only_error(batch).message
    batch = bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01 09:31,,,imposed,,4,12.50,\n")
    assert "came in as “2026-03-01 09:30:00”" in only_error(batch).message
    batch = bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01 09:30,{DOUYIN},,imposed,,4,12.50,\n")
    assert "came in as “–”" in only_error(batch).message


def test_a_violation_may_be_named_in_either_language(shop: Shop) -> None:
    content = "处罚编号,店铺编码,违规类型,处罚时间\nP1,S1,大规模损害买家权益,2026-03-01\n"
    bring("penalties", content + "P2,S1,Harming buyers' rights at scale,2026-03-01\n")
    assert {case("P1").violation.code, case("P2").violation.code} == {"V8"}


def test_what_the_deposit_lacks_is_due_as_after_a_penalty_of_the_desks_own(shop: Shop) -> None:
    other = make_shop(code="S2")
    paid_in(shop, 100_00)
    bring(
        "penalties",
        # By their moments, whatever the order of the rows.
        f"{HEADERS}P3,S1,V8,2026-03-03,,,,,,25.00,\nP1,S1,V8,2026-03-01,,,,,,60.00,\n"
        "P2,S1,V8,2026-03-02,,,,,,70.00,\nP4,S2,V8,2026-03-02,,,,,,5.00,\n",
        at=AT,
    )
    taken = {
        entry.measure.penalty.reference: (entry.amount_fen, entry.short_fen)
        for entry in DepositEntry.objects.filter(kind="deduct").select_related("measure__penalty")
    }
    assert taken == {"P1": (-60_00, 0), "P2": (-40_00, 30_00)}
    due = {
        owed.measure.penalty.reference: (owed.amount_fen, owed.cause, owed.due_on, owed.shop)
        for owed in TopUp.objects.select_related("measure__penalty", "shop")
    }
    assert due == {
        "P2": (30_00, "shortage", date(2026, 3, 18), shop),
        "P3": (25_00, "shortage", date(2026, 3, 18), shop),
        "P4": (5_00, "shortage", date(2026, 3, 18), other),
    }
    assert accounts.balance_of(shop) == accounts.balance_of(other) == 0
    # Deferred checks hold as well.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_it_lacks_is_due_after_the_days_of_the_penaltys_alliance_from_the_day_it_came_in(
    shop: Shop,
) -> None:
    wechat = Alliance.objects.get(code=WECHAT)
    wechat.top_up_days = 12
    wechat.save_by(None, "longer")
    bring(
        "penalties",
        f"{HEADERS}P1,S1,V8,2026-03-01,{WECHAT},,,,,60,\nP2,S1,V8,2026-03-01,,,,,,70,\n",
        # In Shanghai the next day has begun.
        at=datetime(2026, 3, 11, 16, tzinfo=UTC),
    )
    due = dict(TopUp.objects.values_list("measure__penalty__reference", "due_on"))
    assert due == {"P1": date(2026, 3, 24), "P2": date(2026, 3, 19)}


def test_overturning_an_imported_penalty_gives_back_to_the_fen_what_it_took(shop: Shop) -> None:
    paid_in(shop, 100_00)
    bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01,,,,,4,130.01,\n")
    penalties.overturn(case(), by=None, at=AT + timedelta(days=1), reason="won on appeal")
    assert accounts.balance_of(shop) == 100_00
    assert points.standing_points(shop, None, AT + timedelta(days=1)) == 0
    assert set(TopUp.objects.values_list("state", flat=True)) == {"cancelled"}


def test_points_count_as_long_as_the_alliance_says_where_they_count(shop: Shop, settings) -> None:
    settings.POINTS_DAYS = 0
    wechat = Alliance.objects.get(code=WECHAT)
    wechat.points_days = 30
    wechat.save()
    # A violation of an alliance gives its points there.
    bring("penalties", f"{HEADERS}P1,S1,WS-V1,2026-03-01,,,,,2,,\nP2,S1,V1,2026-03-01,,,,,3,,\n")
    there, here = (case(reference).measures.get() for reference in ("P1", "P2"))
    assert (there.alliance, there.ends_at) == (wechat, datetime(2026, 3, 31, tzinfo=SHANGHAI))
    assert (here.alliance, here.ends_at) == (None, datetime(2027, 1, 1, tzinfo=SHANGHAI))


@pytest.mark.parametrize("code", ["V8", "WS-V1"])
def test_points_count_where_the_desk_would_give_them(shop: Shop, code: str) -> None:
    violation = Violation.objects.get(code=code)
    where = DOUYIN if violation.alliance is None else ""
    bring("penalties", f"{HEADERS}P1,S1,{code},2026-03-01,{where},,,,4,,\n")
    assert case().measures.get().alliance == violation.alliance
    if violation.alliance is None:
        [given] = [one for one in catalogue.consequences(violation, shop, at=AT) if one.kind == "points"]
        assert given.alliance is None


def test_an_imported_case_counts_for_the_ladder(shop: Shop) -> None:
    bring("penalties", f"{HEADERS}P1,S1,WS-V1,2026-03-01,,,,,,,\nP2,S1,WS-V1,2026-03-02,,,reported,,,,\n")
    assert catalogue.case_number_of(Violation.objects.get(code="WS-V1"), shop, AT) == 2


def test_a_file_in_part_takes_the_good_rows(shop: Shop) -> None:
    content = f"{HEADERS}P1,S1,V8,2026-03-01,,,,,,,\nP2,S9,V8,2026-03-01,,,,,,,\n"
    batch = bring("penalties", content, partial=True)
    assert counts(batch) == (2, 1, 0, 0, 1)
    assert errors(batch) == [(3, "shop", "S9", "unknown_shop")]


def test_finance_does_not_bring_in_penalties(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01,,,,,,,\n", by=make_user("finance"))


def test_a_movement_that_finance_brings_later_follows_what_was_taken(shop: Shop) -> None:
    bring("deposits", "reference,shop,kind,amount,at\nR1,S1,pay_in,50,2026-02-01\n")
    bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01,,,,,,20,\n")
    bring("deposits", "reference,shop,kind,amount,at\nR2,S1,refund,30,2026-03-05\n")
    assert accounts.balance_of(shop) == 0


def test_a_penalty_that_says_no_more_than_when_it_ends_is_over_on_its_date(shop: Shop) -> None:
    ends = datetime(2026, 4, 1, tzinfo=SHANGHAI)
    bring(
        "penalties", f"{HEADERS}P1,S1,V9,2026-03-01,,,,2026-04-01,,,\nP2,S1,V8,2026-03-01,,,,2026-04-01,4,,\n"
    )
    assert penalties.run_timers(ends - timedelta(seconds=1)) == 0
    assert penalties.run_timers(ends) == 2
    assert {(case(reference).status, case(reference).ended_at) for reference in ("P1", "P2")} == {
        ("expired", ends)
    }
    # Its points go on counting as long as the desk's own do.
    assert points.standing_points(shop, None, ends) == 4
    assert penalties.run_timers(ends) == 0


def test_a_part_that_is_taken_back_leaves_the_end_that_the_platform_has_said(shop: Shop) -> None:
    paid_in(shop, 100_00)
    bring("penalties", f"{HEADERS}P1,S1,V8,2026-03-01,,,,2026-04-01,4,10,\n")
    penalties.undo_measures(case(), [case().measures.get(kind="points")], by=None, at=AT, reason="in part")
    assert case().ends_at == datetime(2026, 4, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("kind", "less"), [("deduct", 10_00), ("points", 2)])
def test_the_same_export_comes_again_once_a_measure_was_lessened_and_names_what_was_or_what_is(
    kind: str, less: int, shop: Shop
) -> None:
    paid_in(shop, 100_00)
    export = f"{HEADERS}P1,S1,V8,2026-03-01 09:30,,,imposed,,4,30.05,\n"
    bring("penalties", export)
    measure = case().measures.get(kind=kind)
    lessening.lessen_measures(case(), {measure.pk: less}, by=None, at=AT, reason="too much")
    since = export.replace("30.05", "10") if kind == "deduct" else export.replace(",4,", ",2,")
    before = accounts.balance_of(shop)
    for content in (export, since):
        assert counts(bring("penalties", content)) == (1, 0, 0, 1, 0)
    other = export.replace("30.05", "20") if kind == "deduct" else export.replace(",4,", ",3,")
    assert only_error(bring("penalties", other)).code == "known_case"
    assert accounts.balance_of(shop) == before


@pytest.mark.parametrize("status", [Penalty.Status.REPORTED, Penalty.Status.IMPOSED])
def test_a_status_is_told_in_the_words_of_the_pages(status: str) -> None:
    with translation.override("zh-hans"):
        assert told("penalties", "status", status) == Penalty.Status(status).label
