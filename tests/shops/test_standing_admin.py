"""A shop's page says what is barred and until when, and of what is stayed that it bars nothing meanwhile."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from shops import enrollments, stays
from shops.admin.standing import standing_of
from shops.calendar import midnight
from shops.models import Alliance, DepositRequirement, Measure, Opening, Shop
from tests.clients import client_of
from tests.factories import AT, DAY, DOUYIN, WECHAT, make_enrollment, make_imposed, make_shop
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db


def page_of(shop: Shop, language: str = "en") -> str:
    page = client_of("operator", language).get(reverse("admin:shops_shop_change", args=[shop.pk]))
    standing = page.content.decode().split('id="standing"')[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", standing).split())


@pytest.mark.parametrize(("after", "barred"), [(14, True), (15, False)])
def test_who_was_cleared_lately_reads_until_when_it_is_out(after: int, barred: bool) -> None:
    alliance = Alliance.objects.get(code=DOUYIN)
    alliance.cool_down_days = 15
    alliance.save_by(None, "as people have it")
    enrollment = make_enrollment()
    enrollments.clear(enrollment, cause=Opening.Cause.METRIC, by=None, at=AT)
    told = standing_of(enrollment.shop, midnight(AT.date() + timedelta(days=after)))["bars"]
    until = midnight(AT.date() + timedelta(days=15))
    told_of_it = [("Douyin Featured Alliance, as it was cleared lately (R5)", until)]
    assert told == (told_of_it if barred else [])


@pytest.mark.parametrize(
    ("cause", "closed_on", "until"),
    [("voluntary", DAY, midnight(date(2026, 9, 10))), ("voluntary", None, None), ("", DAY, None)],
)
def test_who_is_closed_on_its_platform_reads_from_when_on_it_may_return(cause: str, closed_on, until) -> None:
    shop = make_shop(status="closed", closed_cause=cause, closed_on=closed_on)
    rules = "CL-2" if cause else "DF-A2, WS-A1"
    assert standing_of(shop, AT)["bars"] == [
        (f"every alliance, as it is closed on its platform ({rules})", until)
    ]


def test_of_a_stayed_penalty_the_page_says_so_and_of_each_measure_that_it_stays() -> None:
    shop = make_shop()
    suspension = Measure(kind="suspend", ends_at=timezone.now() + timedelta(days=9))
    penalty = make_imposed(shop, suspension, Measure(kind="points", points=4), at=timezone.now())
    assert "The shop is suspended until" in page_of(shop)
    stays.stay(penalty, by=None, at=timezone.now(), reason="an appeal runs")
    page = page_of(shop)
    assert "stayed since" in page and "bars, suspends, closes and restricts nothing" in page
    assert re.search("suspended until [^·]+ · stayed 4 points on the platform", page)
    assert "暂缓" in page_of(shop, "zh-hans")


def test_of_the_platforms_own_penalties_the_page_says_whose_they_are_and_until_when_points_count() -> None:
    shop = make_shop(code="S1")
    bring(
        "penalties",
        "reference,shop,violation,imposed_at,points\nP1,S1,WS-V5,2026-03-01,\nP2,S1,V8,2026-03-02,4\n",
    )
    (_v8, points, until), (_ws, lines, no_end) = standing_of(shop, AT)["penalties"]
    assert (len(points), until, no_end) == (2, midnight(date(2027, 3, 2)), None)
    assert lines == points[1:] == ["Imposed by the platform: what else it does there the desk is not told."]
    assert "本台未获告知" in page_of(shop, "zh-hans")


def test_what_falls_due_with_a_withdrawal_is_told_before_it_is_due() -> None:
    DepositRequirement.objects.create(category="beauty", base_fen=200_000)
    shop = make_shop(category="beauty")
    make_enrollment(shop, WECHAT)
    assert "¥2,000.00 required once proceeds are withdrawn (DP-4)" in page_of(shop)
    assert "提现时应缴 ¥2,000.00（DP-4）" in page_of(shop, "zh-hans")
    make_enrollment(shop, DOUYIN)
    assert "of ¥2,000.00 required short by ¥2,000.00" in page_of(shop)
    assert "DP-4" not in page_of(shop)
