"""What a notice promises of the next opening, and what it names that keeps the shop out for longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from opsdesk import appeals, notices, penalising
from opsdesk.deadlines import said
from opsdesk.known import known_of
from opsdesk.models import Appeal
from opsdesk.wording import text_of
from shops import penalties
from shops.bars import barred_for_now
from shops.models import Alliance, Enrollment, Measure, Penalty, Shop, Violation
from tests.factories import (
    AT,
    DOUYIN,
    WECHAT,
    make_appeal,
    make_cleared,
    make_controller,
    make_enrollment,
    make_imposed,
    make_listing,
    make_penalty,
    make_shop,
    make_user,
)
from tests.opsdesk.test_notices import told
from tests.opsdesk.test_wording import put_out

pytestmark = pytest.mark.django_db

Kind = Measure.Kind
UNTIL = AT + timedelta(days=7)
PROMISE = "it may apply for its next opening"


def back(penalty: Penalty, language: str = "en") -> str:
    """What it says of a way back."""
    return told(penalty, language)["What would undo it" if language == "en" else "如何解除"]


def suspension(**values: Any) -> Measure:
    return Measure(**{"kind": Kind.SUSPEND, "ends_at": UNTIL, **values})


def test_where_nothing_else_keeps_it_out_the_next_opening_is_promised_and_no_more_said() -> None:
    enrollment = make_enrollment()
    # Another shop's cases, and what keeps nobody out.
    make_penalty(violation_code="V10")
    make_imposed(enrollment.shop, Measure(kind=Kind.WARNING))
    text = back(make_cleared(enrollment))
    assert text.startswith(f"Once the shop meets the rules of admission again, {PROMISE}.\nIf an appeal")


def test_a_serious_case_leaves_no_promise_of_an_opening() -> None:
    enrollment = make_enrollment()
    case = make_imposed(enrollment.shop, Measure(kind=Kind.WARNING), code="V10")
    penalty = make_cleared(enrollment)
    text = back(penalty)
    assert text.startswith(f"Case {case} keeps the shop out of every alliance for ever")
    assert "next opening" not in text and "goes on" not in text
    assert "all that this decision did is taken back" in text
    chinese = back(penalty, "zh")
    assert str(case) in chinese and "Case" not in chinese and "下一次开通" not in chinese


def test_nor_does_a_shop_that_was_closed_for_good() -> None:
    shop = make_shop()
    case = make_imposed(shop, Measure(kind=Kind.CLOSE), ground="judgement")
    # As a file has it, which knows nothing of that.
    enrollment = make_enrollment(shop)
    assert f"Case {case} keeps the shop out of every alliance for ever" in back(make_cleared(enrollment))


def test_nor_does_one_that_its_platform_has_closed_for_a_violation() -> None:
    enrollment = make_enrollment()
    shop = enrollment.shop
    shop.status, shop.closed_cause = Shop.Status.CLOSED, Shop.ClosedCause.VIOLATION
    shop.save()
    text = back(make_cleared(enrollment))
    assert "closed the shop for a violation: no alliance takes it back (DF-A13)" in text
    assert "next opening" not in text


def test_one_that_was_overturned_keeps_nobody_out() -> None:
    enrollment = make_enrollment()
    case = make_imposed(enrollment.shop, Measure(kind=Kind.WARNING), code="V10")
    penalties.overturn(case, by=None, at=AT, reason="granted")
    assert PROMISE in back(make_cleared(enrollment))


def test_a_case_of_the_controller_leaves_no_promise_either() -> None:
    controller = make_controller()
    enrollment = make_enrollment(make_shop(controller=controller))
    case = make_imposed(make_shop(controller=controller), Measure(kind=Kind.WARNING), code="V11")
    make_imposed(make_shop(controller=make_controller()), Measure(kind=Kind.WARNING), code="V11")
    text = back(make_cleared(enrollment))
    assert text.startswith(f"Case {case} of shop {case.shop.code} keeps every shop of this controller from")
    assert "(R6)" in text and "next opening" not in text
    assert "If an appeal is granted, the opening that was closed goes on" in text
    assert len([line for line in text.split("\n") if line.startswith("Case")]) == 1


def test_a_suspension_is_named_with_its_end() -> None:
    enrollment = make_enrollment()
    case = make_imposed(enrollment.shop, suspension(), code="V9")
    text = back(make_cleared(enrollment))
    assert PROMISE in text
    assert f"Even then not before {said(UNTIL)}: case {case} has the shop suspended until then" in text


@pytest.mark.parametrize(("at", "named"), [(UNTIL - timedelta(seconds=1), True), (UNTIL, False)])
def test_a_suspension_is_named_to_its_last_second(at: Any, named: bool) -> None:
    enrollment = make_enrollment()
    case = make_imposed(enrollment.shop, suspension(), code="V9")
    assert (str(case) in back(make_cleared(enrollment, at=at))) == named


def test_a_judgement_that_stands_is_named_while_it_stands_and_only_where_it_bars() -> None:
    enrollment = make_enrollment()
    judged = make_penalty(enrollment.shop, alliance=enrollment.alliance)
    elsewhere = make_penalty(enrollment.shop, alliance=Alliance.objects.get(code=WECHAT))
    text = back(make_cleared(enrollment))
    assert f"Even then not while case {judged} stands, which keeps the shop out of Douyin Featured" in text
    assert str(elsewhere) not in text


def test_a_violation_that_put_it_out_before_is_named_until_what_it_suspended_ends() -> None:
    enrollment = make_enrollment()
    case = make_imposed(
        enrollment.shop, Measure(kind=Kind.CLEAR, alliance=enrollment.alliance), suspension(), code="V9"
    )
    # As a file has it, which knows nothing of that.
    Enrollment.objects.filter(pk=enrollment.pk).update(state="open", openings_used=2)
    enrollment.openings.create(number=2, opened_on=AT.date())
    text = back(make_cleared(Enrollment.objects.get(pk=enrollment.pk)))
    assert f"not before {said(UNTIL)}: case {case} keeps the shop out of Douyin Featured Alliance" in text


def test_its_own_bar_is_told_once() -> None:
    enrollment = make_enrollment()
    penalty = imposed(enrollment.shop, suspension(), Measure(kind=Kind.CLEAR, alliance=enrollment.alliance))
    assert back(penalty).startswith(f"From {said(UNTIL)} on the shop may apply for its next opening.\nEach")
    assert "Even then" not in back(penalty)


def test_the_bar_of_a_violation_ends_with_what_it_suspends_and_not_with_its_points() -> None:
    enrollment = make_enrollment()
    points = Measure(kind=Kind.POINTS, points=4)
    clearance = Measure(kind=Kind.CLEAR, alliance=enrollment.alliance)
    penalty = imposed(enrollment.shop, suspension(), points, clearance)
    assert penalty.ends_at is not None and penalty.ends_at > UNTIL
    text, chinese = back(penalty), back(penalty, "zh")
    assert text.startswith(f"From {said(UNTIL)} on the shop may apply for its next opening.")
    assert said(penalty.ends_at) not in text
    with override("zh-hans"):
        assert chinese.startswith(f"自 {said(UNTIL)} 起")
    assert deny_admission(enrollment, UNTIL - timedelta(seconds=1))
    assert not deny_admission(enrollment, UNTIL)


def deny_admission(enrollment: Enrollment, at: datetime) -> bool:
    """Whether a penalty keeps the shop out once the timer has run at that moment."""
    penalties.run_timers(at)
    return barred_for_now(enrollment.alliance).filter(pk=enrollment.shop_id).exists()


def test_a_violation_without_an_end_bars_until_it_is_lifted() -> None:
    enrollment = make_enrollment()
    penalty = imposed(enrollment.shop, Measure(kind=Kind.CLEAR, alliance=enrollment.alliance))
    assert back(penalty).startswith(f"Once this penalty is lifted, the shop may apply for {PROMISE[17:]}")
    assert back(penalty, "zh").startswith("本处罚解除后")


def test_a_shop_that_its_controller_bars_is_told_that_a_granted_appeal_has_it_go_on() -> None:
    controller = make_controller()
    enrollment = make_enrollment(make_shop(controller=controller))
    case = make_imposed(make_shop(controller=controller), Measure(kind=Kind.WARNING), code="V11")
    penalty = put_out("R6-C1", "controller_barred")
    assert back(penalty).startswith(f"Nothing but a granted appeal, or that case {case} of shop")
    assert "the opening that was closed goes on" in back(penalty)
    assert "恢复" in back(penalty, "zh") and "R6" in back(penalty, "zh")
    grant(make_appeal(penalty))
    enrollment.refresh_from_db()
    assert enrollment.state == "open"


def grant(appeal: Appeal) -> None:
    judge, later = make_user("appeals_officer"), AT + timedelta(days=2)
    appeals.take(appeal.pk, by=judge, at=later)
    appeals.grant(appeal.pk, reason="right", by=judge, at=later)


def stopped(ground: str, **values: Any) -> Penalty:
    """A product's stop on that ground, with its notice."""
    listing = make_listing()
    penalty = make_imposed(
        listing.product.shop,
        Measure(kind=Kind.STOP),
        *values.pop("measures", ()),
        product=listing.product,
        alliance=listing.alliance,
        ground=ground,
        **values,
    )
    notices.write(penalty, by=None, at=AT)
    return penalty


