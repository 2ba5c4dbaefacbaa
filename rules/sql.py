"""The statements of a check: derived facts, what is due, filing and withdrawing. All set-based."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, transaction
from django.db.models import BooleanField, Expression, ExpressionWrapper, Func, Q, QuerySet, TextField
from django.utils.timezone import get_default_timezone

from rules.models import Proposal, Sweep
from shops.imports.profiles import step_of
from shops.metrics import METRICS, MetricType
from shops.models import Penalty, ShopMetrics
from shops.sql import write_with_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# First half of the advisory lock that a running check holds for as long as its session lives.
SWEEPING = 7_306_003
# The advisory lock that checks share while they read metrics, and that who takes metrics back has alone.
READING_METRICS = (7_306_006, 0)
# How many days back "failing in a row" is counted.
LOOKS_BACK = 30


class TextArray(Func):
    """A text[] of the expressions that are not NULL."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        super().__init__(
            *expressions,
            template="array_remove(ARRAY[%(expressions)s]::text[], NULL)",
            output_field=ArrayField(TextField()),
        )


def midnight(day: date) -> datetime:
    """The moment at which a business day begins."""
    return datetime.combine(day, datetime.min.time(), get_default_timezone())


def prepare_facts(day: date, *, marks: Mapping[str, QuerySet]) -> None:
    """Fill the transaction's own table `rules_fact` with what the desk's record says of shops on `day`.

    `marks` are facts without a value: each queryset yields the ids of the shops that its key marks.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("derived facts live no longer than a transaction")
    penalised = list(Penalty.PENALISED)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.rules_fact")
        cursor.execute(
            "CREATE TEMP TABLE rules_fact (key text NOT NULL, shop_id bigint NOT NULL, value integer,"
            " PRIMARY KEY (key, shop_id)) ON COMMIT DROP"
        )
        # DF-A9, read as R12: [D−364, D], both days in. A reported case is not yet a penalty.
        cursor.execute(
            """
            INSERT INTO rules_fact
            SELECT 'circumvention_penalties_365d', p.shop_id, count(*)
            FROM shops_penalty p JOIN shops_violation v ON v.id = p.violation_id
            WHERE v.code = 'V9' AND p.status = ANY (%s) AND p.imposed_at >= %s AND p.imposed_at < %s
            GROUP BY p.shop_id
            """,
            [penalised, midnight(day - timedelta(days=364)), midnight(day + timedelta(days=1))],
        )
        # DF-A10: a serious penalty, or a case endangering transactions whether penalised or not.
        cursor.execute(
            """
            INSERT INTO rules_fact
            SELECT 'controller_serious_cases', s.id, count(*)
            FROM shops_penalty p
            JOIN shops_violation v ON v.id = p.violation_id
            JOIN shops_shop offender ON offender.id = p.shop_id
            JOIN shops_shop s ON s.controller_id = offender.controller_id AND s.id <> offender.id
            WHERE v.serious AND p.status = ANY (%s)
               OR v.endangers_transactions AND p.status <> 'overturned'
            GROUP BY s.id
            """,
            [penalised],
        )
        # DF-C2: the newest paper of each brand. One that fails decides, else one that is pending.
        cursor.execute(
            """
            INSERT INTO rules_fact
            SELECT 'brand_papers', shop_id,
                   CASE WHEN bool_or(verdict = 'rejected' OR valid_until < %s) THEN 0
                        WHEN bool_or(verdict = 'pending') THEN NULL
                        ELSE 1 END
            FROM (
                SELECT DISTINCT ON (shop_id, brand) shop_id, verdict, valid_until
                FROM shops_qualification
                WHERE kind = 'brand'
                ORDER BY shop_id, brand, received_at DESC, valid_until DESC NULLS FIRST, id DESC
            ) newest
            GROUP BY shop_id
            """,
            [day],
        )
        for key, shops in marks.items():
            query, params = shops.query.sql_with_params()
            cursor.execute(
                f"INSERT INTO rules_fact SELECT %s, id FROM ({query}) marked (id) GROUP BY id", [key, *params]
            )
        cursor.execute("ANALYZE rules_fact")


def gather(name: str, queryset: QuerySet) -> int:
    """Keep a queryset's rows in the temporary table `name` until the transaction ends; how many they are."""
    query, params = queryset.query.sql_with_params()
    with connection.cursor() as cursor:
        # A handful of rows come back from a million: let workers share the scan.
        cursor.execute("SET LOCAL parallel_tuple_cost = 0")
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}", params)
        found = cursor.rowcount
        cursor.execute(f"ANALYZE {name}")
    return found


