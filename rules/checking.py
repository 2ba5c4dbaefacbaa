"""Ask about one shop: every rule of admission and clearance, now. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, F, Value, When

from rules.criteria import Criterion, json_array
from rules.evaluation import Evaluation, passes_all
from rules.models import RuleSet
from shops.models import Alliance, Shop


@dataclass(frozen=True)
class Check:
    """What the rules of a day say of one shop. `state` is its enrollment's, empty where it has none."""

    shop: Shop
    evaluation: Evaluation
    state: str
    # Every admission rule passes, no clearance rule fails, and nothing else stands against it.
    admissible: bool
    admission_holds: bool
    clearance_holds: bool
    rules: dict[str, list[dict[str, Any]]]

    def rule_set(self, purpose: str) -> RuleSet:
        """The version that was asked."""
        return (
            self.evaluation.admission if purpose == RuleSet.Purpose.ADMISSION else self.evaluation.clearance
        )


def check(shop: Shop, alliance: Alliance, day: date) -> Check:
    """Evaluate `shop` by the rules in force on `day`, through the same expressions as the daily check."""
    evaluation = Evaluation(alliance, day)
    with transaction.atomic():
        evaluation.prepare()
        row = (
            evaluation.shops()
            .filter(pk=shop.pk)
            .values(
                state=F("en__state"),
                admitting=_judged(evaluation.admitting),
                clearing=_judged(evaluation.clearing),
                admission_holds=_yes(passes_all(evaluation.admitting)),
                clearance_fails=_yes(evaluation.any_fails(evaluation.clearing)),
            )
            .get()
        )
        admissible = evaluation.candidates().filter(evaluation.to_admit(), pk=shop.pk).exists()
    return Check(
        shop=shop,
        evaluation=evaluation,
        state=row["state"] or "",
        admissible=admissible,
        admission_holds=row["admission_holds"],
        clearance_holds=not row["clearance_fails"],
        rules={
            RuleSet.Purpose.ADMISSION.value: row["admitting"],
            RuleSet.Purpose.CLEARANCE.value: row["clearing"],
        },
    )


def _judged(criteria: list[Criterion]) -> Any:
    return json_array([criterion.evidence() for criterion in criteria])


def _yes(condition: Any) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())
