"""Metrics that the tables have no column for: declared, defined anew while nothing rests on them, retired."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from rules import publishing
from rules.contents import DEFINITION
from rules.dictionaries import METRICS, PRODUCT_METRICS
from rules.models import Rule, RuleSet
from shops import sql
from shops.changes import lock, refuse_unless_seen
from shops.declared import read_anew
from shops.errors import Invalid, Refused
from shops.imports.columns import REASONS, SHOP_METRICS, spoken
from shops.metrics import DECIMALS, MetricType
from shops.models import DeclaredMetric, ImportBatch
from shops.models.declared import WIDEST
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DECLARE = "shops.declare_metric"
# The advisory lock under which names are compared with each other.
DECLARING = (7_306_011, 0)
KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# The texts, with how many characters of each can be kept.
LONGEST = {"key": 40, "name_en": 60, "name_zh": 60, "unit_en": 20, "unit_zh": 20, "source": 200}
LONGEST_WINDOW = 3660
# Where nobody says other bounds.
BOUNDS = {
    MetricType.SCORE: (Decimal(0), Decimal(5)),
    MetricType.RATE: (Decimal(0), Decimal(1)),
    MetricType.AMOUNT: (Decimal(0), WIDEST),
    MetricType.COUNT: (Decimal(0), Decimal(2_147_483_647)),
}


@dataclass(frozen=True)
class Declaration:
    """What people say of a metric. Bounds are in; without one, the type's own holds."""

    key: str
    name_en: str
    name_zh: str
    type: str
    unit_en: str = ""
    unit_zh: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    knows_none_yet: bool = False
    window_days: int | None = None
    source: str = ""


@transaction.atomic
def declare(said: Declaration, *, by: User | None, at: datetime) -> DeclaredMetric:
    """From now on files bring it and rules speak of it. Invalid (a Refused) where anything is wrong."""
    require(by, DECLARE)
    _take_turns()
    metric = DeclaredMetric(declared_by=by, declared_at=at)
    _take_over(metric, said)
    metric.save_by(by, "declared")
    read_anew()
    return metric


@transaction.atomic
def define_anew(metric: DeclaredMetric, said: Declaration, *, seen: int | None, by: User | None) -> None:
    """Say something else of it. Its units and source may always change.

    Invalid where anything is wrong, and where what it measures or is called would change although figures
    came in under it or a published rule set speaks of it. `seen`: the history row that the page showed.
    """
    require(by, DECLARE)
    _take_turns()
    lock(metric)
    refuse_unless_seen(metric, seen)
    before = {name: getattr(metric, name) for name in DEFINITION}
    _take_over(metric, said)
    changed = [name for name in DEFINITION if getattr(metric, name) != before[name]]
    if changed and (reason := why_fixed(before["key"])):
        raise Invalid(dict.fromkeys(changed, reason))
    metric.save_by(by, "defined anew")
    read_anew()


@transaction.atomic
def retire(metric: DeclaredMetric, *, day: date, reason: str, by: User | None, at: datetime) -> None:
    """From `day` on no figures are taken any more, and no new rule may speak of it. What came in stays.

    Refused without a reason, for a day that is over, twice, and while a rule set that counts on that day or
    later speaks of it.
    """
    require(by, DECLARE)
    lock(metric)
    if metric.retired_on is not None:
        raise Refused(
            _("“%(metric)s” is retired from %(day)s on.")
            % {"metric": metric, "day": date_format(metric.retired_on)}
        )
    if not reason.strip():
        raise Refused(_("A retirement states its reason."))
    if day < localdate(at):
        raise Refused(_("%(day)s is over.") % {"day": date_format(day)})
    counting = [str(rule_set) for rule_set in _published(metric.key) if _counts(rule_set, day)]
    if counting:
        raise Refused(
            _("These speak of it and count on %(day)s or later; publish versions without it first: %(sets)s.")
            % {"day": date_format(day), "sets": ", ".join(counting)}
        )
    metric.retired_on = day
    metric.save_by(by, reason.strip())
    read_anew()


def _take_turns() -> None:
    sql.take_turns(*DECLARING)
    # Others may have declared some since this page began.
    read_anew()


def why_fixed(key: str) -> str:
    """Why what it measures and is called can't change any more, in the reader's language; empty while it can.

    Its names are headers: two that swapped them would swap their columns.
    """
    applied = [ImportBatch.State.APPLIED, ImportBatch.State.REVERSED]
    if ImportBatch.objects.filter(
        kind=ImportBatch.Kind.METRICS, state__in=applied, declared__contains=[key]
    ).exists():
        return _("Figures came in under it: another definition is another key.")
    if any(True for _rule_set in _published(key)):
        return _("A published rule set speaks of it: another definition is another key.")
    return ""


def _published(key: str) -> Iterator[RuleSet]:
    """The published sets that speak of it, as value, as alternative or as sample."""
    spoken_of = Q(metric=key) | Q(sample_metric=key) | Q(alternatives__metric=key)
    sets = Rule.objects.filter(spoken_of, rule_set__published_at__isnull=False).values("rule_set")
    yield from RuleSet.objects.filter(pk__in=sets).select_related("alliance")


