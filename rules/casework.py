"""Proposals from what stands in the desk's own record, not from metrics.

A case that was reported is proposed to be penalised; so is a shop whose standing points have reached a
threshold; and what bars a shop, bars the controller's other shops: they are proposed to be cleared (R6). So
is a shop that was let in while a penalty was stayed, once that bars it again (R5).
A daily check files them, and every door that has just changed such a fact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate

from rules.models import Proposal
from rules.sql import OF_SHOPS, over_everybody
from shops.bars import AFTER_A_STAY, let_in_while_stayed
from shops.bars import removing as removing_cases
from shops.controllers import barring_cases
from shops.models import Shop
from shops.points import STANDING
from shops.sql import cursor, write_with_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# What bars a shop, bars its controller's others: CL-1, CL-4 and DF-A10 alone (R6).
BARS_THE_CONTROLLERS_SHOPS = "R6-C1"
REMOVED_FROM_THE_PLATFORM = "CL-1"
# A shop that was let in while a penalty was stayed is barred again (R5).
BARRED_AGAIN = "R5"
_NAMED = re.compile(r"%\((\w+)\)s")

_FILE = """
    INSERT INTO rules_proposal (
        alliance_id, shop_id, product_id, enrollment_id, case_id, points_threshold_id, kind, ground, status,
        day, filed_on, failed_rules, lead_rule, lead_metric, observed, operator, threshold, openings_used,
        evidence
    )
"""
_CASE = """
    jsonb_build_object('number', shops_case_number(p.id), 'reference', p.reference, 'shop', s.code,
        'violation', v.code, 'name_en', v.name_en, 'name_zh', v.name_zh)
"""
_EVIDENCE = """
    jsonb_build_object('day', %(day)s::text, 'batch', NULL, 'rule_sets', '[]'::jsonb, 'rules', '[]'::jsonb,
        {what})
"""
_OF_A_CASE = _EVIDENCE.replace("{what}", f"'case', {_CASE}")
_OF_A_STAY = _EVIDENCE.replace(
    "{what}",
    f"""'case', {_CASE}, '{AFTER_A_STAY}', jsonb_build_object(
            'since', (p.first_stayed_at AT TIME ZONE 'Asia/Shanghai')::date::text,
            'opening', o.number, 'opened_on', o.opened_on::text)""",
)

# A case that somebody has decided against is not proposed again.
REPORTED = f"""
    {_FILE}
    SELECT p.alliance_id, p.shop_id, p.product_id, e.id, p.id, NULL::bigint, 'penalise', 'violation', 'open',
        %(day)s, %(day)s, ARRAY[v.code], '', '', '', '', '', coalesce(e.openings_used, 0),
        {_OF_A_CASE}
    FROM shops_penalty p
    JOIN shops_shop s ON s.id = p.shop_id
    JOIN shops_violation v ON v.id = p.violation_id
    LEFT JOIN shops_enrollment e ON e.shop_id = p.shop_id AND e.alliance_id = p.alliance_id
    WHERE p.status = 'reported' AND {OF_SHOPS.format(shop="p.shop_id")}
      AND NOT EXISTS (SELECT FROM rules_proposal filed
                      WHERE filed.case_id = p.id AND filed.kind = 'penalise' AND filed.status <> 'withdrawn')
    ORDER BY p.id
    ON CONFLICT DO NOTHING
"""
# Standing points by shop and alliance (or platform), with the highest threshold that they reach.
_REACHED = f"""
    SELECT stands.*, t.id AS threshold, t.points
    FROM ({STANDING.format(at="%(at)s", which=OF_SHOPS.format(shop="p.shop_id"))}) stands
    CROSS JOIN LATERAL (
        SELECT id, points FROM shops_pointsthreshold
        WHERE alliance_id IS NOT DISTINCT FROM stands.alliance_id AND points <= stands.total
        ORDER BY points DESC LIMIT 1
    ) t
