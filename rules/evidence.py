"""What a proposal keeps of its rules: everything by value, so that it reads the same in years."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DecimalField,
    Expression,
    F,
    Func,
    JSONField,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, JSONObject

from rules import sql
from rules.conditions import Comparison
from rules.criteria import Criterion
from rules.metrics import Kind


def entry(criterion: Criterion) -> JSONObject:
    """One rule by value. `alternatives`, `sample` and `warn_within` stand in it only where it has them."""
    rule = criterion.rule
    margin: Expression = Func(criterion.margin(), function="trim_scale", output_field=DecimalField())
    if criterion.metric.kind is Kind.COUNT:
        margin = Func(margin, function="to_jsonb", output_field=JSONField())
    else:
        margin = Cast(margin, TextField())
    more: dict[str, Expression] = {}
    if criterion.alternatives:
        more["alternatives"] = json_array([JSONObject(**_told(way)) for way in criterion.alternatives])
    if criterion.sample is not None:
        more["sample"] = JSONObject(
            metric=Value(criterion.sample.key),
            observed=F(f"v_{criterion.sample.alias}"),
            minimum=Value(rule.sample_minimum),
        )
    if criterion.has_band:
        more["warn_within"] = Value(f"{rule.warn_within:f}")
    return JSONObject(
        code=Value(rule.code),
        purpose=Value(rule.rule_set.purpose),
        **_told(criterion.own),
        outcome=criterion.outcome(),
        margin=margin,
        advisory=Value(rule.advisory, output_field=BooleanField()),
        **more,
    )


def _told(comparison: Comparison) -> dict[str, Expression]:
    return {
        "metric": Value(comparison.metric.key),
        "observed": comparison.observed_json(),
        "operator": Value(comparison.operator.value),
        "threshold": comparison.threshold_json(),
    }


def of(criteria: Sequence[Criterion]) -> Expression:
    """An entry of each, in order."""
    return json_array([entry(criterion) for criterion in criteria])


def json_array(entries: Sequence[JSONObject]) -> Expression:
    """A jsonb array of the entries, in order."""
    if not entries:
        return Value(json.loads("[]"), output_field=JSONField())
    return Func(*entries, function="jsonb_build_array", output_field=JSONField())


def columns(
    told: Sequence[Criterion], against: Sequence[tuple[Criterion, Q]], *, gmv: F | Expression
) -> dict[str, object]:
    """What a proposal is filed with: `told` by value, which of `against` speak against whom, and the first.

    `against`: each rule with the condition on which it does. `gmv`: the shop's sales of 30 days.
    """

    reasons = list(_reasons(against))

    def first(pick: str) -> Case:
        return Case(
            *(When(condition, then=_picked(c, way, pick)) for condition, c, way in reasons),
            default=Value(""),
            output_field=TextField(),
        )

    return {
        "judged": of(told),
        "failed": sql.TextArray(
            [
                Case(When(condition, then=Value(c.rule.code)), default=Value(None), output_field=CharField())
                for c, condition in against
            ]
        ),
        "lead_rule": first("code"),
        "lead_metric": first("metric"),
        "lead_observed": first("observed"),
        "lead_operator": first("operator"),
        "lead_threshold": first("threshold"),
        "lead_ground": first("ground"),
        "lead_margin": Case(
            *(
                When(condition, then=way.margin(holds_when_met=not c.clearing))
                for condition, c, way in reasons
            ),
            default=Cast(Value(None), DecimalField(max_digits=20, decimal_places=6)),
        ),
        "gmv": gmv,
        "metrics_batch": F("m__batch_id"),
        "enrollment": F("en__id"),
        "used": F("en__openings_used"),
    }


def _reasons(against: Sequence[tuple[Criterion, Q]]) -> Iterator[tuple[Q, Criterion, Comparison]]:
    """What to name as the reason, and when: of a rule that is met by any of several conditions the first that
    is met.
    """
    for criterion, condition in against:
        if criterion.clearing:
            for way in criterion.ways if criterion.alternatives else ():
                yield condition & way.met(), criterion, way
        yield condition, criterion, criterion.own


def _picked(criterion: Criterion, way: Comparison, pick: str) -> object:
    if pick == "observed":
        return way.observed_text()
    text = {
        "code": criterion.rule.code,
        "metric": way.metric.key,
        "operator": way.operator.value,
        "threshold": way.threshold_text(),
        "ground": criterion.rule.ground,
    }[pick]
    return Value(text, output_field=TextField())
