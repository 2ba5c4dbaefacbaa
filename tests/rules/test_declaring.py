"""Metrics are declared, defined anew and retired by people; what is wrong is told in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override

from rules import declaring, publishing, validity
from rules.declaring import Declaration
from rules.dictionaries import METRICS
from rules.models import Alternative, Rule, RuleSet
from shops.changes import latest_change
from shops.errors import Invalid, NotAllowed, Refused
from shops.imports.tables import table_of
from shops.models import Alliance, DeclaredMetric
from tests.factories import AT, DAY, DOUYIN, make_published, make_shop, make_user
from tests.shops.importing import bring
from tests.shops.standing import standing

pytestmark = pytest.mark.django_db

CARE = Declaration("care_score", "care of buyers", "买家关怀分", "score", knows_none_yet=True)


def declare(said: Declaration = CARE, **values: Any) -> DeclaredMetric:
    return declaring.declare(replace(said, **values), by=None, at=AT)


def problems(**values: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        declare(**values)
    return refusal.value.errors


def published(key: str, *, as_: str = "metric", first: date = DAY) -> RuleSet:
    """A published set of warning whose only rule speaks of it."""
    rule_set = RuleSet.objects.create(
        alliance=Alliance.objects.get(code=DOUYIN), purpose="warning", version=1, in_force_from=first
    )
    metric = key if as_ == "metric" else "shop_score"
    sample = {"sample_metric": key, "sample_minimum": 1} if as_ == "sample" else {}
    rule = Rule.objects.create(
        rule_set=rule_set, position=1, code="R-1", metric=metric, operator="<", value="3", **sample
    )
    if as_ == "alternative":
        Alternative.objects.create(rule=rule, position=1, metric=key, operator="<", value="3")
    make_published(rule_set)
    return rule_set


# Declared.


def test_what_is_declared_is_known_at_once_to_rules_and_to_files() -> None:
    editor = make_user("rules_editor")
    metric = declaring.declare(CARE, by=editor, at=AT)
    assert (metric.declared_by, metric.declared_at) == (editor, AT)
    assert (metric.minimum, metric.maximum) == (0, 5)
    newest = metric.history.latest("history_id")
    assert (newest.history_user, newest.history_change_reason) == (editor, "declared")
    assert METRICS["care_score"].none_yet
    column = table_of("metrics").find("买家关怀分")
    assert column is not None and column.name == "care_score"
    with override("zh-hans"):
        assert str(METRICS["care_score"].name) == "买家关怀分"
    with override("en"):
        assert str(METRICS["care_score"].name) == "care of buyers"


@pytest.mark.parametrize("role", ["operator", "supervisor", "auditor"])
def test_only_rules_editors_declare(role: str) -> None:
    with pytest.raises(NotAllowed):
        declaring.declare(CARE, by=make_user(role), at=AT)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("score", "0", "5"),
        ("rate", "0", "1"),
        ("amount", "0", "99999999999999.99"),
        ("count", "0", "2147483647"),
    ],
)
def test_bounds_that_nobody_states_are_the_types_own(kind: str, least: str, most: str) -> None:
    metric = declare(type=kind, knows_none_yet=False)
    assert (metric.minimum, metric.maximum) == (Decimal(least), Decimal(most))


@pytest.mark.parametrize(
    "key", ["", "Care", "care score", "1_care", "care__score", "_care", "care_", "关怀", "a-b", "a;drop"]
)
def test_a_key_is_made_of_small_letters_digits_and_underscores(key: str) -> None:
    assert "Small letters and digits" in problems(key=key)["key"]


@pytest.mark.parametrize(
    "key",
    ["shop_score", "openings_left", "brand_papers_ok", "circumvention_penalties_365d"],
)
def test_a_key_is_unlike_every_metric_there_is(key: str) -> None:
    assert problems(key=key)["key"] == f"There is a metric “{key}” already."


@pytest.mark.parametrize(
    "key", ["quality_refund_rate", "product_price", "product_status", "settled_orders", "sales_amount"]
)
def test_a_key_is_unlike_every_metric_of_products(key: str) -> None:
    assert problems(key=key)["key"] == f"Rules on products call a metric of theirs “{key}” already."


@pytest.mark.parametrize("key", ["day", "shop", "shop_code", "reasons"])
def test_a_key_is_unlike_every_header_of_the_file(key: str) -> None:
    assert problems(key=key)["key"] == f"Files call another column “{key}” already."


@pytest.mark.parametrize("name", ["体验分", "近30天成交金额（元）", "SHOP_SCORE", "错误原因", "运费险"])
def test_a_name_is_unlike_every_header_of_the_file(name: str) -> None:
    told = problems(name_zh=name)
    assert told == {"name_zh": f"Files call another column “{name}” already."}


def test_two_declared_metrics_have_no_name_in_common() -> None:
    declare()
    assert "already" in problems()["key"]
    other = problems(key="other", name_en="Care_Score", name_zh="买家关怀分")
    assert other.keys() == {"name_en", "name_zh"}


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name_en": "  "}, "name_en", "State the name."),
        ({"name_zh": ""}, "name_zh", "State the name."),
        ({"name_en": "x" * 61}, "name_en", "At most 60 characters fit here."),
        ({"type": "colour"}, "type", "Say what kind of figure it is."),
        ({"minimum": Decimal(6)}, "maximum", "The maximum lies below the minimum."),
        ({"maximum": Decimal("5.001")}, "maximum", "Of this type at most 2 decimals are kept."),
        ({"maximum": Decimal(10) ** 15}, "maximum", "Of this type figures lie from"),
        (
            {"minimum": -(Decimal(10) ** 13) * 9, "maximum": Decimal(10) ** 13 * 9},
            "maximum",
            "The bounds lie too far apart",
        ),
        ({"type": "rate", "knows_none_yet": False, "maximum": Decimal(100)}, "maximum", "from 0 to 1."),
        ({"type": "count", "knows_none_yet": False, "minimum": Decimal(-1)}, "minimum", "from 0 to"),
        ({"type": "count", "knows_none_yet": False, "maximum": Decimal("1.5")}, "maximum", "0 decimals"),
        ({"type": "flag", "knows_none_yet": False, "minimum": Decimal(0)}, "minimum", "has no bounds"),
        ({"type": "amount"}, "knows_none_yet", "Only of a score"),
        ({"window_days": 0}, "window_days", "from 1 to 3660 days"),
    ],
)
def test_what_makes_no_sense_is_told_in_words(values: dict[str, Any], field: str, message: str) -> None:
    told = problems(**values)
    assert list(told) == [field]
    assert message in told[field]


# Defined anew.


def define(metric: DeclaredMetric, **values: Any) -> None:
    declaring.define_anew(metric, replace(CARE, **values), seen=latest_change(metric), by=None)


def test_while_nothing_rests_on_it_all_of_it_may_change() -> None:
    metric = declare()
    define(metric, key="care", type="amount", knows_none_yet=False, maximum=Decimal(9), window_days=7)
    assert "care_score" not in METRICS
    assert METRICS["care"].maximum == Decimal(9)
    assert METRICS["care"].window_days == 7


def test_an_unchanged_one_is_no_clash_with_itself() -> None:
    metric = declare()
    define(metric, unit_en="points", source="v2")
    assert (metric.unit_en, metric.source) == ("points", "v2")


def test_who_has_not_seen_the_newest_version_is_told() -> None:
    metric = declare()
    seen = latest_change(metric)
    define(metric, source="v2")
    with pytest.raises(Refused, match="Look at it again"):
        declaring.define_anew(metric, CARE, seen=seen, by=None)


@pytest.mark.parametrize("as_", ["metric", "alternative", "sample"])
def test_what_a_published_set_speaks_of_never_changes(as_: str) -> None:
    metric = declare(type="count", knows_none_yet=False)
    published("care_score", as_=as_)
    with pytest.raises(Invalid) as refusal:
        define(metric, type="count", knows_none_yet=False, maximum=Decimal(3))
    assert refusal.value.errors == {
        "maximum": "A published rule set speaks of it: another definition is another key."
    }
    with pytest.raises(IntegrityError, match="a published rule set speaks of it"), transaction.atomic():
        DeclaredMetric.objects.filter(pk=metric.pk).update(maximum=3)
    # Its source may.
    define(metric, type="count", knows_none_yet=False, source="v2")
    assert metric.source == "v2"


def test_what_a_published_set_speaks_of_keeps_its_names_for_files_bring_it_by_them() -> None:
    metric = declare()
    published("care_score")
    fixed = "A published rule set speaks of it: another definition is another key."
    for name in ("name_en", "name_zh"):
        with pytest.raises(Invalid) as refusal:
            define(metric, **{name: "另一个"})
        assert refusal.value.errors == {name: fixed}
        with pytest.raises(IntegrityError, match="a published rule set speaks of it"), transaction.atomic():
            DeclaredMetric.objects.filter(pk=metric.pk).update(**{name: "另一个"})


def test_two_metrics_never_swap_their_names() -> None:
    metric, other = declare(), declare(key="other", name_en="other", name_zh="另一个")
    define(metric, name_en="for now", name_zh="暂时")
    with pytest.raises(Invalid) as refusal:
        define(other, key="other", name_en="care of buyers", name_zh="买家关怀分")
    assert refusal.value.errors.keys() == {"name_en", "name_zh"}
    # Its own it may have again.
    define(metric)
    assert metric.name_zh == "买家关怀分"


def test_what_figures_came_in_under_never_changes() -> None:
    metric = declare()
    make_shop(code="S1")
    bring("metrics", f"shop,day,care_score\nS1,{DAY},4.1\n")
    for values in ({"maximum": Decimal(10)}, {"name_zh": "另一个"}):
        with pytest.raises(Invalid, match="Figures came in under it"):
            define(metric, **values)
        with pytest.raises(IntegrityError, match="figures were imported under it"), transaction.atomic():
            DeclaredMetric.objects.filter(pk=metric.pk).update(**values)
    assert standing("metrics") == {f"S1 {DAY}": {"care_score": "4.1"}}


def test_it_is_never_deleted() -> None:
    metric = declare()
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('shops_declaredmetric', 'DELETE')")
        assert cursor.fetchone() == (False,)
    assert DeclaredMetric.objects.filter(pk=metric.pk).exists()


# Retired.


def retire(metric: DeclaredMetric, day: date = DAY + timedelta(days=7), reason: str = "gone") -> None:
    declaring.retire(metric, day=day, reason=reason, by=None, at=AT)


def test_a_retired_one_is_refused_in_new_drafts_and_still_read_by_old_rules() -> None:
    metric = declare()
    rule_set = RuleSet(alliance=Alliance.objects.get(code=DOUYIN), purpose="admission", version=9)
    rule = Rule(
        rule_set=rule_set, position=1, code="R-1", sentence_en="a", sentence_zh="一", source="test",
        metric="care_score", operator="≥", value="4",
    )  # fmt: skip
    assert validity.check_rule(rule, [], rule_set) == {}
    retire(metric)
    told = validity.check_rule(rule, [], rule_set)
    assert told == {"metric": "“care of buyers” is retired from 17 Mar 2026 on: no figures come in any more."}
    assert METRICS["care_score"].retired_on == DAY + timedelta(days=7)


def test_a_set_that_speaks_of_a_retired_one_is_not_published_past_the_words_either() -> None:
    metric = declare()
    retire(metric)
    with pytest.raises(IntegrityError, match="metric care_score is retired"), transaction.atomic():
        published("care_score")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reason": " "}, "states its reason"),
        ({"day": DAY}, "is over"),
    ],
)
def test_a_retirement_takes_a_reason_and_a_day_that_is_not_over(values: dict, message: str) -> None:
    with pytest.raises(Refused, match=message):
        retire(declare(), **values)


def test_it_is_retired_once() -> None:
    metric = declare()
    retire(metric)
    with pytest.raises(Refused, match="is retired from"):
        retire(metric)


@pytest.mark.parametrize("first", [DAY, DAY + timedelta(days=100)], ids=["in force", "still to come"])
def test_what_a_counting_set_speaks_of_is_not_retired(first: date) -> None:
    metric = declare()
    rule_set = published("care_score", first=first)
    with pytest.raises(Refused, match="publish versions without it first") as refusal:
        retire(metric)
    assert str(rule_set) in str(refusal.value)


def test_once_no_set_counts_that_speaks_of_it_it_can_be_retired() -> None:
    metric = declare()
    rule_set = published("care_score")
    publishing.retire(rule_set, day=DAY + timedelta(days=5), reason="gone", by=make_user("supervisor"), at=AT)
    retire(metric)
    assert metric.retired_on == DAY + timedelta(days=7)
