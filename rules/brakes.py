"""What holds a daily check: a bad file or a slip in a rule puts nobody out before a supervisor has looked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rules.counting import Tally
from rules.criteria import Outcome
from rules.dictionaries import METRICS
from rules.evaluation import Evaluation
from rules.judging import acts, blocking
from rules.models import Proposal
from rules.products import ProductEvaluation
from shops import sql
from shops.imports.profiles import step_of
from shops.metrics import METRICS as IMPORTED
from shops.metrics import MetricType
from shops.models import DayProfile, ImportBatch

# Of fewer shops that are in, one alone is more than any sensible share: only the metrics' age can hold them.
ENOUGH_SHOPS = 20
# The same of products that are promoted or under observation.
ENOUGH_PRODUCTS = 20
# A day with fewer rows tells no median that others could be held against.
ENOUGH_ROWS = 20
# What is usual: so many days with metrics before the day, none older than so many days.
LOOKED_AT, LOOKS_BACK = 7, 14
# So much like the day before that it must be the same file.
THE_SAME = Decimal("0.99")

MESSAGES: dict[str, Promise] = {
    "most_cleared": _(
        "%(observed)s of the shops that are in would be proposed to be cleared, above %(limit)s."
    ),
    "most_stopped": _(
        "%(observed)s of the products that are promoted or under observation would be proposed to be stopped,"
        " above %(limit)s."
    ),
    "least_measured": _(
        "Only %(observed)s of the shops that are in have metrics of the day, below %(limit)s."
    ),
    "oldest_days": _("The metrics are %(observed)s days old; %(limit)s are allowed."),
    "largest_jump": _(
        "The median of %(metric)s is %(now)s; lately it was about %(usual)s:"
        " it has changed by %(observed)s, above %(limit)s."
    ),
    "holds_repeated_days": _(
        "%(observed)s of the shops have the very figures of %(before)s: yesterday's file under another date?"
    ),
}
NAMES: dict[str, Promise] = {
    "most_cleared": _("share proposed to be cleared"),
    "most_stopped": _("share of products proposed to be stopped"),
    "least_measured": _("share with metrics"),
    "oldest_days": _("age of the metrics in days"),
    "largest_jump": _("jump of a median"),
    "holds_repeated_days": _("share of repeated figures"),
}


@dataclass(frozen=True)
class Brake:
    """One brake that tripped: its setting's name, what was seen and what is allowed, as decimal strings."""

    brake: str
    observed: str
    limit: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Why the check is held, in the reader's language."""
        params: dict[str, Any] = {"observed": self.observed_text, "limit": self.limit_text, **self.more}
        if "metric" in params:
            params["metric"] = METRICS[params["metric"]].name
        if "before" in params:
            params["before"] = date_format(date.fromisoformat(params["before"]))
        return str(MESSAGES[self.brake]) % params

    @property
    def name(self) -> str:
        """What the two figures are, in a few words."""
        metric = self.more.get("metric")
        return f"{NAMES[self.brake]}: {METRICS[metric].name}" if metric else str(NAMES[self.brake])

    @property
    def observed_text(self) -> str:
        return self._told(self.observed)

    @property
    def limit_text(self) -> str:
        return self._told(self.limit)

    def was_seen(self, records: Iterable[Mapping[str, str]]) -> bool:
        """Whether one of the records tells of the same brake, with this figure or a worse one."""
        return any(self._is_no_worse_than(Brake.of_record(record)) for record in records)

    def _is_no_worse_than(self, other: Brake) -> bool:
        if (self.brake, self.more.get("metric")) != (other.brake, other.more.get("metric")):
            return False
        mine, others = Decimal(self.observed), Decimal(other.observed)
        return mine >= others if self.brake == "least_measured" else mine <= others

    @property
    def most(self) -> str:
        """The end of a scale on which both figures can be drawn."""
        return str(max(Decimal(self.observed), Decimal(self.limit), Decimal(1)))

    def _told(self, figure: str) -> str:
        if self.brake == "oldest_days":
            return figure
        percent = (Decimal(figure) * 100).quantize(Decimal("0.1")).normalize()
        return f"{number_format(f'{percent:f}')} %"

    def as_record(self) -> dict[str, str]:
        """How Sweep.brakes keeps it."""
        return {"brake": self.brake, "observed": self.observed, "limit": self.limit, **self.more}

    @classmethod
    def of_record(cls, record: Mapping[str, str]) -> Brake:
        more = {key: value for key, value in record.items() if key not in ("brake", "observed", "limit")}
        return cls(record["brake"], record["observed"], record["limit"], more)


def tripped(
    evaluation: Evaluation, *, inside: int, measured: int, to_clear: int, on: date, day_was_named: bool
) -> list[Brake]:
    """The brakes that hold a check carried out `on` a date; none: it may file.

    `inside`: shops that are in, of which `measured` have metrics of the day and `to_clear` would stand
    proposed. A setting of the alliance that is empty holds nothing.
    """
    return list(_tripped(evaluation, inside, measured, to_clear, on, day_was_named))


