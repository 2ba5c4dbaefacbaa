"""How single values look in lists and pages: pills, money, days."""

from __future__ import annotations

from datetime import date

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from shops.figures import NOTHING, number, percent, yuan

# A list writes figures as every other place does.
__all__ = ["NOTHING", "days", "days_since", "number", "percent", "pill", "tick", "yuan"]


def pill(value: str, label: object) -> SafeString:
    """A state as a small coloured label; its colour hangs on `value`."""
    if not value:
        return SafeString(NOTHING)
    return format_html('<span class="pill pill-{}">{}</span>', value, label)


def tick(flag: bool | None) -> SafeString:
    """A flag as a sign, and in a word for who doesn't see it."""
    sign, word = {
        True: ("yes", gettext("yes")),
        False: ("no", gettext("no")),
        None: ("unknown", gettext("not known")),
    }[flag]
    return format_html('<img src="{}" alt="{}">', static(f"admin/img/icon-{sign}.svg"), word)


def days(count: int | None) -> str:
    if count is None:
        return NOTHING
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": number(count)}


def days_since(first: date | None, last: date | None) -> int | None:
    """How many days in a row, both ends in; None where either is unknown."""
    if first is None or last is None:
        return None
    return max((last - first).days + 1, 1)
