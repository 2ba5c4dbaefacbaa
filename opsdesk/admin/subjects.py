"""What proposals and decisions are about, as their lists show it."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from rules.models import Proposal


def subject_cell(proposal: Proposal) -> SafeString:
    """The shop, or the product with its shop below."""
    subject = proposal.product or proposal.shop
    below = proposal.shop.name if proposal.product else ""
    return format_html(
        '<span class="name">{}</span> <span class="code">{}</span>{}',
        subject.name,
        subject.code,
        below and format_html(' <span class="of-shop">{}</span>', below),
    )
