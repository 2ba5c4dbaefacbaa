"""What proposals, decisions and executions are about, as their lists show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsdesk.models import Execution
from rules.models import Proposal
from shops.admin.cells import pill


def subject_cell(record: Proposal | Execution) -> SafeString:
    """The shop, or the product with its shop below."""
    subject = record.product or record.shop
    below = record.shop.name if record.product else ""
    return format_html(
        '<span class="name">{}</span> <span class="code">{}</span>{}',
        subject.name,
        subject.code,
        below and format_html(' <span class="of-shop">{}</span>', below),
    )


def platform_cell(asked: Execution) -> SafeString:
    """How far the platform is with it, and how it stands with a stay."""
    pills = [(asked.state, asked.get_state_display()), *_of_a_stay(asked)]
    return format_html_join(" ", "{}", ((pill(word, label),) for word, label in pills))


def told_stay(asked: Execution) -> str:
    """How it stands with a stay, in words; empty where no stay is about it."""
    return " ".join(str(label) for _word, label in _of_a_stay(asked))


def _of_a_stay(asked: Execution) -> Iterator[tuple[str, Any]]:
    """What the stay, or its end, asks for; otherwise that it is paused there, or not to be done while that
    lasts.
    """
    if (turn := asked.turn) is not None:
        yield turn, turn.label
    elif asked.is_paused:
        yield "paused", pgettext("on the platform", "paused")
    elif asked.state in Execution.NOT_DONE and asked.penalty and asked.penalty.stayed_at:
        yield "stayed", _("stayed")
