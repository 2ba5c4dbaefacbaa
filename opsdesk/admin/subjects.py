"""What proposals, decisions and executions are about, as their lists show it."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from opsdesk.models import Execution
from rules.models import Proposal


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
