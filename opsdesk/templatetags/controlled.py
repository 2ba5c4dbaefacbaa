"""A controller's shops and which of them bars which, as inline SVG."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from opsdesk.templatetags.charts import FITTING_WIDTH, wide, xy
from shops.models import Controller, Penalty, Shop

register = template.Library()

# Where the boxes stand: the controller's, then those of the shops.
ROOT_LEFT, ROOT_WIDTH = 3, 84
LEFT, WIDTH = 110, 186
ROW = 44


@register.simple_tag
def controlled(
    controller: Controller, shops: Sequence[Any], cases: Sequence[Penalty], caption: str
) -> SafeString:
    """A controller and its shops (each with its `standing`); a dashed line leads from one that bars to each
    that it bars.
    """
    right, begin = LEFT + WIDTH, ROOT_LEFT + ROOT_WIDTH
    height = max(ROW * len(shops), ROW) + 10
    # A curve reaches three quarters of the way to where it bends.
    farthest = right + (FITTING_WIDTH - right) * 4 / 3 - 4
    offenders = {case.shop_id for case in cases}
    middle = height / 2

    def y(place: int) -> float:
        return 5 + ROW * place + ROW / 2

    lines = format_html_join(
        "",
        '<path class="line" d="M {} {} C {} {} {} {} {} {}"/>',
        (
            (*map(xy, (begin, middle, begin + 12, middle, begin + 12, y(place), LEFT, y(place))),)
            for place in range(len(shops))
        ),
    )
    bars_lines = format_html_join(
        "",
        '<path class="threshold" fill="none" d="M {} {} C {} {} {} {} {} {}"><title>{} → {}</title></path>',
        (
            (
                *map(xy, (right, y(source), bend, y(source), bend, y(target), right, y(target))),
                shops[source],
                shops[target],
            )
            for source in range(len(shops))
            if shops[source].pk in offenders
            for target in range(len(shops))
            if target != source
            for bend in [min(right + 24 + 12 * abs(target - source), farthest)]
        ),
    )
    nodes = format_html_join(
        "",
        '<a href="{}"><rect class="node{}" x="{}" y="{}" width="{}" height="{}" rx="5"/>'
        '<text class="label" x="{}" y="{}">{}</text>'
        '<text class="label" x="{}" y="{}">{} · {}</text><title>{}</title></a>',
        (
            (
                reverse("admin:shops_shop_change", args=[shop.pk]),
                " node-bad" if shop.pk in offenders else "",
                LEFT,
                xy(y(place) - 18),
                WIDTH,
                36,
                LEFT + 8,
                xy(y(place) - 4),
                _short(shop.name, 13),
                LEFT + 8,
                xy(y(place) + 11),
                shop.code[:14],
                Shop.Status(shop.standing).label,
                shop,
            )
            for place, shop in enumerate(shops)
        ),
    )
    root = format_html(
        '<rect class="node" x="{}" y="{}" width="{}" height="24" rx="5"/>'
        '<text class="label" x="{}" y="{}">{}</text>',
        ROOT_LEFT,
        xy(middle - 12),
        ROOT_WIDTH,
        ROOT_LEFT + 6,
        xy(middle + 4),
        _short(controller.code, 5),
    )
    return wide([lines, bars_lines, root, nodes], caption, height=height, role="group", fits=True)


def _short(name: str, width: int) -> str:
    """As much of it as a box holds; a Chinese character is as wide as two others."""
    taken, left = "", 2 * width
    for sign in name:
        left -= 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if left < 0:
            return f"{taken}…"
        taken += sign
    return taken
