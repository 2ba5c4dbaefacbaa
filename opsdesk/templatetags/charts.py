"""Small figures as inline SVG: no script, no style attribute, readable without colour."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from shops.admin.cells import number

register = template.Library()

Value = float | int | Decimal | None
BARS_WIDTH, BARS_HEIGHT = 280, 64
LINE_WIDTH, LINE_HEIGHT = 560, 180
SHARE_WIDTH = 120
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 22
# Of a drawing that is to be read on a small window as a whole.
FITTING_WIDTH, FITTING_LEFT = 400, 58


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
                xy(place * step + 1),
                xy(room - room * count / most),
                xy(max(min(step, 40) - 2, 1)),
                xy(max(room * count / most, 1)),
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
def share(first: int, second: int, whole: int) -> SafeString:
    """Two parts of a whole, one behind the other; it says nothing that does not stand beside it."""
    widths = [SHARE_WIDTH * part / (whole or 1) for part in (first, second)]
    return format_html(
        '<svg class="share" viewBox="0 0 {} 10" aria-hidden="true"><rect class="share-whole" width="{}"'
        ' height="10"/><rect class="share-first" width="{}" height="10"/><rect class="share-second" x="{}"'
        ' width="{}" height="10"/></svg>',
        SHARE_WIDTH,
        SHARE_WIDTH,
        xy(widths[0]),
        xy(widths[0]),
        xy(widths[1]),
    )


@register.simple_tag
def line(points: Sequence[tuple[date, Value]], threshold: object, caption: str) -> SafeString:
    """A line over the days with the threshold across; days without a value leave a gap, never a zero."""
    bar = _float(threshold)
    known = [float(value) for _day, value in points if value is not None]
    if not known:
        return SafeString("")
    low, high = min([*known, *bar]), max([*known, *bar])
    padding = (high - low) * 0.15 or max(abs(high) * 0.05, 0.05)
    return _drawn(points, bar, low - padding, high + padding, caption)


@register.simple_tag
def balances(points: Sequence[tuple[date, Value]], threshold: object, caption: str) -> SafeString:
    """Amounts over the days, from zero up, the last one told, with what is required across; it shrinks with
    its window.
    """
    bar = _float(threshold)
    known = [float(value) for _day, value in points if value is not None]
    if not known:
        return SafeString("")
    high = max([*known, *bar]) * 1.15 or 1
    return _drawn(points, bar, 0, high, caption, fits=True)


def _drawn(
    points: Sequence[tuple[date, Value]],
    bar: list[float],
    low: float,
    high: float,
    caption: str,
    *,
    fits: bool = False,
) -> SafeString:
    known = [float(value) for _day, value in points if value is not None]
    width, left = (FITTING_WIDTH, FITTING_LEFT) if fits else (LINE_WIDTH, LEFT)

    def x(place: int) -> str:
        return xy(left + (width - left - RIGHT) * place / max(len(points) - 1, 1))

    def y(value: float) -> str:
        return xy(TOP + (LINE_HEIGHT - TOP - BOTTOM) * (high - value) / (high - low))

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
            (left, width - RIGHT, y(value), y(value), left - 6, xy(float(y(value)) + 4), _plain(value))
            for value in bar
        ),
    )
    last = known[-1]
    labels = format_html(
        '<text class="label" x="{}" y="{}">{}</text>'
        '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>',
        left,
        LINE_HEIGHT - 4,
        date_format(points[0][0], "MONTH_DAY_FORMAT"),
        width - RIGHT,
        LINE_HEIGHT - 4,
        date_format(points[-1][0], "MONTH_DAY_FORMAT"),
    )
    told = f"{caption}: {_plain(known[0])} → {_plain(last)}"
    if not fits:
        return wide([across, lines, dots, labels], caption, told=told)
    ground = format_html(
        '<line class="ground" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
        '<text class="label" x="{label}" y="{label_y}" text-anchor="end">0</text>'
        '<text class="label label-last" x="{right}" y="{last_y}" text-anchor="end">{last}</text>',
        left=left,
        right=width - RIGHT,
        y=y(0),
        label=left - 6,
        label_y=xy(float(y(0)) + 4),
        last_y=xy(max(float(y(last)) - 7, TOP)),
        last=f"¥{last:,.2f}",
    )
    return wide([ground, across, lines, dots, labels], caption, told=told, fits=True)


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
                xy(LEFT + place * step + 0.5),
                xy(TOP + room - room * count / most),
                xy(max(step - 1, 1)),
                xy(room * count / most),
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
            for at_x in [xy(x(float(value)))]
        ),
    )
    labels = format_html_join(
        "",
        '<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (xy(LEFT + place * step), LINE_HEIGHT - 1, _plain(at[place]))
            for place in range(0, len(at), max(len(at) // 6, 1))
        ),
    )
    return wide([shapes, across, labels], caption)


def wide(
    shapes: Sequence[SafeString],
    caption: str,
    *,
    told: str = "",
    height: float = LINE_HEIGHT,
    role: str = "img",
    fits: bool = False,
) -> SafeString:
    """A drawing that a small window moves within its frame, and doesn't shrink to what nobody can read; or,
    where it `fits`, one that is narrow enough to be shrunk. `told`: to who can't see it, where that is more
    than the caption. With links in it, it is no image but a group.
    """
    return format_html(
        '<figure class="chart wide{}"><div class="scrolled" tabindex="0" role="group" aria-label="{}">'
        '<svg viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg></div>'
        "<figcaption>{}</figcaption></figure>",
        " fits" if fits else "",
        caption,
        FITTING_WIDTH if fits else LINE_WIDTH,
        f"{height:.0f}",
        role,
        told or caption,
        format_html_join("", "{}", ((shape,) for shape in shapes)),
        caption,
    )


def xy(value: float) -> str:
    """A coordinate: never in the reader's notation."""
    return f"{value:.1f}"


def _plain(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def _float(threshold: object) -> list[float]:
    try:
        return [float(str(threshold))]
    except ValueError:
        return []
