"""What a check comes to in figures: one statement over each population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When

from rules.criteria import Criterion, Outcome
from rules.evaluation import Evaluation
from rules.models import Sweep
from rules.products import ProductEvaluation, State


@dataclass
class Tally:
    """Subjects of one population by verdict, and for each rule by its outcome. `measured`: with metrics."""

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


def tell(sweep: Sweep, candidates: Tally, others: Sequence[Tally]) -> None:
    """Put the figures on the check's record. That a candidate fails counts as no failure."""
    every = [candidates, *others]
    sweep.checked = sum(tally.checked for tally in every)
    sweep.failing = sum(tally.verdicts[Outcome.FAILS] for tally in others)
    sweep.no_data = sum(tally.verdicts[Outcome.NO_DATA] for tally in every)
    by_rule: dict[str, Counter[str]] = {}
    for tally in every:
        for code, outcomes in tally.by_rule.items():
            by_rule.setdefault(code, Counter()).update(outcomes)
    sweep.by_rule = {code: dict(outcomes) for code, outcomes in by_rule.items()}


def products(evaluation: ProductEvaluation) -> dict[str, Tally]:
    """The products of which some rule speaks, by where they stand."""
    judging = {standing: evaluation.judging(standing) for standing in State.values}
    return {
        standing: _tally(
            evaluation.checked().filter(standing=standing), evaluation.judged(standing), criteria
        )
        for standing, criteria in judging.items()
        if criteria
    }


def _tally(subjects: QuerySet[Any], verdict: Case, criteria: list[Criterion]) -> Tally:
    """Those that fared alike in every rule are counted together: few groups, however many subjects."""
    measured = Case(
        When(Q(m__day__isnull=False), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    outcomes = {f"outcome_{place}": criterion.outcome() for place, criterion in enumerate(criteria)}
    groups = subjects.values(verdict=verdict, measured=measured, **outcomes).annotate(n=Count("*"))
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
