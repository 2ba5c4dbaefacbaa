"""Observed values and thresholds as people read them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from rules.metrics import METRICS, Kind
from shops.admin.cells import NOTHING, number, yuan
from shops.models import Shop


def name_of(metric: str) -> str:
    """The metric's name in the reader's language; its key where nobody knows it any more."""
    known = METRICS.get(metric)
    return str(known.name) if known else metric


def value_of(metric: str, value: object) -> str:
    """One value of `metric`, as evidence and rules keep it (text, number or flag)."""
    if value is None or value == "":
        return NOTHING
    text = str(value)
    if text == "none":
        return str(_("no score yet"))
    known = METRICS.get(metric)
    if text.lower() in ("true", "false"):
        return str(_("yes") if text.lower() == "true" else _("no"))
    if known is None or known.kind is Kind.TEXT:
        return str(dict(Shop.Status.choices).get(text, text)) if metric == "shop_status" else text
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
    known = METRICS.get(metric)
    if known is not None and known.kind is Kind.RATE:
        return f"{sign}{plain(abs(amount) * 100)}%"
    if known is not None and known.kind is Kind.MONEY:
        return f"{sign}{yuan(abs(amount))}"
    return f"{sign}{plain(abs(amount), least=2 if 'score' in metric else 0)}"