@pytest.mark.parametrize("ground", ["judgement", "qualification", "violation"])
def test_a_product_that_was_stopped_comes_back_once_the_decision_is_lifted(ground: str) -> None:
    penalty = stopped(ground, code="WS-V5")
    assert back(penalty).startswith("Once this decision is lifted, the desk may have the product promoted")
    assert back(penalty, "zh").startswith("本决定解除后")


def test_a_products_stop_says_nothing_of_openings_which_it_leaves() -> None:
    penalty = stopped("judgement")
    assert penalty.alliance is not None
    make_enrollment(penalty.shop, penalty.alliance.code)
    text = dict(text_of(penalty, known_of([penalty], AT), "en"))
    assert "Openings left" not in text and "What would undo it" in text


def test_a_product_that_was_stopped_with_something_that_ends_comes_back_from_then_on() -> None:
    penalty = stopped("violation", code="V9", measures=[suspension()])
    assert back(penalty).startswith(f"From {said(UNTIL)} on the desk may have the product promoted again.")


@pytest.mark.parametrize(("openings", "promised"), [(2, True), (3, False)])
def test_whoever_has_used_all_openings_is_promised_none(openings: int, promised: bool) -> None:
    penalty = make_cleared(make_enrollment(openings=openings))
    assert (PROMISE in back(penalty)) == promised
    assert ("used all its openings" in back(penalty)) != promised