"""
_OF_POINTS = _EVIDENCE.replace(
    "{what}",
    "'points', jsonb_build_object('standing', r.total, 'threshold', r.points, 'newest', r.newest)",
)
# Not while what it brought goes on, nor a lower one as points lapse: only where points have come since the
# same or a higher threshold was last decided on, or where so many were taken back that it was not reached.
POINTS = f"""
    {_FILE}
    SELECT r.alliance_id, r.shop_id, NULL::bigint, e.id, NULL::bigint, r.threshold, 'penalise', 'metric',
        'open', %(day)s, %(day)s, ARRAY[]::text[], '', 'standing_points', r.total::text, '>=', r.points::text,
        coalesce(e.openings_used, 0),
        {_OF_POINTS}
    FROM ({_REACHED}) r
    LEFT JOIN shops_enrollment e ON e.shop_id = r.shop_id AND e.alliance_id = r.alliance_id
    WHERE NOT EXISTS (
        SELECT FROM rules_proposal filed
        JOIN shops_pointsthreshold of ON of.id = filed.points_threshold_id
        LEFT JOIN shops_penalty decided ON decided.id = filed.penalty_id
        -- The newest points that were decided on: also those that came between its filing and its penalty.
        CROSS JOIN LATERAL (
            SELECT greatest((filed.evidence -> 'points' ->> 'newest')::bigint, max(m.id)) AS newest
            FROM shops_measure m WHERE m.penalty_id = decided.id
        ) known
        WHERE filed.shop_id = r.shop_id AND of.alliance_id IS NOT DISTINCT FROM r.alliance_id
          AND (of.id = r.threshold AND (filed.status IN ('open', 'held') OR EXISTS (
                   SELECT FROM shops_measure m
                   WHERE m.penalty_id = decided.id AND m.undone_at IS NULL AND m.lapsed_at IS NULL
                     AND (m.kind = 'close' OR m.ends_at > %(at)s)))
               OR of.points >= r.points AND filed.status IN ('accepted', 'rejected')
                  AND known.newest >= r.newest
                  AND (filed.evidence -> 'points' ->> 'threshold')::integer <= (
                      SELECT coalesce(sum(m.points), 0)
                      FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
                      WHERE p.shop_id = filed.shop_id AND m.kind = 'points'
                        AND m.alliance_id IS NOT DISTINCT FROM of.alliance_id AND m.id <= known.newest
                        AND m.applied_at IS NOT NULL AND m.undone_at IS NULL
                        AND (m.lapsed_at IS NULL OR m.lapsed_at > filed.filed_on)))
    )
    ON CONFLICT DO NOTHING
"""
NOT_REACHED = f"""
    UPDATE rules_proposal SET status = 'withdrawn', closed_at = %(at)s
    WHERE status IN ('open', 'held') AND points_threshold_id IS NOT NULL
      AND {OF_SHOPS.format(shop="shop_id")}
      AND NOT EXISTS (SELECT FROM ({_REACHED}) r
                      WHERE r.shop_id = rules_proposal.shop_id AND r.threshold = points_threshold_id)
"""
# Whoever decides on it decides on all that stand: it is filed anew with those that have come, or gone, since.
OTHERWISE_REACHED = f"""
    UPDATE rules_proposal SET status = 'withdrawn', closed_at = %(at)s
    WHERE status IN ('open', 'held') AND points_threshold_id IS NOT NULL
      AND {OF_SHOPS.format(shop="shop_id")}
      AND EXISTS (SELECT FROM ({_REACHED}) r
                  WHERE r.shop_id = rules_proposal.shop_id AND r.threshold = points_threshold_id
                    AND r.newest <> (evidence -> 'points' ->> 'newest')::bigint)
"""
# One case at a time, the first; whoever was let in again after a decision on it was let in knowingly. A case
# closes its shop also on another ground than a violation.
_CLEAR = f"""
    {_FILE}
    SELECT DISTINCT ON (e.id) e.alliance_id, e.shop_id, NULL::bigint, e.id, p.id, NULL::bigint, 'clear',
        'judgement', 'open', %(day)s, %(day)s, ARRAY[{{code}}], {{code}}, '', '', '', '', e.openings_used,
        {{evidence}}
    FROM ({{cases}}) cases (id)
    JOIN shops_penalty p ON p.id = cases.id
    LEFT JOIN shops_violation v ON v.id = p.violation_id
    JOIN shops_shop s ON s.id = p.shop_id
    {{whose}}
      AND NOT EXISTS (SELECT FROM rules_proposal filed
                      WHERE filed.case_id = p.id AND filed.enrollment_id = e.id AND filed.kind = 'clear'
                        AND filed.status <> 'withdrawn' {{about}})
    ORDER BY e.id, p.id
    ON CONFLICT DO NOTHING
"""
_OF_THE_CONTROLLERS = """
    JOIN shops_shop other ON other.controller_id = s.controller_id AND other.id <> s.id
    JOIN shops_enrollment e ON e.shop_id = other.id AND e.state = 'open'
    WHERE (%(shops)s::bigint[] IS NULL OR s.id = ANY (%(shops)s::bigint[])
           OR other.id = ANY (%(shops)s::bigint[]))
"""
# The shop itself, where it still is in: whoever has left the platform is in no alliance (R19).
_OF_THE_SHOP = f"""
    JOIN shops_enrollment e ON e.shop_id = s.id AND e.state = 'open'
    WHERE {OF_SHOPS.format(shop="s.id")}
"""
# Each time that it was let in: only a decision on this opening was one on that.
_OF_THE_STAYED = """
    JOIN shops_enrollment e ON e.id = cases.enrollment_id
    JOIN shops_opening o ON o.enrollment_id = e.id AND NOT o.closed
    WHERE true
