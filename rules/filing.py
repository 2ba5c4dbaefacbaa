"""What a daily check files: who and what is due for what, and the proposals with their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Case, DateField, F, JSONField, Value, When
from django.db.models.functions import Cast
from django.utils.timezone import localdate

from rules import promotions, sql
from rules.criteria import Criterion
from rules.evaluation import Evaluation
from rules.judging import blocking
from rules.models import Proposal, RuleSet, Sweep
from rules.products import ProductEvaluation
from shops.calendar import midnight
from shops.models import Enrollment
from shops.sql import cursor, execute, fetch, write_with_history

Kind, Status = Proposal.Kind, Proposal.Status

# The enrollment's state at which a proposal of a kind still makes sense.
STATES = {
    Kind.CLEAR: [Enrollment.State.OPEN.value],
    Kind.WARN: [Enrollment.State.OPEN.value],
    Kind.ADMIT: [Enrollment.State.APPLIED.value, Enrollment.State.LEFT.value],
}
# What is told of some beside their rules; by default nothing.
NOTHING_MORE = Value({}, output_field=JSONField())


def gather_due(evaluation: Evaluation) -> None:
    """Keep who is due for what, with the evidence, until the transaction ends."""
    since = Cast(Value(evaluation.day), DateField())
    shops, inside = evaluation.shops(), evaluation.inside()
    if evaluation.clearance is not None:
        clearing = {
            "rule_set": _number(evaluation.clearance.pk),
            "failing_since": since,
            "more": NOTHING_MORE,
        }
        to_clear = inside.filter(evaluation.to_clear())
        told = evaluation.evidence_to_clear()
        sql.gather_told(_table(Kind.CLEAR), to_clear, shops.values("id", **told, **clearing))
        _date(Kind.CLEAR, blocking(evaluation.clearing), evaluation.day)
    warning = evaluation.warnings()
    if warning:
        by_lead = [When(condition, then=_number(c.rule.rule_set_id)) for c, condition in warning]
        warned = {
            "rule_set": Case(*by_lead, output_field=BigIntegerField()),
            "failing_since": since,
            "more": NOTHING_MORE,
        }
        to_warn, told = inside.filter(evaluation.to_warn()), evaluation.evidence_to_warn()
        sql.gather_told(_table(Kind.WARN), to_warn, shops.values("id", **told, **warned))
        if on_sales := _on_sales(evaluation):
            sql.tell_observed_products(_table(Kind.WARN), on_sales, evaluation.alliance, evaluation.day)
        # Of a band nobody knows since when a shop has been in it.
        _date(Kind.WARN, [c for c, _condition in warning if not c.has_band], evaluation.day)
    if evaluation.admission is not None:
        admitting = {
            "rule_set": _number(evaluation.admission.pk),
            "failing_since": Cast(Value(None), DateField()),
            "more": NOTHING_MORE,
        }
        to_admit = evaluation.candidates().filter(evaluation.to_admit())
        told = evaluation.evidence_to_admit()
        sql.gather_told(_table(Kind.ADMIT), to_admit, shops.values("id", **told, **admitting))


def gather_due_products(products: ProductEvaluation) -> None:
    """Keep which products are due for what, with the evidence, until the transaction ends."""
    for kind, condition in products.due().items():
        due = products.checked().filter(condition)
        told = due.values(
            "product_id",
            shop=F("product__shop_id"),
            **products.evidence(kind),
            rule_set=products.led_by(kind),
            # Not worked out for products.
            failing_since=Cast(Value(None), DateField()),
            more=NOTHING_MORE,
        )
        sql.gather(_table(kind, of_products=True), told)


def _date(kind: Proposal.Kind, criteria: Sequence[Criterion], day: date) -> None:
    for criterion in criteria:
        if criterion.dated:
            fails = criterion.fails_on_imported()
            sql.date_failures(_table(kind), criterion.rule.code, fails, day, criterion.in_rows)


def file(sweep: Sweep, evaluation: Evaluation, *, at: datetime) -> None:
    """File what was gathered, by the mode of its rules, and count it on the check's record.

    Clearances of a day on which they wait, or filed on one, are filed as held.
    """
    waits = promotions.in_effect(sweep.alliance, promotions.Effect.WAIT, sweep.day, localdate(at))
    gathered = {
        Kind.CLEAR: evaluation.clearance is not None,
        Kind.WARN: bool(evaluation.warnings()),
        Kind.ADMIT: evaluation.admission is not None,
    }
    for kind in [kind for kind, there in gathered.items() if there]:
        status = Status.HELD if kind == Kind.CLEAR and waits else Status.OPEN
        daily = _on_sales(evaluation) if kind == Kind.WARN else []
        _file(_Filing(sweep, kind, evaluation.versions, at, daily=daily), status)


def _on_sales(evaluation: Evaluation) -> list[str]:
    """The codes of the rules that warn of a day's sales of observed products (WS-O2)."""
    return [c.rule.code for c, _condition in evaluation.warnings() if "observed_sales" in c.facts]


