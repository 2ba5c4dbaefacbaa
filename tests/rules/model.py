"""What rules mean, written once more from the documents' words, in plain Python and three-valued logic.

None is "unknown". It knows nothing of SQL and nothing of the product's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

NONE_YET = "none"
PENALISED = {"imposed", "lifted", "expired"}
BRANDED = {"flagship", "exclusive", "multi_brand"}
SCORES = {"shop_score", "experience_score"}
# Those that people have declared: a score, a flag.
DECLARED = {"care_score", "has_licence"}
KNOW_NONE_YET = {*SCORES, "care_score"}
IMPORTED = {*SCORES, *DECLARED, "positive_rate", "gmv_30d", "paid_orders_30d", "warehouse_passed"}
MEASURED = {*IMPORTED, "alliance_and_erp_connected"}
TEXTS_AND_FLAGS = {
    "shop_status",
    "account_ok",
    "warehouse_passed",
    "has_licence",
    "alliance_and_erp_connected",
    "brand_papers_ok",
}
# Of the catalogue.
SERIOUS, ENDANGERING = {"V2", "V4", "V10", "V11"}, {"V11"}


@dataclass
class Facts:
    """What is known of a shop. `metrics` is None where the day brought none at all."""

    day: date
    category: str
    shop_type: str
    goods_kind: str
    subject_kind: str
    status: str
    account_ok: bool | None
    entered_on: date | None
    metrics: dict[str, Any] | None
    # (violation, status, days ago)
    penalties: list[tuple[str, str, int]]
    # The same of other shops of its controller.
    relatives: list[tuple[str, str, int]]
    # Of each brand the newest paper: (verdict, valid until).
    papers: list[tuple[str, date | None]]
    openings_used: int
    # Days since the last opening was closed, and why.
    closed: tuple[int, str] | None
    exempted_from: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Said:
    """A condition. `thresholds`: none, one, several, or the two ends."""

    metric: str
    operator: str
    thresholds: tuple[Any, ...] = ()


@dataclass(frozen=True)
class SaidRule(Said):
    code: str = ""
    purpose: str = "admission"
    alternatives: tuple[Said, ...] = ()
    exemption: str = ""
    categories: tuple[str, ...] = ()
    shop_types: tuple[str, ...] = ()
    goods_kinds: tuple[str, ...] = ()
    subject_kinds: tuple[str, ...] = ()
    entered_from: date | None = None
    entered_until: date | None = None
    sample: tuple[str, int] | None = None
    warn_within: Decimal | None = None
    advisory: bool = False


def value_of(metric: str, facts: Facts, openings_limit: int | None = 3) -> Any:
    """The value, None where it is missing, NONE_YET where the platform says that there is none yet."""
    if metric in IMPORTED:
        return facts.metrics[metric] if facts.metrics else None
    if metric == "alliance_and_erp_connected":
        both = (
            [facts.metrics["alliance_connected"], facts.metrics["erp_connected"]] if facts.metrics else [None]
        )
        return False if False in both else None if None in both else True
    if metric == "shop_status":
        return facts.status
    if metric == "account_ok":
        return facts.account_ok
    if metric == "circumvention_penalties_365d":
        metric = "penalties:V9:365d"
    if metric.startswith("penalties:"):
        _, violation, days = metric.split(":")
        return sum(
            1
            for code, status, ago in facts.penalties
            if code == violation and status in PENALISED and ago < int(days.rstrip("d"))
        )
    if metric.startswith("controller_"):
        serious = [code in SERIOUS and status in PENALISED for code, status, _ in facts.relatives]
        endangering = [code in ENDANGERING and status != "overturned" for code, status, _ in facts.relatives]
        return {
            "controller_serious_penalties": sum(serious),
            "controller_transaction_cases": sum(endangering),
            # A case that is both is one.
            "controller_serious_cases": sum(map(max, serious, endangering)),
        }[metric]
    if metric == "openings_left":
        return None if openings_limit is None else openings_limit - facts.openings_used
    if metric == "days_since_entry":
        return (facts.day - facts.entered_on).days if facts.entered_on else None
    if metric == "days_since_clearance":
        return facts.closed[0] if facts.closed and facts.closed[1] != "voluntary" else None
    assert metric == "brand_papers_ok", metric
    if not facts.papers:
        return False if facts.shop_type in BRANDED else None
    if any(verdict == "rejected" or (until and until < facts.day) for verdict, until in facts.papers):
        return False
    return None if any(verdict == "pending" for verdict, _ in facts.papers) else True


def judge(said: Said, value: Any, measured: bool) -> bool | None:
    """Whether the condition is met. `measured`: the day brought metrics of the shop."""
    known = value is not None and value != NONE_YET
    if said.operator in ("known", "unknown"):
        if said.metric in MEASURED and not measured:
            return None
        # Of a score the platform says that there is none yet; one that is missing may well be there.
        if said.metric in KNOW_NONE_YET and value is None:
            return None
        return known == (said.operator == "known")
    if not known:
        return None
    if said.operator == "between":
        return said.thresholds[0] <= value <= said.thresholds[1]
    if said.operator == "in":
        return value in said.thresholds
    threshold = said.thresholds[0]
    return {
        ">": lambda: value > threshold,
        "≥": lambda: value >= threshold,
        "<": lambda: value < threshold,
        "≤": lambda: value <= threshold,
        "=": lambda: value == threshold,
        "≠": lambda: value != threshold,
    }[said.operator]()


def own_value(rule: SaidRule, facts: Facts) -> Any:
    """The rule's own value; missing where it rests on too small a sample."""
    value = value_of(rule.metric, facts)
    if rule.sample and value != NONE_YET:
        count = value_of(rule.sample[0], facts)
        if count is None or count < rule.sample[1]:
            return None
    return value


