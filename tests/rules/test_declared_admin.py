"""The pages on which metrics are declared, and where declared ones are shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from rules import declaring
from rules.admin.dictionary import entries
from shops.changes import latest_change
from shops.models import DeclaredMetric
from tests.clients import client_of
from tests.factories import AT, DAY, make_declared, make_enrollment, make_metrics, make_shop
from tests.rules.test_declared_rules import in_force
from tests.shops.importing import bring

pytestmark = pytest.mark.django_db

SAID = {
    "key": "care_score",
    "name_en": "care of buyers",
    "name_zh": "买家关怀分",
    "unit_en": "points",
    "unit_zh": "分",
    "type": "score",
    "minimum": "",
    "maximum": "100",
    "knows_none_yet": "on",
    "window_days": "30",
    "source": "platform v2",
}


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_a_rules_editor_declares_a_metric_from_the_dictionary() -> None:
    client = client_of("rules_editor")
    dictionary = text_of(client.get(reverse("admin:metrics")))
    assert "No metric is declared yet" in dictionary
    address = reverse("admin:shops_declaredmetric_add")
    assert f'href="{address}"' in dictionary
    answer = client.post(address, SAID)
    metric = DeclaredMetric.objects.get()
    assert answer["Location"] == reverse("admin:shops_declaredmetric_change", args=[metric.pk])
    assert (metric.key, metric.minimum, metric.maximum, metric.window_days) == ("care_score", 0, 100, 30)
    shown = text_of(client.get(answer["Location"]))
    assert "Define anew" in shown and "Retire" in shown
    assert "0–100" in shown and "platform v2" in shown


def test_what_is_wrong_is_told_beside_its_field() -> None:
    client = client_of("rules_editor")
    answer = client.post(
        reverse("admin:shops_declaredmetric_add"), SAID | {"key": "shop_score", "name_zh": "体验分"}
    )
    errors = answer.context["form"].errors
    assert errors == {
        "key": ["There is a metric “shop_score” already."],
        "name_zh": ["Files call another column “体验分” already."],
    }
    assert not DeclaredMetric.objects.exists()


def test_the_page_speaks_chinese() -> None:
    client = client_of("rules_editor", "zh-hans")
    page = text_of(client.get(reverse("admin:shops_declaredmetric_add")))
    assert "登记自定义指标" in page and "统计天数" in page
    answer = client.post(reverse("admin:shops_declaredmetric_add"), SAID | {"key": "Care"})
    assert "须为小写字母和数字" in text_of(answer)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_dictionary_shows_it_with_everything_it_shows_of_others(language: str) -> None:
    client = client_of("rules_editor", language)
    client.post(reverse("admin:shops_declaredmetric_add"), SAID)
    rule = in_force("care_score", "<", "60")
    shown = text_of(client.get(reverse("admin:metrics")))
    metric = DeclaredMetric.objects.get()
    assert "care of buyers" in shown and "买家关怀分" in shown and "care_score" in shown
    assert "0–100" in shown and "[D−29, D]" in shown and "platform v2" in shown
    assert f'href="{reverse("admin:shops_declaredmetric_change", args=[metric.pk])}"' in shown
    [entry] = [each for each in entries(DAY)["shop"] if each.metric.key == "care_score"]
    assert entry.rules == [rule]
    assert ("分" if language == "zh-hans" else "points") in shown


@pytest.mark.parametrize("role", ["operator", "supervisor"])
def test_who_may_not_declare_is_not_led_there(role: str) -> None:
    metric = make_declared()
    client = client_of(role)
    assert reverse("admin:shops_declaredmetric_add") not in text_of(client.get(reverse("admin:metrics")))
    page = text_of(client.get(reverse("admin:shops_declaredmetric_change", args=[metric.pk])))
    assert "Define anew" not in page and "care score" in page


def test_it_is_defined_anew_while_nothing_rests_on_it() -> None:
    metric = make_declared()
    address = reverse("admin:shops_declaredmetric_define", args=[metric.pk])
    client = client_of("rules_editor")
    page = client.get(address)
    assert page.context["form"].initial["maximum"] == "5"
    answer = client.post(address, SAID | {"seen": latest_change(metric)})
    assert answer.status_code == 302
    metric.refresh_from_db()
    assert (metric.maximum, metric.name_en) == (100, "care of buyers")
    again = client.post(address, SAID | {"seen": page.context["form"].initial["seen"]})
    assert "Look at it again" in text_of(again)


def test_once_figures_came_in_only_its_units_and_source_can_be_changed_there() -> None:
    metric = make_declared()
    make_shop(code="S1")
    bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    address = reverse("admin:shops_declaredmetric_define", args=[metric.pk])
    client = client_of("rules_editor")
    assert "Figures came in under it" in text_of(client.get(address))
    answer = client.post(address, SAID | {"seen": latest_change(metric)})
    assert answer.status_code == 302
    metric.refresh_from_db()
    assert (metric.name_en, metric.maximum, metric.window_days) == ("care score", 5, None)
    assert (metric.unit_en, metric.source) == ("points", "platform v2")


def test_it_is_retired_with_a_day_and_a_reason() -> None:
    metric = make_declared()
    client = client_of("rules_editor")
    address = reverse("admin:shops_declaredmetric_retire", args=[metric.pk])
    assert client.post(address, {"day": "2099-01-01", "reason": ""}).context["form"].errors
    answer = client.post(address, {"day": "2099-01-01", "reason": "replaced"}, follow=True)
    assert "retired from 1 Jan 2099 on" in text_of(answer)
    assert address not in text_of(answer)
    assert "retired from" in text_of(client.get(reverse("admin:metrics")))


def test_what_is_still_spoken_of_is_told_on_the_page() -> None:
    metric = make_declared()
    in_force("care_score", "<", "3")
    client = client_of("rules_editor")
    answer = client.post(
        reverse("admin:shops_declaredmetric_retire", args=[metric.pk]),
        {"day": "2099-01-01", "reason": "replaced"},
    )
    assert "publish versions without it first" in text_of(answer)


def test_a_shops_page_shows_its_figures_and_their_corrections() -> None:
    make_declared(name_zh="关怀分")
    today = timezone.localdate()
    shop = make_enrollment(make_shop(code="S1")).shop
    for score in ("none", "4.5"):
        bring("metrics", f"shop,day,care_score\nS1,{today},{score}\n", at=timezone.now())
    shown = text_of(client_of("operator").get(reverse("admin:shops_shop_change", args=[shop.pk])))
    assert ">care score</th>" in shown
    assert "care score: no score yet → 4.5" in shown


def test_an_import_that_meets_a_retired_column_offers_to_read_it_over() -> None:
    metric = make_declared()
    declaring.retire(metric, day=DAY, reason="gone", by=None, at=AT - timedelta(days=9))
    make_shop(code="S1")
    batch = bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    page = text_of(client_of("operator").get(reverse("admin:shops_importbatch_change", args=[batch.pk])))
    assert "is retired: of" in page
    assert reverse("admin:shops_importbatch_columns", args=[batch.pk]) in page


def test_its_history_tells_who_did_what() -> None:
    metric = make_declared()
    make_metrics(make_shop(), extra={"care_score": "4.00"})
    page = text_of(client_of("auditor").get(reverse("admin:shops_declaredmetric_history", args=[metric.pk])))
    assert "declared" in page
