"""What a daily check files: who is due for what, and the proposals with their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Case, DateField, Value, When
from django.db.models.functions import Cast
from django.utils.timezone import localdate

from rules import promotions, sql
from rules.criteria import Criterion
from rules.evaluation import Evaluation, blocking
from rules.models import Proposal, RuleSet, Sweep
from shops.calendar import midnight
from shops.models import Enrollment
from shops.sql import cursor, fetch, write_with_history

Kind, Status = Proposal.Kind, Proposal.Status

# The enrollment's state at which a proposal of a kind still makes sense.
STATES = {
    Kind.CLEAR: [Enrollment.State.OPEN.value],
    Kind.WARN: [Enrollment.State.OPEN.value],
    Kind.ADMIT: [Enrollment.State.APPLIED.value, Enrollment.State.LEFT.value],
}


def gather_due(evaluation: Evaluation) -> None:
    """Keep who is due for what, with the evidence, until the transaction ends."""
    evidence = evaluation.evidence()
    since = Cast(Value(evaluation.day), DateField())
    inside = evaluation.inside()
    clearing = {"rule_set": _number(evaluation.clearance.pk), "failing_since": since}
    sql.gather(_table(Kind.CLEAR), inside.filter(evaluation.to_clear()).values("id", **evidence, **clearing))
    _date(Kind.CLEAR, blocking(evaluation.clearing), evaluation.day)
    warning = evaluation.warnings()
    if warning:
        by_lead = [When(condition, then=_number(c.rule.rule_set_id)) for c, condition in warning]
        warned = {"rule_set": Case(*by_lead, output_field=BigIntegerField()), "failing_since": since}
        told = evaluation.evidence_to_warn()
        sql.gather(_table(Kind.WARN), inside.filter(evaluation.to_warn()).values("id", **told, **warned))
        # Of a band nobody knows since when a shop has been in it.
        _date(Kind.WARN, [c for c, _condition in warning if not c.has_band], evaluation.day)
    admitting = {
        "rule_set": _number(evaluation.admission.pk),
        "failing_since": Cast(Value(None), DateField()),
    }
    candidates = evaluation.candidates().filter(evaluation.to_admit())
    sql.gather(_table(Kind.ADMIT), candidates.values("id", **evidence, **admitting))


def _date(kind: Proposal.Kind, criteria: Sequence[Criterion], day: date) -> None:
    for criterion in criteria:
        if criterion.dated:
            sql.date_failures(_table(kind), criterion.rule.code, criterion.fails_on_imported(), day)


def file(sweep: Sweep, evaluation: Evaluation, *, at: datetime) -> None:
    """File what was gathered, by the mode of its rules, and count it on the check's record.

    Clearances of a day on which they wait are filed as held.
    """
    waits = promotions.in_effect(sweep.alliance, promotions.Effect.WAIT, sweep.day)
    versions = evaluation.versions
    live = [version for version in versions if version.mode != RuleSet.Mode.SHADOW]
    tried_out = [version for version in versions if version.mode == RuleSet.Mode.SHADOW]
    kinds = [Kind.CLEAR, *([Kind.WARN] if evaluation.warnings() else []), Kind.ADMIT]
    for kind in kinds:
        would_file = _Filing(sweep, kind, tried_out, versions, at).count()
        if would_file:
            sweep.in_shadow[kind.value] = would_file
        filing = _Filing(sweep, kind, live, versions, at)
        sweep.already_open += filing.already_open()
        filed = filing.file(Status.HELD if kind == Kind.CLEAR and waits else Status.OPEN)
        sweep.filed += filed
        if filed:
            sweep.by_kind[kind.value] = filed


@dataclass(frozen=True)
class _Filing:
    """Proposals of one kind for the shops that were gathered, as far as `rule_sets` speak.

    `versions`: all that the check goes by.
    """

    sweep: Sweep
    kind: Proposal.Kind
    rule_sets: Sequence[RuleSet]
    versions: Sequence[RuleSet]
    at: datetime

    def _due(self) -> tuple[str, list[Any]]:
        """The shops without a proposal of the kind.

        One rejected of late returns only if another rule fails; so does a warning that was given.
        """
        filed_on = localdate(self.at)
        waits_since = midnight(filed_on - timedelta(days=self.sweep.alliance.refile_after_days - 1))
        settled = [Status.REJECTED, Status.ACCEPTED] if self.kind == Kind.WARN else [Status.REJECTED]
        due = f"""
            FROM {_table(self.kind)} due
            JOIN shops_enrollment e ON e.id = due.enrollment AND e.state = ANY (%s)
            WHERE due.rule_set = ANY (%s) AND NOT EXISTS (
                SELECT FROM rules_proposal p
                WHERE p.shop_id = due.id AND p.alliance_id = %s AND p.kind = %s AND p.product_id IS NULL
                  AND (p.status IN ('open', 'held')
                       OR p.status = ANY (%s) AND p.closed_at >= %s AND due.failed <@ p.failed_rules::text[])
            )
        """
        ours = [version.pk for version in self.rule_sets]
        return due, [STATES[self.kind], ours, self.sweep.alliance_id, self.kind, settled, waits_since]

    def count(self) -> int:
        """How many would be filed."""
        due, params = self._due()
        [(found,)] = fetch(f"SELECT count(*) {due}", params)
        return int(found)

    def already_open(self) -> int:
        """How many of the shops have an undecided proposal of the kind."""
        [(found,)] = fetch(
            f"""
            SELECT count(*) FROM {_table(self.kind)} due
            JOIN rules_proposal p ON p.shop_id = due.id AND p.alliance_id = %s AND p.kind = %s
                AND p.product_id IS NULL AND p.status = ANY (%s)
            WHERE due.rule_set = ANY (%s)
            """,
            [
                *(self.sweep.alliance_id, self.kind, list(Proposal.UNDECIDED)),
                [version.pk for version in self.rule_sets],
            ],
        )
        return int(found)

    def file(self, status: Proposal.Status) -> int:
        """File them, each with its history; how many were filed.

        The enrollment is looked at again under a share lock: a decision taken meanwhile has the last word.
        """
        due, params = self._due()
        statement = f"""
            INSERT INTO rules_proposal (
                alliance_id, shop_id, enrollment_id, kind, ground, status, sweep_id, day, batch_id,
                rule_set_id, filed_on, failed_rules, lead_rule, lead_metric, observed, operator, threshold,
                margin,
                failing_since, gmv_30d, openings_used, evidence
            )
            SELECT %s, due.id, due.enrollment, %s, due.lead_ground, %s, %s, %s, due.metrics_batch,
                due.rule_set, %s, due.failed, due.lead_rule, due.lead_metric, coalesce(due.lead_observed, ''),
                due.lead_operator, due.lead_threshold, due.lead_margin, due.failing_since, due.gmv, due.used,
                jsonb_build_object(
                    'day', %s::text, 'batch', due.metrics_batch, 'rule_sets', %s::jsonb, 'rules', due.judged
                )
            {due}
            FOR SHARE OF e
            ON CONFLICT DO NOTHING
        """
        sweep = self.sweep
        pinned = [
            {"id": version.pk, "purpose": version.purpose, "version": version.version}
            for version in self.versions
        ]
        with cursor() as held:
            return write_with_history(
                held,
                Proposal,
                statement,
                [
                    *(sweep.alliance_id, self.kind, status, sweep.pk, sweep.day, localdate(self.at)),
                    *(sweep.day.isoformat(), json.dumps(pinned)),
                    *params,
                ],
                change="+",
                by=None,
                reason=f"daily check {sweep.pk}",
                at=self.at,
            )


def _table(kind: Proposal.Kind) -> str:
    return f"rules_due_{kind.value}"


def _number(key: int) -> Cast:
    return Cast(Value(key), BigIntegerField())