def date_failures(name: str, lead_rule: str, fails: Q, day: date) -> None:
    """Date since when each shop of `name` fails `lead_rule` in a row, on the days that brought a value."""
    looked_at = ShopMetrics.objects.filter(day__in=[day - timedelta(days=n) for n in range(LOOKS_BACK)])
    failed = ExpressionWrapper(fails, output_field=BooleanField(null=True))
    query, params = looked_at.values("shop_id", "day", failed=failed).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {name} due SET failing_since = past.since
            FROM (
                SELECT shop_id, min(day) FILTER (WHERE day > coalesce(held_on, '-infinity')) AS since
                FROM (
                    SELECT m.*,
                           max(m.day) FILTER (WHERE NOT m.failed) OVER (PARTITION BY m.shop_id) AS held_on
                    FROM {name} d
                    JOIN ({query}) m ON m.shop_id = d.id
                    WHERE d.lead_rule = %s
                ) days
                WHERE failed
                GROUP BY shop_id
            ) past
            WHERE due.id = past.shop_id
            """,
            [*params, lead_rule],
        )


def repeated(day: date, before: date, *, rows: int) -> tuple[int, int]:
    """Of a sample of the shops measured on both days: how many they are, how many have the very same figures.

    `rows`: of the day, by which the sample is chosen. Flags don't count, which seldom change.
    """
    numbers = [key for key, metric in METRICS.items() if metric.type is not MetricType.FLAG]
    same = " AND ".join(f"earlier.{key} IS NOT DISTINCT FROM m.{key}" for key in numbers)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {same}) FROM shops_shopmetrics m"
            " JOIN shops_shopmetrics earlier ON earlier.shop_id = m.shop_id AND earlier.day = %s"
            " WHERE m.day = %s AND m.shop_id %% %s = 0",
            [before, day, step_of(rows)],
        )
        compared, alike = cursor.fetchone()
    return compared, alike


def already_open(name: str, sweep: Sweep, kind: str) -> int:
    """How many shops of `name` have an undecided proposal of this kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM {name} due
            JOIN rules_proposal p ON p.shop_id = due.id AND p.alliance_id = %s AND p.kind = %s
                AND p.product_id IS NULL AND p.status = ANY (%s)
            """,
            [sweep.alliance_id, kind, list(Proposal.UNDECIDED)],
        )
        row = cursor.fetchone()
    return int(row[0])


@dataclass(frozen=True)
class Filing:
    """Proposals of one kind for the shops of the temporary table `name`, which `gather` has filled.

    `states`: those of the enrollment at which the kind still makes sense. `pinned`: the versions gone by.
    """

    name: str
    sweep: Sweep
    kind: str
    rule_set: int
    states: Sequence[str]
    pinned: Sequence[Mapping[str, Any]]
    at: datetime

    @property
    def _filed_on(self) -> date:
        return self.at.astimezone(get_default_timezone()).date()

    def _due(self) -> tuple[str, list[Any]]:
        """The shops without a proposal of the kind; one rejected of late returns only if another rule fails."""
        waits_since = midnight(self._filed_on - timedelta(days=self.sweep.alliance.refile_after_days - 1))
        due = f"""
            FROM {self.name} due
            JOIN shops_enrollment e ON e.id = due.enrollment AND e.state = ANY (%s)
            WHERE NOT EXISTS (
                SELECT FROM rules_proposal p
                WHERE p.shop_id = due.id AND p.alliance_id = %s AND p.kind = %s AND p.product_id IS NULL
                  AND (p.status IN ('open', 'held')
                       OR p.status = 'rejected' AND p.closed_at >= %s
                          AND due.failed <@ p.failed_rules::text[])
            )
        """
        return due, [list(self.states), self.sweep.alliance_id, self.kind, waits_since]

    def count(self) -> int:
        """How many would be filed."""
        due, params = self._due()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) {due}", params)
            (found,) = cursor.fetchone()
        return int(found)

    def file(self, status: str = "open") -> int:
        """File them, each with its history; how many were filed.

        The enrollment is looked at again under a share lock: a decision taken meanwhile has the last word.
        """
        due, params = self._due()
        statement = f"""
            INSERT INTO rules_proposal (
                alliance_id, shop_id, enrollment_id, kind, ground, status, sweep_id, day, batch_id, rule_set_id,
                filed_on, failed_rules, lead_rule, lead_metric, observed, operator, threshold, margin,
                failing_since, gmv_30d, openings_used, evidence
            )
            SELECT %s, due.id, due.enrollment, %s, due.lead_ground, %s, %s, %s, due.metrics_batch, %s,
                %s, due.failed, due.lead_rule, due.lead_metric, coalesce(due.lead_observed, ''),
                due.lead_operator, due.lead_threshold, due.lead_margin, due.failing_since, due.gmv, due.used,
                jsonb_build_object(
                    'day', %s::text, 'batch', due.metrics_batch, 'rule_sets', %s::jsonb, 'rules', due.judged
                )
            {due}
            FOR SHARE OF e
            ON CONFLICT DO NOTHING
        """
        sweep = self.sweep
        with connection.cursor() as cursor:
            return write_with_history(
                cursor,
                Proposal,
                statement,
                [
                    *(sweep.alliance_id, self.kind, status, sweep.pk, sweep.day, self.rule_set),
                    *(self._filed_on, sweep.day.isoformat(), json.dumps(list(self.pinned))),
                    *params,
                ],
                change="+",
                by=None,
                reason=f"daily check {sweep.pk}",
                at=self.at,
            )


class Sampled(Func):
    """Whether a code belongs to the fixed sample: one in a hundred, always the same ones."""

    template = "(mod(('x' || left(md5(%(expressions)s), 8))::bit(32)::bigint, 100) = 0)"
    output_field = BooleanField()


def keep_inputs(sweep: Sweep, rows: QuerySet) -> int:
    """Keep the rows (`id` of the shop, `inputs`, `verdict`) with the check's record; how many they are."""
    query, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rules_sweepinput (sweep_id, shop_id, inputs, verdict)"
            f" SELECT %s, id, inputs, verdict FROM ({query}) kept ON CONFLICT DO NOTHING",
            [sweep.pk, *params],
        )
        return int(cursor.rowcount)


def withdraw(name: str, *, at: datetime, reason: str, by: User | None = None) -> int:
    """Withdraw the open proposals named by column `proposal` of `name`; how many were still open."""
    with connection.cursor() as cursor:
        return write_with_history(
            cursor,
            Proposal,
            f"""
            UPDATE rules_proposal SET status = 'withdrawn', closed_at = %s
            FROM {name} gone
            WHERE rules_proposal.id = gone.proposal AND rules_proposal.status IN ('open', 'held')
            """,
            [at],
            change="~",
            by=by,
            reason=reason,
            at=at,
        )