def _counts(rule_set: RuleSet, day: date) -> bool:
    """Whether a published set is in force on `day` or on a later one."""
    first = rule_set.in_force_from
    then = max(day, first) if first else day
    return publishing.in_force(rule_set.alliance, rule_set.purpose, then, rule_set.subject) == rule_set


def _take_over(metric: DeclaredMetric, said: Declaration) -> None:
    """Have the record say so. Invalid with everything that is wrong."""
    for name in LONGEST:
        setattr(metric, name, getattr(said, name).strip())
    metric.type, metric.window_days = said.type, said.window_days
    metric.knows_none_yet = said.knows_none_yet
    metric.minimum, metric.maximum = said.minimum, said.maximum
    problems = {**_check_lengths(metric), **_check_key(metric), **_check_names(metric)}
    if metric.type not in DeclaredMetric.Type.values:
        problems["type"] = _("Say what kind of figure it is.")
    else:
        problems |= _check_bounds(metric)
    if metric.window_days is not None and not 1 <= metric.window_days <= LONGEST_WINDOW:
        problems["window_days"] = _(
            "A window has from 1 to %(most)s days. Leave it empty where there is none."
        ) % {"most": LONGEST_WINDOW}
    if problems:
        raise Invalid(problems)


def _check_lengths(metric: DeclaredMetric) -> dict[str, str]:
    return {
        name: _("At most %(limit)s characters fit here.") % {"limit": limit}
        for name, limit in LONGEST.items()
        if len(getattr(metric, name)) > limit
    }


def _check_key(metric: DeclaredMetric) -> dict[str, str]:
    key = metric.key
    if not KEY.fullmatch(key):
        return {
            "key": _("Small letters and digits with underscores between, such as %(example)s.")
            % {"example": "refund_rate_30d"}
        }
    if DeclaredMetric.objects.filter(pk=metric.pk, key=key).exists():
        return {}
    if key in METRICS:
        return {"key": _("There is a metric “%(key)s” already.") % {"key": key}}
    if key in PRODUCT_METRICS:
        return {"key": _("Rules on products call a metric of theirs “%(key)s” already.") % {"key": key}}
    return {"key": _stands(key)} if _is_taken(key, metric) else {}


def _check_names(metric: DeclaredMetric) -> dict[str, str]:
    problems = {}
    for field in ("name_en", "name_zh"):
        name = getattr(metric, field)
        if not name:
            problems[field] = _("State the name.")
        elif _is_taken(name, metric):
            problems[field] = _stands(name)
    return problems


def _stands(name: str) -> str:
    return _("Files call another column “%(name)s” already.") % {"name": name}


def _is_taken(name: str, metric: DeclaredMetric) -> bool:
    """Whether a header of that name would mean something else in a file of metrics."""
    if SHOP_METRICS.find(name) is not None or spoken(name) in REASONS:
        return True
    # What another one was ever called stands in files that are still sent, and in what people remember.
    others = DeclaredMetric.history.exclude(id=metric.pk).values_list("key", "name_en", "name_zh").distinct()
    return any(spoken(name) == spoken(other) for names in others for other in names)


def _check_bounds(metric: DeclaredMetric) -> dict[str, str]:
    """What is wrong with the bounds; those that nobody stated are set."""
    kind = MetricType(metric.type)
    problems: dict[str, str] = {}
    if metric.knows_none_yet and kind is not MetricType.SCORE:
        problems["knows_none_yet"] = _("Only of a score the platform says that there is none yet.")
    if kind is MetricType.FLAG:
        stated = [name for name in ("minimum", "maximum") if getattr(metric, name) is not None]
        return problems | dict.fromkeys(stated, _("Yes or no has no bounds. Leave this empty."))
    least, most = BOUNDS[kind]
    if kind in (MetricType.SCORE, MetricType.AMOUNT):
        # Whoever states other ones may go beyond the usual.
        lowest, highest = -WIDEST, WIDEST
    else:
        lowest, highest = least, most
    metric.minimum = least if metric.minimum is None else metric.minimum
    if metric.maximum is None:
        metric.maximum = min(most, metric.minimum + WIDEST)
    for name in ("minimum", "maximum"):
        bound = getattr(metric, name)
        if not lowest <= bound <= highest:
            problems[name] = _("Of this type figures lie from %(least)s to %(most)s.") % {
                "least": f"{lowest:f}",
                "most": f"{highest:f}",
            }
        elif bound != round(bound, DECIMALS[kind]):
            problems[name] = _("Of this type at most %(decimals)s decimals are kept.") % {
                "decimals": DECIMALS[kind]
            }
    if problems.keys() & {"minimum", "maximum"}:
        return problems
    if metric.minimum > metric.maximum:
        problems["maximum"] = _("The maximum lies below the minimum.")
    elif metric.maximum - metric.minimum > WIDEST:
        problems["maximum"] = _("The bounds lie too far apart: at most %(most)s.") % {"most": f"{WIDEST:f}"}
    return problems