def tripped_by_products(products: ProductEvaluation, counted: Mapping[str, Tally]) -> list[Brake]:
    """The brake on products, by the alliance's share for shops. `counted`: products by where they stand."""
    limit = products.alliance.most_cleared
    # Rules that are only tried out stop nothing.
    stops = acts(products.clearance)
    standing = [counted[each] for each in ProductEvaluation.STANDINGS[Proposal.Kind.STOP] if each in counted]
    promoted = sum(tally.checked for tally in standing)
    to_stop = sum(tally.verdicts[Outcome.FAILS] for tally in standing)
    if not stops or limit is None or promoted < ENOUGH_PRODUCTS or to_stop <= limit * promoted:
        return []
    return [Brake("most_stopped", _share(to_stop, promoted), f"{limit:f}")]


def _tripped(
    evaluation: Evaluation, inside: int, measured: int, to_clear: int, on: date, day_was_named: bool
) -> Iterator[Brake]:
    settings, day = evaluation.alliance, evaluation.day
    age = (on - day).days
    if settings.oldest_days is not None and not day_was_named and age > settings.oldest_days:
        yield Brake("oldest_days", str(age), str(settings.oldest_days))
    if inside < ENOUGH_SHOPS:
        return
    # Rules that are only tried out clear nobody.
    clears = acts(evaluation.clearance)
    if clears and settings.most_cleared is not None and to_clear > settings.most_cleared * inside:
        yield Brake("most_cleared", _share(to_clear, inside), f"{settings.most_cleared:f}")
    if settings.least_measured is not None and measured < settings.least_measured * inside:
        yield Brake("least_measured", _share(measured, inside), f"{settings.least_measured:f}")
    profiles = _profiles(day)
    if not profiles or profiles[0].day != day or profiles[0].rows < ENOUGH_ROWS:
        return
    now, before = profiles[0], profiles[1 : LOOKED_AT + 1]
    if settings.largest_jump is not None:
        yield from _jumps(evaluation, now, before, settings.largest_jump)
    if settings.holds_repeated_days and before:
        compared, alike = _repeated(day, before[0].day, rows=now.rows)
        if compared >= ENOUGH_ROWS and alike >= THE_SAME * compared:
            more = {"before": before[0].day.isoformat()}
            yield Brake("holds_repeated_days", _share(alike, compared), str(THE_SAME), more)


def _profiles(day: date) -> list[DayProfile]:
    """The newest profile of the day and of each day before it, the newest day first."""
    applied = DayProfile.objects.filter(
        batch__state=ImportBatch.State.APPLIED, day__lte=day, day__gte=day - timedelta(days=LOOKS_BACK)
    )
    return list(applied.order_by("-day", "-id").distinct("day")[: LOOKED_AT + 1])


def _jumps(
    evaluation: Evaluation, now: DayProfile, before: list[DayProfile], limit: Decimal
) -> Iterator[Brake]:
    """Metrics of which a blocking rule speaks and whose median is not what it was."""
    asked = blocking(evaluation.criteria)
    metrics = (metric for criterion in asked for metric in criterion.metrics)
    for key in dict.fromkeys(metric.key for metric in metrics if metric.column):
        past = [_median(other, key) for other in before if other.rows >= ENOUGH_ROWS]
        known, figure = [value for value in past if value is not None], _median(now, key)
        usual = median(known) if known else None
        # From nothing there is no relative change.
        if figure is None or not usual:
            continue
        change = abs(figure - usual) / abs(usual)
        if change > limit:
            more = {"metric": key, "now": f"{figure:f}", "usual": f"{usual:f}"}
            yield Brake("largest_jump", f"{change:.4f}", f"{limit:f}", more)


def _median(profile: DayProfile, key: str) -> Decimal | None:
    figure = profile.figures.get(key, {}).get("median")
    return None if figure is None else Decimal(figure)


def _share(part: int, whole: int) -> str:
    return f"{Decimal(part) / whole:.4f}"


def _repeated(day: date, before: date, *, rows: int) -> tuple[int, int]:
    """Of a sample of the shops measured on both days: how many they are, how many have the very same figures.

    `rows`: of the day, by which the sample is chosen. Flags don't count, which seldom change.
    """
    numbers = [key for key, metric in IMPORTED.items() if metric.type is not MetricType.FLAG]
    same = " AND ".join(f"earlier.{key} IS NOT DISTINCT FROM m.{key}" for key in numbers)
    [(compared, alike)] = sql.fetch(
        f"SELECT count(*), count(*) FILTER (WHERE {same}) FROM shops_shopmetrics m"
        " JOIN shops_shopmetrics earlier ON earlier.shop_id = m.shop_id AND earlier.day = %s"
        " WHERE m.day = %s AND m.shop_id %% %s = 0",
        [before, day, step_of(rows)],
    )
    return compared, alike
