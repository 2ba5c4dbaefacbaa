"""Observed values and thresholds as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from rules.conditions import listed
from rules.dictionaries import metric_called
from rules.metrics import Kind
from rules.models import Condition, RuleSet
from shops.figures import NOTHING, number, yuan

Operator = Condition.Operator


def name_of(metric: str) -> str:
    """The metric's name in the reader's language; its key where nobody knows it any more."""
    known = metric_called(metric)
    return str(known.name) if known else metric


def value_of(metric: str, value: object) -> str:
    """One value of `metric`, as evidence and rules keep it (text, number or flag)."""
    if value is None or value == "":
        return NOTHING
    text = str(value)
    known = metric_called(metric)
    if text == "none":
        return str(_("none yet") if known and known.kind is Kind.RATE else _("no score yet"))
    if text.lower() in ("true", "false"):
        return str(_("yes") if text.lower() == "true" else _("no"))
    if known is None or known.kind is Kind.TEXT:
        return str(dict(known.choices).get(text, text)) if known else text
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    if known.kind is Kind.RATE:
        return f"{plain(amount * 100)}%"
    if known.kind is Kind.MONEY:
        return yuan(amount)
    if known.kind is Kind.COUNT:
        return number(amount)
    return plain(amount, least=2 if "score" in metric else 0)


def operator_of(operator: str) -> str:
    """A comparison as people read it: > or “is one of”."""
    return str(Operator(operator).label) if operator in Operator.values else operator


def threshold_of(metric: str, operator: str, threshold: object) -> str:
    """What is compared with, as evidence keeps it (a list has its several) or as a list shows it (one text).

    Empty for “is known”, which compares with nothing.
    """
    if operator in Condition.BARE:
        return ""
    if operator == Operator.BETWEEN:
        ends = threshold if isinstance(threshold, list) else str(threshold).split("–")
        return "–".join(value_of(metric, end) for end in ends)
    if operator == Operator.IN:
        values = threshold if isinstance(threshold, list) else listed(str(threshold))
        return ", ".join(value_of(metric, value) for value in values)
    return value_of(metric, threshold)


def comparison_of(metric: str, operator: str, threshold: object) -> str:
    """`> 4.10`, `is one of normal, suspended`, `is known`."""
    return f"{operator_of(operator)} {threshold_of(metric, operator, threshold)}".strip()


def condition_text(condition: Condition) -> str:
    """`shop score > 4.10`, in the reader's language; empty for a rule that is never evaluated."""
    if not condition.metric:
        return ""
    ends = condition.operator == Operator.BETWEEN
    threshold = [condition.value, condition.upper] if ends else condition.value
    compared = comparison_of(condition.metric, condition.operator, threshold)
    return f"{name_of(condition.metric)} {compared}"


def any_of_text(conditions: Iterable[Condition]) -> str:
    """A rule's own condition and its alternatives: it is met where any of them is."""
    return str(_(" or ")).join(filter(None, map(condition_text, conditions)))


def way_back_text(entry: dict[str, Any]) -> str:
    """What would have to change of an entry of evidence that keeps a shop out, and how far it is."""
    metric, several = entry["metric"], entry.get("alternatives", [])
    ways = [_way(each, named=bool(several)) for each in (entry, *several)]
    words = {
        "facts": str(_(", ")).join(fact for fact, _condition in ways),
        "condition": str(_(" or ")).join(condition for _fact, condition in ways),
    }
    if entry["purpose"] == RuleSet.Purpose.ADMISSION:
        text = _("%(facts)s; needed: %(condition)s")
    else:
        text = _("%(facts)s; not allowed: %(condition)s")
    told = str(text) % words
    # Of several conditions no single distance says how far it is.
    if entry["margin"] is None or several:
        return str(_("%(told)s.")) % {"told": told}
    distance = margin_of(metric, abs(Decimal(str(entry["margin"])))).lstrip("+")
    return str(_("%(told)s: %(distance)s away.")) % {"told": told, "distance": distance}


def _way(entry: dict[str, Any], *, named: bool) -> tuple[str, str]:
    """What was observed, and with what it is compared; `named`: of which metric, where there are several."""
    metric, observed = entry["metric"], entry["observed"]
    fact = _("%(metric)s is %(observed)s") % {
        "metric": name_of(metric),
        "observed": value_of(metric, observed) if observed is not None else str(_("not known")),
    }
    condition = comparison_of(metric, entry["operator"], entry["threshold"])
    return fact, f"{name_of(metric)} {condition}" if named else condition


def plain(amount: Decimal, least: int = 0) -> str:
    """Every digit that is known, none that isn't, and at least `least` decimals."""
    short = amount.normalize()
    exponent = short.as_tuple().exponent
    decimals = max(-exponent, least) if isinstance(exponent, int) else least
    return number(amount, max(decimals, 0))


def margin_of(metric: str, margin: Decimal | str | None) -> str:
    """The distance to the threshold with its sign; in percentage points for a share."""
    if margin is None or margin == "":
        return NOTHING
    amount = Decimal(str(margin))
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    known = metric_called(metric)
    if known is not None and known.kind is Kind.RATE:
        return f"{sign}{plain(abs(amount) * 100)}%"
    if known is not None and known.kind is Kind.MONEY:
        return f"{sign}{yuan(abs(amount))}"
    return f"{sign}{plain(abs(amount), least=2 if 'score' in metric else 0)}"