@pytest.mark.parametrize("days", [0, 15])
def test_days_out_are_counted_to_the_day(days: int) -> None:
    enrollment = make_enrollment()
    Alliance.objects.filter(code=DOUYIN).update(cool_down_days=days)
    text = back(make_cleared(Enrollment.objects.get(pk=enrollment.pk)))
    assert ("not before 26 Mar 2026: Douyin Featured Alliance takes back after 15 days" in text) == bool(days)


def imposed(shop: Shop, *measures: Measure, code: str = "V9") -> Penalty:
    """By the whole platform, with its notice."""
    return penalising.impose(
        shop=shop,
        violation=Violation.objects.get(code=code),
        measures=list(measures),
        reason="found",
        by=None,
        at=AT,
        key=f"{shop.pk}",
    )


def in_both(**openings: int) -> Shop:
    shop = make_shop()
    make_enrollment(shop, DOUYIN, openings=openings.get("douyin", 1))
    make_enrollment(shop, WECHAT)
    return shop


def clearing(code: str) -> Measure:
    return Measure(kind=Kind.CLEAR, alliance=Alliance.objects.get(code=code))


def test_what_the_platform_clears_names_each_alliance_with_the_openings_left_there() -> None:
    penalty = imposed(in_both(douyin=2), clearing(DOUYIN), clearing(WECHAT))
    text = told(penalty)
    assert text["Where it holds"] == "on the whole platform"
    assert (
        "products in Douyin Featured Alliance, WeChat Select Alliance no longer"
        in text["Live links and open orders"]
    )
    assert text["Openings left"] == (
        "Douyin Featured Alliance: 1 of 3\nWeChat Select Alliance: The alliance sets no limit."
    )
    assert "the openings that were closed go on" in back(penalty)
    chinese = told(penalty, "zh")
    assert "抖音精选联盟、视频号优选联盟" in chinese["推广链接与未完成订单"]
    assert "抖音精选联盟：" in chinese["剩余开通次数"]


def test_and_only_those_that_it_closed() -> None:
    text = told(imposed(in_both(), clearing(WECHAT)))
    assert "products in WeChat Select Alliance no longer" in text["Live links and open orders"]
    assert text["Openings left"] == "WeChat Select Alliance: The alliance sets no limit."


@pytest.mark.parametrize("code", ["V2", "V4", "V10"])
def test_so_does_what_removes_the_shop_from_the_platform(code: str) -> None:
    penalty = make_imposed(in_both(), Measure(kind=Kind.CLOSE), clearing(DOUYIN), clearing(WECHAT), code=code)
    notices.write(penalty, by=None, at=AT)
    assert told(penalty)["Openings left"].startswith("Douyin Featured Alliance: 2 of 3\nWeChat Select")
    assert "this alliance" not in str(told(penalty))


def test_so_does_an_alliances_penalty_that_closes_others_with_it() -> None:
    douyin = Alliance.objects.get(code=DOUYIN)
    penalty = make_imposed(in_both(), Measure(kind=Kind.CLOSE), alliance=douyin, ground="judgement")
    notices.write(penalty, by=None, at=AT)
    assert told(penalty)["Openings left"].startswith("Douyin Featured Alliance: 2 of 3\nWeChat Select")


def test_an_alliances_own_clearance_says_how_many_are_left_in_it() -> None:
    assert told(make_cleared())["Openings left"] == "2 of 3"


def test_of_many_it_is_asked_as_often_as_of_one() -> None:
    controller = make_controller()
    cleared = [make_cleared(make_enrollment(make_shop(controller=controller))) for _ in range(5)]
    asked = []
    for some in (cleared[:1], cleared):
        with CaptureQueriesContext(connection) as queries:
            known = known_of(some, AT)
            for penalty in some:
                text_of(penalty, known, "en")
        asked.append(len(queries))
    assert asked[0] == asked[1]