def any_of(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def all_of(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def concerns(rule: SaidRule, facts: Facts) -> bool | None:
    """Whether the rule is about this shop."""
    entered = facts.entered_on
    return all_of(
        [
            rule.code not in facts.exempted_from,
            not (rule.exemption == "virtual_goods" and facts.goods_kind == "virtual"),
            not (rule.exemption == "no_score_yet" and value_of(rule.metric, facts) == NONE_YET),
            not (rule.exemption == "no_brand" and facts.shop_type == "ordinary" and not facts.papers),
            not rule.categories or facts.category in rule.categories,
            not rule.shop_types or facts.shop_type in rule.shop_types,
            not rule.goods_kinds or facts.goods_kind in rule.goods_kinds,
            not rule.subject_kinds or facts.subject_kind in rule.subject_kinds,
            rule.entered_from is None or (entered and entered >= rule.entered_from),
            rule.entered_until is None or (entered and entered <= rule.entered_until),
        ]
    )


def is_met(rule: SaidRule, facts: Facts) -> bool | None:
    measured = facts.metrics is not None
    others = [judge(other, value_of(other.metric, facts), measured) for other in rule.alternatives]
    return any_of([judge(rule, own_value(rule, facts), measured), *others])


def outcome(rule: SaidRule, facts: Facts, *, measured_or_not: bool = False) -> str:
    """holds, fails, exempt, no_data. `measured_or_not`: also against a shop without metrics of the day."""
    concerned = concerns(rule, facts)
    if not concerned:
        return "no_data" if concerned is None else "exempt"
    met = is_met(rule, facts)
    asked = {rule.metric, *(other.metric for other in rule.alternatives), *(rule.sample or ())[:1]}
    asks_for_metrics = rule.purpose == "clearance" or (rule.purpose == "warning" and bool(asked & MEASURED))
    nobody_is_blamed = facts.metrics is None and asks_for_metrics and not measured_or_not
    if met is None or nobody_is_blamed:
        return "no_data"
    return "holds" if met == (rule.purpose == "admission") else "fails"


def margin(rule: SaidRule, facts: Facts) -> Decimal | None:
    """Distance to the (nearest) threshold, positive on the holding side."""
    value = own_value(rule, facts)
    if value is None or value == NONE_YET or not rule.thresholds or rule.metric in TEXTS_AND_FLAGS:
        return None
    nearest = min(abs(Decimal(value) - Decimal(threshold)) for threshold in rule.thresholds)
    met = judge(rule, value, True)
    return nearest if met == (rule.purpose == "admission") else -nearest


def warns(rule: SaidRule, facts: Facts) -> bool:
    """Holds, but by less than the band."""
    distance = margin(rule, facts)
    return (
        rule.purpose == "clearance"
        and rule.warn_within is not None
        and outcome(rule, facts) == "holds"
        and distance is not None
        and distance < rule.warn_within
    )


def is_cleared(rules: list[SaidRule], facts: Facts) -> bool:
    clearing = [rule for rule in rules if rule.purpose == "clearance" and not rule.advisory]
    return any(outcome(rule, facts) == "fails" for rule in clearing)


def warnings(rules: list[SaidRule], facts: Facts) -> list[str]:
    """The codes that warn, those of the warning rules first; none of a shop that is to be cleared."""
    if is_cleared(rules, facts):
        return []
    blocking = [rule for rule in rules if not rule.advisory]
    met = [r.code for r in blocking if r.purpose == "warning" and outcome(r, facts) == "fails"]
    return met + [r.code for r in blocking if warns(r, facts)]


def is_admitted(rules: list[SaidRule], facts: Facts) -> bool:
    """Every admission rule holds or is exempt, and no clearance rule is met (R17)."""
    blocking = [rule for rule in rules if not rule.advisory]
    passes = all(outcome(r, facts) in ("holds", "exempt") for r in blocking if r.purpose == "admission")
    stopped = any(
        outcome(r, facts, measured_or_not=True) == "fails" for r in blocking if r.purpose == "clearance"
    )
    return passes and not stopped
