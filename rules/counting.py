"""What a check comes to in figures: one statement over each population."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When

from rules.criteria import Criterion, Outcome
from rules.evaluation import Evaluation


@dataclass
class Tally:
    """Shops of one population by verdict, and for each rule by its outcome. `measured`: with metrics."""

    checked: int = 0
    measured: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    by_rule: dict[str, Counter[str]] = field(default_factory=dict)


def inside(evaluation: Evaluation) -> Tally:
    """The shops that are in: judged by the clearance rules, and how they fare in those of warning."""
    criteria = [*evaluation.clearing, *evaluation.warning_criteria]
    return _tally(evaluation.inside(), evaluation.judged_inside(), criteria)


def candidates(evaluation: Evaluation) -> Tally:
    """The shops that may come in, by the admission rules."""
    return _tally(evaluation.candidates(), evaluation.judged_candidates(), evaluation.admitting)


def _tally(shops: QuerySet[Any], verdict: Case, criteria: list[Criterion]) -> Tally:
    """Shops that fared alike in every rule are counted together: they are few groups, however many shops."""
    measured = Case(
        When(Q(m__day__isnull=False), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    outcomes = {f"outcome_{place}": criterion.outcome() for place, criterion in enumerate(criteria)}
    groups = shops.values(verdict=verdict, measured=measured, **outcomes).annotate(n=Count("*"))
    tally = Tally()
    codes = [criterion.rule.code for criterion in criteria]
    for code in codes:
        tally.by_rule[code] = Counter({outcome.value: 0 for outcome in Outcome})
    for verdict_of, has_metrics, *fared, n in groups.values_list("verdict", "measured", *outcomes, "n"):
        tally.checked += n
        tally.measured += n if has_metrics else 0
        tally.verdicts[verdict_of] += n
        for code, outcome in zip(codes, fared, strict=True):
            tally.by_rule[code][outcome] += n
    return tally