"""
_ABOUT_THE_OPENING = "AND filed.openings_used >= e.openings_used"
# Nor where the shop has another controller by now.
BARS_NO_LONGER = """
    UPDATE rules_proposal SET status = 'withdrawn', closed_at = %(at)s
    WHERE status IN ('open', 'held') AND kind = 'clear' AND case_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM shops_penalty p
          JOIN shops_shop s ON s.id = p.shop_id
          JOIN shops_shop concerned ON concerned.id = rules_proposal.shop_id
          WHERE p.id = case_id
            AND (s.id = concerned.id AND (p.id IN ({removing}) OR (p.id, enrollment_id) IN ({again}))
                 OR s.id <> concerned.id AND s.controller_id = concerned.controller_id
                    AND p.id IN ({barring}))
      )
"""
DECIDED = f"""
    UPDATE rules_proposal SET status = 'withdrawn', closed_at = %(at)s
    WHERE status IN ('open', 'held') AND kind = 'penalise' AND case_id IS NOT NULL
      AND {OF_SHOPS.format(shop="shop_id")}
      AND EXISTS (SELECT FROM shops_penalty p WHERE p.id = case_id AND p.status <> 'reported')
"""
# Whom a kind no longer concerns, because the shop has come in or gone out since.
MOOT = f"""
    UPDATE rules_proposal SET status = 'withdrawn', closed_at = %(at)s
    WHERE status IN ('open', 'held') AND kind <> 'penalise' AND {OF_SHOPS.format(shop="shop_id")}
      AND (product_id IS NOT NULL OR kind = ANY (%(insiders)s) OR kind = ANY (%(outsiders)s))
      AND EXISTS (SELECT FROM shops_enrollment e
                  WHERE e.shop_id = rules_proposal.shop_id AND e.alliance_id = rules_proposal.alliance_id
                    AND (e.state = 'open') = (product_id IS NULL AND kind = ANY (%(outsiders)s)))
"""


@transaction.atomic
def file_from_facts(*, at: datetime, by: User | None = None, shops: Sequence[Shop] | None = None) -> int:
    """File what the record gives reason for, and withdraw what it no longer does; how many were filed.

    Safe to run again, and at once: of two that file the same, one does. `shops`: only what concerns these,
    for a door that has changed one of them, and which holds their rows; `by`: who did that.
    """
    day = localdate(at)
    values: dict[str, Any] = {
        "at": at,
        "day": day,
        "shops": None if shops is None else [shop.pk for shop in shops],
        "code": BARS_THE_CONTROLLERS_SHOPS,
        "removed": REMOVED_FROM_THE_PLATFORM,
        "again": BARRED_AGAIN,
        "insiders": [kind.value for kind in Proposal.FOR_INSIDERS],
        "outsiders": [kind.value for kind in Proposal.FOR_OUTSIDERS],
    }
    inside = let_in_while_stayed().order_by().values("barred_by", "enrollment_id")
    barring, removing, again, again_here = (
        _named("barring", barring_cases().order_by().values("pk"), values),
        _named("removing", removing_cases().order_by().values("pk"), values),
        _named("inside", inside, values),
        _named("here", inside if shops is None else inside.filter(enrollment__shop__in=shops), values),
    )
    gone = [
        (DECIDED, "the case was decided"),
        (NOT_REACHED, "its points no longer stand"),
        (OTHERWISE_REACHED, "its points are others by now"),
        (BARS_NO_LONGER.format(barring=barring, removing=removing, again=again), "the case no longer bars"),
    ]
    if shops is not None:
        # A daily check sees to that itself.
        gone.append((MOOT, "the shop has come in or gone out"))
    filed = (
        REPORTED,
        POINTS,
        _CLEAR.format(
            cases=barring, code="%(code)s", whose=_OF_THE_CONTROLLERS, evidence=_OF_A_CASE, about=""
        ),
        _CLEAR.format(cases=removing, code="%(removed)s", whose=_OF_THE_SHOP, evidence=_OF_A_CASE, about=""),
        _CLEAR.format(
            cases=again_here,
            code="%(again)s",
            whose=_OF_THE_STAYED,
            evidence=_OF_A_STAY,
            about=_ABOUT_THE_OPENING,
        ),
    )
    # Of cases and openings that have just come in the planner may know nothing.
    with over_everybody() if shops is None else nullcontext():
        for statement, reason in gone:
            _write(statement, values, change="~", reason=reason, by=by, at=at)
        return sum(
            _write(statement, values, change="+", reason="from the desk's record", by=by, at=at)
            for statement in filed
        )


def _named(name: str, cases: QuerySet[Any, Any], values: dict[str, Any]) -> str:
    """The statement that finds the cases. Django's parameters have no names: they get some among `values`."""
    statement, params = cases.query.sql_with_params()
    names = [f"{name}_{place}" for place in range(len(params))]
    values |= dict(zip(names, params, strict=True))
    return statement % tuple(f"%({each})s" for each in names)


def _write(
    statement: str, values: dict[str, Any], *, change: Any, reason: str, by: User | None, at: datetime
) -> int:
    params = [values[name] for name in _NAMED.findall(statement)]
    with cursor() as held:
        return write_with_history(
            held, Proposal, _NAMED.sub("%s", statement), params, change=change, by=by, reason=reason, at=at
        )
