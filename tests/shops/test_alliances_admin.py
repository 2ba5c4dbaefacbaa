"""An alliance's page: what is its own to set, its brakes and its promotion periods."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from shops.models import Alliance, PromotionPeriod
from tests.clients import client_of
from tests.factories import DOUYIN, make_enrollment


def settings(**change: str) -> dict[str, str]:
    """What the page of Douyin's alliance sends, without any promotion period."""
    return {
        "openings_limit": "3",
        "refile_after_days": "7",
        "category_not_served": "",
        "notice_days": "7",
        "cool_down_days": "0",
        "most_cleared": "0.1",
        "least_measured": "0.8",
        "oldest_days": "",
        "largest_jump": "0.3",
        "deposit_rule": "main",
        "deposit_due": "opening",
        "top_up_days": "7",
        "promotion_periods-TOTAL_FORMS": "0",
        "promotion_periods-INITIAL_FORMS": "0",
        **change,
    }


def a_period(**change: str) -> dict[str, str]:
    values = {
        "id": "",
        "name_en": "618",
        "name_zh": "618",
        "first_day": "2026-06-01",
        "last_day": "2026-06-20",
        "effect": "wait",
        **change,
    }
    return {"promotion_periods-TOTAL_FORMS": "1"} | {
        f"promotion_periods-0-{name}": value for name, value in values.items()
    }


def alliance_page() -> str:
    return reverse("admin:shops_alliance_change", args=[Alliance.objects.get(code=DOUYIN).pk])


@pytest.mark.django_db
def test_a_supervisor_sets_what_is_an_alliances_own_and_history_names_him() -> None:
    data = settings(openings_limit="4", refile_after_days="5", notice_days="14", code="renamed")
    assert client_of("supervisor").post(alliance_page(), data).status_code == 302
    alliance = Alliance.objects.get(code=DOUYIN)
    assert (alliance.openings_limit, alliance.refile_after_days, alliance.notice_days) == (4, 5, 14)
    assert alliance.history.latest().history_user.groups.get().name == "supervisor"


@pytest.mark.django_db
def test_a_brake_is_taken_off_by_leaving_it_empty() -> None:
    client_of("supervisor").post(alliance_page(), settings(most_cleared="", largest_jump=""))
    alliance = Alliance.objects.get(code=DOUYIN)
    assert (alliance.most_cleared, alliance.largest_jump) == (None, None)


@pytest.mark.parametrize("share", ["0", "1.0001", "-0.1", "2"])
@pytest.mark.parametrize("brake", ["most_cleared", "least_measured"])
@pytest.mark.django_db
def test_a_brake_that_is_no_share_is_refused_in_words(brake: str, share: str) -> None:
    page = client_of("supervisor").post(alliance_page(), settings(**{brake: share})).content.decode()
    assert "A share: more than 0, at most 1" in page
    assert getattr(Alliance.objects.get(code=DOUYIN), brake) in (Decimal("0.1"), Decimal("0.8"))


@pytest.mark.django_db
def test_a_supervisor_sets_and_takes_away_promotion_periods_and_history_names_him() -> None:
    client = client_of("supervisor")
    assert client.post(alliance_page(), settings(**a_period())).status_code == 302
    period = PromotionPeriod.objects.get()
    assert (period.name_zh, period.effect, period.alliance.code) == ("618", "wait", DOUYIN)
    away = a_period(id=str(period.pk), DELETE="on") | {"promotion_periods-INITIAL_FORMS": "1"}
    client.post(alliance_page(), settings(**away))
    assert not PromotionPeriod.objects.exists()
    told = PromotionPeriod.history.values_list("history_type", "history_user__groups__name")
    assert list(told) == [("-", "supervisor"), ("+", "supervisor")]


@pytest.mark.django_db
def test_a_promotion_period_does_not_end_before_it_begins() -> None:
    wrong = settings(**a_period(last_day="2026-05-31"))
    page = client_of("supervisor").post(alliance_page(), wrong).content.decode()
    assert "The last day lies before the first." in page
    assert not PromotionPeriod.objects.exists()


@pytest.mark.django_db
def test_an_operator_sees_the_promotion_periods() -> None:
    client_of("supervisor").post(alliance_page(), settings(**a_period()))
    page = client_of().get(alliance_page()).content.decode()
    assert "618" in page and "promotion_periods-0-name" not in page


@pytest.mark.django_db
def test_a_limit_below_what_a_shop_has_used_is_refused() -> None:
    make_enrollment(openings=3)
    page = client_of("supervisor").post(alliance_page(), settings(openings_limit="2")).content.decode()
    assert "A shop has already used 3 openings." in page


@pytest.mark.django_db
def test_an_operator_only_reads_an_alliance() -> None:
    assert client_of().post(alliance_page(), {"refile_after_days": "1"}).status_code == 403
