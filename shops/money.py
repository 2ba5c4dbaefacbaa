"""Money is whole fen in the ledger, and yuan where people or files write and read it."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal
from django.utils.translation import get_language, to_locale

# In fen: as much as the database's whole numbers hold.
MOST = 2**63 - 1


def fen_of(yuan: Decimal) -> int:
    """An amount in yuan as fen. ValueError for what is no whole number of them."""
    fen = yuan.scaleb(2)
    if fen != int(fen):
        raise ValueError(yuan)
    return int(fen)


def yuan_of(fen: int) -> Decimal:
    """Exactly, with its two decimals."""
    # By digits: arithmetic would round what is too long.
    sign, digits, _exponent = Decimal(fen).as_tuple()
    return Decimal((sign, digits, -2))


def told(fen: int) -> str:
    """An amount for people: in yuan, with the sign of currency, grouped as the reader's language does."""
    sign = "-" if fen < 0 else ""
    locale = to_locale(get_language() or "en")
    return f"{sign}¥{format_decimal(yuan_of(abs(fen)), format='#,##0.00', locale=locale)}"
