"""Penalties out of a file that may be the desk's own: the platform has carried out what was imposed here."""

from __future__ import annotations

from collections.abc import Iterator

from shops import sql
from shops.imports.suspicions import NAMED, Suspicion, names_of

# So far apart the desk's decision and the platform's may be.
DAYS = 7

_ALIKE = f"""
SELECT count(DISTINCT p.row), (array_agg(DISTINCT shops_case_number(n.id)))[:{NAMED + 1}]
FROM import_plan p
CROSS JOIN LATERAL (
    SELECT n.* FROM shops_penalty n WHERE n.shop_id = p.shop_id OFFSET 0
) n
WHERE p.outcome = 'created' AND n.violation_id = p.violation_id AND n.reference = ''
  AND n.imposed_at BETWEEN p.moment - interval '{DAYS} days' AND p.moment + interval '{DAYS} days'
"""


def suspicions_of_own() -> Iterator[Suspicion]:
    """New cases of a shop and violation for which a penalty was imposed here in those days, and nobody has
    recorded its number by the platform.
    """
    with sql.by_index():
        [(rows, cases)] = sql.fetch(_ALIKE)
    if rows:
        yield Suspicion("imposed_here", {"rows": rows, "cases": names_of(cases), "days": DAYS})
