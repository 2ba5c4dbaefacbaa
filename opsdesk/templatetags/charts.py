"""Small figures as inline SVG: no script, no style attribute, readable without colour."""

from __future__ import annotations

import unicodedata
from bisect import bisect
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from shops.admin.cells import number
from shops.models import Controller, Penalty, Shop

register = template.Library()

Value = float | int | Decimal | None
BARS_WIDTH, BARS_HEIGHT = 280, 64
LINE_WIDTH, LINE_HEIGHT = 560, 180
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 22


@register.simple_tag
def bars(points: Sequence[tuple[date, int]], caption: str) -> SafeString:
    """A bar for each day; each bar tells its day and count."""
    most = max((count for _day, count in points), default=0) or 1
    step = BARS_WIDTH / max(len(points), 1)
    room = BARS_HEIGHT - 14
    shapes = format_html_join(
        "",
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                _xy(place * step + 1),
                _xy(room - room * count / most),
                _xy(max(min(step, 40) - 2, 1)),
                _xy(max(room * count / most, 1)),
                date_format(day),
                number(count),
            )
            for place, (day, count) in enumerate(points)
        ),
    )
    ends = ""
    if points:
        ends = format_html(
            '<text class="label" x="0" y="{y}">{first}</text>'
            '<text class="label" x="{right}" y="{y}" text-anchor="end">{last}</text>',
            y=BARS_HEIGHT - 2,
            right=BARS_WIDTH,
            first=date_format(points[0][0], "MONTH_DAY_FORMAT") if len(points) > 1 else "",
            last=date_format(points[-1][0], "MONTH_DAY_FORMAT"),
        )
    return format_html(
        '<figure class="chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>'
        "<figcaption>{}</figcaption></figure>",
        BARS_WIDTH,
        BARS_HEIGHT,
        caption,
        shapes,
        ends,
        caption,
    )


@register.simple_tag
def line(points: Sequence[tuple[date, Value]], threshold: object, caption: str) -> SafeString:
    """A line over the days with the threshold across; days without a value leave a gap, never a zero."""
    known = [float(value) for _day, value in points if value is not None]
    if not known:
        return SafeString("")
    bar = _float(threshold)
    low, high = min([*known, *bar]), max([*known, *bar])
    padding = (high - low) * 0.15 or max(abs(high) * 0.05, 0.05)
    low, high = low - padding, high + padding

    def x(place: int) -> str:
        return _xy(LEFT + (LINE_WIDTH - LEFT - RIGHT) * place / max(len(points) - 1, 1))

    def y(value: float) -> str:
        return _xy(TOP + (LINE_HEIGHT - TOP - BOTTOM) * (high - value) / (high - low))

    runs: list[list[str]] = [[]]
    for place, (_day, value) in enumerate(points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{x(place)},{y(float(value))}")
    lines = format_html_join(
        "", '<polyline class="line" points="{}"/>', ((" ".join(run),) for run in runs if len(run) > 1)
    )
    dots = format_html_join(
        "",
        '<circle class="dot" cx="{}" cy="{}" r="2.5"><title>{}: {}</title></circle>',
        (
            (x(place), y(float(value)), date_format(day), _plain(float(value)))
            for place, (day, value) in enumerate(points)
            if value is not None
        ),
    )
    across = format_html_join(
        "",
        '<line class="threshold" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="label threshold-label" x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, LINE_WIDTH - RIGHT, y(value), y(value), LEFT - 6, _xy(float(y(value)) + 4), _plain(value))
            for value in bar
        ),
    )
    last = known[-1]
    labels = format_html(
        '<text class="label" x="{}" y="{}">{}</text>'
        '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>',
        LEFT,
        LINE_HEIGHT - 4,
        date_format(points[0][0], "MONTH_DAY_FORMAT"),
        LINE_WIDTH - RIGHT,
        LINE_HEIGHT - 4,
        date_format(points[-1][0], "MONTH_DAY_FORMAT"),
    )
    told = f"{caption}: {_plain(known[0])} → {_plain(last)}"
    return _wide([across, lines, dots, labels], caption, told=told)