def file_products(sweep: Sweep, products: ProductEvaluation, *, at: datetime) -> None:
    """File what was gathered of products, by the mode of its rules, and count it on the check's record.

    Days on which clearances wait hold back those of shops alone: a stopped product puts no shop out.
    """
    for kind in products.due():
        _file(_Filing(sweep, kind, products.versions, at, of_products=True), Status.OPEN)


def _file(filing: _Filing, status: Proposal.Status) -> None:
    sweep, kind = filing.sweep, filing.kind.value
    would_file = filing.count()
    if would_file:
        sweep.in_shadow[kind] = sweep.in_shadow.get(kind, 0) + would_file
    if filing.kind == Kind.WARN:
        sweep.withdrawn += filing.withdraw_outgrown()
    sweep.already_open += filing.already_open()
    filed = filing.file(status)
    sweep.filed += filed
    if filed:
        sweep.by_kind[kind] = sweep.by_kind.get(kind, 0) + filed


@dataclass(frozen=True)
class _Filing:
    """Proposals of one kind for the shops or the products that were gathered.

    `versions`: all that the check goes by. `daily`: the rules that speak of each day by itself.
    """

    sweep: Sweep
    kind: Proposal.Kind
    versions: Sequence[RuleSet]
    at: datetime
    of_products: bool = False
    daily: Sequence[str] = ()

    @property
    def _table(self) -> str:
        return _table(self.kind, of_products=self.of_products)

    @property
    def _same(self) -> str:
        """Whether a proposal `p` is of the same subject."""
        if self.of_products:
            return "p.product_id = due.product_id"
        return "p.shop_id = due.id AND p.product_id IS NULL"

    @property
    def _states(self) -> list[str]:
        return [Enrollment.State.OPEN.value] if self.of_products else STATES[self.kind]

    def _led_by(self, *, shadow: bool) -> list[int]:
        return [v.pk for v in self.versions if (v.mode == RuleSet.Mode.SHADOW) == shadow]

    def _due(self, *, shadow: bool) -> tuple[str, list[Any]]:
        """Those without a proposal of the kind, as far as rules speak that are only tried out, or others.

        One rejected of late returns only if another rule fails. So does a warning that was given, and what
        was accepted of a product: the platform may not have carried it out yet. What a `daily` rule says of
        another day is no return.
        """
        filed_on = localdate(self.at)
        waits_since = midnight(filed_on - timedelta(days=self.sweep.alliance.refile_after_days - 1))
        stays = self.of_products or self.kind == Kind.WARN
        settled = [Status.REJECTED, Status.ACCEPTED] if stays else [Status.REJECTED]
        due = f"""
            FROM {self._table} due
            JOIN shops_enrollment e ON e.id = due.enrollment AND e.state = ANY (%s)
            WHERE due.rule_set = ANY (%s) AND NOT EXISTS (
                SELECT FROM rules_proposal p
                WHERE {self._same} AND p.alliance_id = %s AND p.kind = %s
                  AND (p.status IN ('open', 'held')
                       OR p.status = ANY (%s) AND p.closed_at >= %s AND due.failed <@ p.failed_rules::text[]
                          AND (p.day >= %s OR NOT due.failed && %s::text[]))
            )
        """
        return due, [
            *(self._states, self._led_by(shadow=shadow), self.sweep.alliance_id, self.kind),
            *(settled, waits_since, self.sweep.day, list(self.daily)),
        ]

    def count(self) -> int:
        """How many would be filed by rules that are only tried out."""
        due, params = self._due(shadow=True)
        [(found,)] = fetch(f"SELECT count(*) {due}", params)
        return int(found)

    def withdraw_outgrown(self) -> int:
        """Withdraw the undecided ones beside whose rules others fail by now, which are filed anew with all of
        the day's; how many they are.

        Their enrollments are locked as by `file`, before the proposals, as who decides does.
        """
        outgrown = f"""
            FROM {self._table} due
            JOIN shops_enrollment e ON e.id = due.enrollment AND e.state = ANY (%s)
            JOIN rules_proposal p ON {self._same} AND p.alliance_id = %s AND p.kind = %s
                AND p.status = ANY (%s) AND p.day <= %s AND NOT due.failed <@ p.failed_rules::text[]
            WHERE due.rule_set = ANY (%s)
        """
        params = [
            *(self._states, self.sweep.alliance_id, self.kind, list(Proposal.UNDECIDED), self.sweep.day),
            self._led_by(shadow=False),
        ]
        execute("DROP TABLE IF EXISTS pg_temp.rules_outgrown")
        execute(
            "CREATE TEMP TABLE rules_outgrown ON COMMIT DROP AS"
            f" SELECT p.id AS proposal {outgrown} ORDER BY e.id FOR SHARE OF e",
            params,
        )
        return sql.withdraw(
            "rules_outgrown", at=self.at, reason=f"more rules speak for it on {self.sweep.day}"
        )

    def already_open(self) -> int:
        """How many of them have an undecided proposal of the kind."""
        [(found,)] = fetch(
            f"""
            SELECT count(*) FROM {self._table} due
            JOIN rules_proposal p ON {self._same} AND p.alliance_id = %s AND p.kind = %s
                AND p.status = ANY (%s)
            WHERE due.rule_set = ANY (%s)
            """,
            [
                *(self.sweep.alliance_id, self.kind, list(Proposal.UNDECIDED)),
                self._led_by(shadow=False),
            ],
        )
        return int(found)

    def file(self, status: Proposal.Status) -> int:
        """File them, each with its history; how many were filed.

        The enrollment is looked at again under a share lock: a decision taken meanwhile has the last word.
        """
        due, params = self._due(shadow=False)
        shop, product = ("due.shop", "due.product_id") if self.of_products else ("due.id", "NULL::bigint")
        statement = f"""
            INSERT INTO rules_proposal (
                alliance_id, shop_id, product_id, enrollment_id, kind, ground, status, sweep_id, day,
                batch_id, rule_set_id, filed_on, failed_rules, lead_rule, lead_metric, observed, operator,
                threshold, margin, failing_since, gmv_30d, openings_used, evidence
            )
            SELECT %s, {shop}, {product}, due.enrollment, %s, due.lead_ground, %s, %s, %s, due.metrics_batch,
                due.rule_set, %s, due.failed, due.lead_rule, due.lead_metric, coalesce(due.lead_observed, ''),
                due.lead_operator, due.lead_threshold, due.lead_margin, due.failing_since, due.gmv, due.used,
                jsonb_build_object(
                    'day', %s::text, 'batch', due.metrics_batch, 'rule_sets', %s::jsonb, 'rules', due.judged
                ) || due.more
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


def _table(kind: Proposal.Kind, *, of_products: bool = False) -> str:
    return f"rules_due_{'product_' if of_products else ''}{kind.value}"


def _number(key: int) -> Cast:
    return Cast(Value(key), BigIntegerField())
