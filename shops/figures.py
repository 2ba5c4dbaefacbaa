"""Figures as people read them: grouped as their language does, and a dash for what is not known."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal
from django.utils.translation import get_language, to_locale

NOTHING = "–"


def number(value: Decimal | int | None, digits: int = 0) -> str:
    """Grouped as the reader's language does, with `digits` decimals."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=to_locale(get_language() or "en"))


def yuan(amount: Decimal | None) -> str:
    """An amount in yuan, with its sign of currency."""
    return NOTHING if amount is None else f"¥{number(amount, 2)}"


def percent(share: Decimal | None) -> str:
    """A share of 1 in percent, rounded to hundredths."""
    return NOTHING if share is None else f"{number(share * 100, 2)}%"