@register.simple_tag
def spread(
    edges: Sequence[str], counts: Sequence[int], marks: Sequence[tuple[str, str]], caption: str
) -> SafeString:
    """How many lie from each edge to the next, with marks (a kind for its colour, a value) across."""
    most = max(counts, default=0) or 1
    at = [float(edge) for edge in edges]
    step = (LINE_WIDTH - LEFT - RIGHT) / max(len(counts), 1)
    room = LINE_HEIGHT - TOP - BOTTOM

    def x(value: float) -> float:
        """Bars are of one width, whatever lies between their edges."""
        place = max(bisect(at, value) - 1, 0)
        inside = (value - at[place]) / (at[place + 1] - at[place]) if place + 1 < len(at) else 0
        return LEFT + step * (place + min(max(inside, 0), 1))

    shapes = format_html_join(
        "",
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                _xy(LEFT + place * step + 0.5),
                _xy(TOP + room - room * count / most),
                _xy(max(step - 1, 1)),
                _xy(room * count / most),
                _plain(at[place]),
                number(count),
            )
            for place, count in enumerate(counts)
            if count
        ),
    )
    # The labels of the two kinds stand apart.
    labelled = {"now": TOP - 2}
    across = format_html_join(
        "",
        '<line class="threshold {}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="label threshold-label {}" x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (kind, at_x, at_x, TOP, TOP + room, kind, at_x, labelled.get(kind, TOP + room + 10), value)
            for kind, value in marks
            for at_x in [_xy(x(float(value)))]
        ),
    )
    labels = format_html_join(
        "",
        '<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (_xy(LEFT + place * step), LINE_HEIGHT - 1, _plain(at[place]))
            for place in range(0, len(at), max(len(at) // 6, 1))
        ),
    )
    return _wide([shapes, across, labels], caption)


def _wide(
    shapes: Sequence[SafeString],
    caption: str,
    *,
    told: str = "",
    height: float = LINE_HEIGHT,
    role: str = "img",
) -> SafeString:
    """A drawing that a small window moves within its frame, and doesn't shrink to what nobody can read.
    `told`: to who can't see it, where that is more than the caption. With links in it, it is no image but
    a group.
    """
    return format_html(
        '<figure class="chart wide"><div class="scrolled" tabindex="0" role="group" aria-label="{}">'
        '<svg viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg></div>'
        "<figcaption>{}</figcaption></figure>",
        caption,
        LINE_WIDTH,
        f"{height:.0f}",
        role,
        told or caption,
        format_html_join("", "{}", ((shape,) for shape in shapes)),
        caption,
    )


def _xy(value: float) -> str:
    """A coordinate: never in the reader's notation."""
    return f"{value:.1f}"


def _plain(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def _float(threshold: object) -> list[float]:
    try:
        return [float(str(threshold))]
    except ValueError:
        return []


@register.simple_tag
def controlled(
    controller: Controller, shops: Sequence[Any], cases: Sequence[Penalty], caption: str
) -> SafeString:
    """A controller and its shops (each with its `standing`); a dashed line leads from one that bars to each
    that it bars.
    """
    row, box, left = 44, 210, 150
    height = max(row * len(shops), row) + 10
    offenders = {case.shop_id for case in cases}
    middle = height / 2

    def y(place: int) -> float:
        return 5 + row * place + row / 2

    lines = format_html_join(
        "",
        '<path class="line" d="M {} {} C {} {} {} {} {} {}"/>',
        (
            (*map(_xy, (110, middle, 130, middle, 130, y(place), left, y(place))),)
            for place in range(len(shops))
        ),
    )
    bars_lines = format_html_join(
        "",
        '<path class="threshold" fill="none" d="M {} {} C {} {} {} {} {} {}"><title>{} → {}</title></path>',
        (
            (
                *map(_xy, (left + box, y(source), bend, y(source), bend, y(target), left + box, y(target))),
                shops[source],
                shops[target],
            )
            for source in range(len(shops))
            if shops[source].pk in offenders
            for target in range(len(shops))
            if target != source
            for bend in [left + box + 30 + 12 * abs(target - source)]
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
                left,
                _xy(y(place) - 18),
                box,
                36,
                left + 8,
                _xy(y(place) - 4),
                _short(shop.name, 17),
                left + 8,
                _xy(y(place) + 11),
                shop.code[:20],
                Shop.Status(shop.standing).label,
                shop,
            )
            for place, shop in enumerate(shops)
        ),
    )
    root = format_html(
        '<rect class="node" x="5" y="{}" width="105" height="24" rx="5"/>'
        '<text class="label" x="12" y="{}">{}</text>',
        _xy(middle - 12),
        _xy(middle + 4),
        controller.code[:14],
    )
    return _wide([lines, bars_lines, root, nodes], caption, height=height, role="group")


def _short(name: str, width: int) -> str:
    """As much of it as a box holds; a Chinese character is as wide as two others."""
    taken, left = "", 2 * width
    for sign in name:
        left -= 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if left < 0:
            return f"{taken}…"
        taken += sign
    return taken
